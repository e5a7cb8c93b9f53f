"""The rules that ask the hand-over classifier, and what it says of a text for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from engine.redline import classifier
from engine.redline.classifier import Passage
from engine.redline.schema import Rule


class Classified:
    """The hits of the rules that ask the classifier, by number, and which other hits it backs."""

    def __init__(
        self, hits: dict[int, list[tuple[int, int]]], passages: Sequence[Passage] | None
    ) -> None:
        self.hits = hits
        self._passages = passages
        self._ends = [passage.end for passage in passages or ()]

    def backs(self, rule: Rule, start: int, end: int) -> bool:
        """Whether a hit lies in a passage that is likely enough for its rule."""
        least = rule.match.backed
        if not least or self._passages is None:
            return True
        for passage in self._passages[bisect_left(self._ends, start + 1) :]:
            if passage.start >= end:
                break
            if passage.chance >= least:
                return True
        return False


UNCLASSIFIED = Classified({}, None)


class ClassifierRules:
    """The rules of one side that ask the classifier; where none does, it is not even loaded."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [
            (number, rule.match.heard)
            for number, rule in enumerate(rules)
            if rule.match.heard is not None
        ]
        self._least = min((heard.least for _, heard in self._rules), default=1.0)
        self._asked = bool(self._rules) or any(rule.match.backed for rule in rules)

    def classify(self, folded: str) -> Classified:
        """What it says of a folded text. Raises `RuleError` where its files are damaged."""
        if not self._asked or not folded:
            return UNCLASSIFIED
        model = classifier.shipped()
        passages = model.passages(folded, self._least)
        hits: dict[int, list[tuple[int, int]]] = {}
        for passage in passages:
            if passage.chance >= self._least:
                category = model.category(folded, passage)
                for number, heard in self._rules:
                    if heard.category == category and passage.chance >= heard.least:
                        hits.setdefault(number, []).append(passage.heaviest)
        return Classified(hits, passages)
