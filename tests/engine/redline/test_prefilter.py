"""Sentences that are not restored hold nothing that restoring them would find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rules import made

from engine.redline.matching import Found, Matcher
from engine.redline.normalise import fold
from engine.redline.prefilter import Prefilter
from engine.redline.schema import CHANNELS, Match, Rule


def rule(name: str, match: Match) -> Rule:
    initials = ("加微信",) if "加微信" in match.words else ()
    return made(match, id=name, evasion=CHANNELS, initials=initials)


RULES = [
    rule("words", Match(words=("加微信", "保本保息", "no risk", "三天到账", "sue you", "抱团"))),
    rule("short", Match(words=("密码", "微信"))),
    rule("groups", Match(all=(("收益", "利息"), ("保证", "包赚")), within=12)),
    rule("expressions", Match(expressions=("(?:密码|口令).{0,4}(?:发|告诉)我", "赔你[一二三]万"))),
    rule("spelled", Match(expressions=(r"\brisk ?free\b", "稳赚.{0,3}不赔"))),
]
PIECES = (
    *("加", "微", "信", "保本", "保息", "密码", "发我", "口令", "告诉", "收益", "保证", "利息"),
    *(
        "稳赚",
        "不赔",
        "赔你",
        "三",
        "万",
        "三天",
        "到账",
        "3天",
        "才包",
        "团",
        "徽",
        "蜜码",
        "葆本",
    ),
    *("我", "的", "今天", "好", "no", "risk", "free", "sue", "you", "s u e", "wx", "v", "weixin"),
    *(
        "mi ma",
        "2",
        "kg",
        "a",
        "i",
        "fr",
        "ee",
        "100",
        "'",
        "@",
        "jin",
        "❤",
        "+",
        "1 2 3",
        "一二三",
    ),
    *(" ", "  ", " - ", "*", "~", "…", "      ", ". ", ".", ",", "，", "。", "！", "\n", "-", "é"),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(RULES)


def hits(matcher: Matcher, text: str) -> set[tuple[str, int, int, bool, bool]]:
    found: list[Found] = matcher.find(fold(text).text)
    return {(one.rule.id, one.start, one.end, one.vetoed, one.disguised) for one in found}


@settings(max_examples=600, deadline=None)
@given(text=TEXTS)
def test_nothing_is_found_less_than_when_every_sentence_is_restored(
    matcher: Matcher, text: str
) -> None:
    found = hits(matcher, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prefilter, "worth", lambda self, text, *_: range(len(text.folded) + 1))
        assert hits(matcher, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "买2 kg的有货吗？ 今天能发吗",
        "Hello, what does shipping a 2 kg parcel cost?",
        "好的 我看看。周末 店里开门吗",
        "一个1.5 kg的包裹 要多少钱，分12期每期0.7%",
    ],
)
def test_ordinary_talk_with_blanks_in_it_is_not_restored(
    matcher: Matcher, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []
    worth = Prefilter.worth

    def watched(self: Prefilter, *arguments: object) -> set[int]:
        seen.append(worth(self, *arguments))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(Prefilter, "worth", watched)
    assert hits(matcher, text) == set()
    assert seen == [set()]
