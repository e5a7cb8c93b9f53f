"""What a program can see of broken text; and that whole sentences are not taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.fluency import breaks
from engine.records import Language

CLOSING = "还有不清楚的随时问我～"
WHOLE = (
    "亲，签收后**7天**内可以退，邮费由客户承担。[1]另外，每天9:00到21:00营业。[2]",
    "会员（含家庭会员）免费，其他人每次**20元**。[1]",
    "密码是6666，在「我的订单」里能看到。[2]",
    "可以用 App Store 里的 Zuoxi Lite 来看。[1]",
    "好的好的，没问题。[1]",
    "请问您要退哪一件？",
)


@pytest.mark.parametrize("text", WHOLE)
def test_whole_text_is_not_broken(text: str) -> None:
    assert breaks(text, "zh", {1, 2}, CLOSING) == ()
    assert breaks(text + CLOSING, "zh", {1, 2}, CLOSING) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Hi there! Returns are free for 7 days, e.g. shoes.[1] Deliveries cost **$3.50** each.[2]",
        "Hi there! Bring the box (and the 发票) with you.[1]",
    ],
)
def test_whole_english_text_is_not_broken(text: str) -> None:
    assert breaks(text, "en", {1, 2}, "Just shout.") == ()
    assert breaks(f"{text} Just shout.", "en", {1, 2}, "Just shout.") == ()


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("可以退可以退可以退。[1]", "zh", ("repeat",)),
        ("签收后7天内可以退。[1]签收后7天内可以退。[2]", "zh", ("repeat",)),
        ("啊啊啊啊啊啊可以。[1]", "zh", ("repeat",)),
        ("Returns are free. [1] Returns are free. [2]", "en", ("repeat",)),
        ("签收后7天内可以[1]", "zh", ("cut",)),
        ("，可以退。[1]", "zh", ("cut",)),
        ("可以退，。[1]", "zh", ("cut",)),
        ("会员（含家庭会员免费。[1]", "zh", ("cut",)),
        ("邮费\ufffd由客户承担。[1]", "zh", ("cut",)),
        ("您好，returns are free for seven days。[1]", "zh", ("language",)),
        ("Returns are free 签收后可以退货的. [1]", "en", ("language",)),
        ("可以退。[3]", "zh", ("citation",)),
        ("可以退。[1][1]", "zh", ("citation",)),
        ("[1]可以退。", "zh", ("citation",)),
        ("可以退。[]", "zh", ("cut", "citation")),
        ("收**20元。[1]", "zh", ("markup",)),
        ("<p>收20元。[1]", "zh", ("markup",)),
        ("# 退货\n可以退。[1]", "zh", ("markup",)),
    ],
)
def test_each_way_to_be_broken_is_seen(
    text: str, language: Language, found: tuple[str, ...]
) -> None:
    assert breaks(text, language, {1, 2}) == found


def test_what_is_cut_before_the_closing_is_seen() -> None:
    assert breaks(f"签收后7天内[1]{CLOSING}", "zh", {1}, CLOSING) == ("cut",)


SENTENCE = st.text("退货邮费由客户承担的天内可以免收换", min_size=6, max_size=30)


@given(SENTENCE)
def test_cutting_a_sentence_is_seen(sentence: str) -> None:
    whole = f"{sentence}。"
    assert "cut" not in breaks(whole, "zh", ())
    assert "cut" in breaks(whole[:-1], "zh", ())


@given(st.text(max_size=200), st.sampled_from(["zh", "en"]))
def test_any_text_can_be_looked_at(text: str, language: Language) -> None:
    found = breaks(text, language, {1})
    assert len(set(found)) == len(found)
