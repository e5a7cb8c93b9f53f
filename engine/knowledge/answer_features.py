"""What is measured of each sentence that may answer a question; what a reranker is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.answer_cues import OFFERS, WISHES
from engine.knowledge.memory import Recalled
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.vectors import Vectors, dots, unit
from engine.knowledge.wording import Wording
from engine.records import Found

Features = Vectors

_COMPARED: Final = 26
"""So many of the measures are taken relative to the best sentence's as well."""
MEASURES: Final = _COMPARED + 5
_AMONG_NEIGHBOURS: Final = (0, 1, 4, 5, 10, 11, 15)
"""Those that the sentences before and after have their say in, and the passage's best."""
COUNT: Final = MEASURES + _COMPARED + 3 * len(_AMONG_NEIGHBOURS) + len(OFFERS) + len(WISHES)
"""How many features a sentence has."""
WHOLE: Final = 8 + len(WISHES) + 2 * _COMPARED
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
    wish: Wish, passages: Sequence[Found], reader: SentenceReader, recalled: Recalled | None
) -> Candidates:
    """Measure every sentence of `passages` (best first) against `wish`, of which the reranker's
    memory has `recalled` so much; None without a memory."""
    read = reader.read([item.passage for item in passages])
    texts = [text for one in read for text in one.texts]
    if not texts:
        return Candidates([], [], np.zeros((0, COUNT), dtype=np.float32))
    owners = [owner for owner, one in enumerate(read) for _ in one.texts]
    places = [place for one in read for place in range(len(one.texts))]
    counts = [len(one.texts) for one in read for _ in one.texts]
    said = [text for one in read for text in one.said]
    within = [text for one in read for text in one.within]
    alone = np.concatenate([one.alone for one in read])
    inside = np.concatenate([one.inside for one in read])
    head = np.stack([one.head for one in read])
    offers = np.concatenate([one.offers for one in read])
    scale = reader.scale
    forms = [scale.weigh(form) for form in wish.forms]
    told = [scale.weigh(form) for form in wish.told_forms]
    newest = [scale.weigh(wish.newest_grams)]
    expected = scale.expect(recalled.words if recalled is not None else {})
    of_section = np.array(
        [
            (
                scale.likeness(forms, one.section),
                scale.coverage(forms, one.section),
                scale.likeness(forms, one.title),
            )
            for one in read
        ]
    )[owners]
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
        *_remembered(alone, inside, recalled),
        [scale.likeness(told, text) for text in within],
        dots(inside, wish.told),
        dots(head, wish.talk)[owners],
        [scale.as_expected(expected, text) for text in said],
        [scale.of_expected(expected, text) for text in within],
        *of_section.T,
        *_turned(alone, inside, recalled),
        [scale.likeness(newest, text) for text in said],
        [scale.coverage(newest, text) for text in said],
        [scale.coverage([text], newest[0]) for text in said],
        owners,
        places,
        counts,
        [place == count - 1 for place, count in zip(places, counts, strict=True)],
        [min(len(text), 200) / 100 for text in texts],
    ]
    measures = np.array(columns, dtype=np.float32).T
    compared = measures[:, :_COMPARED] - measures[:, :_COMPARED].max(axis=0)
    asks = np.broadcast_to(np.array(wish.asks, dtype=np.float32), (len(texts), len(WISHES)))
    around = _around(measures[:, _AMONG_NEIGHBOURS], np.array(owners))
    features: Features = np.concatenate([measures, compared, around, offers, asks], axis=1)
    return Candidates(texts, owners, features)


def is_english(wish: Wish) -> bool:
    """Whether a question is asked without a Chinese character."""
    return not any("\u3400" <= gram[0] <= "\u9fff" for gram in wish.forms[0] if gram)


def whole(
    wish: Wish,
    passages: Sequence[Found],
    candidates: Candidates,
    recalled: Recalled,
    wording: Wording,
) -> Features:
    """What is measured of a question with all its candidates, shape (`WHOLE`,): how near the first
    passages lie, what became of questions like it, how it is worded, and of each measure the best
    sentence's and how far it stands out."""
    first = passages[:_FIRST]
    measures = candidates.features[:, :_COMPARED]
    tops = np.zeros((2, _COMPARED), dtype=np.float32)
    if len(measures):
        ranked = np.sort(measures, axis=0)[::-1]
        tops[0], tops[1] = ranked[0], ranked[0] - ranked[min(1, len(ranked) - 1)]
    english = float(is_english(wish))
    cosine = max((item.cosine for item in first), default=0.0)
    return np.array(
        [
            english,
            recalled.unanswered,
            wording.rating(wish.newest_grams),
            min(len(wish.newest_grams), 100) / 50,
            max((item.coverage + item.cosine for item in first), default=0.0),
            max((item.coverage for item in first), default=0.0),
            cosine,
            english * cosine,
            *wish.asks,
            *tops.reshape(-1),
        ],
        dtype=np.float32,
    )


def _around(measures: Features, owners: NDArray[np.intp]) -> Features:
    """Of each sentence what is measured of the one before and the one after it in its passage (0
    where there is none), and how far it falls behind the best in its passage."""
    before, after = np.zeros_like(measures), np.zeros_like(measures)
    together = owners[1:] == owners[:-1]
    before[1:][together] = measures[:-1][together]
    after[:-1][together] = measures[1:][together]
    best = np.full((int(owners[-1]) + 1, measures.shape[1]), -np.inf, dtype=np.float32)
    np.maximum.at(best, owners, measures)
    return np.concatenate([before, after, measures - best[owners]], axis=1)


def _remembered(alone: Vectors, inside: Vectors, recalled: Recalled | None) -> list[Vectors]:
    """How alike each sentence is, in what sets it apart from the others, to what answered questions
    like this one: alone and in its section."""
    if recalled is None:
        return [np.zeros(len(alone), dtype=np.float32)] * 2
    return [dots(each - each.mean(axis=0), recalled.answered) for each in (alone, inside)]


def _turned(alone: Vectors, inside: Vectors, recalled: Recalled | None) -> list[Vectors]:
    """How alike each sentence is, in what sets it apart from the others, to where the answer lies
    by the linear map: alone and in its section, and alone for the newest turn."""
    if recalled is None:
        return [np.zeros(len(alone), dtype=np.float32)] * 3
    apart = unit(alone - alone.mean(axis=0))
    return [
        dots(apart, recalled.turned),
        dots(unit(inside - inside.mean(axis=0)), recalled.turned),
        dots(apart, recalled.turned_newest),
    ]
