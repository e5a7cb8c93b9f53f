"""The classifier of replies: how likely a sentence that is to be sent must not be, and why.

It sees what the hand-over classifier sees (`features`), with word classes and weights of its own
that ``python -m engine.learning.reply_classifier`` learns. It judges each sentence by itself, a
long one some clauses at a time, so that nothing said elsewhere changes what is found in it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

from engine.errors import RuleError
from engine.paths import CLASSIFIER
from engine.redline.classifier import (
    LENGTH_POWER,
    PER_CATEGORY,
    LinearWeights,
    Passage,
    read,
)
from engine.redline.features import Features, WordClasses, features
from engine.redline.normalise import borders

WEIGHTS = "reply_classifier.safetensors"
CLASSES = "reply_classes.txt"
LONGEST = 60
LONGEST_LATIN = 180
"""The most characters that are judged at once, where no clause is longer; Latin words are longer
than Chinese ones."""


class ReplyClassifier:
    """The classifier; it keeps nothing of a text and may be asked from any thread."""

    def __init__(self, classes: WordClasses, trained: LinearWeights) -> None:
        self._classes = classes
        self._trained = trained

    def passages(self, folded: str, least: float = 0.0) -> list[Passage]:
        """What is judged of a folded text, each with its chance, in order.

        Which of its clauses is the heaviest is worked out where the chance is at `least` that.
        """
        marks = borders(folded)
        found: list[Passage] = []
        begin = 0
        for end in (*marks.sentences, len(folded)):
            if end > begin:
                inner = marks.clauses
                within = inner[bisect_right(inner, begin) : bisect_left(inner, end)]
                found += self._of_sentence(
                    folded[begin:end], begin, [p - begin for p in within], least
                )
            begin = end
        return found

    def category(self, folded: str, passage: Passage) -> str:
        """What is wrong with a passage of a folded text, if anything is."""
        trained = self._trained
        seen = features(folded[passage.start : passage.end], self._classes).buckets
        buckets = [bucket // PER_CATEGORY for bucket in seen]
        damping = math.pow(max(len(buckets), 1), LENGTH_POWER)

        def weight(number: int) -> float:
            weights = trained.category_weights[number]
            return sum(map(weights.__getitem__, buckets)) * damping + trained.category_bias[number]

        return trained.categories[max(range(len(trained.categories)), key=weight)]

    def _of_sentence(
        self, sentence: str, offset: int, clauses: list[int], least: float
    ) -> list[Passage]:
        found: list[Passage] = []
        ends = [*clauses, len(sentence)]
        longest = LONGEST_LATIN if sentence.isascii() else LONGEST
        for start, end in windows(len(sentence), ends, longest):
            part = sentence[start:end]
            seen = features(part, self._classes)
            if not seen.tokens:
                continue
            weights = self._trained.weights
            weight = sum(map(weights.__getitem__, seen.buckets)) * self._trained.scale
            weight *= math.pow(max(len(seen.buckets), 1), LENGTH_POWER)
            chance = 1 / (1 + math.exp(-max(min(weight + self._trained.bias, 30), -30)))
            first, last = seen.tokens[0][0], seen.tokens[-1][1]
            place = first, last
            if chance >= least:
                inner = [one - start for one in ends if start < one < end]
                place = self._heaviest(part, seen, inner)
            at = offset + start
            found.append(Passage(at + first, at + last, chance, (at + place[0], at + place[1])))
        return found

    def _heaviest(self, part: str, seen: Features, clauses: list[int]) -> tuple[int, int]:
        """Where the clause stands that weighs most; `clauses` are their ends but the last."""
        weights = [0] * (len(seen.tokens) + 1)
        for bucket, begin in zip(seen.buckets, seen.begins, strict=True):
            weights[begin + 1] += self._trained.weights[bucket]
        sums = list(accumulate(weights))
        starts = [start for start, _ in seen.tokens]
        cuts = [0, *(bisect_left(starts, clause) for clause in clauses), len(starts)]
        spans = [(a, b) for a, b in pairwise(cuts) if b > a]
        first, last = max(spans, key=lambda span: sums[span[1]] - sums[span[0]])
        start, end = seen.tokens[last - 1]
        # The sign that ends a clause is a token too.
        if last - first > 1 and not part[start:end].isalnum():
            last -= 1
        return seen.tokens[first][0], seen.tokens[last - 1][1]


def windows(size: int, ends: list[int], longest: int = LONGEST) -> list[tuple[int, int]]:
    """What is judged at once of a sentence whose clauses have these ends, the last one its own.

    As many clauses as `longest` characters hold, every one in a window with what follows it; a
    clause that is longer is cut.
    """
    if size <= longest:
        return [(0, size)]
    found: list[tuple[int, int]] = []
    start = done = 0
    while start < size:
        at = bisect_right(ends, start + longest)
        reached = ends[at - 1] if at else 0
        end = reached if reached > start else min(start + longest, size)
        if end > done:
            found.append((start, end))
            done = end
        if end >= size:
            break
        following = ends[bisect_right(ends, start)]
        start = following if following < end else max(end - longest // 2, start + 1)
    return found


def reply_classifier_files() -> tuple[Path, ...]:
    """The files that make the classifier that ships."""
    return CLASSIFIER / CLASSES, CLASSIFIER / WEIGHTS


@cache
def shipped() -> ReplyClassifier:
    """The classifier that ships. Raises `RuleError` where its files are damaged."""
    try:
        return ReplyClassifier(shipped_classes(), read(CLASSIFIER / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuleError(
            f"the classifier of replies cannot be loaded ({type(error).__name__})",
            code="rules_failed",
            kind=type(error).__name__,
        ) from error


@cache
def shipped_classes() -> WordClasses:
    """The word classes that ship."""
    return WordClasses((CLASSIFIER / CLASSES).read_text(encoding="utf-8"))
