"""The classifier of replies: what must not be sent, in plain words, and what may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_rules import made
from msgspec.structs import replace

from engine.errors import RuleError
from engine.paths import CLASSIFIER, RULES
from engine.redline import classifier, reply_classifier
from engine.redline.gate import Gate
from engine.redline.normalise import fold
from engine.redline.quality import quality
from engine.redline.reply_classifier import LONGEST, windows
from engine.redline.rules import load_rules
from engine.redline.schema import Heard, Match, Rule, RuleSet
from engine.texts import Both

GRAVE = "您放心,这钱公司肯定全赔给您"
ORDINARY = "您的快递昨天已经发出,预计后天送到。"
WORDS = Both("…", "…")


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(load_rules(RULES))


@pytest.mark.parametrize(
    ("reply", "category"),
    [
        ("我们家的卤味整个县城没人做得过我们", "absolute_claim"),
        ("这笔钱放进去只会多不会少,您就等着数钱", "financial_promise"),
        ("没事的姐,这个钱我们一定全赔给您", "promise"),
        ("今天之内钱保证退到您卡上", "promise"),
        ("这个贴腰上能治腰突,药都不用吃", "medical_claim"),
        ("确实是我们工人没拧紧,责任在我们", "legal_conclusion"),
        ("您去法院告也赢不了的", "legal_conclusion"),
        ("收到的那几位数字念给我,我帮您登", "secret"),
        ("加我私人号,不走平台给您便宜五十", "private_deal"),
        ("您这岁数了就别用手机了,脑子跟不上", "abuse"),
        ("您找快递吵去,跟我们没关系", "brush_off"),
        ("我最多能批八十,店长能批到两百", "internal"),
        ("隔壁那家用的都是假货,坑死人", "competitor"),
        ("It was our driver who broke your door, we are to blame", "legal_conclusion"),
        ("Just read me the code you got on your phone", "secret"),
        ("Pay me in cash and skip the app, it's cheaper", "private_deal"),
        ("The shop next door sells fakes", "competitor"),
    ],
)
def test_plain_wordings_of_every_kind_are_stopped(gate: Gate, reply: str, category: str) -> None:
    screening = gate.screen(reply, "agent")
    assert screening.action == "block"
    assert category in {hit.category for hit in screening.hits}


@pytest.mark.parametrize(
    "reply",
    [
        "签收后7天内可以退,24小时内师傅会联系您",
        "质量问题运费我们承担",
        "退款1-3个工作日到账",
        "不能保证今天到",
        "我们不会要您的验证码",
        "您说的『百分百赔』我们查一下",
        "责任怎么算要等交警的认定书",
        "我请主管看一下,两小时内给您回话",
        "外地人也可以办,带上居住证",
        "We cover the return postage if the item is faulty",
        "I don't know yet, let me find out and call you back",
    ],
)
def test_ordinary_replies_with_the_same_words_are_not(gate: Gate, reply: str) -> None:
    screening = gate.screen(reply, "agent")
    assert screening.action not in ("block", "handover"), screening.hits


def test_what_agents_must_not_send_is_found_and_little_else(gate: Gate) -> None:
    found = quality(gate, RULES / "sentences", "development")
    assert found.blocks.all >= 1500
    assert found.blocks.percent >= 95, found.blocks.wrong
    assert found.wrong_blocks.all >= 1200
    assert found.wrong_blocks.percent <= 0.5, found.wrong_blocks.wrong


def test_there_is_a_rule_for_every_category_and_none_is_a_hard_block() -> None:
    rules = [rule for rule in load_rules(RULES).rules if rule.match.heard and "agent" in rule.sides]
    known = classifier.read(CLASSIFIER / reply_classifier.WEIGHTS).categories
    assert {rule.category for rule in rules} == set(known)
    assert all(rule.action == "block" and rule.level in ("L2", "L3") for rule in rules)


@given(st.lists(st.sampled_from([GRAVE + "。", ORDINARY, "好的!", "Thanks. ", "\n"]), max_size=8))
def test_what_is_found_in_a_sentence_does_not_depend_on_the_others(parts: list[str]) -> None:
    model = reply_classifier.shipped()
    whole = [one.chance for one in model.passages(fold("".join(parts)).text)]
    alone = [one.chance for part in parts for one in model.passages(fold(part).text)]
    assert whole == alone


@given(st.text(max_size=200))
def test_any_text_has_passages_that_lie_in_it(text: str) -> None:
    folded = fold(text).text
    for passage in reply_classifier.shipped().passages(folded):
        assert 0 <= passage.start < passage.end <= len(folded)
        assert passage.start <= passage.heaviest[0] < passage.heaviest[1] <= passage.end
        assert 0 <= passage.chance <= 1


@given(st.integers(1, 2_000), st.sets(st.integers(1, 2_000), max_size=40))
def test_windows_cover_a_sentence_and_grow_no_faster_than_it(size: int, cuts: set[int]) -> None:
    ends = [*sorted(cut for cut in cuts if cut < size), size]
    found = windows(size, ends)
    assert {place for start, end in found for place in range(start, end)} == set(range(size))
    assert all(end - start <= LONGEST for start, end in found)
    assert len(found) <= len(ends) + 2 * size // (LONGEST // 2) + 1


def test_the_hit_is_the_clause_that_weighs_most() -> None:
    text = fold("您好,很高兴为您服务,这钱我们肯定全赔给您,请留意短信").text
    (passage,) = reply_classifier.shipped().passages(text)
    start, end = passage.heaviest
    assert text[start:end] == "这钱我们肯定全赔给您"


def test_a_rule_of_replies_asks_it_and_holds_a_draft_back_until_its_sentence_ends() -> None:
    from engine.redline.matching import Matcher

    rule = Rule(
        id="test.heard",
        side="model",
        category="promise",
        level="L2",
        action="block",
        name=WORDS,
        why=WORDS,
        advice=WORDS,
        match=Match(heard=Heard("promise", 0.6)),
        evasion=(),
    )
    matcher = Matcher([rule])
    assert [one.rule.id for one in matcher.find(fold(GRAVE).text)] == ["test.heard"]
    assert not matcher.find(fold(ORDINARY).text)
    assert matcher.by_sentence


@pytest.mark.parametrize("kept", [0, 1000, -5])
def test_a_damaged_classifier_blocks_and_says_so(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_set = load_rules(RULES)
    classes, weights = reply_classifier.reply_classifier_files()
    (tmp_path / classes.name).write_bytes(classes.read_bytes())
    (tmp_path / weights.name).write_bytes(weights.read_bytes()[:kept])
    monkeypatch.setattr(reply_classifier, "CLASSIFIER", tmp_path)
    reply_classifier.shipped.cache_clear()
    try:
        gate = Gate(rule_set, lazy=True)
        with pytest.raises(RuleError, match="classifier of replies"):
            gate.screen("您好", "agent")
    finally:
        monkeypatch.undo()
        reply_classifier.shipped.cache_clear()


def test_a_rule_of_both_sides_beside_it_changes_nothing() -> None:
    ours = load_rules(RULES)
    both = replace(made(Match(words=("某词",))), side=("customer", "agent"))
    bad = "您放心，这钱我们肯定赔给您"
    alone, beside = (
        {hit.rule for hit in Gate(RuleSet("v", rules)).screen(bad, "agent").hits}
        for rules in (ours.rules, (*ours.rules, both))
    )
    assert beside == alone >= {"reply.heard.overpromise"}
