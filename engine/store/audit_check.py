"""Walks the audit's chain and says what is wrong with it, in memory that does not grow with it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.records import Hit
from engine.store.audit import (
    Audit,
    Head,
    approval_content,
    decision_content,
    hits_content,
    words_of,
)
from engine.store.blank import is_blank
from engine.store.chain import chained, sealed
from engine.store.database import Database, Row
from engine.store.rule_draft import changes_hash
from engine.store.text import to_json

What = Literal[
    "altered",
    "missing",
    "inserted",
    "reordered",
    "unlinked",
    "cut_off",
    "other_chain",
    "row_altered",
    "row_missing",
    "unrecorded",
]

_MOST = 20


class Finding(Struct, frozen=True):
    """Something wrong at record `number`, or from it to `until`.

    The record itself was `altered`; records are `missing` or `inserted` there; another one stands
    in its place (`reordered`); it is `unlinked` from the one before, which was written anew; the
    chain was `cut_off` before a head that was signed off, or is not the one whose head that was
    (`other_chain`). `row_altered`, `row_missing`: what the record is about (`subject`) was changed
    or is gone (what was deleted on request is not, as long as it stays without words);
    `unrecorded`: decision `subject` has no record.
    """

    what: What
    number: int
    until: int = 0
    subject: str = ""


class Verified(Struct, frozen=True):
    """What a walk found: the chain's head, the heads it was held against, and what is wrong.

    `wrong` counts all of it; `findings` are the first 20.
    """

    head: Head
    against: tuple[Head, ...] = ()
    findings: tuple[Finding, ...] = ()
    wrong: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.wrong


def verify(database: Database, *heads: Head) -> Verified:
    """Walk the whole chain, hold it against `heads`, and the stored rows against it.

    Raises `StoreError` where the file cannot be read.
    """
    return _Walk(database, heads).go()


class _Walk:
    def __init__(self, database: Database, heads: tuple[Head, ...]) -> None:
        self._database = database
        self._audit = Audit(database)
        self._heads = heads
        self._found: list[Finding] = []
        self._number = self._inner = self._before = self._decisions = self._wrong = 0
        self._hash = ""

    def go(self) -> Verified:
        at = self._audit.head().at
        for row in self._audit.rows():
            self._link(row)
        self._end()
        head = Head(self._number, self._hash, at)
        return Verified(head, self._heads, tuple(self._found), self._wrong)

    def _say(self, what: What, number: int, until: int = 0, subject: str = "") -> None:
        self._wrong += 1
        if len(self._found) < _MOST:
            self._found.append(Finding(what, number, until or number, subject))

    def _link(self, row: Row) -> None:
        number, gap = row["number"], row["number"] != self._number + 1
        if gap:
            self._say("missing", self._number + 1, number - 1)
        record = _record(row["body"])
        told = record.get("number")
        inner = told if isinstance(told, int) else None
        whole = inner is not None and chained(row["former"], row["body"]) == row["hash"]
        expected = self._inner + number - self._number
        if not whole or inner is None:
            self._say("altered", number)
            inner = expected
        elif inner != expected:
            self._out_of_order(number, expected, inner)
        elif row["former"] != self._hash and not gap:
            self._say("unlinked", number)
        for head in self._heads:
            if head.count == number and head.hash != row["hash"]:
                self._say("other_chain", number)
        self._number, self._inner, self._hash = number, inner or expected, row["hash"]
        if whole:
            self._hold_against_rows(number, record, row["words"])

    def _out_of_order(self, number: int, expected: int, inner: int) -> None:
        if inner < expected:
            # All up to it were met: the ones in between are too many.
            self._say("inserted", number - (expected - inner), number - 1)
        elif len(self._found) < _MOST and self._stands_elsewhere(expected):
            self._say("reordered", number)
        else:
            self._say("missing", expected, inner - 1)

    def _stands_elsewhere(self, number: int) -> bool:
        row = self._database.row(
            "SELECT 1 FROM audit WHERE json_valid(body) AND json_extract(body, '$.number') = ?",
            [number],
        )
        return row is not None

    def _end(self) -> None:
        if self._number == 0:
            self._say("missing", 1)
        for head in self._heads:
            if head.count > self._number:
                self._say("cut_off", self._number + 1, head.count)
        counted = self._database.row(
            "SELECT count(*) AS n FROM decisions WHERE seq > ?", [self._before]
        )
        if counted and counted["n"] > self._decisions:
            for row in self._database.rows(
                """SELECT id FROM decisions WHERE seq > ? AND id NOT IN (
                    SELECT coalesce(json_extract(body, '$.subject'), '') FROM audit
                    WHERE json_valid(body) AND json_extract(body, '$.kind') = 'decision')
                ORDER BY seq LIMIT ?""",
                [self._before, _MOST],
            ):
                self._say("unrecorded", self._number, subject=row["id"])

    def _hold_against_version(self, number: int, detail: dict[str, Any]) -> None:
        version = str(detail.get("version", ""))
        row = self._database.row("SELECT changes FROM rule_versions WHERE number = ?", [version])
        if row is None:
            self._say("row_missing", number, subject=version)
        elif changes_hash(row["changes"]) != detail["changes"]:
            self._say("row_altered", number, subject=version)

    def _hold_against_rows(self, number: int, record: dict[str, Any], words: str | None) -> None:
        kind, subject = record.get("kind"), str(record.get("subject", ""))
        detail = record.get("detail") or {}
        if kind in ("begun", "salvaged"):
            # The decisions until then are no more to be asked for their records.
            self._before, self._decisions = int(detail.get("decisions", 0)), 0
        if kind == "rules" and detail.get("changes"):
            self._hold_against_version(number, detail)
        if "seal" not in record or kind not in ("decision", "hits", "approval"):
            return
        conversation = str(record.get("conversation", ""))
        rows = self._rows(str(kind), subject, detail)
        if kind == "decision" and rows:
            self._decisions += 1
        key = self._database.row(
            "SELECT key, erased FROM audit_keys WHERE conversation = ?", [conversation]
        )
        if self._erased(conversation, key) > number:
            if rows and (words or not is_blank(str(kind), rows, detail)):
                self._say("row_altered", number, subject=subject)
        elif not rows:
            self._say("row_missing", number, subject=subject)
        elif (
            key is None
            or sealed(key["key"], _content(str(kind), rows)) != record["seal"]
            or _words(str(kind), rows, detail) != words
        ):
            self._say("row_altered", number, subject=subject)

    def _rows(self, kind: str, subject: str, detail: dict[str, Any]) -> list[Row]:
        """The rows that the record is about, as they are stored now; none if they are gone."""
        if kind in ("decision", "approval"):
            return self._database.rows(f"SELECT * FROM {kind}s WHERE id = ?", [subject])
        ids = [str(hit["id"]) for hit in detail.get("hits", ())]
        rows = self._database.rows(
            "SELECT * FROM hits WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq",
            [to_json(ids)],
        )
        return rows if len(rows) == len(ids) else []

    def _erased(self, conversation: str, key: Row | None) -> int:
        """The record that tells of the deletion of the conversation's data; 0 without one."""
        if key is None or key["erased"] is None:
            return 0
        row = self._database.row("SELECT body FROM audit WHERE number = ?", [key["erased"]])
        record = _record(row["body"]) if row else {}
        told = record.get("kind") == "erased" and record.get("subject") == conversation
        return int(key["erased"]) if told else 0


def _content(kind: str, rows: list[Row]) -> object:
    """What the record's fingerprint was made of."""
    if kind == "hits":
        return hits_content(rows)
    return decision_content(rows[0]) if kind == "decision" else approval_content(rows[0])


def _words(kind: str, rows: list[Row], detail: dict[str, Any]) -> str | None:
    """What has to stand beside the record of hits; nothing where it holds their text itself."""
    told = detail.get("hits")
    if kind == "decision" or not told or "text" in told[0]:
        return None
    try:
        if kind == "hits":
            hits = [msgspec.json.decode(row["body"], type=Hit) for row in rows]
        else:
            hits = msgspec.json.decode(rows[0]["hits"], type=list[Hit])
    except msgspec.DecodeError:
        return None
    return to_json(words_of(hits))


def _record(body: object) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(str(body))
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
