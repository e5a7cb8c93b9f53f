"""RE2 expressions and the texts they are tried on, cut into clauses and sentences."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from engine.redline.normalise import Borders, borders
from engine.redline.schema import Scope

if TYPE_CHECKING:
    import re2


def compile_expression(expression: str, memory: int = 64 << 20) -> re2._Regexp:
    """`expression` as RE2 that never matches across a line; raises `re2.error` if it is none.

    So it does for one that takes more than `memory` bytes.
    """
    import re2  # Here, as all that only compiling needs: the window stands before that.

    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.max_mem = memory
    return re2.compile(f"(?m){expression}", options)


class Text:
    """A folded or restored text while it is searched: its borders, and its sentences as lines."""

    def __init__(self, folded: str, ends: Borders | None = None) -> None:
        """`ends` are the borders, where they are not to be looked for."""
        self.folded = folded
        self.borders: Borders = borders(folded) if ends is None else ends
        self._lines: dict[tuple[Scope, int], bytes] = {}

    def line(self, scope: Scope, number: int) -> bytes:
        """A sentence, without its end, in which each end of a `scope` is a line feed, as UTF-8."""
        line = self._lines.get((scope, number))
        if line is None:
            begin, end = self.span(number)
            text = self.folded[begin:end]
            if scope == "clause":
                ends = self.borders.clauses
                inner = ends[bisect_right(ends, begin) : bisect_right(ends, end)]
                if inner:
                    characters = list(text)
                    for border in inner:
                        characters[border - begin - 1] = "\n"
                    text = "".join(characters)
            line = self._lines[scope, number] = text.encode("utf-8", "replace")
        return line

    def span(self, number: int) -> tuple[int, int]:
        """Where a sentence stands, without what ends it."""
        ends = self.borders.sentences
        begin = ends[number - 1] if number else 0
        return begin, ends[number] - 1 if number < len(ends) else len(self.folded)

    def number(self, place: int) -> int:
        """The number of the sentence that holds `place`."""
        return bisect_right(self.borders.sentences, place)

    def same(self, scope: Scope, start: int, end: int) -> bool:
        """Whether ``start:end`` lies in one `scope`."""
        ends = self.borders.clauses if scope == "clause" else self.borders.sentences
        at = bisect_left(ends, start + 1)
        return at == len(ends) or ends[at] >= end

    def sentence(self, place: int) -> tuple[int, int]:
        """The sentence that holds `place`."""
        ends = self.borders.sentences
        at = bisect_left(ends, place + 1)
        begin = ends[at - 1] if at else 0
        return begin, ends[at] if at < len(ends) else len(self.folded)


def spans(expression: re2._Regexp, encoded: bytes) -> Iterator[tuple[int, int]]:
    """Character spans of an expression's matches (of its first group) in UTF-8 text.

    The search goes on behind the group, so that what follows it may begin the next match.
    """
    group = 1 if expression.groups else 0
    place = bytes_done = characters = 0
    while place <= len(encoded):
        match = expression.search(encoded, place)
        if match is None:
            return
        first, last = match.span(group)
        if first < 0 or first == last:
            first, last = match.span()
        if first >= bytes_done:
            characters += len(encoded[bytes_done:first].decode())
            bytes_done = first
            yield characters, characters + len(encoded[first:last].decode())
        place = max(last, place + 1)
        while place < len(encoded) and encoded[place] & 0xC0 == 0x80:
            place += 1


def longest(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without those inside another one, ascending."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(found), key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept
