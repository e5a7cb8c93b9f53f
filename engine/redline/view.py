"""A text with its disguises undone, and what was undone where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

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


class Source(Struct, frozen=True):
    """The text that was restored: for each place where its character ends, and what was undone."""

    ends: Sequence[int]
    tricks: bytes | bytearray


class Restored(Struct, frozen=True):
    """One restored sentence.

    `clauses`: where its clauses end in it; `ended`: whether the text goes on behind it. `pieces`
    say what its characters stand for, in turn: ``(start, end)`` a stretch of `source` as it is,
    ``(start, end, trick)`` one character, ``()`` something left out before the next one. `places`
    are those of pairs of which one may be a homophone, `corrected` those where another is put,
    `seams` those of pairs that do not stand so in the folded text; it is sentence `number` there.
    """

    text: str
    clauses: Sequence[int]
    ended: bool
    tricked: bool
    pieces: Sequence[tuple[int, ...]]
    source: Source
    number: int
    seams: Sequence[int]
    places: Sequence[int]
    corrected: Sequence[int] = ()

    def with_corrections(self, corrections: Mapping[int, str]) -> Restored:
        """The sentence with what homophones stand for in their place."""
        characters = list(self.text)
        for place, character in corrections.items():
            characters[place] = character
        return replace(self, text="".join(characters), corrected=tuple(corrections))

    def joins(self, pairs: frozenset[str]) -> bool:
        """Whether one of some pairs stands in it and may not stand in the folded sentence."""
        if self.corrected:
            return True
        text = self.text
        return any(text[seam : seam + 2] in pairs for seam in self.seams)

    def new(self, reach: int) -> list[str]:
        """What may stand in it and not in the folded sentence: up to `reach` characters each."""
        if not self.corrected:
            places: Sequence[int] = self.seams
        else:
            places = sorted((*self.seams, *self.corrected))
        parts: list[str] = []
        start = end = 0
        for place in places:
            if not end or place - reach >= end:
                if end:
                    parts.append(self.text[start:end])
                start = max(place - reach + 1, 0)
            end = place + 1 + reach
        if end:
            parts.append(self.text[start:end])
        return parts

    def characters(self) -> Iterator[tuple[int, int, int]]:
        """Where each character begins and ends in the folded text, and what was undone there."""
        left_out = 0
        for piece in self.pieces:
            if len(piece) == 2:
                for place in range(*piece):
                    yield place, self.source.ends[place], self.source.tricks[place] | left_out
                    left_out = 0
            elif piece:
                yield piece[0], piece[1], piece[2] | left_out
                left_out = 0
            else:
                left_out = Trick.SQUEEZE


class View:
    """Restored sentences as one text; `borders` are those of the folded text, in this one."""

    def __init__(self, sentences: Sequence[Restored]) -> None:
        self.sentences = sentences
        self.text = "".join([sentence.text for sentence in sentences])
        clauses: list[int] = []
        ends: list[int] = []
        size = 0
        for sentence in sentences:
            clauses += [size + end for end in sentence.clauses]
            size += len(sentence.text)
            if sentence.ended:
                ends.append(size)
        self.borders = Borders(tuple(clauses), tuple(ends))

    @cached_property
    def _characters(self) -> list[tuple[int, int, int]]:
        """For each character what it stands for: worked out where something is found at all."""
        found: list[tuple[int, int, int]] = []
        for sentence in self.sentences:
            first = len(found)
            found += sentence.characters()
            for place in sentence.corrected:
                start, end, tricks = found[first + place]
                found[first + place] = start, end, tricks | Trick.HOMOPHONE
        return found

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The folded text's span for a span of this one."""
        return self._characters[start][0], self._characters[end - 1][1]

    def undone(self, start: int, end: int) -> int:
        """All that was undone inside a span."""
        characters = self._characters
        found = characters[start][2] & ~Trick.SQUEEZE
        for place in range(start + 1, end):
            found |= characters[place][2]
        return found
