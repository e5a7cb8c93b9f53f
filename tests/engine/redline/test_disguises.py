"""Disguises that rules see through, each by itself, and ordinary talk that only resembles them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rules import made

from engine.records import Level
from engine.redline.gate import Gate
from engine.redline.matching import Matcher
from engine.redline.normalise import fold
from engine.redline.schema import Channel, Match, RuleSet

WORDS = (
    "加我微信",
    "加微信",
    "稳赚不赔",
    "绝对保本",
    "保本",
    "12315也没用",
    "risk-free",
    "sue you",
)
CODE = ("(?:把|将)?(?:验证码|密码)(?:.{0,4})(?:发|告诉)(?:给)?(?:我|客服)",)


GATE = Gate(
    RuleSet("v", (made(Match(words=WORDS, expressions=CODE), initials=("微信", "加微信")),))
)


def hits(text: str, gate: Gate = GATE) -> list[str]:
    return [hit.text for hit in gate.screen(text, "agent").hits]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("亲，加~我~微~信哦", "加~我~微~信"),
        ("加 我 微 信", "加 我 微 信"),
        ("加❤我❤微❤信", "加❤我❤微❤信"),
        ("加wo微xin", "加wo微xin"),
        ("您jiaweixin吧", "jiaweixin"),
        ("您jiā wēi xìn吧", "jiā wēi xìn"),
        ("jia1 wei1 xin4", "jia1 wei1 xin4"),
        ("wen zhuan bu pei", "wen zhuan bu pei"),
        ("这款wenzhuanbupei的", "wenzhuanbupei"),
        ("加威信", "加威信"),
        ("家薇信", "家薇信"),
        ("加薇❤", "加薇❤"),
        ("➕微信", "➕微信"),
        ("加V信", "加V信"),
        ("加wx", "加wx"),
        ("加vx聊", "加vx"),
        ("jwx", "jwx"),
        ("力口我微信", "力口我微信"),
        ("加徽信", "加徽信"),
        ("稳专不赔", "稳专不赔"),
        ("穩賺卟賠", "穩賺卟賠"),
        ("禾急赚不贝咅", "禾急赚不贝咅"),
        ("一二三一五也没用", "一二三一五也没用"),
        ("①②③①⑤也没用", "①②③①⑤也没用"),
        ("r i s k - f r e e", "r i s k - f r e e"),
        ("rіѕk-frее", "rіѕk-frее"),
        ("🅂🅄🄴 you", "🅂🅄🄴 you"),
        ("s.u.e y.o.u", "s.u.e y.o.u"),
        ("5ue you", "5ue you"),
        ("请把yanzhengma发给我", "把yanzhengma发给我"),
        ("请把验正码发给我", "把验正码发给我"),
        ("ba mima fa gei wo", "ba mima fa gei wo"),
        ("把 密 码 发 给 我", "把 密 码 发 给 我"),
        ("把马佥言正石马发给我", "把马佥言正石马发给我"),
    ],
)
def test_disguises_are_seen_through_and_the_very_characters_shown(text: str, hit: str) -> None:
    assert hits(text) == [hit]


@pytest.mark.parametrize(
    "text",
    [
        "加上威信",
        "加。威信",
        "加，微，信",
        "这份报本周给您",
        "包本来就在店里",
        "women have a safe plan for you",
        "He can lead the way, and I issue you a receipt",
        "型号JWX2000有货",
        "工作微信群里说",
        "一二三楼都有洗手间",
        "验证码发到您手机上",
        "不赔也行",
        "稳重、赚钱、不慌、赔笑",
    ],
)
def test_ordinary_talk_is_left_alone(text: str) -> None:
    assert hits(text) == []


def test_two_characters_are_never_heard_by_their_sound() -> None:
    assert hits("饱本") == [] and hits("baoben") == ["baoben"]


@pytest.mark.parametrize(
    ("level", "evasion", "found"),
    [("L2", None, []), ("L2", ("pinyin",), ["baoben"]), ("L4", None, ["baoben"])],
)
def test_short_words_need_a_grave_rule_or_one_that_says_so(
    level: Level, evasion: tuple[Channel, ...] | None, found: list[str]
) -> None:
    gate = Gate(RuleSet("v", (made(Match(words=("保本",)), level=level, evasion=evasion),)))
    assert hits("这款baoben的", gate) == found


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("加~我~微~信", "squeeze"),
        ("加我weixin", "pinyin"),
        ("加我威信", "homophone"),
        ("力口我微信", "split"),
        ("加我徽信", "lookalike"),
        ("加我微❤", "mixed"),
        ("加我wx", "initials"),
    ],
)
def test_a_rule_sees_through_what_it_opts_into_only(text: str, channel: Channel) -> None:
    for evasion, found in (((channel,), [text]), ((), [])):
        one = made(Match(words=("加我微信",)), evasion=evasion, initials=("微信",))
        # Signs between characters have always been ignored in longer wordings.
        if evasion or channel != "squeeze":
            assert hits(text, Gate(RuleSet("v", (one,)))) == found


def test_masks_do_not_listen() -> None:
    match = Match(expressions=("1[3-9][0-9]{9}",), words=("某某小区",), check="mobile")
    gate = Gate(RuleSet("v", (made(match, action="mask", level="L2"),)))
    assert hits("电话一三八零零一三八零零零", gate) == ["一三八零零一三八零零零"]
    assert hits("在moumouxiaoqu", gate) == []


def test_context_excuses_a_disguised_hit_however_it_is_written() -> None:
    match = Match(words=("加微信",), none=("加微信公众号",), none_before=("请勿|不要",))
    gate = Gate(RuleSet("v", (made(match),)))
    assert hits("加weixin", gate) == ["加weixin"]
    for text in ("请勿加weixin", "请 勿 加weixin", "加weixin公众号", "加weixin公 众 号"):
        assert hits(text, gate) == []


def test_groups_may_be_disguised_too() -> None:
    match = Match(all=(("私下",), ("转账",)), within=10)
    gate = Gate(RuleSet("v", (made(match),)))
    assert hits("sixia给我zhuanzhang", gate) == ["sixia给我zhuanzhang"]
    assert hits("sixia说，转账不行", gate) == []


ANY = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("加我微信威薇❤➕vwx12一二言正力口 ~*，。.,jiaweixin"),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_hits_lie_in_the_text_and_never_across_a_clause(text: str) -> None:
    folded = fold(text)
    matcher: Matcher = GATE.matcher("agent")
    for found in matcher.find(folded.text):
        assert 0 <= found.start < found.end <= len(folded.text)
        assert not set(",。!?;\n") & set(folded.text[found.start : found.end - 1]) - {","}
    for hit in GATE.screen(text, "agent").hits:
        assert text[hit.start : hit.end] == hit.text


@settings(max_examples=150, deadline=None)
@given(ANY, st.sampled_from(["加weixin", "加威信", "力口微信", "wenzhuanbupei"]), ANY)
def test_a_disguised_wording_in_a_clause_of_its_own_is_always_found(
    before: str, wording: str, after: str
) -> None:
    text = f"{before}。{wording}。{after}"
    place = len(before) + 1
    found = [(hit.start, hit.end) for hit in GATE.screen(text, "agent").hits]
    assert (place, place + len(wording)) in found
