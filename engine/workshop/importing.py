"""A company's packs, as files, on top of the rules that are in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.redline.changes import Base, Change, Changes, company_set, split
from engine.redline.checking import Problem, problem_of, unreadable
from engine.redline.packs import MAX_FILE, PackError, packs_in
from engine.redline.rules import refusal
from engine.redline.schema import RuleSet
from engine.workshop.shipped import Key


class Packs(Struct, frozen=True):
    """What some files say, and the file and line in which each change stands."""

    changes: Changes
    places: dict[Key, tuple[str, int]]

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Problems of these changes, by file and line instead of the line in their own text."""
        return tuple(self._located(problem) for problem in problems)

    def _located(self, problem: Problem) -> Problem:
        for kind in ("rule", "script", "context"):
            if (place := self.places.get((kind, problem.rule))) is not None:
                line = place[1] + max(problem.line - 1, 0)
                return msgspec.structs.replace(problem, file=place[0], line=line)
        return problem


def read_packs(files: Sequence[Path], base: Base) -> Packs:
    """What the packs in `files` (files, or folders of them) change of `base`.

    Raises `RuleError` with file and line for one that cannot be read, and where two say different
    things of one rule.
    """
    changes: dict[Key, Change] = {}
    places: dict[Key, tuple[str, int]] = {}
    for path in _each(files):
        try:
            found = split(_text(path))
        except PackError as error:
            raise refusal([unreadable(path.name, error)]) from error
        for one, line in found:
            kind = one.kind
            if not one.text and ("script", one.id) in base.homes:
                kind = "script"
            home = base.homes.get((kind, one.id), "")
            change = msgspec.structs.replace(one, kind=kind, pack=home)
            key = (change.kind, change.id)
            if key in changes and (changes[key].text != change.text or places[key][0] == path.name):
                code = "context_twice" if change.kind == "context" else "id_twice"
                values = {"other": places[key][0], "context": change.id}
                raise refusal(
                    [problem_of(path.name, code, rule=change.id, line=line, values=values)]
                )
            changes[key], places[key] = change, (path.name, line)
    return Packs(tuple(changes.values()), places)


def set_with(base: Base, in_force: Changes, packs: Packs) -> tuple[RuleSet, tuple[Problem, ...]]:
    """The set that `packs` make on top of what is in force, and what keeps it from loading."""
    merged = {(one.kind, one.id): one for one in (*in_force, *packs.changes)}
    rule_set, problems = company_set(base, tuple(merged.values()))
    return rule_set, packs.located(problems)


def _each(files: Sequence[Path]) -> Iterator[Path]:
    for path in files:
        try:
            inside = packs_in(path) if path.is_dir() else [path]
        except OSError as error:
            values = {"why": error.strerror or ""}
            raise refusal([problem_of(path.name, "unreadable", values=values)]) from error
        if not inside:
            raise refusal([problem_of(path.name, "no_packs")])
        yield from inside


def _text(path: Path) -> str:
    """The pack in a file; raises `PackError`."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise PackError("too_large", size=MAX_FILE // 1_000_000)
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise PackError("unreadable", why=error.strerror) from error
    except UnicodeDecodeError as error:
        raise PackError("not_yaml", why=f"no UTF-8 at byte {error.start}") from error
