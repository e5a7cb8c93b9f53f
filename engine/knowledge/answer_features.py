"""What is measured of each sentence that may answer a question; what a reranker is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from engine.knowledge.answer_cues import OFFERS, WISHES
from engine.knowledge.memory import AnswerMemory
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.vectors import Vectors, dots
from engine.knowledge.wording import Wording
from engine.records import Found

Features = Vectors

_COMPARED: Final = 15
"""So many of the measures are taken relative to the best sentence's as well."""
MEASURES: Final = _COMPARED + 3
COUNT: Final = MEASURES + _COMPARED + len(OFFERS) * (1 + len(WISHES))
"""How many features a sentence has."""
WHOLE: Final = 15 + len(WISHES)
"""How many features a question with all its candidates has."""
_FIRST: Final = 3


class Wish(Struct, frozen=True):
    """A question in gram `forms` (as asked, as the policies would put it) with its vector, the
    vector and the grams of its `newest` turn alone, the same of all that the customer has `told`,
    the vector of the whole `talk`, and what it asks for."""

    forms: list[list[str]]
    vector: Vectors
    newest: Vectors
    newest_grams: list[str]
    told_forms: list[list[str]]
    told: Vectors
    talk: Vectors
    asks: list[float]


class Candidates(Struct, frozen=True):
    """The sentences of some passages: `texts`, the passage each stands in (its place among those
    found), and what is measured of each, shape (sentences, `COUNT`)."""

    texts: list[str]
    owners: list[int]
    features: Features


def measure(
    wish: Wish, passages: Sequence[Found], reader: SentenceReader, memory: AnswerMemory | None
) -> Candidates:
    """Measure every sentence of `passages` (best first) against `wish`."""
    read = reader.read([item.passage for item in passages])
    texts = [text for one in read for text in one.texts]
    if not texts:
        return Candidates([], [], np.zeros((0, COUNT), dtype=np.float32))
    owners = [owner for owner, one in enumerate(read) for _ in one.texts]
    places = [place for one in read for place in range(len(one.texts))]
    said = [text for one in read for text in one.said]
    within = [text for one in read for text in one.within]
    alone = np.concatenate([one.alone for one in read])
    inside = np.concatenate([one.inside for one in read])
    head = np.stack([one.head for one in read])
    offers = np.concatenate([one.offers for one in read])
    scale = reader.scale
    forms = [scale.weigh(form) for form in wish.forms]
    told = [scale.weigh(form) for form in wish.told_forms]
    like_before = memory.answers_like(wish.vector) if memory is not None else None
    best = max((item.score for item in passages), default=0.0) or 1.0
    columns = [
        [scale.likeness(forms, text) for text in said],
        [scale.likeness(forms, text) for text in within],
        [scale.coverage(forms, text) for text in within],
        [passages[owner].coverage for owner in owners],
        dots(alone, wish.vector),
        dots(inside, wish.vector),
        dots(head, wish.vector)[owners],
        dots(alone, wish.newest),
        [passages[owner].cosine for owner in owners],
        [passages[owner].score / best for owner in owners],
        _remembered(alone, like_before),
        _remembered(inside, like_before),
        [scale.likeness(told, text) for text in within],
        dots(inside, wish.told),
        dots(head, wish.talk)[owners],
        owners,
        places,
        [min(len(text), 200) / 100 for text in texts],
    ]
    measures = np.array(columns, dtype=np.float32).T
    compared = measures[:, :_COMPARED] - measures[:, :_COMPARED].max(axis=0)
    asks = np.array(wish.asks, dtype=np.float32)
    met = (offers[:, :, None] * asks).reshape(len(texts), -1)
    features: Features = np.concatenate([measures, compared, offers, met], axis=1)
    return Candidates(texts, owners, features)


def is_english(wish: Wish) -> bool:
    """Whether a question is asked without a Chinese character."""
    return not any("\u3400" <= gram[0] <= "\u9fff" for gram in wish.forms[0] if gram)


def whole(
    wish: Wish,
    passages: Sequence[Found],
    candidates: Candidates,
    chances: Features,
    memory: AnswerMemory,
    wording: Wording,
) -> Features:
    """What is measured of a question with all its candidates, shape (`WHOLE`,): how sure the best
    sentences are, how near the first passages lie, what became of questions like it, and how it
    is worded.
    `chances`: of each sentence to answer."""
    best = np.zeros(_FIRST, dtype=np.float32)
    ranked = np.sort(chances)[::-1][:_FIRST]
    best[: len(ranked)] = ranked
    first = passages[:_FIRST]
    measures = candidates.features[:, :MEASURES]
    tops = measures.max(axis=0) if len(measures) else np.zeros(MEASURES, dtype=np.float32)
    english = float(is_english(wish))
    cosine = max((item.cosine for item in first), default=0.0)
    return np.array(
        [
            best[0],
            np.log(best[0] + 1e-4),
            best[1],
            best[0] - best[1],
            best.sum(),
            max((item.coverage + item.cosine for item in first), default=0.0),
            max((item.coverage for item in first), default=0.0),
            cosine,
            tops[4],
            tops[0],
            tops[1],
            english,
            english * cosine,
            memory.unanswered_like(wish.vector),
            wording.rating(wish.newest_grams),
            *wish.asks,
        ],
        dtype=np.float32,
    )


def _remembered(vectors: Vectors, answer: Vectors | None) -> Vectors:
    """How alike each sentence is, in what sets it apart from the others, to `answer`."""
    if answer is None:
        return np.zeros(len(vectors), dtype=np.float32)
    return dots(vectors - vectors.mean(axis=0), answer)
