"""The packs that ship: their own examples, and sentences of real people on both sides."""

from __future__ import annotations

import pytest

from engine.paths import RULES
from engine.records import Side, Turn
from engine.redline.gate import Gate
from engine.redline.rules import check_rules, load_rules

SENTENCES = RULES / "sentences" / "development"


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(load_rules(RULES))


def sentences(name: str) -> list[str]:
    return (SENTENCES / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def actions(gate: Gate, name: str, side: Side) -> dict[str, str]:
    return {line: gate.screen(line, side).action for line in sentences(name)}


def test_shipped_packs_have_no_problem() -> None:
    assert [problem.in_words() for problem in check_rules(RULES)] == []


def test_every_shipped_rule_has_three_examples_each_way_and_speaks_both_languages() -> None:
    for rule in load_rules(RULES).rules:
        assert len(rule.must_hit) >= 3 and len(rule.must_miss) >= 3, rule.id
        for both in (rule.name, rule.why, rule.advice):
            assert both.zh.strip() and both.en.strip(), rule.id


def test_every_handover_rule_has_a_script_of_its_own() -> None:
    for rule in load_rules(RULES).rules:
        assert (rule.action == "handover") == (rule.script is not None), rule.id


def test_threats_injuries_and_fraud_are_handed_over(gate: Gate) -> None:
    found = actions(gate, "handover", "customer")
    missed = [line for line, action in found.items() if action != "handover"]
    assert len(found) >= 120
    assert len(missed) <= 0.02 * len(found), missed


def test_ordinary_customers_are_never_handed_over(gate: Gate) -> None:
    found = actions(gate, "customers", "customer")
    assert len(found) >= 150
    assert [line for line, action in found.items() if action in ("block", "handover")] == []


def test_ordinary_replies_pass(gate: Gate) -> None:
    for side in ("agent", "model"):
        found = actions(gate, "replies", side)
        assert [line for line, a in found.items() if a in ("mask", "block", "handover")] == []


def test_bad_replies_are_blocked_for_model_and_agent(gate: Gate) -> None:
    for side in ("agent", "model"):
        found = actions(gate, "replies_bad", side)
        assert [line for line, action in found.items() if action != "block"] == []


@pytest.mark.parametrize(
    "text",
    [
        "起\u200b诉\u200b你\u200b们",
        "起 诉 你 们",
        "起*诉*你*们",
        "起訴你們",
        "起̶诉̶你̶们̶",
        "我要告到１２３１５",
        "我要打①②③①⑤",
        "Ｉ ｗｉｌｌ ｓｕｅ ｙｏｕ",
        "𝗜 𝘄𝗶𝗹𝗹 𝘀𝘂𝗲 𝘆𝗼𝘂",
        "I WILL S-U-E Y-O-U",
    ],
)
def test_disguises_do_not_help(gate: Gate, text: str) -> None:
    assert gate.screen(text, "customer").action == "handover"


def test_scripts_of_handover_are_in_the_customers_language(gate: Gate) -> None:
    chinese = gate.screen("再不退钱我就起诉你们", "customer", language="en")
    english = gate.screen("I will sue you over this", "customer", language="zh")
    assert chinese.scripts[0].startswith("非常理解")
    assert english.scripts[0].startswith("I understand")
    assert "Lawsuit or lawyer" in {hit.name for hit in chinese.hits}


def test_gravest_category_decides_the_handover(gate: Gate) -> None:
    found = gate.screen("我要投诉你们，钱没了我真的不想活了", "customer")
    category, script = gate.handover(found, "zh") or ("", "")
    assert category == "self_harm" and "12356" in script
    assert {hit.category for hit in found.hits} >= {"complaint", "fraud", "self_harm"}


def test_missing_risk_notice_is_named_and_a_present_one_is_not(gate: Gate) -> None:
    turns = (Turn("customer", "你们那款理财收益怎么样？"),)
    bare = gate.screen("您好，可以在首页查看产品详情。", "agent", turns=turns)
    said = gate.screen("您可以看产品详情。投资有风险，请谨慎。", "agent", turns=turns)
    assert len(bare.scripts) == 1 and "理财非存款" in bare.scripts[0]
    assert said.scripts == ()
    fixed = gate.screen("可以看产品详情。" + bare.scripts[0], "agent", turns=turns)
    assert fixed.scripts == () and fixed.action == "none"


def test_scripts_themselves_pass_the_gate(gate: Gate) -> None:
    rules = load_rules(RULES)
    texts = [rule.script for rule in rules.rules if rule.script]
    for both in (*texts, *(script.text for script in rules.scripts)):
        for text in (both.zh, both.en):
            assert gate.screen(text, "agent").action == "none", text
