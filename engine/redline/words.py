"""Finding many wordings at once in folded and in restored texts: Aho-Corasick, linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import add
from typing import TYPE_CHECKING

from engine.redline.characters import NUMERALS, is_code
from engine.redline.normalise import fold
from engine.redline.syllables import syllable_forms
from engine.redline.view import Trick, View

if TYPE_CHECKING:
    import ahocorasick_rs

    _Table = tuple[ahocorasick_rs.AhoCorasick | None, list[list[int]]]

SQUEEZE_FROM = 3
MAX_GAP = 4
_KEEP = frozenset(".。!?;,\n")
_LOOSE = re.compile(r"[^\w.。!?;,\n]|_")
_LOOSE_RUN = re.compile(r"(?:[^\w.。!?;,\n]|_)+")
_DIGITS = str.maketrans(NUMERALS)


class Words:
    """Many wordings found at once, each also with up to four spaces or symbols between characters.

    Latin letters and digits match whole words and numbers only.
    """

    def __init__(self, words: Iterable[str]) -> None:
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
        self._plain = automaton(self.words)

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
        found = set(self._as_they_are(folded))
        if self._forms and self._may_be_loose(folded) and self._squeezed is not None:
            tight = _LOOSE.sub("", folded)
            matches = self._squeezed.find_matches_as_indexes(tight, overlapping=True)
            if matches:
                self._add_loose(folded, matches, found)
        return sorted(found)

    def _may_be_loose(self, folded: str) -> bool:
        """Whether signs stand anywhere between two characters of a wording."""
        pairs = self.pairs
        last = len(folded)
        return any(
            match.start() > 0
            and match.end() < last
            and folded[match.start() - 1] + folded[match.end()] in pairs
            for match in _LOOSE_RUN.finditer(folded)
        )

    def _as_they_are(self, text: str) -> Iterator[tuple[int, int, int]]:
        if self._plain is not None:
            for number, start, end in self._plain.find_matches_as_indexes(text, overlapping=True):
                if whole(text, start, end):
                    yield start, end, number

    def restored(self, text: str) -> dict[int, list[tuple[int, int]]]:
        """What stands in a restored text, from which signs are gone already, by word number."""
        return _by_word(sorted(self._as_they_are(text)))

    def _add_loose(
        self,
        folded: str,
        matches: Iterable[tuple[int, int, int]],
        found: set[tuple[int, int, int]],
    ) -> None:
        """Add what was found with the signs left out, where signs really stand between."""
        places = [i for i, c in enumerate(folded) if c.isalnum() or c in _KEEP]
        for number, first, last in matches:
            start, end = places[first], places[last - 1] + 1
            if end - start == last - first or not whole(folded, start, end):
                continue
            gaps = zip(places[first : last - 1], places[first + 1 : last], strict=True)
            if all(after - before <= MAX_GAP + 1 for before, after in gaps):
                found.update((start, end, word) for word in self._tight[number])

    def places(self, folded: str) -> dict[int, list[tuple[int, int]]]:
        """What `find` finds, by word number."""
        return _by_word(self.find(folded))


class SyllableWords:
    """The wordings of a `Words`, found by their syllables in restored texts.

    The tables are built when a text first asks for them: many never do.
    """

    def __init__(self, words: Words) -> None:
        self._words = words.words

    @cached_property
    def _tight(self) -> list[str]:
        return [_squeeze(word) for word in self._words]

    @cached_property
    def _tables(self) -> tuple[_Table, _Table]:
        """The wordings by their syllables, and by how they are written."""
        by_syllables: dict[str, list[int]] = {}
        written: dict[str, list[int]] = {}
        for number, (word, tight) in enumerate(zip(self._words, self._tight, strict=True)):
            if len(tight) > 1:
                for form in syllable_forms(tight):
                    by_syllables.setdefault(form, []).append(number)
                for form in {tight, tight.translate(_DIGITS)} - {word}:
                    written.setdefault(form, []).append(number)
        return (
            (automaton(list(by_syllables)), list(by_syllables.values())),
            (automaton(list(written)), list(written.values())),
        )

    def make_ready(self) -> None:
        """Build the tables now."""
        _ = self._tables

    def may_hold(self, codes: str, grouped: frozenset[int]) -> bool:
        """Whether a wording of three characters and more, or one of some, may stand in a text.

        `codes` is the text in syllable codes.
        """
        automaton, of = self._tables[0]
        if automaton is None:
            return False
        return any(
            end - start >= SQUEEZE_FROM or not grouped.isdisjoint(of[form])
            for form, start, end in automaton.find_matches_as_indexes(codes, overlapping=True)
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
        for form, start, end in matches:
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


def automaton(patterns: list[str]) -> ahocorasick_rs.AhoCorasick | None:
    """Finds any of some patterns; None without any."""
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(patterns) if patterns else None


def _by_word(found: Iterable[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
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
