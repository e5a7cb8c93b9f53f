"""Comparing a question with many sentences: each gram is weighed once, each text added up once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.knowledge.grams import Weights


class Weighed(Struct, frozen=True):
    """A text's grams, what they weigh together, and their squares together."""

    grams: frozenset[str]
    total: float
    square: float


class Scale:
    """`Weights.likeness` and `Weights.coverage` for texts that are compared again and again."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._known: dict[str, float] = {}

    def weigh(self, found: Iterable[str]) -> Weighed:
        """A text, given its grams."""
        units = frozenset(found)
        weights = [self._weight(gram) for gram in units]
        return Weighed(units, sum(weights), sum(weight * weight for weight in weights))

    def likeness(self, forms: Sequence[Weighed], text: Weighed) -> float:
        """How alike (0…1) `text` is to the form it is most like."""
        return max(self._likeness(form, text) for form in forms)

    def coverage(self, forms: Sequence[Weighed], text: Weighed) -> float:
        """The share (0…1) of a form's weight that stands in `text`, of the form with the most."""
        return max(self._coverage(form, text) for form in forms)

    def _likeness(self, form: Weighed, text: Weighed) -> float:
        norms = math.sqrt(form.square * text.square)
        shared = sum(self._weight(gram) ** 2 for gram in form.grams & text.grams)
        return min(1.0, shared / norms) if norms else 0.0

    def _coverage(self, form: Weighed, text: Weighed) -> float:
        shared = sum(self._weight(gram) for gram in form.grams & text.grams)
        return min(1.0, shared / form.total) if form.total else 0.0

    def _weight(self, gram: str) -> float:
        known = self._known.get(gram)
        if known is None:
            known = self._known[gram] = self._weights.weight(gram)
        return known
