"""The database's form, step by step. A migration that has shipped is never changed: append one.

`PRAGMA user_version` counts the steps taken. Each step runs inside the caller's transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.store import audit_tables, rule_tables, triggers
from engine.store.chain import begun

if TYPE_CHECKING:
    from engine.store.sqlite import Database as SqliteDatabase

Migration = Callable[["SqliteDatabase"], None]

APPLICATION_ID = 0x5A554F58  # "ZUOX": tells our files from other programs' SQLite files


def m001_initial(db: SqliteDatabase) -> None:
    """Conversations with what was said, drafted, decided, hit and handed over."""
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _INITIAL:
        db.execute(statement)


def m002_channel_keys_of_two_kinds(db: SqliteDatabase) -> None:
    """A channel may call a conversation as it calls a message: mail does, for the first one."""
    for statement in _KEYS_OF_TWO_KINDS:
        db.execute(statement)


def m003_deliveries(db: SqliteDatabase) -> None:
    """What has left is handed to its channel until the channel has it, whatever dies in between."""
    for statement in _DELIVERIES:
        db.execute(statement)


def m004_due_for_a_draft(db: SqliteDatabase) -> None:
    """Those that wait for a draft in order, however many wait with one."""
    for statement in _DUE:
        db.execute(statement)


def m005_dismissed_wordings(db: SqliteDatabase) -> None:
    """Wordings that were proposed for the synonyms and are not wanted."""
    for statement in _DISMISSED:
        db.execute(statement)


def m006_approved_by(db: SqliteDatabase) -> None:
    """Which lead let a text pass that a rule kept back."""
    for statement in _APPROVED:
        db.execute(statement)


def m007_audit(db: SqliteDatabase) -> None:
    """A chained record of what was done, which nothing can be done without."""
    for statement in audit_tables.AUDIT:
        db.execute(statement)
    last = db.execute("SELECT coalesce(max(seq), 0) FROM decisions").fetchone()[0]
    db.execute(
        "INSERT INTO audit VALUES (:number, :former, :hash, :body)",
        begun(int(last), round(time.time() * 1000)),
    )
    for statement in audit_tables.AUDIT_TRIGGERS.values():
        db.execute(statement)


def m008_approvals(db: SqliteDatabase) -> None:
    """What agents asked the lead to let pass, and what they let pass themselves."""
    for statement in audit_tables.APPROVALS:
        db.execute(statement)


def m009_reviews(db: SqliteDatabase) -> None:
    """Hits are found by what they are, judged also as missed, appealed against and answered."""
    for statement in audit_tables.REVIEWS:
        db.execute(statement)


def m010_rule_versions(db: SqliteDatabase) -> None:
    """What a company changes of the rules: a draft, and versions with what was done with them."""
    for statement in rule_tables.RULE_VERSIONS:
        db.execute(statement)


def m011_deletion(db: SqliteDatabase) -> None:
    """A customer's data can be deleted; hits of rules on trial and open approvals are found."""
    for statement in audit_tables.DELETION:
        db.execute(statement)


def m012_guarded(db: SqliteDatabase) -> None:
    """Nothing that the audit tells of is written without its record; what is older is noted."""
    triggers.note_older(db, round(time.time() * 1000))
    for statement in triggers.GUARDED:
        db.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (
    m001_initial,
    m002_channel_keys_of_two_kinds,
    m003_deliveries,
    m004_due_for_a_draft,
    m005_dismissed_wordings,
    m006_approved_by,
    m007_audit,
    m008_approvals,
    m009_reviews,
    m010_rule_versions,
    m011_deletion,
    m012_guarded,
)

# `seq` orders rows by arrival, whatever the clocks said. In `conversations`, the columns from
# `last_at` on repeat what the other tables say (see standing.py), so that a list of ten thousand
# needs one index and no join.
_INITIAL = (
    """CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        customer TEXT NOT NULL,
        channel TEXT NOT NULL,
        label TEXT NOT NULL DEFAULT '',
        subject TEXT NOT NULL DEFAULT '',
        opened_at REAL NOT NULL,
        closed_at REAL,
        last_at REAL NOT NULL,
        preview TEXT NOT NULL DEFAULT '',
        messages INTEGER NOT NULL DEFAULT 0,
        customer_messages INTEGER NOT NULL DEFAULT 0,
        agent_messages INTEGER NOT NULL DEFAULT 0,
        pending INTEGER NOT NULL DEFAULT 0,
        waiting_since REAL,
        newest_message TEXT,
        draft_status TEXT NOT NULL DEFAULT 'none',
        rejected INTEGER NOT NULL DEFAULT 0,
        handed_over TEXT,
        gap INTEGER NOT NULL DEFAULT 0,
        urgency INTEGER NOT NULL DEFAULT 2,
        sort_key REAL NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX conversations_by_urgency ON conversations (urgency, sort_key)",
    "CREATE INDEX conversations_by_gap ON conversations (gap) WHERE gap = 1",
    """CREATE TABLE messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        role TEXT NOT NULL CHECK (role IN ('customer', 'agent', 'system')),
        text TEXT NOT NULL,
        at REAL NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('received', 'pending', 'sent', 'undone')),
        kind TEXT NOT NULL DEFAULT '',
        due REAL,
        sent_at REAL,
        decision TEXT,
        screened INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX messages_by_conversation ON messages (conversation, seq)",
    "CREATE INDEX messages_pending ON messages (due, seq) WHERE state = 'pending'",
    "CREATE INDEX messages_unscreened ON messages (seq) WHERE screened = 0 AND role = 'customer'",
    """CREATE TABLE drafts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        message TEXT NOT NULL REFERENCES messages (id),
        status TEXT NOT NULL,
        body TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX drafts_by_message ON drafts (message, seq)",
    """CREATE TABLE decisions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        message TEXT REFERENCES messages (id),
        draft TEXT REFERENCES drafts (id),
        action TEXT NOT NULL CHECK
            (action IN ('accepted', 'edited', 'rewritten', 'rejected', 'handed_over')),
        text TEXT NOT NULL,
        edit_distance INTEGER NOT NULL,
        reason TEXT,
        comment TEXT NOT NULL,
        seconds REAL NOT NULL,
        who TEXT NOT NULL,
        hits TEXT NOT NULL,
        override TEXT,
        outgoing TEXT REFERENCES messages (id),
        at REAL NOT NULL
    )""",
    "CREATE INDEX decisions_by_conversation ON decisions (conversation, seq)",
    "CREATE INDEX decisions_by_draft ON decisions (draft) WHERE draft IS NOT NULL",
    "CREATE INDEX decisions_by_time ON decisions (at)",
    """CREATE TABLE decision_undos (
        decision TEXT PRIMARY KEY REFERENCES decisions (id),
        at REAL NOT NULL
    )""",
    """CREATE TABLE handovers (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        category TEXT NOT NULL,
        rule TEXT NOT NULL,
        script TEXT NOT NULL,
        message TEXT REFERENCES messages (id),
        opened_at REAL NOT NULL,
        taken_by TEXT NOT NULL DEFAULT '',
        taken_at REAL,
        closed_at REAL,
        note TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE UNIQUE INDEX handovers_open ON handovers (conversation) WHERE closed_at IS NULL",
    "CREATE INDEX handovers_by_conversation ON handovers (conversation, seq)",
    """CREATE TABLE hits (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        message TEXT REFERENCES messages (id),
        rule TEXT NOT NULL,
        body TEXT NOT NULL,
        screened TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX hits_by_conversation ON hits (conversation, seq)",
    """CREATE TABLE hit_verdicts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        hit TEXT NOT NULL REFERENCES hits (id),
        verdict TEXT NOT NULL CHECK (verdict IN ('right', 'false_alarm')),
        who TEXT NOT NULL,
        note TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX hit_verdicts_by_hit ON hit_verdicts (hit, seq)",
    """CREATE TABLE gaps (
        id TEXT PRIMARY KEY,
        normalised TEXT NOT NULL,
        question TEXT NOT NULL,
        settled_at REAL
    )""",
    "CREATE UNIQUE INDEX gaps_open ON gaps (normalised) WHERE settled_at IS NULL",
    """CREATE TABLE gap_sightings (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        gap TEXT NOT NULL REFERENCES gaps (id),
        conversation TEXT NOT NULL REFERENCES conversations (id),
        reason TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX gap_sightings_by_gap ON gap_sightings (gap, seq)",
    "CREATE INDEX gap_sightings_by_conversation ON gap_sightings (conversation)",
    """CREATE TABLE composers (
        conversation TEXT PRIMARY KEY REFERENCES conversations (id),
        text TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    """CREATE TABLE thumbs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        draft TEXT NOT NULL REFERENCES drafts (id),
        who TEXT NOT NULL,
        comment TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX thumbs_by_draft ON thumbs (draft)",
    """CREATE TABLE channel_keys (
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        message TEXT REFERENCES messages (id),
        PRIMARY KEY (source, key)
    )""",
    "CREATE INDEX channel_keys_by_conversation ON channel_keys (conversation)",
)

_KEYS_OF_TWO_KINDS = (
    "ALTER TABLE channel_keys RENAME TO channel_keys_1",
    "DROP INDEX channel_keys_by_conversation",
    """CREATE TABLE channel_keys (
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        conversation TEXT NOT NULL REFERENCES conversations (id),
        message TEXT REFERENCES messages (id)
    )""",
    """INSERT INTO channel_keys (source, key, conversation, message)
        SELECT source, key, conversation, message FROM channel_keys_1""",
    "DROP TABLE channel_keys_1",
    """CREATE UNIQUE INDEX channel_keys_of_conversations ON channel_keys (source, key)
        WHERE message IS NULL""",
    """CREATE UNIQUE INDEX channel_keys_of_messages ON channel_keys (source, key)
        WHERE message IS NOT NULL""",
    "CREATE INDEX channel_keys_by_conversation ON channel_keys (conversation)",
)

# A message that left before there were deliveries has no row here and counts as delivered. The
# other two indexes hold all that counting asks for, so that a count reads no message's text.
_DELIVERIES = (
    """CREATE TABLE deliveries (
        message TEXT PRIMARY KEY REFERENCES messages (id),
        delivered_at REAL
    )""",
    "CREATE INDEX deliveries_open ON deliveries (message) WHERE delivered_at IS NULL",
    "CREATE INDEX messages_standing ON messages (conversation, state, role, seq)",
    "CREATE INDEX conversations_counted ON conversations (urgency, draft_status, gap)",
)

_DUE = (
    """CREATE INDEX conversations_due ON conversations (sort_key, id)
        WHERE urgency = 0 AND draft_status = 'none'""",
)

_DISMISSED = (
    """CREATE TABLE dismissed_wordings (
        wording TEXT PRIMARY KEY,
        at REAL NOT NULL
    )""",
)

_APPROVED = ("ALTER TABLE decisions ADD COLUMN approved_by TEXT NOT NULL DEFAULT ''",)
