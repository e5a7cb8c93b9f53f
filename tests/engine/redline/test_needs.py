"""Where an expression is tried: in every sentence in which it matches, disguised or not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.paths import RULES
from engine.redline.expressions import Text, compile_expression, spans
from engine.redline.needs import Needs
from engine.redline.normalise import borders, fold
from engine.redline.required import required, traits
from engine.redline.rules import load_rules

EXPRESSIONS = sorted({e for rule in load_rules(RULES).rules for e in rule.match.expressions})
NEEDS = Needs([required(expression) for expression in EXPRESSIONS])
AROUND = st.text(st.sampled_from("我你要退钱给了的一二12ab 。，!,\n"), max_size=30)


def drawn(expression: str) -> st.SearchStrategy[str]:
    return st.from_regex(expression.replace(r"\p{Han}", "一-鿿"))


@settings(max_examples=300, deadline=None)
@given(st.data(), AROUND, AROUND)
def test_an_expression_is_tried_in_every_sentence_in_which_it_matches(
    data: st.DataObject, before: str, after: str
) -> None:
    number = data.draw(st.integers(0, len(EXPRESSIONS) - 1))
    folded = fold(before + data.draw(drawn(EXPRESSIONS[number])) + after).text
    text = Text(folded)
    tried = set(NEEDS.possible(text, NEEDS.held(folded, text.borders.sentences)))
    compiled = compile_expression(EXPRESSIONS[number])
    for sentence in range(len(text.borders.sentences) + 1):
        if any(True for _ in spans(compiled, text.line("sentence", sentence))):
            assert (number, sentence) in tried


def test_what_stands_in_two_sentences_is_not_tried() -> None:
    needs = Needs([required("密码.{0,9}发给我")])
    for folded, expected in (("密码要发给我", [(0, 0)]), ("好。密码要发给我", [(0, 1)])):
        ends = borders(folded).sentences
        assert needs.possible(Text(folded), needs.held(folded, ends)) == expected
    folded = "密码错了。发给我"
    assert needs.possible(Text(folded), needs.held(folded, borders(folded).sentences)) == []


@pytest.mark.parametrize("expression", EXPRESSIONS[::40])
def test_no_need_holds_another_one_of_its_set(expression: str) -> None:
    for some in traits(expression).needs:
        assert not any(one != other and one in other for one in some for other in some)
