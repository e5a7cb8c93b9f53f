"""Comparing texts by their grams: each gram is weighed once, each text added up once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from engine.knowledge.grams import Weights

# Many times what the grams of one knowledge are; questions bring others without end.
_MOST: Final = 200_000


class Weighed(Struct, frozen=True):
    """A text's grams, what they weigh together, and their squares together."""

    grams: frozenset[str]
    total: float
    square: float


class Expected(Struct, frozen=True):
    """What a text is expected to say: how much each gram counts, all together and squared."""

    grams: dict[str, float]
    total: float
    square: float


class Scale:
    """How alike texts are, and how much of one stands in another, by what their grams weigh."""

    def __init__(self, weights: Weights) -> None:
        self._known = _Known(weights)

    def weigh(self, found: Iterable[str]) -> Weighed:
        """A text, given its grams."""
        known = self._known
        if len(known) > _MOST:
            known.clear()
        units = frozenset(found)
        weights = [known[gram] for gram in units]
        return Weighed(units, sum(weights), sum(weight * weight for weight in weights))

    def expect(self, grams: Mapping[str, float]) -> Expected:
        """A text that holds `grams` by so much each."""
        known = self._known
        counts = [share * known[gram] for gram, share in grams.items()]
        square = sum([count * count for count in counts])
        return Expected(dict(zip(grams, counts, strict=True)), sum(counts), square)

    def as_expected(self, expected: Expected, text: Weighed) -> float:
        """How alike (0…1) `text` is to what is expected: the cosine of their grams."""
        norms = math.sqrt(expected.square * text.square)
        shared = [
            expected.grams[one] * self._known[one] for one in expected.grams.keys() & text.grams
        ]
        return sum(shared) / norms if norms else 0.0

    def of_expected(self, expected: Expected, text: Weighed) -> float:
        """The share (0…1) of what is expected that stands in `text`."""
        shared = sum([expected.grams[gram] for gram in expected.grams.keys() & text.grams])
        return shared / expected.total if expected.total else 0.0

    def likeness(self, forms: Sequence[Weighed], text: Weighed) -> float:
        """How alike (0…1) `text` is to the form it is most like: the cosine of their grams."""
        return max(self._likeness(form, text) for form in forms)

    def coverage(self, forms: Sequence[Weighed], text: Weighed) -> float:
        """The share (0…1) of a form's weight that stands in `text`, of the form with the most."""
        return max(self._coverage(form, text) for form in forms)

    def _likeness(self, form: Weighed, text: Weighed) -> float:
        norms = math.sqrt(form.square * text.square)
        shared = [self._known[gram] for gram in form.grams & text.grams]
        return min(1.0, sum(weight * weight for weight in shared) / norms) if norms else 0.0

    def _coverage(self, form: Weighed, text: Weighed) -> float:
        shared = sum([self._known[gram] for gram in form.grams & text.grams])
        return min(1.0, shared / form.total) if form.total else 0.0


class _Known(dict[str, float]):
    """What grams weigh, worked out when first asked for."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, gram: str) -> float:
        weight = self[gram] = self._weights.weight(gram)
        return weight
