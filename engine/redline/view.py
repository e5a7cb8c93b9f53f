"""A text with its disguises undone, and what was undone where."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntFlag

from msgspec import Struct

from engine.redline.normalise import Borders


class Trick(IntFlag):
    """What was undone at a character."""

    NONE = 0
    SQUEEZE = 1
    PINYIN = 2
    INITIALS = 4
    HOMOPHONE = 8
    SPLIT = 16
    LOOKALIKE = 32
    DIGITS = 64
    MIXED = 128


class View(Struct, frozen=True):
    """A restored text.

    Character `i` stands for ``starts[i]:ends[i]`` of the folded text, and `tricks[i]` tells what
    was undone there (a `SQUEEZE`: before it). `borders` are those of the folded text, in this one.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    tricks: Sequence[int]
    borders: Borders

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The folded text's span for a span of this one."""
        return self.starts[start], self.ends[end - 1]

    def undone(self, start: int, end: int) -> int:
        """All that was undone inside a span."""
        found = self.tricks[start] & ~Trick.SQUEEZE
        for place in range(start + 1, end):
            found |= self.tricks[place]
        return found
