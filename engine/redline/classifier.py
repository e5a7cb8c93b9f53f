"""The hand-over classifier: how likely a customer's words call for a hand-over, and for which.

Wordings are endless, rules are not. Beside the rules stands a logistic regression over hashed
n-grams (`features`), trained by ``python -m engine.learning.handover_classifier`` on the sentences
beside the rules. It rates a passage of some clauses at a time, so that a long text dilutes nothing
and takes linear time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

from msgspec import Struct

from engine.errors import RuleError
from engine.paths import CLASSIFIER
from engine.redline.features import (
    CLASS_SALT,
    Tokens,
    WordClasses,
    class_pairs,
    clauses_of,
    features,
    passages_of,
    repeated,
    said_once,
    tokenise,
    with_classes,
)
from engine.redline.ngrams import BUCKETS, ClassPairWeights, NGramWeights

WEIGHTS = "classifier.safetensors"
CLASSES = "classes.txt"
CATEGORY_BUCKETS = 1 << 13
PER_CATEGORY = BUCKETS // CATEGORY_BUCKETS
LENGTH_POWER = -0.35
"""The power of the number of features that weights are multiplied by."""
SHORT = 22
"""Tokens of a short passage. What is grave is said in few words, and whatever ordinary stands in
the same passage thins it out: with an ordinary sentence beside them 42 % of grave ones are found by
long passages alone, 68 % by both, of 88 % where they stand alone; near misses 1.7 and 1.9 %."""
_SHORT_STEP = 8
_SURER = math.log(0.9 / 0.1) - math.log(0.8 / 0.2)
"""How much more speaks for a short passage that counts as much as a long one."""


class Passage(Struct, frozen=True):
    """Some clauses of a folded text: where they stand, and how likely they call for a hand-over.

    `heaviest` is the clause that weighs most.
    """

    start: int
    end: int
    chance: float
    heaviest: tuple[int, int]


class LinearWeights(Struct, frozen=True):
    """What was trained: a weight for each bucket, the bias, and the same for each category."""

    weights: Sequence[int]
    scale: float
    bias: float
    categories: tuple[str, ...] = ()
    category_weights: tuple[Sequence[int], ...] = ()
    category_bias: tuple[float, ...] = ()


class HandoverClassifier:
    """The classifier; it keeps nothing of a text and may be asked from any thread."""

    def __init__(self, classes: WordClasses, trained: LinearWeights) -> None:
        self._classes = classes
        self._trained = trained
        self._plain = NGramWeights(trained.weights, 0)
        self._general = NGramWeights(trained.weights, CLASS_SALT)
        self._pairs = ClassPairWeights(trained.weights)

    def passages(self, folded: str, least: float = 0.0) -> list[Passage]:
        """The passages of a folded text, each with its chance, in order.

        Which of its clauses is the heaviest is worked out where the chance is at `least` that.
        """
        folded = said_once(folded)
        read = tokenise(folded)
        size = len(read.starts)
        if not size:
            return []
        places = passages_of(size, read.borders)
        return self._rated(read, *self._prefix_sums(read, folded), places, 0.0, least)

    def long_and_short(
        self, folded: str, least: float = 0.0
    ) -> tuple[list[Passage], list[Passage]]:
        """The passages of a folded text and, where it has several, the short ones; as `passages`.

        The chance of a short one is lower than what speaks for it: there are more of them.
        """
        folded = said_once(folded)
        read = tokenise(folded)
        size = len(read.starts)
        if not size:
            return [], []
        sums, counts = self._prefix_sums(read, folded)
        long = self._rated(read, sums, counts, passages_of(size, read.borders), 0.0, least)
        if size <= SHORT:
            return long, []
        places = passages_of(size, read.borders, SHORT, _SHORT_STEP)
        return long, self._rated(read, sums, counts, places, -_SURER, least)

    def _rated(
        self,
        read: Tokens,
        sums: Sequence[int],
        counts: Sequence[int],
        places: Iterable[tuple[int, int]],
        more: float,
        least: float,
    ) -> list[Passage]:
        trained = self._trained
        found: list[Passage] = []
        for first, last in places:
            damping = math.pow(max(counts[last] - counts[first], 1), LENGTH_POWER)
            weight = (sums[last] - sums[first]) * trained.scale * damping + more
            chance = 1 / (1 + math.exp(-max(min(weight + trained.bias, 30), -30)))
            start, end = place = read.starts[first], read.ends[last - 1]
            if chance >= least:
                clauses = clauses_of(first, last, read.borders)
                one, other = max(clauses, key=lambda clause: sums[clause[1]] - sums[clause[0]])
                place = read.starts[one], read.ends[other - 1]
            found.append(Passage(start, end, chance, place))
        return found

    def _prefix_sums(self, read: Tokens, folded: str) -> tuple[list[int], list[int]]:
        """What all features weigh that begin before each token, and before the end; their number.

        Those of clauses that are said again are left out.
        """
        last = len(read.starts) - 1
        weights, numbers = self._plain.sums(read.ids)
        sums, counts = [0, *weights[1:-1]], [0, *numbers[1:-1]]
        for at, end in ((1, 0), (last + 1, -1)):  # What begins at the text's own ends.
            sums[at] += weights[end]
            counts[at] += numbers[end]
        general, places = with_classes(read, folded, self._classes)
        for begin, more, number in zip(places, *self._general.sums(general), strict=True):
            if number:
                at = min(max(begin, 0), last) + 1
                sums[at] += more
                counts[at] += number
        for place, kind, near in class_pairs(general):
            at = min(max(places[place], 0), last) + 1
            sums[at] += sum(map(self._pairs[kind].__getitem__, near))
            counts[at] += len(near)
        # Who says the same again, in a passage or all along, means no more by it.
        for begin, end in repeated(folded, read, clauses_of(0, last + 1, read.borders)):
            sums[begin + 1 : end + 1] = counts[begin + 1 : end + 1] = [0] * (end - begin)
        return list(accumulate(sums)), list(accumulate(counts))

    def category(self, folded: str, passage: Passage) -> str:
        """Which hand-over a passage of a folded text calls for, if it calls for one."""
        trained = self._trained
        seen = features(folded[passage.start : passage.end], self._classes).buckets
        buckets = [bucket // PER_CATEGORY for bucket in seen]
        damping = math.pow(max(len(buckets), 1), LENGTH_POWER)

        def weight(number: int) -> float:
            weights = trained.category_weights[number]
            return sum(map(weights.__getitem__, buckets)) * damping + trained.category_bias[number]

        return trained.categories[max(range(len(trained.categories)), key=weight)]


def classifier_files() -> tuple[Path, ...]:
    """The files that make the classifier that ships."""
    return CLASSIFIER / CLASSES, CLASSIFIER / WEIGHTS


@cache
def shipped() -> HandoverClassifier:
    """The classifier that ships. Raises `RuleError` where its files are damaged."""
    try:
        return HandoverClassifier(shipped_classes(), read(CLASSIFIER / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuleError(
            f"the hand-over classifier cannot be loaded ({type(error).__name__})",
            code="rules_failed",
            kind=type(error).__name__,
        ) from error


@cache
def shipped_classes() -> WordClasses:
    """The word classes that ship."""
    return WordClasses((CLASSIFIER / CLASSES).read_text(encoding="utf-8"))


def read(path: Path) -> LinearWeights:
    """What was trained, from its safetensors file; read by hand, as that needs no library."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    about = json.loads(head["__metadata__"]["classifier"])

    def tensor(name: str) -> memoryview:
        start, end = head[name]["data_offsets"]
        return memoryview(data)[8 + size + start : 8 + size + end].cast("b")

    weights, categories = tensor("weights"), tensor("categories")
    names = tuple(about["categories"])
    if len(weights) != BUCKETS or len(categories) != len(names) * CATEGORY_BUCKETS:
        raise ValueError("the classifier's weights have another size")
    parts = tuple(
        categories[n * CATEGORY_BUCKETS : (n + 1) * CATEGORY_BUCKETS] for n in range(len(names))
    )
    return LinearWeights(
        weights, about["scale"], about["bias"], names, parts, tuple(about["category_bias"])
    )
