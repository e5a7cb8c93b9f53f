"""Hashed n-grams of up to three tokens: each is a bucket of the classifier's weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

BUCKETS = 3 << 16
FIRST_CLASS, PAST_CLASSES = 16, 512
"""Tokens of these numbers stand for a class of words."""
MASK = (1 << 61) - 1
PRIME = 0x9E3779B97F4A7C1
_PAIR_SALT = 0x14057B7EF767814F
_MOST = 1 << 14

Weighed = tuple[int, int, int, bool]
"""A state to go on from, what is weighed by now, of how many n-grams, and whether one holds a class
(or need not)."""


def add_ngrams(
    ids: Sequence[int],
    places: Sequence[int],
    last: int,
    salt: int,
    buckets: list[int],
    begins: list[int],
) -> None:
    """Add the n-grams of up to three tokens; with a `salt` only those that hold a class."""
    size = len(ids)
    for at, first in enumerate(ids):
        begin = min(max(places[at], 0), last)
        some = not salt or FIRST_CLASS <= first < PAST_CLASSES
        state = (first ^ salt) * PRIME & MASK
        if some:
            buckets.append(state * BUCKETS >> 61)
            begins.append(begin)
        for after in (at + 1, at + 2):
            if after >= size:
                break
            number = ids[after]
            some = some or FIRST_CLASS <= number < PAST_CLASSES
            state = ((state ^ state >> 29) + number) * PRIME & MASK
            if some:
                buckets.append(state * BUCKETS >> 61)
                begins.append(begin)


class NGramWeights(dict[tuple[int, int], Weighed]):
    """What the n-grams of one salt weigh; pairs of tokens that were seen before are looked up."""

    def __init__(self, weights: Sequence[int], salt: int) -> None:
        super().__init__()
        self._weights = weights
        self._salt = salt

    def __missing__(self, pair: tuple[int, int]) -> Weighed:
        if len(self) >= _MOST:
            self.clear()
        first, second = pair
        some = not self._salt or FIRST_CLASS <= first < PAST_CLASSES
        state = (first ^ self._salt) * PRIME & MASK
        weight = self._weights[state * BUCKETS >> 61] if some else 0
        count = int(some)
        some = some or FIRST_CLASS <= second < PAST_CLASSES
        state = ((state ^ state >> 29) + second) * PRIME & MASK
        if some:
            weight += self._weights[state * BUCKETS >> 61]
            count += 1
        weighed = self[pair] = state ^ state >> 29, weight, count, some
        return weighed

    def sums(self, ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """For each token, what the n-grams that begin with it weigh, and how many these are."""
        weights = self._weights
        sums: list[int] = []
        counts: list[int] = []
        seen = zip(map(self.__getitem__, pairwise(ids)), ids[2:], strict=False)
        if not self._salt:
            sums = [
                weight + weights[((state + third) * PRIME & MASK) * BUCKETS >> 61]
                for (state, weight, _, _), third in seen
            ]
            counts = [3] * len(sums)
        else:
            for (state, weight, count, some), third in seen:
                if some or FIRST_CLASS <= third < PAST_CLASSES:
                    bucket = ((state + third) * PRIME & MASK) * BUCKETS >> 61
                    sums.append(weight + weights[bucket])
                    counts.append(count + 1)
                else:
                    sums.append(0)
                    counts.append(0)
        for at in range(max(len(ids) - 2, 0), len(ids)):
            buckets: list[int] = []
            begins: list[int] = []
            add_ngrams(ids[at:], range(len(ids)), len(ids), self._salt, buckets, begins)
            first = [bucket for bucket, begin in zip(buckets, begins, strict=True) if not begin]
            sums.append(sum(weights[bucket] for bucket in first))
            counts.append(len(first))
        return sums, counts


def class_pair_bucket(first: int, second: int) -> int:
    """The bucket of two classes that stand near each other."""
    state = (first ^ _PAIR_SALT) * PRIME & MASK
    return ((state ^ state >> 29) + second) * PRIME % (MASK + 1) * BUCKETS >> 61


class ClassPairWeights(dict[int, "_WeightsBeside"]):
    """Class → what it weighs with others near behind it; there are few classes."""

    def __init__(self, weights: Sequence[int]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, first: int) -> _WeightsBeside:
        beside = self[first] = _WeightsBeside(self._weights, first)
        return beside


class _WeightsBeside(dict[int, int]):
    """Class → what it weighs behind one and the same other."""

    def __init__(self, weights: Sequence[int], first: int) -> None:
        super().__init__()
        self._weights = weights
        self._first = first

    def __missing__(self, second: int) -> int:
        weight = self[second] = self._weights[class_pair_bucket(self._first, second)]
        return weight
