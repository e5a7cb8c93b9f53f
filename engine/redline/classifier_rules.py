"""The rules that ask a classifier, and what it says of a text for them.

A customer's words are the hand-over classifier's; what is sent to one, the classifier of replies'.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence

from engine.records import Side
from engine.redline import classifier, reply_classifier
from engine.redline.classifier import HandoverClassifier, Passage
from engine.redline.reply_classifier import ReplyClassifier
from engine.redline.schema import Rule


class Classified:
    """The hits of the rules that ask the classifier, by number, and which other hits it backs."""

    def __init__(
        self, hits: dict[int, list[tuple[int, int]]], scales: Sequence[Sequence[Passage]]
    ) -> None:
        """`scales`: the passages of each length, in order; none where nobody asked."""
        self.hits = hits
        self._scales = [(passages, [one.end for one in passages]) for passages in scales]

    def backs(self, rule: Rule, start: int, end: int) -> bool:
        """Whether a hit lies in a passage that is likely enough for its rule."""
        least = rule.match.backed
        if not least or not self._scales:
            return True
        for passages, ends in self._scales:
            for place in range(bisect_left(ends, start + 1), len(passages)):
                passage = passages[place]
                if passage.start >= end:
                    break
                if passage.chance >= least:
                    return True
        return False


UNCLASSIFIED = Classified({}, ())


class ClassifierRules:
    """The rules of one side that ask the classifier; where none does, it is not even loaded."""

    def __init__(self, rules: Sequence[Rule], side: Side | None = None) -> None:
        self._rules = [
            (number, rule.match.heard)
            for number, rule in enumerate(rules)
            if rule.match.heard is not None
        ]
        self._least = min((heard.least for _, heard in self._rules), default=1.0)
        self._asked = bool(self._rules) or any(rule.match.backed for rule in rules)
        # A rule may watch both sides; what stands beside it tells whose words are read.
        of_customers = all("customer" in rule.sides for rule in rules)
        self._of_customers = of_customers if side is None else side == "customer"

    def classify(self, folded: str) -> Classified:
        """What it says of a folded text. Raises `RuleError` where its files are damaged."""
        if not self._asked or not folded:
            return UNCLASSIFIED
        model: HandoverClassifier | ReplyClassifier
        scales: Sequence[Sequence[Passage]]
        if self._of_customers:
            model = classifier.shipped()
            scales = model.long_and_short(folded, self._least)
        else:
            model = reply_classifier.shipped()
            scales = (model.passages(folded, self._least),)
        hits: dict[int, list[tuple[int, int]]] = {}
        for passage in itertools.chain(*scales):
            if passage.chance >= self._least:
                category = model.category(folded, passage)
                for number, heard in self._rules:
                    if heard.category == category and passage.chance >= heard.least:
                        hits.setdefault(number, []).append(passage.heaviest)
        return Classified(hits, scales)
