"""Differences that a person can read: a list of words in one long line is compared word by word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

_LONG: Final = 160
_AROUND: Final = 1
# A list's parts, in one line or in several.
_PARTS: Final = re.compile(r"(?<=,)\s+|(?<=\[)")


def readable(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines of a unified diff, with those that are too long to compare taken apart."""
    made: list[str] = []
    removed: list[str] = []
    added: list[str] = []
    for line in (*lines, " "):
        if line[:1] == "-":
            removed.append(line[1:])
        elif line[:1] == "+":
            added.append(line[1:])
        else:
            made += _compared(removed, added)
            removed, added = [], []
            made += _kept(line)
    return tuple(made[:-1])


def _compared(removed: list[str], added: list[str]) -> Iterator[str]:
    if not any(len(line) > _LONG for line in (*removed, *added)) or not (removed and added):
        for sign, lines in (("-", removed), ("+", added)):
            for line in lines:
                yield from (sign + part for part in _short(line))
        return
    before, after = _parts(removed), _parts(added)
    found = difflib.unified_diff(before, after, lineterm="", n=_AROUND)
    for line in list(found)[2:]:
        yield " …" if line.startswith("@@") else line


def _kept(line: str) -> Iterator[str]:
    yield line if len(line) <= _LONG else f"{line[:_LONG]}…"


def _short(line: str) -> Iterator[str]:
    if len(line) <= _LONG:
        yield line
    else:
        yield from _parts([line])


def _parts(lines: list[str]) -> list[str]:
    """The parts of lists, each without what surrounds it: however it is written, it is the same."""
    # Of one depth, and the names of lists above what they hold.
    split = (part for line in lines for part in _PARTS.split(line.strip()))
    bare = (part.strip().rstrip(",[] ").lstrip("[").strip("\"'") for part in split)
    return [f"  {part}" if part.endswith(":") else f"    {part}" for part in bare if part]
