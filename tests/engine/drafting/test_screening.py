from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drafting.screening import StreamScreen
from engine.errors import RuleError
from engine.paths import RULES
from engine.redline.gate import Gate, masked
from engine.redline.matching import Matcher
from engine.redline.rules import load_rules

GATE = Gate(load_rules(RULES))

PIECES = st.sampled_from(
    [
        "您好，",
        "我会第一时间为您处理。",
        "最好提前一天预约，",
        "稳赚不赔",
        "稳*赚 不-赔",
        "穩賺\u200b不賠",
        "绝对没",
        "问题",
        "我们不承诺收益",
        "请把验证码",
        "发给我",
        "电话13800138000",
        "价格1,000元",
        "！",
        "。",
        "，",
        ". ",
        " ",
        "\n",
        "…",
        "‼",
        "\u0301",
        "\ud800",
        "This is risk-free",
        " guaranteed returns",
        "你",
    ]
)


def run(chunks: list[str]) -> tuple[str, StreamScreen]:
    screen = StreamScreen(GATE, "zh")
    shown = "".join([screen.feed(chunk) for chunk in chunks])
    return shown + screen.finish(), screen


def chunked(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [text[a:b] for a, b in pairwise(places)]


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14), st.lists(st.integers(0, 400), max_size=20))
def test_nothing_of_a_blocked_phrase_is_ever_shown(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    shown, screen = run(chunked(text, cuts))
    whole = GATE.screen(text, "model")
    stopping = [hit for hit in whole.hits if hit.action == "block"]
    if stopping:
        # The gate makes one hit of what a rule finds twice at one place; the stream stops before.
        first = screen.blocked[0]
        same = [hit for hit in stopping if (hit.rule, hit.start) == (first.rule, first.start)]
        assert same and first.end <= same[0].end
        assert len(shown) <= stopping[0].start
    else:
        assert screen.blocked == ()
        assert len(shown) == len(text)
        assert shown == masked(text, whole)
    assert masked(text, whole).startswith(shown)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=10))
def test_what_is_shown_does_not_depend_on_the_chunks(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert run(list(text))[0] == run([text])[0]


def test_clauses_are_shown_as_they_come() -> None:
    screen = StreamScreen(GATE)
    assert screen.feed("您好，我帮您") == "您好，"
    assert screen.feed("查一下，请稍") == "我帮您查一下，"
    assert screen.finish() == "请稍"


def test_a_candidate_waits_for_its_sentence_and_is_shown_when_excused() -> None:
    screen = StreamScreen(GATE)
    assert screen.feed("凡宣称保本的，") == ""
    assert screen.feed("都是骗局。") == "凡宣称保本的，都是骗局。" and screen.blocked == ()


def test_nothing_follows_a_block() -> None:
    screen = StreamScreen(GATE)
    assert screen.feed("您好。这款稳赚不赔！请") == "您好。"
    assert screen.feed("放心。") == "" and screen.finish() == ""
    assert [(hit.start, hit.text) for hit in screen.blocked] == [(5, "稳赚不赔")]


def test_a_mobile_number_is_shown_masked_only() -> None:
    assert run(list("师傅电话13800138000，请接听"))[0] == "师傅电话138****8000，请接听"


def test_a_failing_engine_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Matcher, folded: str) -> list[object]:
        raise MemoryError

    monkeypatch.setattr(Matcher, "find", broken)
    with pytest.raises(RuleError):
        StreamScreen(GATE).feed("您好，")
