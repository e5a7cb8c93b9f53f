"""Words are compared the same whether a text had to be folded or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.knowledge.grams import fold, grams, indexed_grams, with_pairs

_TRADITIONAL_BESIDE = "一坏土藉口答覆沈重英哩甦醒瞭解望衹得乾坤"
_WIDE = "，。！：（）ＡＢ１２ｱﾞ　〇〸①½㈱"
_OTHERS = "aBZ9_éİßﬁΣKe\u0301\u3099か가ㄱ\u200b\x00\ud800\n -'’º退貨货后後"
_texts = st.text(st.sampled_from(_TRADITIONAL_BESIDE + _WIDE + _OTHERS), max_size=12)


@given(_texts)
def test_a_folded_text_has_the_same_grams(text: str) -> None:
    assert grams(text) == grams(fold(text))


@given(_texts | st.text("abcdefg shipping1234 退货", max_size=40))
def test_what_is_indexed_is_what_is_asked_for(text: str) -> None:
    assert sorted(indexed_grams(text)) == sorted(with_pairs(grams(text)))
