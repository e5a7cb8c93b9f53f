"""One rule, compiled: where it may hold in a text, and which context excuses it there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.redline.expressions import Text, compile_expression, spans
from engine.redline.needs import Needed
from engine.redline.numbers import CHECKS
from engine.redline.required import literals, required
from engine.redline.schema import MAX_WORD, Rule
from engine.redline.syllables import with_syllables
from engine.redline.view import Trick
from engine.redline.words import MAX_GAP, Words

if TYPE_CHECKING:
    import re2

LOOK_AROUND = 32
Places = dict[int, list[tuple[int, int]]]


@dataclass(frozen=True)
class Expression:
    """One expression of a rule, compiled when it is first tried: most never are.

    `needs`: sets of literals, one of each of which a match holds.
    """

    source: str
    needs: Needed

    @cached_property
    def compiled(self) -> re2._Regexp:
        """The expression in the alphabet of folded texts."""
        return compile_expression(self.source)

    @cached_property
    def in_syllables(self) -> re2._Regexp:
        """The expression in the alphabet of restored texts."""
        return compile_expression(with_syllables(self.source))

    @cached_property
    def literals(self) -> frozenset[str]:
        """The characters that stand for themselves in it."""
        return literals(self.source)


@dataclass(frozen=True)
class CompiledRule:
    """`words`, `sure`, `groups` and `none` are numbers of wordings."""

    rule: Rule
    words: frozenset[int]
    sure: frozenset[int]
    groups: tuple[frozenset[int], ...]
    none: frozenset[int]
    expressions: tuple[Expression, ...]
    tricks: int
    check: Callable[[str, int, int], bool] = field(repr=False)

    @classmethod
    def of(cls, rule: Rule, words: Words) -> CompiledRule:
        """The rule, compiled; `words` must hold all its wordings."""
        match = rule.match
        tricks = 0
        for channel in rule.channels:
            tricks |= Trick[channel.upper()].value
        return cls(
            rule=rule,
            words=frozenset(words.number(word) for word in match.words),
            sure=frozenset(words.number(word) for word in match.sure if word in match.words),
            groups=tuple(frozenset(words.number(w) for w in group) for group in match.all),
            none=frozenset(words.number(word) for word in match.none),
            expressions=tuple(Expression(e, required(e)) for e in match.expressions),
            tricks=tricks,
            check=CHECKS[match.check],
        )

    @cached_property
    def wanted(self) -> frozenset[int]:
        """The numbers of all wordings that may make it hold."""
        return self.words.union(*self.groups)

    @cached_property
    def _before(self) -> list[re2._Regexp]:
        return [compile_expression(f"(?:{e})$") for e in self.rule.match.none_before]

    @cached_property
    def _after(self) -> list[re2._Regexp]:
        return [compile_expression(e) for e in self.rule.match.none_after]

    @cached_property
    def _around(self) -> list[re2._Regexp]:
        return [compile_expression(e) for e in self.rule.match.none_around]

    def candidates(
        self, text: Text, by_word: Places, tried: Iterable[tuple[Expression, int]]
    ) -> Iterator[tuple[int, int]]:
        """Where it may hold in a folded text; `tried`: its expressions, and in which sentences."""
        yield from self.wordings(text, by_word)
        for expression, sentence in tried:
            yield from self.matches(text, expression.compiled, sentence)

    def wordings(self, text: Text, by_word: Places) -> Iterator[tuple[int, int]]:
        """Where its wordings and groups stand in one scope."""
        scope = self.rule.match.scope
        for number in shared(self.words, by_word):
            yield from (span for span in by_word[number] if text.same(scope, *span))
        if self.groups and all(shared(group, by_word) for group in self.groups):
            yield from self.windows(text, by_word)

    def is_sure(self, by_word: Places, start: int, end: int) -> bool:
        """Whether one of its wordings that nothing drops but a veto stands in ``start:end``."""
        places = (span for number in shared(self.sure, by_word) for span in by_word[number])
        return any(start <= first and last <= end for first, last in places)

    def matches(
        self, text: Text, expression: re2._Regexp, sentence: int
    ) -> Iterator[tuple[int, int]]:
        """Where an expression of it holds in a sentence, with what must hold for the characters."""
        begin, _ = text.span(sentence)
        for start, end in spans(expression, text.line(self.rule.match.scope, sentence)):
            if start < end and self.check(text.folded, begin + start, begin + end):
                yield begin + start, begin + end

    def windows(
        self, text: Text, by_word: dict[int, list[tuple[int, int]]]
    ) -> Iterator[tuple[int, int]]:
        """Every window that ends with a wording and holds all groups, the shortest for its end."""
        places = sorted(
            (start, end, number)
            for number, group in enumerate(self.groups)
            for word in shared(group, by_word)
            for start, end in by_word[word]
        )
        match = self.rule.match
        last: list[tuple[int, int] | None] = [None] * len(self.groups)
        for start, end, number in places:
            if match.ordered:
                # last[n] is the latest start of a chain of groups 0…n, and where the chain ends.
                if number == 0:
                    last[0] = (start, end)
                elif (chain := last[number - 1]) is not None and chain[1] <= start:
                    last[number] = (chain[0], end)
                else:
                    continue
                if number < len(self.groups) - 1:
                    continue
                window = last[number]
            else:
                last[number] = (start, end)
                held = [span for span in last if span is not None]
                if len(held) < len(self.groups):
                    continue
                window = min(s for s, _ in held), max(e for _, e in held)
            if (
                window is not None
                and window[1] - window[0] <= match.within
                and text.same(match.scope, *window)
            ):
                yield window

    def vetoes(
        self, text: Text, by_word: dict[int, list[tuple[int, int]]]
    ) -> Callable[[int, int], bool]:
        """Whether the context of a span excuses it."""
        near = self.rule.match.near
        wordings = sorted(s for number in shared(self.none, by_word) for s in by_word[number])
        around: dict[int, list[tuple[int, int]]] = {}

        def vetoed(start: int, end: int) -> bool:
            if _near(wordings, start - near, end + near, touch=True, text=text):
                return True
            if self._around:
                number = text.number(start)
                if number not in around:
                    around[number] = self._excuses(text, number)
                if _near(around[number], start, end, touch=False, text=text):
                    return True
            if not self._before and not self._after:
                return False
            begin, stop = text.sentence(start)
            left = text.folded[max(begin, start - LOOK_AROUND) : start]
            right = text.folded[end : min(stop, end + LOOK_AROUND)]
            return any(expression.search(left) for expression in self._before) or any(
                expression.match(right) for expression in self._after
            )

        return vetoed

    def _excuses(self, text: Text, sentence: int) -> list[tuple[int, int]]:
        """Where expressions stand in a sentence that excuse what they overlap."""
        begin, _ = text.span(sentence)
        line = text.line("sentence", sentence)
        return sorted(
            (begin + start, begin + end)
            for expression in self._around
            for start, end in spans(expression, line)
        )


class RulesOf:
    """Which of some rules a wording or an expression belongs to, both by their numbers."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        of_words: dict[int, list[int]] = {}
        self.expressions: list[Expression] = []
        self._of_expressions: list[int] = []
        for number, rule in enumerate(rules):
            for word in rule.wanted:
                of_words.setdefault(word, []).append(number)
            self.expressions += rule.expressions
            self._of_expressions += [number] * len(rule.expressions)
        self._of_words = {word: tuple(numbers) for word, numbers in of_words.items()}

    def owner(self, expression: int) -> int:
        """The number of the rule that an expression belongs to."""
        return self._of_expressions[expression]

    def found(
        self, words: Iterable[int], expressions: Iterable[tuple[int, int]]
    ) -> dict[int, list[tuple[Expression, int]]]:
        """The numbers of the rules that have some wordings or expressions, and these.

        Each expression comes and goes with the number of a sentence.
        """
        found: dict[int, list[tuple[Expression, int]]] = {}
        for number, sentence in expressions:
            tried = found.setdefault(self._of_expressions[number], [])
            tried.append((self.expressions[number], sentence))
        for word in words:
            for rule in self._of_words.get(word, ()):
                found.setdefault(rule, [])
        return found


def shared(numbers: frozenset[int], found: Mapping[int, object]) -> list[int]:
    """The numbers that were found; quick however many there are of either."""
    if len(found) < len(numbers):
        return [number for number in found if number in numbers]
    return [number for number in numbers if number in found]


def _near(found: list[tuple[int, int]], start: int, end: int, *, touch: bool, text: Text) -> bool:
    """Whether one of the sorted places overlaps ``start:end`` (or touches it) in its sentence."""
    slack = 1 if touch else 0
    longest = MAX_WORD * (MAX_GAP + 1) if touch else LOOK_AROUND * 8
    for left, right in found[bisect_left(found, (start - longest, 0)) :]:
        if left >= end + slack:
            return False
        if right > start - slack and text.same("sentence", min(left, start), max(right, end)):
            return True
    return False
