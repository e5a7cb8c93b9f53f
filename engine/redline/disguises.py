"""Rules found behind a disguise: in the restored text, and by its syllables.

This is a second search beside the one in the text itself; what stands there undisguised is none of
its business.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.redline.characters import is_code, to_codes
from engine.redline.compiled_rule import CompiledRule, Places, RulesOf, shared
from engine.redline.expressions import Text, longest
from engine.redline.homophones import Homophones
from engine.redline.needs import Held, Needs, Possible, SyllableNeeds
from engine.redline.normalise import fold
from engine.redline.prefilter import Prefilter
from engine.redline.required import pairs
from engine.redline.restoring import Restorer
from engine.redline.suspicion import HOMOPHONE_OR_MORE, Cause, Suspicion
from engine.redline.view import Restored, Trick, View
from engine.redline.words import SyllableWords, Words, pairs_in

if TYPE_CHECKING:
    import re2

SHORT = 3
Disguised = dict[int, list[tuple[int, int, int]]]
_SPELLED = re.compile("[a-z0-9\ue000-\ue7ff]")
_CODE = re.compile("[\ue000-\ue7ff]")
_LETTERS = re.compile("[A-Za-z']{2,}")
_ESCAPED = re.compile(r"\\.|\[[^\]]*\]")


class Disguises:
    """The disguised wordings and expressions of some rules."""

    def __init__(
        self, rules: Sequence[CompiledRule], words: Words, of: RulesOf, needs: Needs
    ) -> None:
        """`words` and `needs` are those of the rules, `of` tells which are whose."""
        self._rules = rules
        self._of = of
        self._words = words
        self._needs = SyllableNeeds(needs)
        letters = {c for word in words.words for c in word}.union(
            *(e.literals for e in of.expressions)
        )
        self._restorer = Restorer(
            {letter for letter in letters if letter >= "\u3400"},
            _latin([*words.words, *(_ESCAPED.sub(" ", e.source) for e in of.expressions)]),
            sorted({fold(word).text for rule in rules for word in rule.rule.initials}),
        )
        homophonic = [rule for rule in rules if rule.tricks & Trick.HOMOPHONE]
        self._seeing = frozenset(n for n, rule in enumerate(rules) if rule.tricks)
        self._always = any(not e.needs for rule in homophonic for e in rule.expressions)
        self._in_groups = frozenset[int]().union(*(g for rule in homophonic for g in rule.groups))
        self._grouped = frozenset(n for n, rule in enumerate(rules) if rule.groups)
        self._homophonic = frozenset(
            n for n, rule in enumerate(rules) if rule.tricks & Trick.HOMOPHONE
        )
        resolved = frozenset(
            number for number in range(len(of.expressions)) if of.owner(number) in self._homophonic
        )
        self._syllables = SyllableWords(words, self._needs.forms(resolved))
        self._homophones = Homophones(_pairs_of(homophonic, words)) if homophonic else None
        self._suspicion = Suspicion(self._causes)
        self._prefilter = Prefilter(
            self._restorer,
            self._suspicion,
            (words, self._syllables),
            (needs, self._needs),
            self._homophones,
            rules,
            of,
        )

    def make_ready(self) -> None:
        """Build now what is built only when a text first asks for it."""
        self._syllables.make_ready()
        self._prefilter.make_ready()

    def find(
        self, text: Text, plain: Held, possible: Possible, by_word: Places
    ) -> dict[int, list[tuple[int, int, bool]]]:
        """For each rule found in a folded text (by its place among the rules) its hits, each as
        ``(start, end, vetoed)`` of that text. `plain` is what its sentences hold as they are,
        `possible` the expressions that may match in these, `by_word` the wordings that stand there.
        """
        found: dict[int, list[tuple[int, int, bool]]] = {}
        causes = self._suspicion.causes(text.folded)
        if HOMOPHONE_OR_MORE.search(causes) is None:
            return found
        short = None if self._always else self._in_groups
        worth = self._prefilter.worth(text, causes, by_word, possible, short)
        if not worth:
            return found
        sentences = self._restorer.restore(text, causes, self._suspicion, worth)
        grouped = not self._grouped.isdisjoint(self._of.found(by_word, ()))
        if seen := [sentence for sentence in sentences if sentence.tricked]:
            self._look(View(seen), plain, grouped, found, self._seeing)
        if corrected := list(self._corrected(sentences)):
            self._look(View(corrected), plain, grouped, found, self._homophonic)
        return found

    def _causes(self, first: str, second: str) -> int:
        suspected = self._homophones is not None and self._homophones.suspects(first, second)
        return self._restorer.causes(first, second) | (Cause.HOMOPHONE if suspected else 0)

    def _corrected(self, sentences: Iterable[Restored]) -> Iterator[Restored]:
        """The sentences in which homophones are resolved, with what they stand for in place."""
        for sentence in sentences:
            if self._homophones is None or not sentence.places:
                continue
            text = sentence.text
            codes = to_codes(text)
            if self._always or any(
                True for _ in self._syllables.spelled(text, codes, self._in_groups)
            ):
                corrections = self._homophones.corrections(text, codes, sentence.places)
                if corrections:
                    yield sentence.with_corrections(corrections)

    def _look(
        self,
        view: View,
        plain: Held,
        grouped: bool,
        found: dict[int, list[tuple[int, int, bool]]],
        rules: frozenset[int],
    ) -> None:
        """Add what some rules find in a view to `found`."""
        disguised: Disguised = {}
        spelled = _SPELLED.search(view.text) is not None
        codes = to_codes(view.text) if _CODE.search(view.text) is not None else ""
        for start, end, number, tricks in self._syllables.find(view, codes):
            disguised.setdefault(number, []).append((start, end, tricks))
        possible = self._needs.possible(view, plain)
        joins = grouped or any(sentence.joins(self._words.pairs) for sentence in view.sentences)
        by_word = self._words.restored(view.text) if joins else {}
        tried = self._of.found((*by_word, *disguised), possible)
        looked = Text(view.text, view.borders)
        for number in rules & tried.keys():
            rule = self._rules[number]
            expressions = [
                (e.in_syllables if spelled else e.compiled, at) for e, at in tried[number]
            ]
            hits = longest(_of_rule(rule, view, looked, by_word, disguised, expressions))
            if hits:
                if not joins:
                    joins, by_word = True, self._words.restored(view.text)
                vetoes = _vetoes(rule, looked, by_word, disguised)
                there = found.setdefault(number, [])
                there += [(*view.span(*span), vetoes(*span)) for span in hits]


def _of_rule(
    rule: CompiledRule,
    view: View,
    text: Text,
    by_word: Places,
    disguised: Disguised,
    expressions: Iterable[tuple[re2._Regexp, int]],
) -> Iterator[tuple[int, int]]:
    """Where a rule holds in the view, disguised in a way that it sees through."""
    # What a mixture is shows only with the whole hit.
    allowed = rule.tricks | (Trick.PINYIN if rule.tricks & Trick.MIXED else 0)
    spelled: dict[tuple[int, int], int] = {}
    for number in shared(rule.wanted, disguised):
        places = [place for place in disguised[number] if not place[2] & ~allowed]
        if places:
            by_word = dict(by_word)
            by_word[number] = sorted({*by_word.get(number, ()), *((s, e) for s, e, _ in places)})
            spelled.update(((start, end), tricks) for start, end, tricks in places)
    at = sorted(spelled) if rule.groups else []
    found: list[tuple[int, int, int]] = []
    for span in rule.wordings(text, by_word):
        tricks = spelled.get(span, 0) | view.undone(*span)
        for place in range(bisect_left(at, (span[0], 0)), len(at)):
            if at[place][0] >= span[1]:
                break
            tricks |= spelled[at[place]] if at[place][1] <= span[1] else 0
        found.append((*span, tricks))
    for expression, sentence in expressions:
        for span in rule.matches(text, expression, sentence):
            found.append((*span, view.undone(*span)))
    only_mixed = rule.tricks & (Trick.MIXED | Trick.PINYIN) == Trick.MIXED
    for start, end, undone in found:
        tricks = _mixed(undone, view.text[start:end]) if only_mixed else undone
        if tricks and not tricks & ~rule.tricks and _long_enough(rule, view, start, end, tricks):
            yield start, end


def _mixed(tricks: int, there: str) -> int:
    """`tricks`, with pinyin taken for a mixture where a character stands beside it."""
    if tricks & Trick.PINYIN and any("\u3400" <= one < "\ue000" for one in there):
        return tricks & ~Trick.PINYIN | Trick.MIXED
    return tricks


def _long_enough(rule: CompiledRule, view: View, start: int, end: int, tricks: int) -> bool:
    """Whether a disguised hit is long enough to be no accident."""
    if tricks == Trick.INITIALS:
        return True  # Its letters were listed as what they stand for.
    size = sum(character.isalnum() or is_code(character) for character in view.text[start:end])
    short = rule.rule.short and not tricks & Trick.HOMOPHONE
    return size >= (SHORT - 1 if short else SHORT)


def _vetoes(
    rule: CompiledRule, text: Text, by_word: Places, disguised: Disguised
) -> Callable[[int, int], bool]:
    """Whether the context of a span of the view, disguised or not, excuses it."""
    for number in shared(rule.none, disguised):
        by_word = dict(by_word)
        places = {(start, end) for start, end, _ in disguised[number]}
        by_word[number] = sorted(places.union(by_word.get(number, ())))
    return rule.vetoes(text, by_word)


def _pairs_of(rules: Sequence[CompiledRule], words: Words) -> Iterator[str]:
    """The pairs of Han characters in the wordings and expressions of some rules."""
    wanted = frozenset[int]().union(*(rule.wanted for rule in rules))
    yield from _of_han(pairs_in(words.words[number] for number in wanted))
    for rule in rules:
        for expression in rule.expressions:
            yield from _of_han(pairs(expression.source))


def _of_han(found: Iterable[str]) -> Iterator[str]:
    return (pair for pair in found if min(pair) >= "\u3400" and max(pair) < "\ue000")


def _latin(words: Iterable[str]) -> set[str]:
    """The Latin words of two letters and more in some wordings."""
    found: set[str] = set()
    for word in words:
        found.update(_LETTERS.findall(word))
    return found
