"""Looks whether SQLite's triggers over the audit are all there, and puts them back."""

from __future__ import annotations

from engine.errors import StoreError
from engine.store.audit import Audit
from engine.store.database import Database
from engine.store.triggers import TRIGGERS, table_of, wrong_triggers


def lost_triggers(database: Database) -> tuple[list[str], list[str]]:
    """Triggers that are missing or were rewritten, and those that somebody else has put in."""
    rows = database.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return wrong_triggers({str(row["name"]): str(row["sql"]) for row in rows})


def put_back(database: Database, audit: Audit) -> tuple[str, ...]:
    """Put missing triggers back, and record that they were missing; their names.

    One whose table is gone stays away, and so does the record where the audit is lost: that is
    told by `verify` and by the next act. Raises `StoreError`.
    """
    if not lost_triggers(database)[0]:
        return ()
    with database.transaction():
        gone = audit.gone()
        lost = [name for name in lost_triggers(database)[0] if table_of(name) not in gone]
        for name in lost:
            database.run(f"DROP TRIGGER IF EXISTS {name}")
            database.run(TRIGGERS[name])
        if lost:
            try:
                audit.add("guarded", detail={"put_back": lost})
            except StoreError as error:
                if error.code != "audit_lost":
                    raise
    return tuple(lost)
