"""What the second ear hears for the rules that ask it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from engine.redline import ear
from engine.redline.ear import Passage
from engine.redline.schema import Rule


class Sounds:
    """The hits of the rules that ask the ear, by their number, and whom it backs."""

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


SILENCE = Sounds({}, None)


class Listening:
    """The rules of one side that ask the ear; where none does, it is not even loaded."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._heard = [
            (number, rule.match.heard)
            for number, rule in enumerate(rules)
            if rule.match.heard is not None
        ]
        self._least = min((heard.least for _, heard in self._heard), default=1.0)
        self._asked = bool(self._heard) or any(rule.match.backed for rule in rules)

    def to(self, folded: str) -> Sounds:
        """What is heard in a folded text. Raises `RuleError` where the ear's files are damaged."""
        if not self._asked or not folded:
            return SILENCE
        listener = ear.shipped()
        passages = listener.passages(folded)
        hits: dict[int, list[tuple[int, int]]] = {}
        for passage in passages:
            if passage.chance >= self._least:
                category = listener.kind(folded, passage)
                for number, heard in self._heard:
                    if heard.category == category and passage.chance >= heard.least:
                        hits.setdefault(number, []).append(passage.heaviest)
        return Sounds(hits, passages)
