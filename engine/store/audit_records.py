"""The audit's records as they were read: one by one, and all of one request together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

_SAME = 60_000
"""Milliseconds by which a row's time and its record's may differ: some were taken one by one."""


class Record(Struct, frozen=True):
    """A record as it was written. `at` is in milliseconds, `seal` "" where it has no content."""

    number: int
    kind: str = ""
    subject: str = ""
    at: int = 0
    who: str = ""
    rules: str = ""
    conversation: str = ""
    seal: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> str:
        """Which step it tells of, "" for none."""
        return str(self.detail.get("step", ""))

    @property
    def older(self) -> dict[str, int]:
        """By table, the last row that needs no record; empty for most records."""
        found = self.detail.get("older")
        if not isinstance(found, dict):
            return {}
        return {table: last for table, last in found.items() if isinstance(last, int)}

    @property
    def version(self) -> int | None:
        """The version of the rules that it tells a step of; None where it tells of none."""
        found = self.detail.get("version")
        return found if isinstance(found, int) else None

    @property
    def step_key(self) -> tuple[object, ...]:
        """What names a step of a version: as `step_key` says it of its row."""
        return (self.version, str(self.detail.get("why")), self.who, self.rules)

    def about_then(self, seconds: object) -> bool:
        """Whether a row's time is the record's."""
        return isinstance(seconds, (int, float)) and abs(seconds * 1000 - self.at) <= _SAME


class ApprovalRecords(Struct, frozen=True):
    """What all records of one request say together: how it has to stand."""

    asked: Record
    last: Record
    answered: Record | None = None
    used: Record | None = None

    @property
    def bound(self) -> str:
        """The text and the conversation it was asked for."""
        return str(self.asked.detail.get("bound", ""))

    def says(self, row: Mapping[str, object]) -> bool:
        """Whether a row of `approvals` says the same of who asked and answered, and how it ended.

        What is written in it is held against the records' seals elsewhere.
        """
        answered = self.answered
        return (
            row["state"] == self.last.step
            and row["asker"] == self.asked.who
            and self.asked.about_then(row["at"])
            and row["answered_by"] == (answered.who if answered else "")
            and (
                row["answered_at"] is None
                if answered is None
                else answered.about_then(row["answered_at"])
            )
            and (self.used is None or row["decision"] == self.used.detail.get("decision"))
        )


def record_in(number: int, body: object) -> Record:
    """The record in a row of the audit; one without a kind where it cannot be read."""
    return record_of(number, decoded(body))


def record_of(number: int, record: Mapping[str, object]) -> Record:
    """A record that was decoded, likewise."""
    try:
        return msgspec.convert({**record, "number": number}, Record)
    except msgspec.ValidationError:
        return Record(number)


def decoded(body: object) -> dict[str, Any]:
    """A record's text as it was encoded, {} where it cannot be read."""
    try:
        found = msgspec.json.decode(str(body))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def approval_records(records: Sequence[Record]) -> ApprovalRecords | None:
    """What records about one id say of it as a request; None where nobody asked for it."""
    told = [one for one in records if one.kind in ("approval", "answer")]
    if not told or told[0].kind != "approval":
        return None
    return ApprovalRecords(
        told[0],
        told[-1],
        _last(told, lambda one: one.kind == "answer" and bool(one.seal)),
        _last(told, lambda one: one.step == "used"),
    )


def counted_steps(records: Sequence[Record]) -> Counter[tuple[object, ...]]:
    """How often the records tell of each step of a version; as `step_key` names it."""
    return Counter(one.step_key for one in records)


def step_key(row: Mapping[str, object]) -> tuple[object, ...]:
    """What names a row of `rule_steps` among the records: version, step, who, the set that ran."""
    return (row["version"], row["step"], row["who"], row["rules"])


def _last(told: Sequence[Record], which: Callable[[Record], bool]) -> Record | None:
    return next((one for one in reversed(told) if which(one)), None)
