"""Which sentences of a text are worth restoring: those in which undoing a disguise may find more.

Mostly all that gives cause is a blank between two characters, or a Latin word that spells nothing.
Restored, such a sentence is itself with some signs left out, and that costs far less to look at
than to put together. Nothing more is found in it when no two characters that come to stand side
by side do so in anything that is looked for, no expression reaches across them, and nothing that is
looked for has its sound.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from engine.redline.characters import to_codes
from engine.redline.compiled_rule import CompiledRule, Places, RulesOf, shared
from engine.redline.expressions import Text
from engine.redline.fragments import MAX_GAP
from engine.redline.homophones import Homophones
from engine.redline.latin_words import LatinWords
from engine.redline.needs import Needs, Possible, SyllableNeeds
from engine.redline.normalise import Borders
from engine.redline.numerals import numbers
from engine.redline.restoring import FIXED, HAN_ONE, Restorer
from engine.redline.suspicion import HOMOPHONE, HOMOPHONE_OR_MORE, NUMBER, TRICKY, Cause, Suspicion
from engine.redline.words import SyllableWords, Words, automaton, pairs_in, stretches

if TYPE_CHECKING:
    import ahocorasick_rs

_BETWEEN = re.compile("[^\u3400-\u9fffa-z0-9@$',。!?;\n]+")
_DIGITS = re.compile("[0-9]+")
_ALWAYS_LEFT_OUT = 4
"""The longest gap that is left out whatever else its clause holds."""

Edit = tuple[int, int, str]
"""A stretch of the folded text, and what it is restored to: a character, or nothing."""


class Prefilter:
    """Tells which sentences are worth restoring."""

    def __init__(
        self,
        restorer: Restorer,
        suspicion: Suspicion,
        words: tuple[Words, SyllableWords],
        needs: tuple[Needs, SyllableNeeds],
        homophones: Homophones | None,
        rules: Sequence[CompiledRule],
        of: RulesOf,
    ) -> None:
        """`words` and `needs` are those of the rules, each also by syllables; `of` tells whose."""
        self._homophones = homophones
        self._restorer = restorer
        self._latin = LatinWords(restorer)
        self._suspicion = suspicion
        self._words, self._syllable_words = words
        self._needs, self._syllable_needs = needs
        self._rules = rules
        self._of = of
        self._seeing = frozenset(number for number, rule in enumerate(rules) if rule.tricks)
        self._in_groups = frozenset[int]().union(*(g for rule in rules for g in rule.groups))

    def make_ready(self) -> None:
        """Build now what is built only when a text first asks for it."""
        _ = self._needs.pairs, self._in_digits

    def worth(
        self,
        text: Text,
        causes: bytes,
        by_word: Places,
        possible: Possible,
        short: frozenset[int] | None,
    ) -> set[int]:
        """The numbers of the sentences of a folded text that are worth restoring.

        `causes` are those of its characters, `by_word` the wordings that stand in it, `possible`
        the expressions that may match. `short`: the wordings that count as homophones however short
        they are; None where anything may.
        """
        ends = text.borders.sentences
        edits, certain = _gaps(text.folded)
        if TRICKY.search(causes) is not None:
            certain += self._add_parts(text.folded, causes, edits)
        if NUMBER.search(causes) is not None:
            certain += [start for start, _ in numbers(text.folded)]
        for number in shared(self._in_groups, by_word):
            certain += [start for start, _ in by_word[number]]
        worth = {bisect_right(ends, place) for place in certain}
        lines = list(self._lines(text, causes, edits, worth))
        if lines:
            self._add_words(lines, worth)
            self._add_digits(lines, worth)
            self._add_expressions(lines, possible, worth)
            self._add_homophones(lines, short, worth)
        return worth

    def _add_parts(self, folded: str, causes: bytes, edits: list[Edit]) -> Iterator[int]:
        """Add characters in parts and look-alikes to `edits`; where a sign is read as one."""
        done = 0
        for match in TRICKY.finditer(causes):
            place = match.start()
            cause = causes[place]
            if cause & Cause.SIGN:
                yield place
            if place >= done and cause & (Cause.WHOLE | Cause.PLAIN):
                if cause & Cause.WHOLE:
                    done = place + 2
                    character = self._restorer.whole[folded[place:done]]
                else:
                    done = place + 1
                    character = self._restorer.plain[folded[place]]
                edits.append((place, done, character))
                if not all(map(HAN_ONE.match, (character, *folded[place:done]))):
                    yield place
        edits.sort()

    def _lines(
        self, text: Text, causes: bytes, edits: Sequence[Edit], worth: set[int]
    ) -> Iterator[_Line]:
        """The other sentences in which anything is undone or a homophone may be.

        Those in which a Latin word is not what it looks like are added to `worth`.
        """
        folded, ends = text.folded, text.borders.sentences
        doubtful = self._latin.doubtful(folded)
        end = 0
        while (cause := HOMOPHONE_OR_MORE.search(causes, end)) is not None:
            at = bisect_right(ends, cause.start())
            begin = ends[at - 1] if at else 0
            end = ends[at] if at < len(ends) else len(folded)
            if at in worth:
                continue
            there = bisect_left(doubtful, begin)
            beyond = bisect_left(doubtful, end, there)
            joined = self._latin.gaps(text, doubtful[there:beyond]) if there < beyond else []
            if joined is None:
                worth.add(at)
                continue
            first = bisect_left(edits, (begin,))
            last = bisect_left(edits, (end,), first)
            own = edits[first:last]
            if joined:
                own = sorted([*own, *((*gap, "") for gap in joined)])
            suspected = HOMOPHONE.search(causes, begin, end) is not None
            if own or suspected:
                line = _Line(text, at, (begin, end), own, suspected)
                if not suspected:
                    met = self._suspicion.causes("".join(line.sides))[::2]
                    line.suspected = HOMOPHONE.search(met) is not None
                yield line

    def _add_words(self, lines: Sequence[_Line], worth: set[int]) -> None:
        """Add the sentences in which a wording stands across something undone."""
        pairs, reach = self._words.pairs, self._words.longest - 1
        around: list[tuple[_Line, int, str]] = []
        for line in lines:
            text = line.text
            joints = [
                (at, at + put)
                for at, put in (divmod(point, 2) for point in line.points)
                if put or text[at - 1 : at + 1] in pairs
            ]
            for begin, end in stretches(joints, reach):
                around.append((line, begin, text[begin:end]))
        # One search tells of most texts that there is nothing.
        if around and any(self._words.as_they_are("\n".join([part[2] for part in around]))):
            for line, begin, there in around:
                for start, end, _ in self._words.as_they_are(there):
                    if line.is_across(begin + start, begin + end):
                        worth.add(line.number)

    def _add_digits(self, lines: Sequence[_Line], worth: set[int]) -> None:
        """Add the sentences that hold what is looked for with digits for its numerals."""
        finder, pairs, reach = self._in_digits
        if finder is None:
            return
        text = "\n".join([line.text for line in lines])
        places: list[tuple[int, int]] = []
        for match in _DIGITS.finditer(text):
            start, end = match.span()
            sides = [text[at : at + 2] for at in range(max(start - 1, 0), end)]
            if not (pairs.isdisjoint(sides) and pairs.isdisjoint(match[0])):
                places.append((start, end))
        around = list(stretches(places, reach))
        there = "\n".join([text[begin:end] for begin, end in around])
        if there and finder.find_matches_as_indexes(there):
            for begin, end in around:
                found = finder.find_matches_as_indexes(text[begin:end])
                _add(lines, [begin + last for _, _, last in found], worth)

    @cached_property
    def _in_digits(self) -> tuple[ahocorasick_rs.AhoCorasick | None, frozenset[str], int]:
        """Finds what is looked for with digits for its numerals; which characters stand side by
        side in that, also those that stand alone; how far it reaches."""
        forms = [
            form
            for form in (*self._syllable_words.written, *self._syllable_needs.in_digits)
            if _DIGITS.search(form) is not None
        ]
        alone = {form for form in forms if len(form) == 1}
        reach = max(map(len, forms), default=1) - 1
        return automaton(forms), pairs_in(forms) | alone, reach

    def _add_expressions(self, lines: Sequence[_Line], possible: Possible, worth: set[int]) -> None:
        """Add the sentences in which an expression matches across something left out."""
        literals = self._needs.pairs
        as_before: dict[int, _Line] = {}
        for line in lines:
            if not line.points or line.number in worth:
                continue
            if not line.put and literals.isdisjoint(line.sides):
                as_before[line.number] = line
                continue
            held = self._needs.held(line.text, ())
            if held or self._needs.always:
                there = self._needs.possible(line.alone, held)
                if any(self._crossed(line, number) for number, _ in there):
                    worth.add(line.number)
        for number, sentence in possible:
            if sentence in as_before and self._crossed(as_before[sentence], number):
                worth.add(sentence)

    def _crossed(self, line: _Line, number: int) -> bool:
        """Whether an expression matches across something that was left out of a sentence."""
        owner = self._of.owner(number)
        if owner not in self._seeing:
            return False
        expression = self._of.expressions[number]
        spelled = _DIGITS.search(line.text) is not None
        compiled = expression.in_syllables if spelled else expression.compiled
        return any(
            line.is_across(start, end)
            for start, end in self._rules[owner].matches(line.alone, compiled, 0)
        )

    def _add_homophones(
        self, lines: Sequence[_Line], short: frozenset[int] | None, worth: set[int]
    ) -> None:
        """Add the sentences in which a homophone may be and something has the sound."""
        lines = [line for line in lines if line.suspected and line.number not in worth]
        if not lines:
            return
        if short is None:
            worth.update(line.number for line in lines)
            return
        text = "\n".join([line.text for line in lines])
        may: set[int] = set()
        _add(lines, self._syllable_words.spelled(text, to_codes(text), short), may)
        for line in lines:
            if line.number in may and self._resolves(line):
                worth.add(line.number)

    def _resolves(self, line: _Line) -> bool:
        """Whether something may stand in a sentence once its homophones are resolved."""
        text = line.text
        codes = to_codes(text)
        suspected = HOMOPHONE.finditer(self._suspicion.causes(text))
        places = [match.start() for match in suspected]
        corrections = self._homophones.corrections(text, codes, places) if self._homophones else {}
        if not corrections or self._syllable_words.needs(codes):
            return bool(corrections)
        characters = list(text)
        for place, character in corrections.items():
            characters[place] = character
        resolved = "".join(characters)
        changed = sorted(corrections)
        for begin, stop in stretches(((at, at + 1) for at in changed), self._words.longest - 1):
            for start, end, _ in self._words.as_they_are(resolved[begin:stop]):
                at = bisect_left(changed, begin + start)
                if at < len(changed) and changed[at] < begin + end:
                    return True
        return False


class _Line:
    """A sentence with its gaps left out, which is what it is when it is restored."""

    def __init__(
        self,
        text: Text,
        number: int,
        span: tuple[int, int],
        edits: Sequence[Edit],
        suspected: bool,
    ) -> None:
        """`suspected`: a homophone may be in it."""
        self.number = number
        self.suspected = suspected
        self.put = False
        """Whether characters stand in it that are not in the text."""
        self.points: list[int] = []
        """Where something was undone: twice the place, and one more where a character was put."""
        begin, end = span
        parts: list[str] = []
        size = 0
        for start, after, character in edits:
            size += start - begin
            parts.append(text.folded[begin:start])
            self.points.append(2 * size)
            if character:
                parts.append(character)
                self.points[-1] += 1
                self.put = True
                size += 1
            begin = after
        parts.append(text.folded[begin:end])
        self.text = "".join(parts)
        self._borders, self._span, self._edits = text.borders, span, edits

    @property
    def sides(self) -> list[str]:
        """What did not stand side by side: two characters each."""
        padded = f"\n{self.text}\n"
        return [
            padded[at : at + 2] for point in self.points for at in {point // 2, (point + 1) // 2}
        ]

    def is_across(self, start: int, end: int) -> bool:
        """Whether something was undone inside ``start:end``."""
        at = bisect_right(self.points, 2 * start)
        return at < len(self.points) and self.points[at] < 2 * end

    @cached_property
    def alone(self) -> Text:
        """The sentence as a text of its own."""
        begin, end = self._span
        borders = self._borders
        clauses = borders.clauses
        ends = clauses[bisect_right(clauses, begin) : bisect_right(clauses, end)]
        starts = [edit[0] for edit in self._edits]
        gone = [0, *accumulate(after - start - len(put) for start, after, put in self._edits)]
        clauses = tuple(place - begin - gone[bisect_left(starts, place)] for place in ends)
        ended = self.number < len(borders.sentences)
        return Text(self.text, Borders(clauses, (len(self.text),) if ended else ()))


def _gaps(folded: str) -> tuple[list[Edit], list[int]]:
    """What is left out of a folded text, where no clause holds anything that is tricky; and where
    that takes a closer look."""
    gaps: list[Edit] = []
    odd: list[int] = []
    size = len(folded)
    for match in _BETWEEN.finditer(folded):
        start, end = match.span()
        if not start or end == size:
            continue
        left, right = folded[start - 1], folded[end]
        if left in FIXED or right in FIXED:
            continue
        beside_han = left >= "\u3400" or right >= "\u3400"
        length = end - start
        if length == 1:
            if beside_han:
                gaps.append((start, end, ""))
            continue
        blank = folded.find(" ", start, end) >= 0
        if blank and folded.find(". ", start, end) >= 0:
            continue  # A sentence ends there.
        if beside_han and length <= _ALWAYS_LEFT_OUT:
            gaps.append((start, end, ""))
        elif blank or (beside_han and length <= MAX_GAP):
            odd.append(start)
    return gaps, odd


def _add(lines: Sequence[_Line], places: Iterable[int], worth: set[int]) -> None:
    """Add the sentences that hold some places (behind their characters) of the joined lines."""
    ends = list(accumulate(len(line.text) + 1 for line in lines))
    worth.update(lines[bisect_left(ends, place)].number for place in places)
