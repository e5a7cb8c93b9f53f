"""How questions are worded that a company's knowledge answers, and those that it does not.

A logistic regression over content grams, learnt from the questions of other trades. Grammar is
left out: it tells how somebody writes, not what is asked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.grams import is_function
from engine.knowledge.vectors import Vectors

_FEWEST: Final = 3
"""A gram of fewer questions tells about those, not about others."""


class Wording(Struct, frozen=True, dict=True):
    """For each of `grams`: how rare it is among questions, and what it adds (`weights`) to the
    chance of an answer, where it makes up all of a question; with `bias` for those of no gram."""

    grams: list[str]
    rarity: Vectors
    weights: Vectors
    bias: float

    def rating(self, found: Iterable[str]) -> float:
        """The logarithm of the odds that a question, given its grams, has an answer."""
        places = [place for gram in set(found) if (place := self._places.get(gram)) is not None]
        if not places:
            return self.bias
        rarity = self.rarity[places]
        length = math.sqrt(float((rarity * rarity).sum()))
        return float((rarity * self.weights[places]).sum()) / length + self.bias

    @cached_property
    def _places(self) -> dict[str, int]:
        return {gram: place for place, gram in enumerate(self.grams)}


def telling_grams(questions: Sequence[Sequence[str]]) -> tuple[list[str], Vectors]:
    """The content grams that a wording is learnt from, given each question's, and their rarity."""
    counted = Counter(gram for found in questions for gram in set(found) if not is_function(gram))
    grams = sorted(gram for gram, count in counted.items() if count >= _FEWEST)
    shares = np.array([(1 + counted[gram]) / (1 + len(questions)) for gram in grams])
    return grams, np.asarray(1 - np.log(shares), dtype=np.float32)


def written(grams: Sequence[str]) -> NDArray[np.uint8]:
    """`grams` as bytes, to be stored beside numbers. None holds a space."""
    return np.frombuffer(" ".join(grams).encode(), dtype=np.uint8)


def read(stored: NDArray[np.uint8]) -> list[str]:
    """The grams that `written` made bytes of. Raises `ValueError` when they are none."""
    return stored.tobytes().decode().split(" ")
