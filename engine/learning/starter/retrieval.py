"""Measures what the embedder adds to full text on trades it was not trained on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.grams import grams, is_function
from engine.learning.starter.corpus import Trade
from engine.learning.starter.pairs import filled_policies, query_of

SMOOTHING = 10
"""Of the reciprocal rank fusion, as in the search itself."""
FIRST = 3

Scores = NDArray[np.float64]


class Asked(Struct, frozen=True):
    """A question of a left-out trade with a score for each passage by words and by vectors, and
    the right passages, none when there is no answer."""

    trade: str
    kind: str
    words: Scores
    vectors: Scores
    gold: tuple[int, ...]


def ask(trade: Trade, model: Any, seed: int) -> list[Asked]:
    """Every question of `trade` that has an answer or is known to have none."""
    filled = filled_policies(trade, Random(seed))
    names = list(filled)
    place = {name: number for number, name in enumerate(names)}
    texts = [filled[name] for name in names]
    full_text = FullText(texts)
    questions = [one for one in trade.questions if one.policies or one.kind == "abstain"]
    if not questions:
        return []
    queries = [query_of(question) for question in questions]
    passages = model.encode(texts, show_progress_bar=False)
    cosines = model.encode(queries, show_progress_bar=False) @ passages.T
    return [
        Asked(
            trade=trade.name,
            kind=question.kind,
            words=full_text.scores(query),
            vectors=np.asarray(cosines[row], dtype=np.float64),
            gold=tuple(place[name] for name in question.policies),
        )
        for row, (question, query) in enumerate(zip(questions, queries, strict=True))
    ]


def recall(asked: Sequence[Asked], vector_weight: float, *, by_score: bool = False) -> float:
    """Share of answerable questions with a right passage among the first three.

    Words and vectors are fused by weighted reciprocal ranks, as in the search, or with `by_score`
    as the full-text score, its best made 1, and the cosine.
    """
    answerable = [one for one in asked if one.gold]
    if not answerable:
        return 0.0
    found = sum(_hit(one, _first(one, vector_weight, by_score)) for one in answerable)
    return found / len(answerable)


def gain(asked: Sequence[Asked], vector_weight: float, seed: int) -> tuple[float, float, float]:
    """What the fusion's recall has over full text's, with a paired 95 % bootstrap interval."""
    won = np.array(
        [
            _hit(one, _first(one, vector_weight)) - _hit(one, _first(one, 0.0))
            for one in asked
            if one.gold
        ],
        dtype=np.float64,
    )
    if not len(won):
        return 0.0, 0.0, 0.0
    random = np.random.default_rng(seed)
    means = [random.choice(won, len(won)).mean() for _ in range(4000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(won.mean()), float(low), float(high)


def _hit(one: Asked, places: Sequence[int]) -> int:
    return int(any(place in places for place in one.gold))


def _first(one: Asked, vector_weight: float, by_score: bool = False) -> list[int]:
    if by_score:
        words, vectors = one.words / max(float(one.words.max()), 1e-9), one.vectors
    else:
        words, vectors = _gains(one.words), _gains(one.vectors)
    fused = (1 - vector_weight) * words + vector_weight * vectors
    return [int(place) for place in np.argsort(-fused, kind="stable")[:FIRST]]


class FullText:
    """BM25 over character 1- and 2-grams (words for English), as the knowledge index does it."""

    def __init__(self, passages: Sequence[str], k1: float = 1.2, b: float = 0.75) -> None:
        self._counts = [Counter(grams(passage)) for passage in passages]
        self._lengths = np.array([sum(count.values()) for count in self._counts], dtype=np.float64)
        self._k1, self._b = k1, b
        documents: Counter[str] = Counter()
        for count in self._counts:
            documents.update(count.keys())
        whole = len(passages)
        self._rarity = {
            gram: math.log(1 + (whole - n + 0.5) / (n + 0.5)) for gram, n in documents.items()
        }

    def scores(self, query: str) -> Scores:
        """The score of every passage."""
        words = dict.fromkeys(gram for gram in grams(query) if not is_function(gram))
        norm = self._k1 * (1 - self._b + self._b * self._lengths / self._lengths.mean())
        total = np.zeros(len(self._counts))
        for word in words:
            if word in self._rarity:
                count = np.array([counts[word] for counts in self._counts], dtype=np.float64)
                total += self._rarity[word] * count * (self._k1 + 1) / (count + norm)
        return total


def _gains(scores: Scores) -> Scores:
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    gains = (SMOOTHING + 1) / (SMOOTHING + 1 + ranks)
    return np.where(scores > 0, gains, 0.0)
