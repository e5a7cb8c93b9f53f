"""Finding rules in folded text: Aho-Corasick for wordings, RE2 for expressions, linear time.

A match never crosses a clause border (or a sentence border, where the rule's scope says so), which
is what lets a streaming text be released clause by clause. Each text is searched twice: as it
stands, and with disguises undone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.records import Side
from engine.redline.classifier_rules import ClassifierRules
from engine.redline.compiled_rule import CompiledRule, RulesOf
from engine.redline.disguises import Disguises
from engine.redline.expressions import Text, compile_expression, longest, spans
from engine.redline.needs import Needs
from engine.redline.required import required
from engine.redline.schema import Match, Rule, When
from engine.redline.words import Words

__all__ = ["Found", "Matcher", "PhraseFinder", "compile_expression"]


@dataclass(frozen=True)
class Found:
    """A rule's match at ``start:end`` of the folded text; `vetoed` when its context excuses it.

    `disguised`: it stands there only when a disguise is undone.
    """

    rule: Rule
    start: int
    end: int
    vetoed: bool = False
    disguised: bool = False


class Matcher:
    """The rules of one side, compiled: every wording in one automaton, every expression in RE2."""

    def __init__(self, rules: Sequence[Rule], side: Side | None = None) -> None:
        """`side` is whose words are read; without it, the one that all `rules` watch."""
        self._needs = Needs([required(e) for rule in rules for e in rule.match.expressions])
        self._words = Words(_words_of(rules), self._needs.rarest)
        self._rules = [CompiledRule.of(rule, self._words) for rule in rules]
        self._of = RulesOf(self._rules)
        self._disguises = Disguises(self._rules, self._words, self._of, self._needs)
        self._classifier_rules = ClassifierRules(rules, side)
        self.by_sentence = any(
            (rule.match.scope == "sentence" or rule.match.heard is not None)
            and rule.action in ("mask", "block", "handover")
            for rule in rules
        )

    def make_ready(self) -> None:
        """Build now what is built only when a text first asks for it."""
        self._words.make_ready()
        self._disguises.make_ready()

    def find(self, folded: str, most: int | None = None) -> list[Found]:
        """All matches in a folded text, vetoed ones included and marked, by rule and place.

        With `most`, no more are looked at once a rule that masks nothing has so many that count.
        """
        text = Text(folded)
        by_word, literals = self._words.search(folded)
        held = self._needs.held_of(literals, text.borders.sentences)
        possible = self._needs.possible(text, held)
        tried = self._of.found(by_word, possible)
        disguised = self._disguises.find(text, held, possible, by_word)
        classified = self._classifier_rules.classify(folded)
        found: list[Found] = []
        for number in sorted(tried.keys() | disguised.keys() | classified.hits.keys()):
            rule = self._rules[number]
            there = rule.candidates(text, by_word, tried.get(number, ()))
            plain = longest((*there, *classified.hits.get(number, ())))
            hidden = disguised.get(number, ())
            if not plain and not hidden:
                continue
            vetoes = rule.vetoes(text, by_word)
            left = most if most is not None and rule.rule.action != "mask" else None
            one: list[Found] = []
            for start, end in plain:
                vetoed = vetoes(start, end) or not (
                    classified.backs(rule.rule, start, end) or rule.is_sure(by_word, start, end)
                )
                one.append(Found(rule.rule, start, end, vetoed))
                if left is not None and not vetoed:
                    left -= 1
                    if not left:
                        break
            if hidden and left != 0:
                one += _first(left, _besides(one, rule.rule, hidden, vetoes))
                one.sort(key=lambda hit: (hit.start, -hit.end))
            found.extend(one)
        return found


class PhraseFinder:
    """Any of some wordings or expressions in a text: the conditions of mandatory scripts."""

    def __init__(
        self, words: Iterable[str] = (), expressions: Iterable[str] = (), none: Iterable[str] = ()
    ) -> None:
        self._words = Words(words)
        self._none = Words(none)
        self._expressions = [compile_expression(e) for e in expressions]

    @classmethod
    def of_when(cls, when: When) -> PhraseFinder:
        """The finder for a script's condition."""
        return cls(when.words, when.expressions, when.none)

    def found_in(self, folded: str) -> bool:
        """Whether anything is found in a folded text outside the `none` wordings."""
        vetoes = _merged((start, end) for start, end, _ in self._none.find(folded))
        words = self._words.find(folded)
        if not vetoes:
            return bool(words) or any(e.search(folded) is not None for e in self._expressions)
        begins = [start for start, _ in vetoes]

        def counts(start: int, end: int) -> bool:
            before = bisect_left(begins, end)
            return not before or vetoes[before - 1][1] <= start

        if any(counts(start, end) for start, end, _ in words):
            return True
        encoded = folded.encode("utf-8", "replace")
        return any(counts(*span) for e in self._expressions for span in spans(e, encoded))


def _merged(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending spans with those that overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _besides(
    plain: Sequence[Found],
    rule: Rule,
    hidden: Iterable[tuple[int, int, bool]],
    vetoes: Callable[[int, int], bool],
) -> Iterator[Found]:
    """The disguised hits that lie in no plain one that counts; those are ascending."""
    counted = [hit for hit in plain if not hit.vetoed]
    starts = [hit.start for hit in counted]
    for start, end, excused in hidden:
        before = bisect_right(starts, start)
        if not before or counted[before - 1].end < end:
            yield Found(rule, start, end, excused or vetoes(start, end), disguised=True)


def _first(most: int | None, found: Iterable[Found]) -> list[Found]:
    """What is found until there are `most` that count."""
    kept: list[Found] = []
    for hit in found:
        kept.append(hit)
        if most is not None and not hit.vetoed:
            most -= 1
            if not most:
                break
    return kept


def _words_of(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        match: Match = rule.match
        yield from match.words
        yield from match.none
        for group in match.all:
            yield from group
