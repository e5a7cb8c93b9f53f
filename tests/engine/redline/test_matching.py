from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rules import made

from engine.errors import RuleError
from engine.records import Side
from engine.redline.gate import Gate, masked
from engine.redline.matching import Matcher, PhraseFinder
from engine.redline.normalise import fold
from engine.redline.schema import Match, Rule, RuleAction, RuleSet


def make(match: Match, action: RuleAction = "block", side: Side = "agent") -> Rule:
    return made(match, level="L2", action=action, side=side, must_hit=("x",), must_miss=("y",))


def hits(match: Match, text: str) -> list[str]:
    gate = Gate(RuleSet("v", (make(match),)))
    return [hit.text for hit in gate.screen(text, "agent").hits]


def test_words_are_whole_words_in_latin_and_anywhere_in_chinese() -> None:
    match = Match(words=("sue", "坏词", "123"))
    assert hits(match, "他说坏词了") == ["坏词"]
    assert hits(match, "issue pursue") == []
    assert hits(match, "Sue me 123") == ["Sue", "123"]
    assert hits(match, "41235") == []


def test_inserted_characters_do_not_hide_longer_words() -> None:
    match = Match(words=("绝对保本",))
    assert hits(match, "我们绝*对 保-本哦") == ["绝*对 保-本"]
    assert hits(match, "绝。对保本") == []
    assert hits(match, "绝*******对保本") == []


def test_groups_must_stand_together_in_one_clause() -> None:
    match = Match(all=(("投诉", "举报"), ("总部",)), within=8)
    assert hits(match, "我去总部投诉") == ["总部投诉"]
    assert hits(match, "我去总部看看，然后投诉") == []
    assert hits(match, "总部在很远很远很远很远的地方投诉") == []


def test_ordered_groups_keep_their_order() -> None:
    match = Match(all=(("先",), ("后",)), within=8, ordered=True)
    assert hits(match, "先说后做") == ["先说后"]
    assert hits(match, "后说先做") == []


def test_a_group_is_the_hit_and_neighbours_are_found_too() -> None:
    match = Match(expressions=("(?:^|[^0-9])([0-9]{3})(?:[^0-9]|$)",))
    assert hits(match, "码123 456 7890") == ["123", "456"]


def test_vetoes_need_to_be_near() -> None:
    assert hits(Match(words=("大麻",), none=("大麻烦",)), "大麻烦你了，有大麻吗") == ["大麻"]
    near = Match(words=("坏词",), none=("引用",), near=4)
    assert hits(near, "引用的坏词") == []
    assert hits(near, "引用了另外一段坏词") == ["坏词"]
    assert hits(near, "引用。坏词") == ["坏词"]
    assert hits(Match(words=("坏词",), none_after=("吗",)), "坏词吗？坏词") == ["坏词"]


def test_masks_keep_the_length_and_hide_the_middle() -> None:
    rule = make(Match(expressions=("1[3-9][0-9]{9}",), check="mobile"), "mask")
    gate = Gate(RuleSet("v", (rule,)))
    text = "电话13800138000谢谢, 单号x13800138000"
    screening = gate.screen(text, "agent")
    assert screening.action == "mask"
    assert masked(text, screening) == "电话138****8000谢谢, 单号x13800138000"


def test_a_failing_engine_is_an_error_and_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(RuleSet("v", (make(Match(words=("坏词",))),)))

    def broken(self: Matcher, folded: str) -> list[object]:
        raise MemoryError

    monkeypatch.setattr(Matcher, "find", broken)
    with pytest.raises(RuleError) as caught:
        gate.screen("坏词", "agent")
    assert caught.value.code == "rules_failed"


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=80), st.integers(0, 80))
def test_hits_are_the_very_characters_whatever_surrounds_them(text: str, at: int) -> None:
    match = Match(words=("绝对保本",), expressions=("稳赚.{0,3}钱",))
    gate = Gate(RuleSet("v", (make(match),)))
    whole = text[:at] + "，绝对保本，" + text[at:]
    for hit in gate.screen(whole, "agent").hits:
        assert whole[hit.start : hit.end] == hit.text
    assert "绝对保本" in [hit.text for hit in gate.screen(whole, "agent").hits]


def test_a_megabyte_of_hostile_text_is_screened() -> None:
    match = Match(words=("aa", "aaa", "绝对保本"), expressions=("(?:a|aa)*b", "(.{0,8}x){3}"))
    gate = Gate(RuleSet("v", (make(match),)))
    screening = gate.screen("a" * 500_000 + "*绝 " * 150_000 + "绝对保本", "agent")
    assert screening.hits[-1].text.endswith("绝对保本")


PHRASES = PhraseFinder(("在吗", "不", "吗不"), ("在.吗",), ("不在吗", "吗在", "在在"))


@given(st.text("不在吗。 ", max_size=40))
def test_a_phrase_counts_where_nothing_that_excuses_it_overlaps_it(text: str) -> None:
    def places(words: tuple[str, ...]) -> set[tuple[int, int]]:
        found = Matcher([make(Match(words=words))]).find(text)
        loose = {(one.start, one.end) for one in found}
        return loose | {
            (at, at + len(word))
            for word in words
            for at in range(len(text))
            if text.startswith(word, at)
        }

    excuses = places(("不在吗", "吗在", "在在"))
    there = places(("在吗", "不", "吗不"))
    there |= {match.span() for match in re.finditer("在.吗", text)}
    due = any(
        not any(start < right and left < end for left, right in excuses) for start, end in there
    )
    assert PHRASES.found_in(text) == due


def test_hits_that_are_excused_do_not_use_up_how_many_are_looked_at() -> None:
    rule = make(Match(words=("保本保息",), none=("不保本保息", "不baobenbaoxi")))
    text = "不baobenbaoxi。" * 5 + "bao本保息"
    found = Matcher([rule]).find(fold(text).text, 2)
    assert [one.vetoed for one in found] == [True] * 5 + [False]


def test_what_one_rule_finds_twice_at_one_place_is_one_hit() -> None:
    gate = Gate(RuleSet("v", (make(Match(words=("法院起诉", "起诉你"))),)))
    hits = gate.screen("我去法院起诉你们，真的去法院起诉。", "agent").hits
    assert [hit.text for hit in hits] == ["法院起诉你", "法院起诉"]
