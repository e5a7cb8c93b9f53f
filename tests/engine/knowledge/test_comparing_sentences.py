"""Passages taken apart and kept, and texts compared by their grams."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.knowledge.catalogue import DocumentRow, Reach
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.grams import Weights, grams
from engine.knowledge.recent import Recent
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.vectors import Vectors, dots
from engine.knowledge.weighing import Scale
from engine.records import Passage

TEXTS = [
    "退货运费由我们出。三天内退款。",
    "Shipping costs 8 yuan. It is free above 59.",
    "门店九点开门。",
]
WEIGHTS = Weights.of(TEXTS)
WORDS = st.text(alphabet="退货运费款开店 ，。aAsS9９Ａ\u0301國", max_size=12)


class Counting(HashedEmbedder):
    """Counts the texts that it was given."""

    def __init__(self) -> None:
        super().__init__(64)
        self.asked = 0

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        return super().passages(texts)


def passage(text: str, section: str = "运费") -> Passage:
    return Passage("a.md", "退货", section, text)


def test_a_passage_is_taken_apart_once_and_is_the_same_beside_others() -> None:
    embedder = Counting()
    reader = SentenceReader(embedder, WEIGHTS)
    [alone] = reader.read([passage(TEXTS[0])])
    asked = embedder.asked
    assert alone.texts == ["退货运费由我们出。", "三天内退款。"]
    again, other = reader.read([passage(TEXTS[0]), passage(TEXTS[2])])
    assert embedder.asked == asked + 3
    assert again is alone
    [fresh, _] = SentenceReader(embedder, WEIGHTS).read([passage(TEXTS[0]), passage(TEXTS[2])])
    assert np.allclose(fresh.alone, alone.alone)
    assert np.allclose(fresh.inside, alone.inside)
    assert np.allclose(fresh.head, alone.head)
    assert (fresh.said, fresh.within) == (alone.said, alone.within)
    assert other.texts == [TEXTS[2]]


def test_a_passage_twice_among_the_found_and_one_without_words_are_read() -> None:
    reader = SentenceReader(Counting(), WEIGHTS)
    one, two, none = reader.read([passage(TEXTS[0]), passage(TEXTS[0]), passage("")])
    assert one is two
    assert none.texts == []
    assert none.offers.shape[0] == none.alone.shape[0] == 0


@given(section=WORDS, text=WORDS)
def test_a_sentence_in_its_section_has_the_grams_of_both(section: str, text: str) -> None:
    assert {*grams(section), *grams(text)} == set(grams(f"{section} {text}"))


@given(one=WORDS, other=WORDS)
def test_texts_are_compared_by_what_their_grams_weigh(one: str, other: str) -> None:
    scale = Scale(WEIGHTS)
    left, right = set(grams(one)), set(grams(other))
    forms, text = [scale.weigh(left)], scale.weigh(right)

    def total(some: set[str], power: int) -> float:
        return sum(WEIGHTS.weight(gram) ** power for gram in some)

    norms = (total(left, 2) * total(right, 2)) ** 0.5
    like = total(left & right, 2) / norms if norms else 0.0
    covered = total(left & right, 1) / total(left, 1) if total(left, 1) else 0.0
    assert scale.likeness(forms, text) == pytest.approx(min(1.0, like))
    assert scale.coverage(forms, text) == pytest.approx(min(1.0, covered))
    assert scale.coverage([*forms, text], text) == pytest.approx(1.0 if right else covered)


def test_the_product_of_rows_is_that_of_the_algebra_library() -> None:
    rows = np.random.default_rng(3).standard_normal((40, 17)).astype(np.float32)
    assert np.allclose(dots(rows, rows[0]), rows @ rows[0], atol=1e-5)
    assert dots(rows[:0], rows[0]).shape == (0,)


@given(st.lists(st.integers(0, 9), max_size=60))
def test_what_was_asked_for_the_longest_ago_goes_first(keys: list[int]) -> None:
    recent: Recent[int, str] = Recent(4)
    order: list[int] = []
    for key in keys:
        there = recent.get(key)
        assert there == (str(key) if key in order else None)
        recent.keep(key, str(key))
        order = [*(one for one in order if one != key), key][-4:]
        assert len(recent) == len(order)


def test_several_threads_keep_no_more_than_there_is_room_for() -> None:
    recent: Recent[int, int] = Recent(8)

    def work(start: int) -> None:
        for key in range(start, start + 500):
            recent.keep(key % 50, key)
            recent.get((key * 7) % 50)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert len(recent) == 8


@given(
    spans=st.lists(st.tuples(*[st.none() | st.sampled_from(["2026-01-01", "2026-06-30"])] * 2)),
    day=st.sampled_from(["2025-12-31", "2026-01-01", "2026-03-01", "2026-06-30", "2026-07-01"]),
)
def test_whether_a_document_is_left_out_is_known_from_the_outermost_dates(
    spans: list[tuple[str | None, str | None]], day: str
) -> None:
    rows = [DocumentRow("a", "a", start, end) for start, end in spans]
    outside = any((start or "") > day or (end or "9999") < day for start, end in spans)
    assert Reach.of(rows).leaves_out(day) == outside
