from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redline.normalise import borders, fold

ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("起\u200b訴\ufeff", "起诉"),
        ("①②③", "123"),
        ("𝟏𝟐𝟑", "123"),
        ("٣٤", "34"),
        ("壹贰", "一二"),
        ("e\u0301É", "ee"),
        ("’", "'"),
        ("，！", ",!"),
        ("a\tb\r\nc\x00", "a b\n\nc"),
        ("\ud800坏", "坏"),
    ],
)
def test_disguises_fold_to_the_plain_form(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(ANY)
def test_every_folded_character_leads_back_into_the_text(text: str) -> None:
    folded = fold(text)
    assert len(folded.offsets) == len(folded.text)
    assert list(folded.offsets) == sorted(folded.offsets)
    assert all(0 <= offset < len(text) for offset in folded.offsets)
    for place, offset in enumerate(folded.offsets):
        assert folded.text[place] in fold(text[offset]).text


@given(ANY, ANY)
def test_pieces_fold_to_the_same_as_the_whole(left: str, right: str) -> None:
    assert fold(left + right).text == fold(left).text + fold(right).text


def test_a_hit_maps_back_over_what_was_dropped() -> None:
    folded = fold("我要起\u200b\u200b訴你")
    start = folded.text.index("起诉")
    assert folded.span(start, start + 2) == (2, 6)


def test_commas_in_numbers_and_points_in_words_end_nothing() -> None:
    found = borders("价1,000元,好2.5倍。完. 下 句")
    assert found.clauses == (8, 14, 17) and found.sentences == (14, 17)


def test_an_endless_sentence_is_cut_at_a_clause() -> None:
    assert borders("啊啊啊啊," * 100).sentences[0] == 305
