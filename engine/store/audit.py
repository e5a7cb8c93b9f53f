"""The audit: what was done, by whom, under which rules, each record chained to the one before.

A record is written in the transaction of the act itself, holds ids and offsets only, and is never
changed or deleted: SQLite refuses it. How a record is hashed stands in `chain.py`. What hits found
stands beside it, starred out (`audit_words`), and goes only with the data it is of.

What this proves: a record that was altered, taken out, put in or moved is found, and so is a tail
cut off behind a *head* (number and hash of the last record) that was signed off. What it does not:
who can write the file can put a whole new chain into it, and into the head beside it; only a head
that was kept elsewhere (`zuoxi audit head`) tells. Names are what the program was told.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import StoreError
from engine.records import Hit
from engine.store.audit_records import Record, record_in
from engine.store.chain import entry, sealed, veiled
from engine.store.database import Database, Row
from engine.store.text import to_json
from engine.store.triggers import OLDER, SUBJECT, tables

Kind = Literal[
    "begun",
    "hits",
    "decision",
    "undo",
    "send",
    "approval",
    "answer",
    "verdict",
    "appeal",
    "case",
    "rules",
    "erased",
    "salvaged",
    "guarded",
]

_PIECE = 500


class Head(Struct, frozen=True):
    """How far the chain reached at a time (epoch milliseconds): its records and the last hash."""

    count: int
    hash: str
    at: int = 0


class Audit:
    """The chain of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        kind: Kind,
        subject: str = "",
        *,
        conversation: str = "",
        who: str = "",
        rules: str = "",
        detail: Mapping[str, object] | None = None,
        content: object = None,
        words: Sequence[str] = (),
        at: float | None = None,
    ) -> int:
        """Append a record about `subject` (an id); its number. Only inside a transaction.

        `rules` is the hash of the rule set that was asked; `detail` holds nothing personal;
        `content` may: only its fingerprint is kept, under a key that goes with the conversation's
        data, as do `words`, what hits found in short. `at` is in seconds. Raises `StoreError`
        (`audit_lost`).
        """
        with self._present():
            last = self._database.row(
                """SELECT number, hash, (SELECT key FROM audit_keys WHERE conversation = ?) AS key
                FROM audit WHERE number = (SELECT max(number) FROM audit)""",
                [conversation],
            )
        if last is None:
            raise self._lost()
        record: dict[str, object] = {
            "kind": kind,
            "at": round((time.time() if at is None else at) * 1000),
            "subject": subject,
        }
        if content is not None:
            record["seal"] = sealed(last["key"] or self._new_key(conversation), content)
        more = {"conversation": conversation, "who": who, "rules": rules, "detail": detail}
        record.update((name, value) for name, value in more.items() if value)
        row = entry(last["number"] + 1, last["hash"], record)
        self._database.insert("audit", row)
        number = int(last["number"]) + 1
        if words:
            # A tail that was cut off may have left its words behind; the walk tells of it.
            self._database.run(
                "INSERT OR REPLACE INTO audit_words (record, conversation, words) VALUES (?, ?, ?)",
                [number, conversation, to_json(list(words))],
            )
        return number

    def rules_changed(
        self,
        former: str,
        now: str,
        *,
        who: str,
        approved_by: str = "",
        why: str = "published",
        version: int | None = None,
        changes: str = "",
        content: object = None,
        at: float | None = None,
    ) -> int:
        """Record that rule set `now` runs in the place of `former` (their hashes).

        `why` is the step of the company's `version` that did it, `changes` that version's hash,
        `content` what the step and the version say.
        """
        detail: dict[str, object] = {"former": former, "approved_by": approved_by, "why": why}
        if version is not None:
            detail |= {"version": version, "changes": changes}
        with self._database.transaction():
            return self.add(
                *("rules", now), who=who, rules=now, detail=detail, content=content, at=at
            )

    def rules_in_use(self, now: str) -> bool:
        """Record that rule set `now` (its hash) is in use, unless that was recorded last."""
        query = """SELECT number, body FROM audit WHERE instr(body, '"kind":"rules"') > 0
            ORDER BY number DESC LIMIT 1"""
        with self._database.transaction():
            with self._present():
                row = self._database.row(query)
            former = record_in(row["number"], row["body"]).rules if row else ""
            if former == now:
                return False
            self.rules_changed(former, now, who="", why="in_use")
            return True

    def erased(
        self,
        conversation: str,
        *,
        who: str,
        detail: Mapping[str, object] | None = None,
        at: float | None = None,
    ) -> int:
        """Record that a conversation's data was deleted; the record's number.

        Its records stay as they are: they hold ids and offsets. Without the key and the words,
        which go here, they say nothing any more of what was written.
        """
        with self._database.transaction():
            number = self.add(
                "erased", conversation, conversation=conversation, who=who, detail=detail, at=at
            )
            self._database.run(
                """INSERT INTO audit_keys (conversation, key, erased) VALUES (?, '', ?)
                ON CONFLICT (conversation) DO UPDATE SET key = '', erased = excluded.erased""",
                [conversation, number],
            )
            self._database.run("DELETE FROM audit_words WHERE conversation = ?", [conversation])
            return number

    def head(self) -> Head:
        """How far the chain reaches now; a count of 0 where there is none any more.

        Raises `StoreError` (`audit_lost`) where not even its table is left.
        """
        with self._present():
            row = self._database.row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        now = round(time.time() * 1000)
        return Head(row["number"], row["hash"], now) if row else Head(0, "", now)

    def signed_off(self) -> Head | None:
        """The head that stands beside the database, if one does and can be read."""
        try:
            return msgspec.json.decode(self._head_file.read_bytes(), type=Head)
        except (OSError, ValueError, RecursionError):
            return None

    def sign_off(self) -> bool:
        """Leave the head beside the database; False where the chain does not hold the former one.

        Then the former one stays, so that `verify` can tell. Raises `StoreError`.
        """
        former = self.signed_off()
        if former is not None and self.hash_of(former.count) != former.hash:
            return False
        scratch = self._head_file.with_name(self._head_file.name + ".tmp")
        try:
            with scratch.open("wb") as file:
                file.write(msgspec.json.encode(self.head()) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._head_file)
        except OSError as error:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
            raise StoreError(
                f"{self._head_file} cannot be written ({error.strerror}).",
                "store_cannot_open",
                path=str(self._head_file),
            ) from error
        return True

    def hash_of(self, number: int) -> str:
        """The hash of one record, "" where it is missing."""
        row = self._database.row("SELECT hash FROM audit WHERE number = ?", [number])
        return str(row["hash"]) if row else ""

    def rows(self, *, after: int = 0) -> Iterator[Row]:
        """The rows `number`, `former`, `hash`, `body` in order, read piece by piece.

        `words` is the JSON of what the record's hits found, None where there is none.
        """
        while found := self._database.rows(
            """SELECT audit.*, words FROM audit LEFT JOIN audit_words ON record = number
            WHERE number > ? ORDER BY number LIMIT ?""",
            [after, _PIECE],
        ):
            after = found[-1]["number"]
            yield from found

    def about(self, subject: str) -> list[Record]:
        """The records about one subject (an id), in order; none where the audit is gone."""
        return self._records(
            f"SELECT number, body FROM audit WHERE {SUBJECT} = ? ORDER BY number", [subject]
        )

    def rule_steps(self) -> list[Record]:
        """The records of what was done with versions of the rules, in order."""
        query = """SELECT number, body FROM audit WHERE instr(body, '"kind":"rules"') > 0
            ORDER BY number"""
        told = self._records(query)
        return [one for one in told if one.kind == "rules" and one.version is not None]

    def older(self) -> dict[str, int]:
        """By table, the last row (`seq`) that needs no record, being older or saved from damage."""
        last: dict[str, int] = {}
        for one in self.about(OLDER):
            last |= one.older
        return last

    def is_lost(self) -> bool:
        """Whether there is not one record left."""
        try:
            return self.head().count == 0
        except StoreError as error:
            if error.code == "audit_lost":
                return True
            raise

    def gone(self) -> list[str]:
        """Which tables of those that the audit tells of are not there any more."""
        there = {
            str(row["name"])
            for row in self._database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        return [name for name in tables() if name not in there]

    def lines(self) -> Iterator[bytes]:
        """The chain as JSON Lines; `record` is the very text that was hashed.

        `words`, where hits are recorded, is what they found, starred out; it is not in the hash.
        """
        for row in self.rows():
            line: dict[str, object] = {
                "number": row["number"],
                "former": row["former"],
                "hash": row["hash"],
                "record": msgspec.Raw(str(row["body"]).encode()),
            }
            if row["words"]:
                line["words"] = msgspec.Raw(str(row["words"]).encode())
            yield msgspec.json.encode(line)

    def _records(self, sql: str, values: Sequence[object] = ()) -> list[Record]:
        try:
            with self._present():
                rows = self._database.rows(sql, values)
        except StoreError as error:
            if error.code == "audit_lost":
                return []
            raise
        return [record_in(row["number"], row["body"]) for row in rows]

    @contextlib.contextmanager
    def _present(self) -> Iterator[None]:
        """Tell a table of the audit that is gone as what it is."""
        try:
            yield
        except StoreError as error:
            if error.code == "store" and {"audit", "audit_keys"} & set(self.gone()):
                raise self._lost() from error
            raise

    def _lost(self) -> StoreError:
        return StoreError(
            f"The audit of the database {self._database.path} was emptied. Nothing was "
            "stored; put back a backup.",
            "audit_lost",
            path=str(self._database.path),
        )

    @property
    def _head_file(self) -> Path:
        return head_file(self._database.path)

    def _new_key(self, conversation: str) -> str:
        key = os.urandom(16).hex()
        self._database.run(
            """INSERT INTO audit_keys (conversation, key) VALUES (?, ?)
            ON CONFLICT (conversation) DO UPDATE SET key = excluded.key""",
            [conversation, key],
        )
        return key


def head_file(database: Path) -> Path:
    """Where the head that was signed off stands."""
    return database.with_name(f"{database.name}.audit-head")


def hits_in_short(hits: Sequence[tuple[str, Hit]]) -> list[dict[str, object]]:
    """Hits with their ids as a record holds them; what they found are its `words_of`."""
    return [
        {
            "id": hit_id,
            "rule": hit.rule,
            "category": hit.category,
            "level": hit.level,
            "action": hit.action,
            "side": hit.side,
            "start": hit.start,
            "end": hit.end,
            **({"trial": True} if hit.trial else {}),
        }
        for hit_id, hit in hits
    ]


def words_of(hits: Sequence[Hit]) -> list[str]:
    """What hits found, starred out, as it stands beside their record."""
    return [veiled(hit) for hit in hits]


def decision_in_short(row: Mapping[str, object]) -> dict[str, object]:
    """Of a row of `decisions`, what its record says of it: no text of anybody's."""
    fields = ("action", "message", "draft", "outgoing", "reason", "approved_by")
    short = {name: row[name] for name in fields} | {"override": row["override"] is not None}
    return {name: value for name, value in short.items() if value}


def decision_content(row: Mapping[str, object]) -> object:
    """Of a row of `decisions`, what its record's fingerprint is made of."""
    fields = ("action", "message", "draft", "outgoing", "text", "reason", "comment", "who")
    return [row[name] for name in (*fields, "hits", "override", "approved_by")]


def hits_content(rows: Sequence[Mapping[str, object]]) -> object:
    """Of rows of `hits`, in order, what their record's fingerprint is made of."""
    return [[row["id"], row["rule"], row["body"], row["screened"]] for row in rows]


def approval_content(row: Mapping[str, object]) -> object:
    """Of a row of `approvals`, what the record of the asking is made of."""
    return [row["bound"], row["text"], row["reason"], row["hits"]]


def rule_step_content(step: Mapping[str, object], version: Mapping[str, object] | None) -> object:
    """Of a row of `rule_steps` and, at its trial, of its version, what its record is made of."""
    of_version = version if version is not None and step["step"] == "trial" else {}
    fields = ("authors", "comment", "base", "rule_set")
    return [step["comment"], *(of_version.get(name) for name in fields)]
