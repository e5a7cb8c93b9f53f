"""Which expressions are worth a try in which sentences: where all stands that they cannot do
without.

What a match must hold is known as sets of literals. Of the set that is rarest in ordinary talk all
literals of all expressions are searched at once; the others are looked for where one stands.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from sys import maxsize
from typing import TYPE_CHECKING

from engine.redline.characters import NUMERALS, ordinary_pairs, to_codes
from engine.redline.expressions import Text
from engine.redline.required import LONGEST
from engine.redline.syllables import syllable_forms
from engine.redline.view import Restored, View
from engine.redline.words import automaton, pairs_in, tricks_between

if TYPE_CHECKING:
    import ahocorasick_rs

_CODE = re.compile("[\ue000-\ue7ff]")
_DIGIT = re.compile("[0-9]")
_SPELLED = re.compile("[0-9\ue000-\ue7ff]")
_DIGITS = str.maketrans(NUMERALS)

Needed = tuple[frozenset[str], ...]
Held = dict[int, set[int]]
"""By sentence, the expressions of whose rarest set it holds a literal."""
Possible = list[tuple[int, int]]
"""Expressions that may match, by number, each with the number of a sentence."""


class Needs:
    """What many expressions need: for each, sets of literals of each of which it must hold one."""

    def __init__(self, needs: Sequence[Needed]) -> None:
        self.always = [number for number, sets in enumerate(needs) if not sets]
        # Each of the others with the characters that its literals begin with.
        self._others: list[tuple[tuple[frozenset[str], frozenset[str]], ...]] = []
        self.rarest: dict[str, list[int]] = {}
        for number, sets in enumerate(needs):
            first, *others = sorted(sets, key=_frequency) if sets else [frozenset[str]()]
            written = [some | {one.translate(_DIGITS) for one in some} for some in others]
            self._others.append(
                tuple((frozenset(one[0] for one in some), some) for some in written)
            )
            for literal in first:
                self.rarest.setdefault(literal, []).append(number)
        self._needs = needs
        self._of = list(map(tuple, self.rarest.values()))

    @cached_property
    def _automaton(self) -> ahocorasick_rs.AhoCorasick | None:
        return automaton(list(self.rarest))

    @cached_property
    def pairs(self) -> frozenset[str]:
        """The characters that stand side by side in a literal, also with digits for numerals."""
        literals = {literal for sets in self._needs for some in sets for literal in some}
        numerals = frozenset(NUMERALS)
        written = [one.translate(_DIGITS) for one in literals if not numerals.isdisjoint(one)]
        return pairs_in(literals.union(written))

    def held(self, text: str, ends: Sequence[int]) -> Held:
        """What each sentence of `text` holds. `ends`: where they end, its own end left out."""
        if self._automaton is None:
            return {}
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return self.held_of([(number, end) for number, _, end in matches], ends)

    def held_of(self, literals: Iterable[tuple[int, int]], ends: Sequence[int]) -> Held:
        """The same where it is known which of the rarest literals end where, in this order."""
        held: Held = {}
        at, limit = 0, ends[0] if ends else maxsize
        for number, end in literals:
            if end > limit:
                at = bisect_left(ends, end, at)
                limit = ends[at] if at < len(ends) else maxsize
            there = held.get(at)
            if there is None:
                held[at] = set(self._of[number])
            else:
                there.update(self._of[number])
        return held

    def possible(self, text: Text, held: Held) -> Possible:
        """The expressions that may match in a folded text, of which `held` tells what it holds."""
        found: Possible = []
        for at, numbers in held.items():
            begin, end = text.span(at)
            there = text.folded[begin:end]
            letters = frozenset(there)
            found += [
                (number, at) for number in numbers if self._holds_others(number, there, letters)
            ]
        return found + self._everywhere(len(text.borders.sentences) + 1)

    def possible_restored(self, sentences: Sequence[Restored], held: Held) -> Possible:
        """The same of restored sentences, where a character may be a syllable or a digit."""
        found: Possible = []
        for at, numbers in held.items():
            there = sentences[at].text
            letters = frozenset(there)
            # Where a syllable is spelled, what else is needed may be as well.
            spelled = _CODE.search(there) is not None
            found += [
                (number, at)
                for number in numbers
                if spelled or self._holds_others(number, there, letters)
            ]
        return found + self._everywhere(len(sentences))

    def _holds_others(self, number: int, there: str, letters: frozenset[str]) -> bool:
        for first, some in self._others[number]:
            if first.isdisjoint(letters):
                return False
            for literal in some:
                if literal in there:
                    break
            else:
                return False
        return True

    def _everywhere(self, sentences: int) -> Possible:
        return [(number, at) for number in self.always for at in range(sentences)]


class SyllableNeeds:
    """The same needs in restored texts, where a character may be a syllable or a digit."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        in_digits: dict[str, list[int]] = {}
        by_syllables: dict[str, list[tuple[str, list[int]]]] = {}
        for literal, numbers in needs.rarest.items():
            if (digits := literal.translate(_DIGITS)) != literal:
                in_digits.setdefault(digits, []).extend(numbers)
            for form in syllable_forms(literal):
                by_syllables.setdefault(form, []).append((literal, numbers))
        self._of_digits = list(in_digits.values())
        self.in_digits = list(in_digits)
        """What is needed, with digits for numerals."""
        self._in_digits = automaton(self.in_digits)
        self._by_syllables = by_syllables
        self._of_syllables = list(by_syllables.values())
        self._in_syllables = automaton(list(by_syllables))

    def possible(self, view: View, plain: Held) -> Possible:
        """The expressions that may match in a view.

        `plain`: what the sentences of the folded text hold.
        """
        held: Held = {}
        new: list[str] = []
        ends: list[int] = []
        size = 0
        for at, sentence in enumerate(view.sentences):
            if sentence.number in plain:
                held[at] = set(plain[sentence.number])
            parts = sentence.new(LONGEST)
            new += parts
            size += sum(map(len, parts)) + len(parts)
            ends.append(size)
        text = "\n".join(new)
        for at, numbers in self._needs.held(text, ends).items():
            held.setdefault(at, set()).update(numbers)
        if _CODE.search(text) is not None:
            for end, found in self._spelled(text):
                held.setdefault(bisect_left(ends, end), set()).update(found)
        if _DIGIT.search(view.text) is not None:
            for end, found in self._written(view.text):
                held.setdefault(bisect_left(view.borders.sentences, end), set()).update(found)
        return self._needs.possible_restored(view.sentences, held)

    def forms(self, expressions: frozenset[int]) -> list[str]:
        """The literals that some expressions need, in syllable codes."""
        return [
            form
            for form, found in self._by_syllables.items()
            if any(not expressions.isdisjoint(numbers) for _, numbers in found)
        ]

    def _written(self, text: str) -> Iterator[tuple[int, Iterable[int]]]:
        """The ends of literals with digits for numerals, and whose they are."""
        if self._in_digits is not None:
            found = self._in_digits.find_matches_as_indexes(text, overlapping=True)
            for number, _, end in found:
                yield end, self._of_digits[number]

    def _spelled(self, text: str) -> Iterator[tuple[int, Iterable[int]]]:
        """The ends of literals in which syllables or digits stand, and whose they are."""
        spelled = [match.start() for match in _SPELLED.finditer(text)]
        if self._in_syllables is None:
            return
        found = self._in_syllables.find_matches_as_indexes(to_codes(text), overlapping=True)
        for number, start, end in found:
            first = bisect_left(spelled, start)
            if first == len(spelled) or spelled[first] >= end:
                continue
            there = text[start:end]
            for literal, numbers in self._of_syllables[number]:
                if tricks_between(there, literal):
                    yield end, numbers


def _frequency(literals: Iterable[str]) -> float:
    """How often one of some literals stands in ordinary talk, roughly."""
    return sum(map(_how_often, literals))


def _how_often(literal: str) -> float:
    common = _neighbours()
    if len(literal) == 1:
        return common[literal] if literal >= "\u3400" else 150
    least = 8.0
    for pair in map(str.__add__, literal, literal[1:]):
        if min(pair) >= "\u3400":
            known = pair in ordinary_pairs()
            least = min(least, common[pair[0]] * common[pair[1]] / 40_000 if known else 0.2)
    return least


@lru_cache(1)
def _neighbours() -> Counter[str]:
    """With how many characters each stands side by side in ordinary talk."""
    return Counter("".join(ordinary_pairs()))
