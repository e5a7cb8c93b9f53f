"""The tables of the audit, the approvals and the reviews; they belong to migrations 7 to 9 and 11.

As those, they are never changed once they have shipped.
"""

from __future__ import annotations

# What SQLite itself forbids: an audit record changed, and a decision without its record.
AUDIT_TRIGGERS: dict[str, str] = {
    "audit_unchanged": """CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'an audit record is never changed');
    END""",
    "audit_kept": """CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN
        SELECT RAISE(ABORT, 'an audit record is never deleted');
    END""",
    # Also against INSERT OR REPLACE, which deletes without a DELETE trigger.
    "audit_appended": """CREATE TRIGGER audit_appended BEFORE INSERT ON audit
    WHEN NEW.number IS NOT (SELECT number FROM audit ORDER BY number DESC LIMIT 1) + 1
        OR NEW.former IS NOT (SELECT hash FROM audit ORDER BY number DESC LIMIT 1)
    BEGIN
        SELECT RAISE(ABORT, 'an audit record comes after the last one');
    END""",
    "decisions_recorded": """CREATE TRIGGER decisions_recorded BEFORE INSERT ON decisions
    WHEN NEW.id IS NOT (
        SELECT json_extract(body, '$.subject') FROM audit ORDER BY number DESC LIMIT 1)
    BEGIN
        SELECT RAISE(ABORT, 'a decision needs its audit record first');
    END""",
}

# `former` repeats the hash of the record before, so that a broken link is told from a changed body.
# An `audit_keys` row outlives its conversation's data without the key.
AUDIT = (
    """CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        former TEXT NOT NULL,
        hash TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    """CREATE INDEX audit_of_rules ON audit (number) WHERE instr(body, '"kind":"rules"') > 0""",
    """CREATE TABLE audit_keys (
        conversation TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        erased INTEGER
    )""",
)

APPROVALS = (
    """CREATE TABLE approvals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        bound TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL,
        hits TEXT NOT NULL,
        asker TEXT NOT NULL,
        at REAL NOT NULL,
        state TEXT NOT NULL CHECK
            (state IN ('asked', 'approved', 'refused', 'used', 'expired', 'told', 'seen')),
        answered_by TEXT NOT NULL DEFAULT '',
        answered_at REAL,
        comment TEXT NOT NULL DEFAULT '',
        decision TEXT REFERENCES decisions (id),
        CHECK (answered_by = '' OR answered_by != asker)
    )""",
    "CREATE INDEX approvals_by_conversation ON approvals (conversation, seq)",
    "CREATE INDEX approvals_open ON approvals (seq) WHERE state IN ('asked', 'told')",
    "CREATE INDEX approvals_by_decision ON approvals (decision) WHERE decision IS NOT NULL",
)

# The columns from `category` on repeat what `body`, the message and the verdicts say: the review
# page asks for them among hundreds of thousands. `hits_for_review` holds all it asks for, in order.
REVIEWS = (
    "ALTER TABLE hits ADD COLUMN draft TEXT REFERENCES drafts (id)",
    "ALTER TABLE hits ADD COLUMN category TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hits ADD COLUMN level TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hits ADD COLUMN side TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hits ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hits ADD COLUMN verdict TEXT NOT NULL DEFAULT ''",
    """UPDATE hits SET category = coalesce(json_extract(body, '$.category'), ''),
        level = coalesce(json_extract(body, '$.level'), ''),
        side = coalesce(json_extract(body, '$.side'), 'agent'),
        agent = coalesce((SELECT who FROM decisions WHERE id = (
            SELECT decision FROM messages WHERE id = hits.message)), ''),
        verdict = coalesce((SELECT verdict FROM hit_verdicts WHERE hit = hits.id
            ORDER BY seq DESC LIMIT 1), '')
        WHERE json_valid(body)""",
    """CREATE INDEX hits_for_review
        ON hits (seq, rule, category, level, side, agent, verdict, at)""",
    "CREATE INDEX hits_by_rule ON hits (rule, seq, verdict, at)",
    "CREATE INDEX hits_by_agent ON hits (agent, seq)",
    "CREATE INDEX hits_by_verdict ON hits (verdict, seq)",
    "ALTER TABLE hit_verdicts RENAME TO hit_verdicts_1",
    "DROP INDEX hit_verdicts_by_hit",
    """CREATE TABLE hit_verdicts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        hit TEXT NOT NULL REFERENCES hits (id),
        verdict TEXT NOT NULL CHECK (verdict IN ('', 'right', 'false_alarm', 'missed')),
        who TEXT NOT NULL,
        note TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    """INSERT INTO hit_verdicts (seq, hit, verdict, who, note, at)
        SELECT seq, hit, verdict, who, note, at FROM hit_verdicts_1""",
    "DROP TABLE hit_verdicts_1",
    "CREATE INDEX hit_verdicts_by_hit ON hit_verdicts (hit, seq)",
    """CREATE TABLE appeals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        hit TEXT NOT NULL REFERENCES hits (id),
        who TEXT NOT NULL,
        text TEXT NOT NULL,
        at REAL NOT NULL,
        upheld INTEGER,
        answer TEXT NOT NULL DEFAULT '',
        answered_by TEXT NOT NULL DEFAULT '',
        answered_at REAL,
        CHECK (answered_by = '' OR answered_by != who)
    )""",
    "CREATE UNIQUE INDEX appeals_open ON appeals (hit) WHERE answered_at IS NULL",
    "CREATE INDEX appeals_by_hit ON appeals (hit, seq)",
)

# What a hit found, starred out, stands apart from its record, so that it can go with the data it is
# of while the record stays as it was chained. It goes in this one way only: SQLite lets nobody
# delete it before an audit record says that the conversation's data was deleted.
WORD_TRIGGERS: dict[str, str] = {
    "audit_words_unchanged": """CREATE TRIGGER audit_words_unchanged
    BEFORE UPDATE ON audit_words BEGIN
        SELECT RAISE(ABORT, 'the words of an audit record are never changed');
    END""",
    "audit_words_kept": """CREATE TRIGGER audit_words_kept BEFORE DELETE ON audit_words
    WHEN NOT EXISTS (
        SELECT 1 FROM audit_keys JOIN audit ON audit.number = audit_keys.erased
        WHERE audit_keys.conversation = OLD.conversation AND audit.number > OLD.record
            AND json_extract(audit.body, '$.kind') = 'erased'
            AND json_extract(audit.body, '$.subject') = OLD.conversation)
    BEGIN
        SELECT RAISE(ABORT, 'the words of an audit record go with the data they are of');
    END""",
}

DELETION = (
    """CREATE TABLE audit_words (
        record INTEGER PRIMARY KEY,
        conversation TEXT NOT NULL,
        words TEXT NOT NULL
    )""",
    "CREATE INDEX audit_words_by_conversation ON audit_words (conversation, record)",
    *WORD_TRIGGERS.values(),
    # A deletion whose traces in the file and its copies are not yet gone has no `cleaned_at`.
    """CREATE TABLE erasures (
        record INTEGER PRIMARY KEY,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        cleaned_at REAL
    )""",
    "CREATE INDEX erasures_open ON erasures (record) WHERE cleaned_at IS NULL",
    "ALTER TABLE conversations ADD COLUMN forgotten_at REAL",
    "CREATE INDEX conversations_by_customer ON conversations (customer)",
    "ALTER TABLE hits ADD COLUMN trial INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX hits_for_review",
    """CREATE INDEX hits_for_review
        ON hits (seq, rule, category, level, side, agent, verdict, at, trial)""",
    "CREATE INDEX approvals_unsent ON approvals (seq) WHERE state = 'approved'",
    "CREATE INDEX appeals_by_who ON appeals (who, seq)",
)
