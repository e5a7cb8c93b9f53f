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
from engine.store.audit_records import decoded, record_of
from engine.store.audit_rows import OF_ROWS, StoredRows
from engine.store.audit_seals import Seals
from engine.store.blank import is_blank
from engine.store.chain import chained
from engine.store.database import Database, Row
from engine.store.rule_draft import changes_hash
from engine.store.text import to_json
from engine.store.trigger_repair import lost_triggers

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
    "gone",
    "unguarded",
    "foreign_guard",
]

_MOST = 20


class Finding(Struct, frozen=True):
    """Something wrong at record `number`, or from it to `until`.

    The record itself was `altered`; records are `missing` or `inserted` there; another one stands
    in its place (`reordered`); it is `unlinked` from the one before, which was written anew; the
    chain was `cut_off` before a head that was signed off, or is not the one whose head that was
    (`other_chain`). `row_altered`, `row_missing`: what the record is about (`subject`) was changed
    or is gone (what was deleted on request is not, as long as it stays without words);
    `unrecorded`: `subject` has no record. Table `subject` is `gone`, and with it the record itself
    or what it tells of. Trigger `subject`, by which SQLite refuses all this, is missing or was
    rewritten (`unguarded`), or is not of this program (`foreign_guard`). `number` 0: no record.
    """

    what: What
    number: int
    until: int = 0
    subject: str = ""


class Verified(Struct, frozen=True):
    """What a walk found: the chain's head, the heads it was held against, and what is wrong.

    `wrong` counts all of it; `findings` are the first 20. `older` rows could not be held against
    a record: they were written before there were any of their kind, or saved from a damaged file.
    `put_back` are records that tell of triggers that were missing at a start.
    """

    head: Head
    against: tuple[Head, ...] = ()
    findings: tuple[Finding, ...] = ()
    wrong: int = 0
    older: int = 0
    put_back: tuple[int, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.wrong


def verify(database: Database, *heads: Head) -> Verified:
    """Walk the whole chain, hold it against `heads`, and the stored rows against it.

    Others may write meanwhile: what is looked at is of one moment. Raises `StoreError` where the
    file cannot be read.
    """
    with database.snapshot():
        return _Walk(database, heads).go()


class _Walk:
    def __init__(self, database: Database, heads: tuple[Head, ...]) -> None:
        self._database = database
        self._audit = Audit(database)
        self._heads = heads
        self._found: list[Finding] = []
        self._number = self._inner = self._before = self._decisions = self._wrong = 0
        self._hash = ""
        self._hits = 0
        self._put_back: list[int] = []
        self._seals = Seals(database)
        self._rows_stored = StoredRows(database, self._audit, self._seals, self._say_of)

    def go(self) -> Verified:
        if gone := self._audit.gone():
            # Without them there is nothing to walk along, or to hold the records against.
            for table in gone:
                self._say("gone", 0, subject=table)
            return Verified(Head(0, ""), self._heads, tuple(self._found), self._wrong)
        at = self._audit.head().at
        for row in self._audit.rows():
            self._link(row)
        self._end()
        head = Head(self._number, self._hash, at)
        older = self._rows_stored.older
        return Verified(
            *(head, self._heads, tuple(self._found), self._wrong), older, tuple(self._put_back)
        )

    def _say_of(self, what: What, number: int, subject: str) -> None:
        self._say(what, number, subject=subject)

    def _say(self, what: What, number: int, until: int = 0, subject: str = "") -> None:
        self._wrong += 1
        if len(self._found) < _MOST:
            self._found.append(Finding(what, number, until or number, subject))

    def _link(self, row: Row) -> None:
        number, gap = row["number"], row["number"] != self._number + 1
        if gap:
            self._say("missing", self._number + 1, number - 1)
        record = decoded(row["body"])
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
            try:
                self._hold_against_rows(number, record, row["words"])
            except (AttributeError, LookupError, TypeError, ValueError):
                # Of a form that this program never writes.
                self._say("altered", number)

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
        self._rows_stored.slipped_in(self._hits)
        self._rows_stored.by_row()
        lost, foreign = lost_triggers(self._database)
        if self._before:
            counted = self._database.row(
                """SELECT count(*) AS n FROM decisions WHERE seq <= ? AND id NOT IN (
                    SELECT coalesce(json_extract(body, '$.subject'), '') FROM audit
                    WHERE json_valid(body) AND json_extract(body, '$.kind') = 'decision')""",
                [self._before],
            )
            self._rows_stored.older += counted["n"] if counted else 0
        for name in lost:
            self._say("unguarded", 0, subject=name)
        for name in foreign:
            self._say("foreign_guard", 0, subject=name)

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
        if "put_back" in detail:
            self._put_back.append(number)
        conversation = str(record.get("conversation", ""))
        if kind in OF_ROWS and self._seals.erased(conversation) <= number:
            self._rows_stored.by_record(record_of(number, record))
        if "seal" not in record or kind not in ("decision", "hits", "approval"):
            return
        rows = self._rows(str(kind), subject, detail)
        # A reply that was kept back is no message: its hits are known by their conversation.
        subject = subject or conversation
        if kind == "decision" and rows:
            self._decisions += 1
        if kind == "hits":
            self._hits += len(rows)
        if self._seals.erased(conversation) > number:
            bare = is_blank(str(kind), rows, detail) if rows else True
            if words or not bare or (kind == "hits" and not _as_found(rows, record)):
                self._say("row_altered", number, subject=subject)
            elif rows and kind == "decision":
                self._rows_stored.sent_as_decided(number, rows[0], deleted=True)
        elif not rows:
            self._say("row_missing", number, subject=subject)
        elif (
            not self._seals.is_whole(conversation, record["seal"], _content(str(kind), rows))
            or _words(str(kind), rows, detail) != words
            or (kind == "hits" and not _as_found(rows, record))
        ):
            self._say("row_altered", number, subject=subject)
        elif kind == "decision":
            self._rows_stored.sent_as_decided(number, rows[0], deleted=False)

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


def _content(kind: str, rows: list[Row]) -> object:
    """What the record's fingerprint was made of."""
    if kind == "hits":
        return hits_content(rows)
    return decision_content(rows[0]) if kind == "decision" else approval_content(rows[0])


def _as_found(rows: list[Row], record: dict[str, Any]) -> bool:
    """Whether the columns that are searched say of hits what they and their record do."""
    who = record.get("who")
    for row in rows:
        if who and row["agent"] != who:
            return False
        hit = msgspec.json.decode(row["body"], type=Hit)
        told = (hit.rule, hit.category, hit.level, hit.side, hit.trial)
        if told != (row["rule"], row["category"], row["level"], row["side"], bool(row["trial"])):
            return False
    return True


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
