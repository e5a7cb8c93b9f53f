"""The rules as a draft has them, beside what ships and beside what is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from engine.redline.changes import Change, Changes, Checked, Key, Kind
from engine.redline.checking import Problem
from engine.redline.schema import Rule, Script

Origin = Literal["shipped", "changed", "added", "off"]
Check = Callable[[Change, Changes], Checked]
"""A change by itself, with the company's contexts that it may use."""


class WorkshopRule(Struct, frozen=True):
    """A rule, script or context as the draft has it.

    `origin` is told beside what ships, `edited` beside what is in force. `rule` is None where it is
    off, a context, or cannot be read; `former` is what is in force under its id.
    """

    kind: Kind
    id: str
    pack: str
    text: str
    origin: Origin
    edited: bool
    rule: Rule | Script | None = None
    former: Rule | Script | None = None
    problems: tuple[Problem, ...] = ()


class Listing:
    """Everything in a draft: what ships in its order, then what was added."""

    def __init__(
        self,
        shipped: Mapping[Key, tuple[Change, Rule | Script]],
        changes: Changes,
        in_force: Changes,
        check: Check,
    ) -> None:
        self._shipped = shipped
        self._changes = {one.key: one for one in changes}
        self._in_force = {one.key: one for one in in_force}
        self._contexts, self._former_contexts = contexts_of(changes), contexts_of(in_force)
        self._check = check

    def __contains__(self, key: Key) -> bool:
        return key in self._shipped or key in self._changes

    def __iter__(self) -> Iterator[WorkshopRule]:
        return map(self.one, dict.fromkeys((*self._shipped, *self._changes)))

    def one(self, key: Key) -> WorkshopRule:
        """The rule, script or context of this key, which is in it."""
        change = self._changes.get(key)
        former = self._in_force.get(key)
        shipped, rule = self._shipped.get(key, (None, None))
        was = rule
        if former is not None:
            was = self._check(former, self._former_contexts).rule if former.text else None
        if change is None:
            assert shipped is not None
            return WorkshopRule(
                *key, shipped.pack, shipped.text, "shipped", former is not None, rule, was
            )
        edited = former != change
        if not change.text:
            text, pack = (shipped.text, shipped.pack) if shipped else ("", "")
            return WorkshopRule(*key, pack, text, "off", edited, None, was)
        found = self._check(change, self._contexts)
        origin: Origin = "changed" if shipped else "added"
        return WorkshopRule(
            *key, change.pack, change.text, origin, edited, found.rule, was, found.problems
        )


def contexts_of(changes: Changes) -> Changes:
    """The company's own contexts among some changes."""
    return tuple(change for change in changes if change.kind == "context")
