"""A text with its disguises undone, and what was undone where."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import IntEnum

from msgspec import Struct

from engine.redline.normalise import Borders


class Trick(IntEnum):
    """What was undone at a character; several are added up."""

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
        for tricks in set(self.tricks[start + 1 : end]):
            found |= tricks
        return found

    def sentences_at(self, places: Iterable[int]) -> View:
        """A view of only those sentences that hold one of some places, which ascend."""
        ends = [*self.borders.sentences, len(self.text)]
        spans: list[tuple[int, int]] = []
        for place in places:
            at = bisect_left(ends, place + 1)
            begin = ends[at - 1] if at else 0
            if not spans or spans[-1][0] != begin:
                spans.append((begin, ends[at]))
        clauses: list[int] = []
        sentences: list[int] = []
        size = 0
        for begin, end in spans:
            inner = self.borders.clauses
            inner = inner[bisect_left(inner, begin + 1) : bisect_left(inner, end + 1)]
            clauses += [size + border - begin for border in inner]
            size += end - begin
            sentences.append(size)
        if (
            spans
            and spans[-1][1] == len(self.text)
            and self.borders.sentences[-1:] != (spans[-1][1],)
        ):
            sentences.pop()
        return View(
            "".join([self.text[begin:end] for begin, end in spans]),
            [one for begin, end in spans for one in self.starts[begin:end]],
            [one for begin, end in spans for one in self.ends[begin:end]],
            [one for begin, end in spans for one in self.tricks[begin:end]],
            Borders(tuple(clauses), tuple(sentences)),
        )
