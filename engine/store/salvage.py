"""A damaged database: what can still be read goes into a new one, the damaged file stays beside it.

Rows are read table by table. Where a page is damaged, reading goes on behind it and then comes
back to it from there, so that only rows on damaged pages are lost.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.errors import StoreError
from engine.store.audit import Audit, head_file
from engine.store.chain import begun
from engine.store.database import Database, open_database, translated
from engine.store.standing import refresh
from engine.store.triggers import OLDER, UNRECORDED_TRIGGERS

TABLES = (
    "audit",
    "audit_keys",
    "audit_words",
    "conversations",
    "messages",
    "drafts",
    "decisions",
    "decision_undos",
    "deliveries",
    "handovers",
    "hits",
    "hit_verdicts",
    "approvals",
    "appeals",
    "gaps",
    "gap_sightings",
    "composers",
    "thumbs",
    "channel_keys",
    "dismissed_wordings",
    "rule_versions",
    "rule_steps",
    "rule_draft",
    "erasures",
)
"""What is saved, in an order that suits what refers to what."""
_TRIGGERS = UNRECORDED_TRIGGERS
_ORDERED = (
    *("messages", "hits", "hit_verdicts", "approvals", "appeals", "handovers", "rule_steps"),
)
_FARTHEST = 1 << 40
_LOST_NAME = "?"


def note_damage(path: Path, what: str) -> None:
    """Remember beside the database that it is damaged, so that the next start says so first."""
    with contextlib.suppress(OSError):
        _mark(path).write_text(what, "utf-8")


def noted_damage(path: Path) -> StoreError | None:
    """The damage that was found while the database was last open, if it was not salvaged since."""
    if not _mark(path).exists():
        return None
    return StoreError(
        f"The database {path} is damaged. It was left as it is; what can be read of it can be "
        "saved into a new one.",
        "store_corrupt",
        path=str(path),
    )


class Salvaged(Struct, frozen=True):
    """What was saved: rows by table. `aside` is where the damaged file is now.

    `gaps` counts the places that could not be read; `backup` names the backup that was taken
    instead, when nothing of the damaged file could be read.
    """

    rows: dict[str, int]
    aside: Path
    gaps: int = 0
    backup: str = ""

    @property
    def messages(self) -> int:
        """How many messages were saved."""
        return self.rows.get("messages", 0)


def salvage(path: Path) -> Salvaged:
    """Replace the damaged database at `path` by what can be read of it, or by its newest backup.

    Nobody else may have it open. The damaged file is kept as ``<name>.damaged-<time>``. Raises
    `StoreError`: `store_beyond_saving` when nothing is left to read and there is no backup, and
    those of a full disk or a forbidden folder; then everything is as it was.
    """
    path = path.absolute()
    scratch = path.with_name(f"{path.name}.salvage")
    _remove(scratch)
    try:
        rows, gaps = _read_into(path, scratch)
        backup = ""
        if not rows.get("conversations") and not rows.get("messages"):
            newest = _newest_backup(path)
            if newest is None:
                raise StoreError(
                    f"Nothing of the database {path} can be read, and there is no backup. "
                    "It was left as it is.",
                    "store_beyond_saving",
                    path=str(path),
                )
            _remove(scratch)
            rows, gaps = _read_into(newest, scratch)
            backup = newest.name
        aside = _set_aside(path)
        head = head_file(path)
        if head.exists():
            # The chain goes on from what was saved, which that head may be ahead of.
            head.replace(head.with_name(f"{aside.name}.audit-head"))
        scratch.replace(path)
        _mark(path).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder of {path} cannot be written ({error.strerror}).",
            "store_cannot_open",
            path=str(path),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(scratch)
    return Salvaged(rows, aside, gaps, backup)


def _read_into(source: Path, target: Path) -> tuple[dict[str, int], int]:
    saved: dict[str, int] = {}
    gaps = 0
    database = open_database(target)
    try:
        database.run("PRAGMA foreign_keys = OFF")
        with (
            translated(source),
            contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as damaged,
        ):
            damaged.row_factory = sqlite3.Row
            damaged.text_factory = lambda raw: raw.decode("utf-8", "replace")
            with database.transaction():
                # Also decisions whose record is lost, and records after a lost one, are saved.
                for trigger in _TRIGGERS:
                    database.run(f"DROP TRIGGER {trigger}")
                database.run("DELETE FROM audit")
                for table in TABLES:
                    saved[table], lost = _copy(damaged, database, table)
                    gaps += lost
                _reconnect(database)
                for row in database.rows("SELECT id FROM conversations"):
                    refresh(database, row["id"])
                _record(database, gaps)
                saved = {table: _count(database, table) for table in TABLES}
        # Everything into the one file that takes the place of the damaged one.
        database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()
    return saved, gaps


def _record(database: Database, gaps: int) -> None:
    """Take the audit up again: its next record says what happened."""
    audit = Audit(database)
    row = database.row("SELECT coalesce(max(seq), 0) AS last FROM decisions")
    decisions = int(row["last"]) if row else 0
    if audit.head().count == 0:
        # Of a version without an audit, or all of it lost.
        database.insert("audit", begun(decisions, round(time.time() * 1000)))
    database.run("DELETE FROM audit_words WHERE record NOT IN (SELECT number FROM audit)")
    # What was saved may have lost its record; only what is newer must have one.
    older = {
        table: int((database.row(f"SELECT max(seq) AS last FROM {table}") or {})["last"] or 0)
        for table in _ORDERED
    }
    audit.add("salvaged", OLDER, detail={"decisions": decisions, "gaps": gaps, "older": older})
    for trigger in _TRIGGERS.values():
        database.run(trigger)


def _copy(damaged: sqlite3.Connection, database: Database, table: str) -> tuple[int, int]:
    known = {str(row["name"]) for row in database.rows(f"PRAGMA table_info({table})")}
    copied, gaps = 0, 0
    for row in _rows(damaged, table):
        if row is None:
            gaps += 1
            continue
        values = {name: row[name] for name in row.keys() if name in known}  # noqa: SIM118
        if any(isinstance(value, bytes) for value in values.values()):
            # We write no blobs.
            gaps += 1
            continue
        try:
            database.insert(table, values)
            copied += 1
        except StoreError as error:
            if error.code != "store":
                raise
            # It breaks a constraint, so it is no row that we wrote.
            gaps += 1
    return copied, gaps


def _rows(damaged: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row | None]:
    """All rows that can be read; None for each place that cannot."""
    last = -1
    step = 0
    while step < _FARTHEST:
        before = last
        try:
            cursor = damaged.execute(
                f"SELECT rowid AS place_, * FROM {table} WHERE rowid > ? ORDER BY rowid",
                [last + step],
            )
            for row in cursor:
                if step:
                    # From behind the damaged place back to it.
                    yield from _back(damaged, table, last, row["place_"])
                    step = 0
                last = row["place_"]
                yield row
            return
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error):
                return
            if last != before or not step:
                yield None
            step = max(1, step * 2) if last == before else 1


def _back(
    damaged: sqlite3.Connection, table: str, after: int, before: int
) -> Iterator[sqlite3.Row]:
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from damaged.execute(
            f"SELECT rowid AS place_, * FROM {table} WHERE rowid > ? AND rowid < ? "
            "ORDER BY rowid DESC",
            [after, before],
        )


def _reconnect(database: Database) -> None:
    """No row may refer to one that is lost; a message without its conversation gets a bare one."""
    for row in database.rows(
        """SELECT DISTINCT conversation, min(at) AS at FROM messages WHERE NOT EXISTS (
            SELECT 1 FROM conversations WHERE id = messages.conversation)
        GROUP BY conversation"""
    ):
        database.insert(
            "conversations",
            {
                "id": row["conversation"],
                "customer": _LOST_NAME,
                "channel": _LOST_NAME,
                "opened_at": row["at"],
                "last_at": row["at"],
            },
        )
    while orphans := database.rows("PRAGMA foreign_key_check"):
        for orphan in orphans:
            _let_go(database, orphan)


def _let_go(database: Database, orphan: dict[str, Any]) -> None:
    table, place = orphan["table"], orphan["rowid"]
    keys = database.rows(f"PRAGMA foreign_key_list({table})")
    column = next(str(key["from"]) for key in keys if key["id"] == orphan["fkid"])
    columns = database.rows(f"PRAGMA table_info({table})")
    needed = next(one["notnull"] or one["pk"] for one in columns if one["name"] == column)
    if needed or table == "channel_keys":
        database.run(f"DELETE FROM {table} WHERE rowid = ?", [place])
    else:
        database.run(f"UPDATE {table} SET {column} = NULL WHERE rowid = ?", [place])


def _count(database: Database, table: str) -> int:
    row = database.row(f"SELECT count(*) AS n FROM {table}")
    return int(row["n"]) if row else 0


def _newest_backup(path: Path) -> Path | None:
    backups = list(path.parent.glob(f"{path.name}.*.bak"))
    return max(backups, key=lambda one: one.stat().st_mtime, default=None)


def _set_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for end in ("-wal", "-shm", ""):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(aside.with_name(aside.name + end))
    return aside


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.is-damaged")
