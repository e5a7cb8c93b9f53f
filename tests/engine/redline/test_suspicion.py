"""What gives cause to restore a text, and that nothing else is restored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redline.expressions import Text
from engine.redline.normalise import fold
from engine.redline.restoring import Restorer
from engine.redline.suspicion import Suspicion
from engine.redline.view import Restored, View

RESTORER = Restorer("加我微信保本密码", ["sue", "you"], ["微信"])


def restored(text: str) -> list[Restored]:
    folded = fold(text).text
    text, suspicion = Text(folded), Suspicion(RESTORER.causes)
    return RESTORER.restore(text, suspicion.causes(folded), suspicion, range(len(folded) + 1))


@pytest.mark.parametrize(
    "text", ["你好，我想退货。", "买2件，43寸的有货吗？", "满1,000减5，行！", "「加我」"]
)
def test_ordinary_talk_is_not_restored(text: str) -> None:
    assert restored(text) == []


@pytest.mark.parametrize(
    ("text", "views"),
    [
        ("你好。加~我~微~信。再见", ["加我微信。"]),
        ("加徽信", ["加微信"]),
        ("加wx。好", ["加微信。"]),
        ("s u e you。好", ["sue you。"]),
        ("力口我。微 信", ["加我。", "微信"]),
    ],
)
def test_only_sentences_with_something_undone_are_kept(text: str, views: list[str]) -> None:
    assert [sentence.text for sentence in restored(text)] == views


@given(st.text(st.sampled_from("加我微信徽力口一二三wx12sue ~*，。.,❤+"), max_size=40))
def test_every_character_of_a_view_stands_for_a_place_in_the_text(text: str) -> None:
    folded = fold(text).text
    view = View(restored(text))
    last = 0
    for place in range(len(view.text)):
        start, end = view.span(place, place + 1)
        assert last <= start < end <= len(folded) or view.undone(place, place + 1)
        last = start
        if not view.undone(place, place + 1):
            assert folded[start:end] == view.text[place]


def test_the_table_forgets_and_is_still_right() -> None:
    def judge(first: str, second: str) -> int:
        return int(first == "a" and second == "b")

    table = Suspicion(judge)
    assert list(table.causes("abab")) == [1, 0, 1, 0]
    for first in range(0x4E00, 0x4E00 + 300):
        for second in range(0x4E00, 0x4E00 + 300):
            table.causes(chr(first) + chr(second))
    assert len(table) <= 1 << 16
    assert list(table.causes("abab")) == [1, 0, 1, 0]
