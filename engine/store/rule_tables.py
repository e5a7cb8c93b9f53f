"""The tables of the rule workshop; they belong to migration 10 and are never changed."""

from __future__ import annotations

# A version and its steps only ever grow. `changes` is the whole of what the company has changed,
# `hash` its SHA-256; step `restored` of version 0 is the way back to what ships.
RULE_VERSIONS = (
    """CREATE TABLE rule_versions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        base INTEGER NOT NULL,
        changes TEXT NOT NULL,
        hash TEXT NOT NULL,
        rule_set TEXT NOT NULL,
        authors TEXT NOT NULL,
        comment TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    """CREATE TABLE rule_steps (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL,
        step TEXT NOT NULL CHECK
            (step IN ('trial', 'asked', 'published', 'refused', 'withdrawn', 'restored')),
        who TEXT NOT NULL,
        comment TEXT NOT NULL,
        rules TEXT NOT NULL,
        at REAL NOT NULL
    )""",
    "CREATE INDEX rule_steps_by_version ON rule_steps (version, seq)",
    """CREATE TRIGGER rule_versions_unchanged BEFORE UPDATE ON rule_versions BEGIN
        SELECT RAISE(ABORT, 'a version of the rules is never changed');
    END""",
    """CREATE TRIGGER rule_versions_kept BEFORE DELETE ON rule_versions BEGIN
        SELECT RAISE(ABORT, 'a version of the rules is never deleted');
    END""",
    """CREATE TRIGGER rule_steps_unchanged BEFORE UPDATE ON rule_steps BEGIN
        SELECT RAISE(ABORT, 'a step of a version is never changed');
    END""",
    """CREATE TRIGGER rule_steps_kept BEFORE DELETE ON rule_steps BEGIN
        SELECT RAISE(ABORT, 'a step of a version is never deleted');
    END""",
    """CREATE TRIGGER rule_steps_by_two BEFORE INSERT ON rule_steps
    WHEN NEW.step = 'published' AND NEW.who IN (
        SELECT value FROM rule_versions, json_each(authors) WHERE number = NEW.version)
    BEGIN
        SELECT RAISE(ABORT, 'nobody publishes an own version');
    END""",
    """CREATE TABLE rule_draft (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        base INTEGER NOT NULL,
        changes TEXT NOT NULL,
        authors TEXT NOT NULL,
        at REAL NOT NULL
    )""",
)
