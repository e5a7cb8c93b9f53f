"""Finding many wordings at once in folded and in restored texts: Aho-Corasick, linear time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING

from engine.redline.characters import NUMERALS, is_code
from engine.redline.normalise import fold
from engine.redline.syllables import syllable_forms
from engine.redline.view import Trick, View

if TYPE_CHECKING:
    import ahocorasick_rs

    _Table = tuple[ahocorasick_rs.AhoCorasick | None, list[list[int]]]

Places = dict[int, list[tuple[int, int]]]
"""Where wordings stand, by their numbers."""
SQUEEZE_FROM = 3
MAX_GAP = 4
_KEEP = frozenset(".。!?;,\n")
_LOOSE = re.compile(r"(?:[^\w.。!?;,\n]|_)+")
_LOOSE_BUT_LINES = re.compile(r"[^\w.。!?;,\n]+")
_DIGITS = str.maketrans(NUMERALS)


class Words:
    """Many wordings found at once, each also with up to four spaces or symbols between characters.

    Latin letters and digits match whole words and numbers only.
    """

    def __init__(self, words: Iterable[str], literals: Iterable[str] = ()) -> None:
        """`literals` are found on the way, wherever they stand."""
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        index: dict[str, int] = {}
        for word in words:
            if word in self._numbers:
                continue
            folded = fold(word).text.strip()
            if folded:
                number = self._numbers[word] = index.setdefault(folded, len(index))
                if number == len(self.words):
                    self.words.append(folded)
        squeezed: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            tight = _squeeze(word)
            if len(tight) >= SQUEEZE_FROM:
                squeezed.setdefault(tight, []).append(number)
        self._tight = list(squeezed.values())
        self._forms = list(squeezed)
        self.pairs = pairs_in({*self.words, *squeezed})
        """The characters that stand side by side in a wording, or would with its signs left out."""
        self.longest = max(map(len, self.words), default=1)
        self._reach = max(map(len, squeezed), default=1) - 1
        self._plain = automaton([*self.words, *literals])

    @cached_property
    def _squeezed(self) -> ahocorasick_rs.AhoCorasick | None:
        return automaton(self._forms)

    def make_ready(self) -> None:
        """Build now what is built only when a text first asks for it."""
        _ = self._squeezed

    def number(self, word: str) -> int:
        """The number `find` reports for `word`, one of those that were given."""
        return self._numbers[word]

    def find(self, folded: str) -> list[tuple[int, int, int]]:
        """All ``(start, end, word number)`` in a folded text, ascending, without repeats."""
        return self._search(folded)[0]

    def search(self, folded: str) -> tuple[Places, list[tuple[int, int]]]:
        """What `find` finds, by word number, and all ``(literal number, end)``, by their ends."""
        words, literals = self._search(folded)
        return _by_word(words), literals

    def _search(self, folded: str) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
        found: set[tuple[int, int, int]] = set()
        literals: list[tuple[int, int]] = []
        if self._plain is not None:
            size = len(self.words)
            for number, start, end in self._plain.find_matches_as_indexes(folded, overlapping=True):
                if number >= size:
                    literals.append((number - size, end))
                elif whole(folded, start, end):
                    found.add((start, end, number))
        if self._forms:
            self._add_loose(folded, found)
        return sorted(found), literals

    def as_they_are(self, text: str) -> Iterator[tuple[int, int, int]]:
        """All ``(start, end, word number)`` in a text, with no signs between."""
        if self._plain is not None:
            size = len(self.words)
            for number, start, end in self._plain.find_matches_as_indexes(text, overlapping=True):
                if number < size and whole(text, start, end):
                    yield start, end, number

    def restored(self, text: str) -> Places:
        """What stands in a restored text, from which signs are gone already, by word number."""
        return _by_word(sorted(self.as_they_are(text)))

    def _add_loose(self, folded: str, found: set[tuple[int, int, int]]) -> None:
        """Add what is found with the signs left out, where some really stand between."""
        loose = _LOOSE if "_" in folded else _LOOSE_BUT_LINES  # It is quicker.
        parts = loose.split(folded)
        tight = "".join(parts)
        seams = list(accumulate(map(len, parts[:-1])))
        sides = [tight[seam - 1 : seam + 1] for seam in seams]
        if self._squeezed is None or self.pairs.isdisjoint(sides):
            return
        pairs = self.pairs
        matches: list[tuple[int, int, int]] = []
        joints = ((seam, seam) for seam, side in zip(seams, sides, strict=True) if side in pairs)
        for begin, end in stretches(joints, self._reach):
            there = self._squeezed.find_matches_as_indexes(tight[begin:end], overlapping=True)
            for number, first, last in there:
                at = bisect_right(seams, begin + first)
                if at < len(seams) and seams[at] < begin + last:
                    matches.append((number, begin + first, begin + last))
        if not matches:
            return
        places = [i for i, c in enumerate(folded) if c.isalnum() or c in _KEEP]
        for number, first, last in matches:
            start, stop = places[first], places[last - 1] + 1
            if not whole(folded, start, stop):
                continue
            gaps = zip(places[first : last - 1], places[first + 1 : last], strict=True)
            if all(after - before <= MAX_GAP + 1 for before, after in gaps):
                found.update((start, stop, word) for word in self._tight[number])


class SyllableWords:
    """The wordings of a `Words`, found by their syllables in restored texts.

    The tables are built when a text first asks for them: many never do.
    """

    def __init__(self, words: Words, needed: Iterable[str]) -> None:
        """`needed`: what else is looked for, in syllable codes, where a homophone may be."""
        self._words = words.words
        self._needed = needed

    @cached_property
    def _tight(self) -> list[str]:
        return [_squeeze(word) for word in self._words]

    @cached_property
    def _tables(self) -> tuple[_Table, _Table]:
        """The wordings by their syllables, behind them what else is needed, and the wordings by how
        they are written."""
        by_syllables: dict[str, list[int]] = {}
        for number, tight in enumerate(self._tight):
            if len(tight) > 1:
                for form in syllable_forms(tight):
                    by_syllables.setdefault(form, []).append(number)
        return (
            (automaton([*by_syllables, *self._needed]), list(by_syllables.values())),
            (automaton(list(self.written)), list(self.written.values())),
        )

    @cached_property
    def written(self) -> dict[str, list[int]]:
        """Whose forms they are: the wordings without their signs and with digits for numerals."""
        written: dict[str, list[int]] = {}
        for number, (word, tight) in enumerate(zip(self._words, self._tight, strict=True)):
            if len(tight) > 1:
                for form in {tight, tight.translate(_DIGITS)} - {word}:
                    written.setdefault(form, []).append(number)
        return written

    def make_ready(self) -> None:
        """Build the tables now."""
        _ = self._tables

    def spelled(self, text: str, codes: str, short: frozenset[int]) -> Iterator[int]:
        """Behind what places of a text something may stand once its homophones are resolved.

        `codes` is the text in syllable codes. It is what else is needed, or a wording that does not
        stand there already, of three characters and more or one of `short`.
        """
        automaton, of = self._tables[0]
        if automaton is None:
            return
        size = len(of)
        for form, start, end in automaton.find_matches_as_indexes(codes, overlapping=True):
            if form >= size:
                yield end
            elif end - start >= SQUEEZE_FROM or not short.isdisjoint(of[form]):
                there = text[start:end]
                if any(self._tight[number] != there for number in of[form]):
                    yield end

    def needs(self, codes: str) -> bool:
        """Whether anything else that is needed stands in a text in syllable codes."""
        automaton, of = self._tables[0]
        return automaton is not None and any(
            form >= len(of)
            for form, _, _ in automaton.find_matches_as_indexes(codes, overlapping=True)
        )

    def find(self, view: View, codes: str) -> list[tuple[int, int, int, int]]:
        """All ``(start, end, word number, tricks)`` where the text is not the wording itself.

        `codes` is the view's text in syllable codes, empty where it spells no syllable. Each
        character must be the wording's own, its syllable typed, or its digit.
        """
        found: list[tuple[int, int, int, int]] = []
        text = view.text
        automaton, of = self._tables[0 if codes else 1]
        if automaton is None:
            return found
        matches = automaton.find_matches_as_indexes(codes or text, overlapping=True)
        size = len(of)
        for form, start, end in matches:
            if form >= size:
                continue
            there = text[start:end]
            for number in of[form]:
                tight = self._tight[number]
                other = 0
                if there != tight:
                    other = tricks_between(there, tight)
                    if not other:
                        continue
                elif tight == self._words[number]:
                    continue
                tricks = view.undone(start, end) | other
                if tricks and whole(text, start, end):
                    found.append((start, end, number, tricks))
        return found


def tricks_between(there: str, word: str) -> int:
    """By what tricks `there` stands for `word`; none where it is the word, or another one."""
    tricks = 0
    for one, other in zip(there, word, strict=True):
        if one == other:
            continue
        if is_code(one):
            tricks |= Trick.PINYIN
        elif one.isdigit() or other.isdigit():
            tricks |= Trick.DIGITS
        else:
            return 0
    return tricks


def stretches(places: Iterable[tuple[int, int]], reach: int) -> Iterator[tuple[int, int]]:
    """What lies up to `reach` characters around some ascending places, run together where it
    meets."""
    begin = end = 0
    for start, stop in places:
        if not end or start - reach > end:
            if end:
                yield begin, end
            begin = max(start - reach, 0)
        end = stop + reach
    if end:
        yield begin, end


def automaton(patterns: list[str]) -> ahocorasick_rs.AhoCorasick | None:
    """Finds any of some patterns; None without any."""
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(patterns) if patterns else None


def _by_word(found: Iterable[tuple[int, int, int]]) -> Places:
    by_word: dict[int, list[tuple[int, int]]] = {}
    for start, end, number in found:
        by_word.setdefault(number, []).append((start, end))
    return by_word


def pairs_in(words: Iterable[str]) -> frozenset[str]:
    """The characters that stand side by side in some wordings."""
    found: set[str] = set()
    for word in words:
        found.update(map(add, word, word[1:]))
    return frozenset(found)


def _squeeze(word: str) -> str:
    if word.isalnum():
        return word
    return "".join(character for character in word if character.isalnum() or character in _KEEP)


def whole(text: str, start: int, end: int) -> bool:
    """Whether the edges of ``start:end`` cut no Latin word and no number in two."""
    return not (
        (start > 0 and _joined(text[start - 1], text[start]))
        or (end < len(text) and _joined(text[end - 1], text[end]))
    )


def _joined(left: str, right: str) -> bool:
    if left.isdigit() or right.isdigit():
        return left.isdigit() and right.isdigit()
    return left.isalpha() and right.isalpha() and left < "\u0250" and right < "\u0250"
