"""Learns which sentence answers a question, and whether any does, from trades that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from msgspec import Struct

from engine.knowledge.answer_features import Features
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import grams
from engine.knowledge.memory import AnswerMemory, AnswerWords, turned
from engine.knowledge.questions import searchable
from engine.knowledge.reranking import Reranker
from engine.knowledge.sentences import split_sentences
from engine.knowledge.wording import Wording, telling_grams
from engine.learning.starter.corpus import Trade, fill
from engine.learning.starter.lessons import UNANSWERED, Lesson, drawn
from engine.learning.starter.network_recipe import learn_network
from engine.learning.starter.pairs import query_of

FOLDS = 4
WRONGLY_REFUSED = 0.1
"""The share of plain questions of a lot never seen that may be refused. The hard ones share fewer
words with what answers them than most customers' do, so they would make the app answer what nothing
answers."""
_WORDING_PENALTY = 3.0
_FIRST = 3


class RerankerFigures(Struct, frozen=True):
    """Of so many `trades` the shares of left-out questions, by kind with their number: the first
    sentence is right, the best one is among the first three, and a right passage is; by the plain
    sum and as learnt.

    `apart` is how well answerable and unanswerable questions are told apart (area under the ROC
    curve); `refused` are the unanswerable questions refused where `wrongly_refused` others are. Of
    the plain questions `small_refused` are where their company has a few policies only.
    """

    trades: int
    questions: int
    kinds: dict[str, tuple[int, tuple[float, float, float], tuple[float, float, float]]]
    apart: float
    unanswerable: int
    refused: float
    wrongly_refused: float
    small_refused: float


def remember(trades: Sequence[Trade], embedder: Embedder, seed: int) -> AnswerMemory:
    """The questions of `trades`, what answers them, and those that nothing answers, as vectors of
    `embedder`."""
    questions, answers, unanswered = [], [], []
    words: list[list[str]] = []
    sentences: list[list[str]] = []
    for trade in trades:
        values = drawn(trade, seed)
        everything = {slot: value for own in values.values() for slot, value in own.items()}
        none = [question for question in trade.questions if question.kind in UNANSWERED]
        unanswered.append(embedder.queries([fill(query_of(one), everything) for one in none]))
        asked = [question for question in trade.questions if question.sentences]
        if not asked:
            continue
        said = [
            span.text
            for policy in trade.policies.values()
            for span in split_sentences(fill(policy.text, values[policy.id]))
        ]
        mean = embedder.passages(said).mean(axis=0)
        replies = [fill(one.sentences[0], everything) for one in asked]
        questions.append(embedder.queries([fill(query_of(one), everything) for one in asked]))
        answers.append(embedder.passages(replies) - mean)
        words += map(grams, replies)
        sentences += map(grams, said)
    asking, answering = np.concatenate(questions), np.concatenate(answers)
    return AnswerMemory(
        asking,
        answering,
        np.concatenate(unanswered),
        AnswerWords.of(words, sentences),
        turned(asking, answering),
    )


def learn_wording(trades: Sequence[Trade], seed: int) -> Wording:
    """How the questions of `trades` are worded that have an answer, and those that have none."""
    asked: list[list[str]] = []
    answered: list[bool] = []
    for trade in trades:
        values = drawn(trade, seed)
        everything = {slot: value for own in values.values() for slot, value in own.items()}
        for question in trade.questions:
            if question.policies or question.kind in UNANSWERED:
                asked.append(grams(searchable(fill(question.turns[-1].text, everything))))
                answered.append(question.kind not in UNANSWERED)
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    known, rarity = telling_grams(asked)
    places = {gram: place for place, gram in enumerate(known)}
    rows = [
        np.array(sorted({places[gram] for gram in found if gram in places}), dtype=np.int64)
        for found in asked
    ]
    shares = [rarity[row] / max(float(np.linalg.norm(rarity[row])), 1e-9) for row in rows]
    ends = np.cumsum([0, *map(len, rows)])
    told = csr_matrix(
        (np.concatenate(shares), np.concatenate(rows), ends), shape=(len(rows), len(known))
    )
    model = LogisticRegression(C=_WORDING_PENALTY, class_weight="balanced", max_iter=300)
    model.fit(told, answered)
    weights = model.coef_[0].astype(np.float32)
    return Wording(known, rarity, weights, float(model.intercept_[0]))


def learn(
    taught: Sequence[Lesson], memory: AnswerMemory, wording: Wording
) -> tuple[Reranker, RerankerFigures]:
    """The reranker, and what it does on lots of trades that it has not seen."""
    at = _folds(taught)
    chances: list[Features] = [np.zeros(0, dtype=np.float32)] * len(taught)
    sure = np.zeros(len(taught))
    for fold in sorted(set(at)):
        network = learn_network(
            [one.sample for one, its in zip(taught, at, strict=True) if its != fold]
        )
        for place, (one, its) in enumerate(zip(taught, at, strict=True)):
            if its == fold:
                seen = network.chances(one.sample.features, one.sample.whole)
                chances[place], sure[place] = seen
    answerable = np.array([one.kind not in UNANSWERED for one in taught])
    easy = np.array([one.kind == "plain" and not one.small for one in taught])
    english = np.array([one.english for one in taught])
    # A language that is learnt from less is rated lower, and must not be refused more for it.
    least, least_english = (
        float(np.quantile(sure[easy & group], WRONGLY_REFUSED)) if (easy & group).any() else 0.0
        for group in (~english, english)
    )
    refused = sure < np.where(english, least_english, least)
    network = learn_network([one.sample for one in taught])
    reranker = Reranker(network, least, least_english, memory, wording)
    return reranker, _figures(taught, chances, sure, answerable, refused)


def _folds(taught: Sequence[Lesson]) -> list[int]:
    """The fold of each lesson: its lot, or where that is not known one of `FOLDS` more by trade."""
    names = sorted({one.trade for one in taught})
    Random(5).shuffle(names)
    lots = [one.lot or str(names.index(one.trade) % FOLDS) for one in taught]
    known = sorted(set(lots))
    return [known.index(lot) for lot in lots]


def _figures(
    taught: Sequence[Lesson],
    chances: Sequence[Features],
    sure: Any,
    answerable: Any,
    refused: Any,
) -> RerankerFigures:
    usual = np.array([not one.small for one in taught])
    answerable, none = answerable & usual, ~answerable & usual
    asked = np.flatnonzero(answerable).tolist()
    few = ~usual & np.array([one.kind == "plain" for one in taught])
    kinds = {}
    for kind in ("all", *sorted({taught[place].kind for place in asked})):
        some = [place for place in asked if kind in ("all", taught[place].kind)]
        plain = [_hits(taught[place], taught[place].plain) for place in some]
        learnt = [_hits(taught[place], chances[place]) for place in some]
        kinds[kind] = (len(some), _means(plain), _means(learnt))
    apart = np.mean(sure[answerable][:, None] > sure[none][None, :]) if none.any() else 0.0
    return RerankerFigures(
        trades=len({one.trade for one in taught}),
        questions=len(asked),
        kinds=kinds,
        apart=round(float(apart), 4),
        unanswerable=int(none.sum()),
        refused=round(float(refused[none].mean()), 4) if none.any() else 0.0,
        wrongly_refused=round(float(refused[answerable].mean()), 4),
        small_refused=round(float(refused[few].mean()), 4) if few.any() else 0.0,
    )


def _hits(one: Lesson, rating: Features) -> tuple[float, float, float]:
    if not len(rating):
        return 0.0, 0.0, 0.0
    order = np.argsort(-rating, kind="stable")
    passages = list(dict.fromkeys(one.owners[place] for place in order))[:_FIRST]
    return (
        float(one.right[order[0]]),
        float(one.best[order[:_FIRST]].max()),
        float(bool(one.right_passages.intersection(passages))),
    )


def _means(hits: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    first, among, passage = (round(float(np.mean(column)), 4) for column in zip(*hits, strict=True))
    return first, among, passage
