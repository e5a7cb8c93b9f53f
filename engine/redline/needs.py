"""Which expressions are worth a try in which sentences: where all stands that they cannot do
without.

Most sentences hold some of what an expression needs and few hold all of it, so that most
expressions need not be tried at all.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from sys import maxsize

from engine.redline.characters import NUMERALS, sounded
from engine.redline.required import LONGEST
from engine.redline.sounding import sound_forms
from engine.redline.view import View
from engine.redline.words import automaton, tricks_between

_SETS = 4
_CODE = re.compile("[\ue000-\ue7ff]")
_DIGIT = re.compile("[0-9]")
_SPELLED = re.compile("[0-9\ue000-\ue7ff]")
_DIGITS = str.maketrans(NUMERALS)

Needed = tuple[frozenset[str], ...]
Sets = tuple[tuple[int, ...], tuple[int, ...]]
"""Sets that share a literal: the first ones of some expressions, by the numbers of these, and
others, by numbers of their own."""
Held = dict[int, tuple[set[int], set[int]]]
"""By sentence, the sets of which it holds a literal."""


class Needs:
    """What many expressions need: for each, sets of literals of each of which it must hold one."""

    def __init__(self, needs: Sequence[Needed]) -> None:
        self._always = [number for number, sets in enumerate(needs) if not sets]
        self._others: list[frozenset[int]] = []
        of: dict[str, tuple[list[int], list[int]]] = {}
        for number, sets in enumerate(needs):
            others = range(number * _SETS, number * _SETS + len(sets) - 1)
            self._others.append(frozenset(others))
            for literal in sets[0] if sets else ():
                of.setdefault(literal, ([], []))[0].append(number)
            for place, some in zip(others, sets[1:], strict=True):
                for literal in some:
                    of.setdefault(literal, ([], []))[1].append(place)
        self.sets_of: dict[str, Sets] = {
            literal: (tuple(firsts), tuple(others)) for literal, (firsts, others) in of.items()
        }
        self._firsts = [firsts for firsts, _ in self.sets_of.values()]
        self._seconds = [others for _, others in self.sets_of.values()]
        self._automaton = automaton(list(of))

    def held(self, text: str, ends: Sequence[int]) -> Held:
        """What each sentence of `text` holds. `ends`: where they end, its own end left out."""
        held: Held = {}
        if self._automaton is None:
            return held
        at, limit = 0, ends[0] if ends else maxsize
        seen: set[int] = set()
        for number, _, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if end > limit:
                if seen:
                    held[at] = self._all(seen)
                    seen.clear()
                at = bisect_left(ends, end, at)
                limit = ends[at] if at < len(ends) else maxsize
            seen.add(number)
        if seen:
            held[at] = self._all(seen)
        return held

    def _all(self, literals: set[int]) -> tuple[set[int], set[int]]:
        """All sets of some literals."""
        firsts: set[int] = set()
        others: set[int] = set()
        firsts.update(*[self._firsts[literal] for literal in literals])
        others.update(*[self._seconds[literal] for literal in literals])
        return firsts, others

    def complete(self, held: Held, sentences: int) -> list[tuple[int, int]]:
        """The expressions that may match, by number, each with the number of the sentence."""
        needed = self._others
        found = [
            (number, at)
            for at, (firsts, others) in held.items()
            for number in firsts
            if needed[number] <= others
        ]
        found += [(number, at) for number in self._always for at in range(sentences)]
        return found


class SoundNeeds:
    """The same needs in restored texts, where a character may be a syllable or a digit."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        in_digits: dict[str, list[Sets]] = {}
        sounding: dict[str, list[tuple[str, Sets]]] = {}
        for literal, sets in needs.sets_of.items():
            if (digits := literal.translate(_DIGITS)) != literal:
                in_digits.setdefault(digits, []).append(sets)
            for form in sound_forms(literal):
                sounding.setdefault(form, []).append((literal, sets))
        self._of_digits = list(in_digits.values())
        self._in_digits = automaton(list(in_digits))
        self._of_sounds = list(sounding.values())
        self._sounding = automaton(list(sounding))

    def possible(self, view: View, plain: Held) -> list[tuple[int, int]]:
        """The expressions that may match in a view, by number, with the number of the sentence.

        `plain`: what the sentences of the folded text hold.
        """
        held: Held = {}
        new: list[str] = []
        ends: list[int] = []
        size = 0
        for at, sentence in enumerate(view.sentences):
            if sentence.number in plain:
                firsts, others = plain[sentence.number]
                held[at] = set(firsts), set(others)
            parts = sentence.new(LONGEST)
            new += parts
            size += sum(map(len, parts)) + len(parts)
            ends.append(size)
        text = "\n".join(new)
        for at, (firsts, others) in self._needs.held(text, ends).items():
            _add(held, at, firsts, others)
        if _CODE.search(text) is not None:
            for end, sets in self._sounded(text):
                _add(held, bisect_left(ends, end), *sets)
        if _DIGIT.search(view.text) is not None:
            for end, sets in self._written(view.text):
                _add(held, bisect_left(view.borders.sentences, end), *sets)
        return self._needs.complete(held, len(view.sentences))

    def _written(self, text: str) -> Iterable[tuple[int, Sets]]:
        """The ends of literals with digits for numerals, and their sets."""
        if self._in_digits is not None:
            found = self._in_digits.find_matches_as_indexes(text, overlapping=True)
            for number, _, end in found:
                for sets in self._of_digits[number]:
                    yield end, sets

    def _sounded(self, text: str) -> Iterable[tuple[int, Sets]]:
        """The ends of literals in which syllables or digits stand, and their sets."""
        spelled = [match.start() for match in _SPELLED.finditer(text)]
        if self._sounding is None:
            return
        found = self._sounding.find_matches_as_indexes(sounded(text), overlapping=True)
        for number, start, end in found:
            first = bisect_left(spelled, start)
            if first == len(spelled) or spelled[first] >= end:
                continue
            there = text[start:end]
            for literal, sets in self._of_sounds[number]:
                if tricks_between(there, literal):
                    yield end, sets


def _add(held: Held, at: int, firsts: Iterable[int], others: Iterable[int]) -> None:
    """Add some sets to what a sentence holds."""
    there = held.get(at)
    if there is None:
        held[at] = set(firsts), set(others)
    else:
        there[0].update(firsts)
        there[1].update(others)
