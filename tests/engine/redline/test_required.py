"""What an expression needs: a text that matches always holds it, so that nothing is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rules import made

from engine.paths import RULES
from engine.redline.characters import to_codes
from engine.redline.expressions import compile_expression
from engine.redline.matching import Matcher
from engine.redline.normalise import fold
from engine.redline.required import pairs, required
from engine.redline.rules import load_rules
from engine.redline.schema import Match
from engine.redline.syllables import with_syllables

EXPRESSIONS = sorted({e for rule in load_rules(RULES).rules for e in rule.match.expressions})


def texts(expression: str) -> st.SearchStrategy[str]:
    """Texts it may match; Python's `re` has no `\\p{Han}`, so the block stands for it."""
    return st.from_regex(expression.replace(r"\p{Han}", "一-鿿"))


def test_every_expression_that_ships_can_be_drawn_from() -> None:
    for expression in EXPRESSIONS:
        texts(expression).validate()


def test_most_expressions_that_ship_need_two_characters_or_more() -> None:
    strong = [e for e in EXPRESSIONS if required(e) and min(map(len, required(e)[0])) > 1]
    assert len(strong) > 0.7 * len(EXPRESSIONS)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_matches_holds_what_is_needed(data: st.DataObject) -> None:
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    text = data.draw(texts(expression))
    if compile_expression(expression).search(text) is not None:
        for some in required(expression):
            assert any(need in text for need in some), (expression, text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_widened_expression_matches_all_that_the_plain_one_does(data: st.DataObject) -> None:
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    text = data.draw(texts(expression))
    plain = compile_expression(expression).search(text)
    if plain is not None:
        assert compile_expression(with_syllables(expression)).search(text) is not None


@pytest.mark.parametrize(
    ("expression", "needs"),
    [
        ("密码", [{"密码"}]),
        ("(?:密|验证)码", [{"密码", "验证码"}]),
        ("(?:密码)?.{0,3}发给", [{"发给"}]),
        ("密码.{0,4}(?:发|告诉)我", [{"密码"}, {"发我", "告诉我"}]),
        ("[0-9]{6}", [set("0123456789")]),
        ("(?i)abc", []),
        (".*", []),
        (r"\pL+", []),
        ("(?i:ABC)退款", [{"退款"}]),
        ("(?i:ABC)", []),
        ("ab{,2}c", []),
        ("[[:alpha:]]{3}退款", [{"退款"}]),
        ("[[:^digit:]密]码", [{"码"}]),
    ],
)
def test_needs_of_simple_expressions(expression: str, needs: list[set[str]]) -> None:
    found = [set(some) for some in required(expression)]
    assert found == needs or sorted(map(sorted, found)) == sorted(map(sorted, needs))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("[[:alpha:]]{3}退款", "abc退款"),
        ("[[:alpha:]密]码[密[:digit:]]", "密码3"),
        ("(?i:ABC)退款", "abc退款"),
        ("(?i:Refund)", "refund"),
        ("退{,3}款", "退{,3}款"),
    ],
)
def test_what_only_re2_reads_so_is_found(expression: str, text: str) -> None:
    match = Match(expressions=(expression,), scope="sentence")
    rule = made(match, level="L4")
    assert [one.rule for one in Matcher([rule]).find(fold(text).text)] == [rule]
    widened = compile_expression(with_syllables(expression))
    assert widened.search(text) is not None


def test_a_class_beside_a_named_one_is_widened_as_well() -> None:
    widened = compile_expression(with_syllables("[[:digit:]密]码"))
    assert widened.search(to_codes("密") + "码") is not None


def test_pairs_follow_each_other_across_groups_and_never_across_a_gap() -> None:
    assert pairs("加(?:我)?微.{1,3}信") == {"加我", "加微", "我微"}
