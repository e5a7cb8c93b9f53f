"""Finding many wordings at once in folded and in restored texts: Aho-Corasick, linear time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.redline.characters import is_code
from engine.redline.normalise import fold
from engine.redline.sounding import sound_forms
from engine.redline.view import Trick, View

if TYPE_CHECKING:
    import ahocorasick_rs

SQUEEZE_FROM = 3
MAX_GAP = 4
_KEEP = frozenset(".。!?;,\n")
_LOOSE = re.compile(r"[^\w.。!?;,\n]|_")
_SETS = 4
Needed = tuple[frozenset[str], ...]


class Words:
    """Many wordings found at once, each also with up to four spaces or symbols between characters.

    Latin letters and digits match whole words and numbers only.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words: list[str] = []
        self._index: dict[str, int] = {}
        for word in words:
            folded = fold(word).text.strip()
            if folded and folded not in self._index:
                self._index[folded] = len(self.words)
                self.words.append(folded)
        squeezed: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            tight = _squeeze(word)
            if len(tight) >= SQUEEZE_FROM:
                squeezed.setdefault(tight, []).append(number)
        self._tight = list(squeezed.values())
        self._plain = _automaton(self.words)
        self._squeezed = _automaton(list(squeezed))

    def number(self, word: str) -> int:
        """The number `find` reports for `word`."""
        return self._index[fold(word).text.strip()]

    def find(self, folded: str) -> list[tuple[int, int, int]]:
        """All ``(start, end, word number)`` in a folded text, ascending, without repeats."""
        found = set(self._as_they_are(folded))
        if self._squeezed is not None:
            tight = _LOOSE.sub("", folded)
            if len(tight) < len(folded):
                matches = self._squeezed.find_matches_as_indexes(tight, overlapping=True)
                if matches:
                    self._add_loose(folded, matches, found)
        return sorted(found)

    def _as_they_are(self, text: str) -> Iterator[tuple[int, int, int]]:
        if self._plain is not None:
            for number, start, end in self._plain.find_matches_as_indexes(text, overlapping=True):
                if whole(text, start, end):
                    yield start, end, number

    def restored(self, text: str) -> dict[int, list[tuple[int, int]]]:
        """What stands in a restored text, from which signs are gone already, by word number."""
        by_word: dict[int, list[tuple[int, int]]] = {}
        for start, end, number in sorted(self._as_they_are(text)):
            by_word.setdefault(number, []).append((start, end))
        return by_word

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
        by_word: dict[int, list[tuple[int, int]]] = {}
        for start, end, number in self.find(folded):
            by_word.setdefault(number, []).append((start, end))
        return by_word


class Needs:
    """Which of many expressions are worth a try in a text: those of which it holds all needs."""

    def __init__(self, needs: Sequence[Needed], forms: Callable[[str], list[str]]) -> None:
        """`needs`: for each expression, sets of literals of each of which it must hold one.

        `forms`: how a literal may stand in the texts that are searched.
        """
        self._always = [number for number, sets in enumerate(needs) if not sets]
        # A set is known by a number: that of its expression, and its own there.
        self._rest: list[frozenset[int]] = []
        of: dict[str, list[int]] = {}
        for number, sets in enumerate(needs):
            first = number * _SETS
            self._rest.append(frozenset(range(first + 1, first + len(sets))))
            for place, some in enumerate(sets, first):
                for literal in some:
                    of.setdefault(literal, []).append(place)
        found: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for literal, places in of.items():
            for form in forms(literal):
                found.setdefault(form, []).append((literal, tuple(places)))
        self._of = list(found.values())
        self._automaton = _automaton(list(found))

    def possible(self, text: str, read: str = "") -> list[int]:
        """The numbers of the expressions that may match somewhere in `text`, ascending.

        `read` is the text in the alphabet of the forms, where that is another one: then each
        character of a literal must be the text's own, or what is read there.
        """
        if self._automaton is None:
            return self._always
        matches = self._automaton.find_matches_as_indexes(read or text, overlapping=True)
        held: set[int] = set()
        if not read:
            held.update(*[self._of[number][0][1] for number in {match[0] for match in matches}])
        else:
            for number, there in {(number, text[start:end]) for number, start, end in matches}:
                for literal, places in self._of[number]:
                    if literal == there or _tricks(there, literal):
                        held.update(places)
        rest = self._rest
        found = [
            place // _SETS for place in held if not place % _SETS and rest[place // _SETS] <= held
        ]
        found += self._always
        found.sort()
        return found


class SoundWords:
    """The wordings of a `Words`, found by how they sound in restored texts."""

    def __init__(self, words: Words) -> None:
        self._words = words.words
        self._tight = [_squeeze(word) for word in words.words]
        forms: dict[str, list[int]] = {}
        for number, tight in enumerate(self._tight):
            if len(tight) > 1:
                for form in sound_forms(tight):
                    forms.setdefault(form, []).append(number)
        self._of = list(forms.values())
        self._automaton = _automaton(list(forms))

    def find(self, view: View, sounds: str) -> list[tuple[int, int, int, int]]:
        """All ``(start, end, word number, tricks)`` where the text is not the wording itself.

        `sounds` is the view's text in codes. Each character must be the wording's own, its syllable
        typed, or its digit.
        """
        found: list[tuple[int, int, int, int]] = []
        text = view.text
        if self._automaton is None:
            return found
        for form, start, end in self._automaton.find_matches_as_indexes(sounds, overlapping=True):
            there = text[start:end]
            for number in self._of[form]:
                tight = self._tight[number]
                tricks = view.undone(start, end)
                if there != tight:
                    other = _tricks(there, tight)
                    tricks = tricks | other if other else 0
                elif tight == self._words[number]:
                    continue
                if tricks and whole(text, start, end):
                    found.append((start, end, number, tricks))
        return found


def _tricks(there: str, word: str) -> int:
    """By what `there` stands for `word`; nothing where it is the word, or another one."""
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


def _automaton(patterns: list[str]) -> ahocorasick_rs.AhoCorasick | None:
    import ahocorasick_rs

    return ahocorasick_rs.AhoCorasick(patterns) if patterns else None


def _squeeze(word: str) -> str:
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
