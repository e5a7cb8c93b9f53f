"""Every trigger of the database: what SQLite itself refuses, above all an act without its record.

The statements belong to migration 12 and are never changed once they have shipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.store.audit_tables import AUDIT_TRIGGERS, WORD_TRIGGERS
from engine.store.chain import entry
from engine.store.rule_tables import RULE_VERSIONS

if TYPE_CHECKING:
    from engine.store.sqlite import Database as SqliteDatabase

OLDER = "older"
"""The subject of records that say which rows are older than their records (`detail.older`)."""

SUBJECT = "CASE WHEN json_valid(body) THEN json_extract(body, '$.subject') END"
"""What the index over the audit's subjects is made of; a query writes the very same."""


def _needs(name: str, act: str, record: str, what: str) -> str:
    return f"""CREATE TRIGGER {name} BEFORE {act}
    WHEN NOT EXISTS (
        SELECT 1 FROM audit WHERE number = (SELECT max(number) FROM audit) AND {record})
    BEGIN
        SELECT RAISE(ABORT, '{what} needs its audit record first');
    END"""


def _never(name: str, act: str, what: str) -> str:
    return f"""CREATE TRIGGER {name} BEFORE {act} BEGIN
        SELECT RAISE(ABORT, '{what}');
    END"""


def _is(kind: str, subject: str, **detail: str) -> str:
    """What the newest record has to say."""
    told = {"kind": f"'{kind}'", "subject": subject} | {f"detail.{k}": v for k, v in detail.items()}
    return " AND ".join(f"json_extract(body, '$.{name}') = {value}" for name, value in told.items())


_ACT_TRIGGERS: dict[str, str] = {
    "approvals_recorded": _needs(
        "approvals_recorded",
        "INSERT ON approvals",
        _is("approval", "NEW.id", step="NEW.state", bound="NEW.bound"),
        "a request",
    ),
    "approvals_answered": _needs(
        "approvals_answered",
        "UPDATE OF state, answered_by, answered_at, decision ON approvals",
        _is("answer", "NEW.id", step="NEW.state"),
        "an answer",
    ),
    "approvals_unchanged": _never(
        "approvals_unchanged",
        "UPDATE OF id, conversation, bound, asker, at ON approvals",
        "what was asked is never changed",
    ),
    "approvals_kept": _never(
        "approvals_kept", "DELETE ON approvals", "what was asked is never deleted"
    ),
    "verdicts_recorded": _needs(
        "verdicts_recorded",
        "INSERT ON hit_verdicts",
        _is("verdict", "NEW.hit", verdict="NEW.verdict"),
        "a verdict",
    ),
    "verdicts_unchanged": _never(
        "verdicts_unchanged",
        "UPDATE OF hit, verdict, who, at ON hit_verdicts",
        "a verdict is never changed",
    ),
    "verdicts_kept": _never(
        "verdicts_kept", "DELETE ON hit_verdicts", "a verdict is never deleted"
    ),
    "hits_judged": _needs(
        "hits_judged",
        "UPDATE OF verdict ON hits",
        _is("verdict", "NEW.id", verdict="NEW.verdict"),
        "a verdict",
    ),
    "hits_unchanged": _never(
        "hits_unchanged",
        "UPDATE OF rule, category, level, side, agent, trial, at ON hits",
        "a hit is never changed",
    ),
    "appeals_recorded": _needs(
        "appeals_recorded",
        "INSERT ON appeals",
        _is("appeal", "NEW.hit", step="'made'", appeal="NEW.id"),
        "an appeal",
    ),
    "appeals_answered": _needs(
        "appeals_answered",
        "UPDATE OF hit, who, at, upheld, answered_by ON appeals",
        _is("appeal", "NEW.hit", appeal="NEW.id"),
        "an answer",
    ),
    "appeals_kept": _never("appeals_kept", "DELETE ON appeals", "an appeal is never deleted"),
    "cases_recorded": _needs(
        "cases_recorded",
        "INSERT ON handovers",
        _is("case", "NEW.id", step="'opened'"),
        "a case",
    ),
    "cases_changed": _needs(
        "cases_changed",
        """UPDATE OF id, conversation, category, rule, script, message, opened_at, taken_by,
        taken_at, closed_at ON handovers""",
        _is("case", "NEW.id"),
        "a case",
    ),
    "cases_kept": _never("cases_kept", "DELETE ON handovers", "a case is never deleted"),
    "rule_steps_recorded": _needs(
        "rule_steps_recorded",
        "INSERT ON rule_steps",
        "json_extract(body, '$.kind') = 'rules' AND json_extract(body, '$.detail.version') = "
        "NEW.version AND json_extract(body, '$.detail.why') = NEW.step",
        "a step of a version",
    ),
    "undos_recorded": _needs(
        "undos_recorded",
        "INSERT ON decision_undos",
        _is("undo", "NEW.decision"),
        "an undo",
    ),
}

GUARDED = (
    f"CREATE INDEX audit_by_subject ON audit ({SUBJECT})",
    *_ACT_TRIGGERS.values(),
)

UNRECORDED_TRIGGERS: dict[str, str] = AUDIT_TRIGGERS | WORD_TRIGGERS | _ACT_TRIGGERS
"""All that keep rows from being written without their records."""

TRIGGERS: dict[str, str] = UNRECORDED_TRIGGERS | {
    sql.split()[2]: sql for sql in RULE_VERSIONS if sql.startswith("CREATE TRIGGER")
}
"""Every trigger of the database, by name."""

# Rows from before there were records of their kind; a row that is newer must have one.
_OLDER = {
    "hits": "SELECT max(seq) FROM hits WHERE at < :begun",
    "hit_verdicts": "SELECT max(seq) FROM hit_verdicts WHERE at < :begun",
    "messages": "SELECT max(seq) FROM messages WHERE decision IS NOT NULL AND at < :begun",
    "handovers": """SELECT max(seq) FROM handovers WHERE id NOT IN (
        SELECT json_extract(body, '$.subject') FROM audit
        WHERE json_valid(body) AND json_extract(body, '$.kind') = 'case')""",
}


def note_older(db: SqliteDatabase, at: int) -> None:
    """Record which rows are older than their records, where there are any; `at` in milliseconds."""
    ends = db.execute(
        """SELECT number, hash, (SELECT json_extract(body, '$.at') FROM audit WHERE number = 1
            AND json_valid(body)) FROM audit ORDER BY number DESC LIMIT 1"""
    ).fetchone()
    if ends is None:
        return
    number, former, begun = ends
    values = {"begun": (begun or 0) / 1000}
    older = {table: db.execute(sql, values).fetchone()[0] for table, sql in _OLDER.items()}
    older = {table: last for table, last in older.items() if last}
    if older:
        record = {"kind": "guarded", "at": at, "subject": OLDER, "detail": {"older": older}}
        db.execute(
            "INSERT INTO audit VALUES (:number, :former, :hash, :body)",
            entry(number + 1, former, record),
        )


def wrong_triggers(there: dict[str, str]) -> tuple[list[str], list[str]]:
    """Which of `there` (name to SQL) are missing or were rewritten, and which are not ours."""
    lost = [name for name, sql in TRIGGERS.items() if _plain(there.get(name, "")) != _plain(sql)]
    return lost, sorted(there.keys() - TRIGGERS.keys())


def table_of(trigger: str) -> str:
    """The table that a trigger of ours watches."""
    found = re.search(r"\sON (\w+)", TRIGGERS[trigger])
    return found[1] if found else ""


def tables() -> list[str]:
    """All tables that a trigger of ours watches, and those the audit stands on."""
    watched = {table_of(name): None for name in TRIGGERS}
    return list(dict.fromkeys(("audit", "audit_keys", "audit_words", *watched, "messages")))


def _plain(sql: str) -> str:
    return " ".join(sql.split())
