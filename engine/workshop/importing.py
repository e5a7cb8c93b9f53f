"""A company's packs, as files, on top of the rules that are in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.redline.changes import Base, Change, Changes, Key, company_set, split
from engine.redline.checking import Problem, problem_of, unreadable
from engine.redline.packs import MAX_FILE, PackError, packs_in
from engine.redline.rules import Progress
from engine.redline.schema import RuleSet


class Packs(Struct, frozen=True):
    """What some files say, and the file and line in which each change stands.

    `problems`: the files that cannot be read, and what two files say differently.
    """

    changes: Changes
    places: dict[Key, tuple[str, int]]
    problems: tuple[Problem, ...] = ()

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Problems of these changes, by file and line instead of the line in their own text."""
        return tuple(self._located(problem) for problem in problems)

    def _located(self, problem: Problem) -> Problem:
        for kind in ("rule", "script", "context"):
            if (place := self.places.get((kind, problem.rule))) is not None:
                line = place[1] + max(problem.line - 1, 0)
                return msgspec.structs.replace(problem, file=place[0], line=line)
        return problem


def read_packs(
    files: Sequence[Path], base: Base, told: Progress = lambda _done, _total: None
) -> Packs:
    """What the packs in `files` (files, or folders of them) change of `base`.

    `told` is called with how many files are read.
    """
    paths, problems = _each(files)
    names = Counter(path.name for path in paths)
    changes: dict[Key, Change] = {}
    places: dict[Key, tuple[str, int]] = {}
    of: dict[Key, Path] = {}
    told(0, len(paths))
    for number, path in enumerate(paths, start=1):
        name = path.name if names[path.name] == 1 else str(path)
        try:
            found = split(_text(path))
        except PackError as error:
            problems.append(unreadable(name, error))
            found = []
        for one, line in found:
            change = _at_home(one, base)
            key = change.key
            if key in changes and (changes[key].text != change.text or of[key] == path):
                code = "context_twice" if change.kind == "context" else "id_twice"
                values = {"other": places[key][0], "context": change.id}
                problems.append(problem_of(name, code, rule=change.id, line=line, values=values))
            else:
                changes[key], places[key], of[key] = change, (name, line), path
        told(number, len(paths))
    return Packs(tuple(changes.values()), places, tuple(problems))


def set_with(
    base: Base, in_force: Changes, packs: Packs, told: Progress = lambda _done, _total: None
) -> tuple[RuleSet, tuple[Problem, ...]]:
    """The set that `packs` make on top of what is in force, and what keeps it from loading."""
    merged = {one.key: one for one in (*in_force, *packs.changes)}
    rule_set, problems = company_set(base, tuple(merged.values()), told)
    return rule_set, (*packs.problems, *packs.located(problems))


def _at_home(change: Change, base: Base) -> Change:
    """The change with the pack that ships what it changes, if one does."""
    kind = change.kind
    if not change.text and ("script", change.id) in base.homes:
        kind = "script"
    pack = base.homes.get((kind, change.id), "")
    return msgspec.structs.replace(change, kind=kind, pack=pack)


def _each(files: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """The files in `files` and in the folders among them, each once."""
    paths: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in files:
        try:
            inside = packs_in(path) if path.is_dir() else [path]
        except OSError as error:
            values = {"why": error.strerror or ""}
            problems.append(problem_of(path.name, "unreadable", values=values))
            continue
        if not inside:
            problems.append(problem_of(path.name, "no_packs"))
        paths |= dict.fromkeys(inside)
    return list(paths), problems


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
