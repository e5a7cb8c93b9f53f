"""The two peers: what they may see, what they answer, and in which forms."""

from __future__ import annotations

import json
import math

import pytest

from engine.evaluation.cases import MOST_CHARACTERS, Outcome, read_cases
from engine.evaluation.peers import (
    FORMS,
    BestSection,
    Form,
    KeywordBot,
    Section,
    forms_of,
    question,
    sections,
    words,
)
from engine.knowledge.documents import Document

DAY = "2026-11-22"
RETURNS = Document(
    "退货.md",
    "退货",
    "## 退货邮费\n质量问题我们出邮费。\n\n## 退款时间\n收到货后3天内退款。\n",
)
REPAIRS = Document("repairs.md", "Repairs", "## Visits\nA visit costs $30 after the warranty.\n")


def both() -> tuple[Section, ...]:
    return sections([RETURNS, REPAIRS], DAY)


def test_only_what_is_in_force_and_not_internal_may_be_quoted() -> None:
    others = [
        Document("夏促.md", "夏促", "满减。", valid_until="2026-08-31"),
        Document("双旦.md", "双旦", "预售。", valid_from="2026-12-20"),
        Document("底价.md", "底价", "85折。", internal=True),
        Document("今天.md", "今天", "仅今天。", valid_from=DAY, valid_until=DAY),
    ]
    seen = sections([RETURNS, *others], DAY)
    assert [(one.doc, one.heading) for one in seen] == [
        ("退货.md", "退货邮费"),
        ("退货.md", "退款时间"),
        ("今天.md", ""),
    ]


def test_a_section_is_whole_however_long_it_is() -> None:
    long = Document("长.md", "长", "## 说明\n" + "这里写着第一条规定的内容。" * 60)
    (section,) = sections([long], DAY)
    assert section.text.count("规定") == 60
    answer = BestSection([section], "bigrams").answer("规定内容")
    assert len("".join(answer.text.split())) == MOST_CHARACTERS


@pytest.mark.parametrize(
    ("form", "expected"),
    [("words", ["邮", "费", "refund", "7"]), ("bigrams", ["邮费", "refund", "7"])],
)
def test_a_form_says_what_a_word_is(form: Form, expected: list[str]) -> None:
    assert words("邮费 Refunds 的 ７", form) == expected


@pytest.mark.parametrize("form", FORMS)
def test_the_keyword_bot_answers_by_titles_alone(form: Form) -> None:
    bot = KeywordBot(both(), form)
    assert bot.answer("退款时间要多久") == Outcome("drafted", "收到货后3天内退款。")
    assert bot.answer("退货的邮费").text == "质量问题我们出邮费。"
    assert bot.answer("How much are repairs?").text.startswith("A visit costs")
    # That word stands in a text, but in no title.
    assert bot.answer("质量") == Outcome("abstained")
    assert bot.answer("你好，请问在吗？") == Outcome("abstained")


@pytest.mark.parametrize("form", FORMS)
def test_bm25_answers_by_titles_and_texts(form: Form) -> None:
    peer = BestSection(both(), form)
    assert peer.answer("质量有问题").text == "质量问题我们出邮费。"
    assert [one.doc for one in peer.best("warranty", 3)] == ["repairs.md"]
    assert peer.answer("蓝牙") == Outcome("abstained")
    assert BestSection([], form).answer("退货") == Outcome("abstained")


def test_bm25_is_the_formula() -> None:
    one = Section("a", "", "", "alpha alpha beta")
    other = Section("b", "", "", "beta")
    scores = BestSection([one, other], "words").scores("alpha")
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    # Twice the word, length 3 where 2 is the mean: k1 = 1.5, b = 0.75.
    expected = idf * 2 * 2.5 / (2 + 1.5 * (1 - 0.75 + 0.75 * 3 / 2))
    assert scores == pytest.approx([expected, 0.0])


def test_a_form_says_what_is_read() -> None:
    said = (("customer", "退货"), ("agent", "可以的"), ("customer", "好"), ("customer", "邮费呢"))
    turns = [{"role": role, "text": text} for role, text in said]
    (case,) = read_cases([(1, json.dumps({"turns": turns}))]).cases
    assert question(case, "newest") == "好\n邮费呢"
    assert question(case, "customer") == "退货\n好\n邮费呢"
    assert question(case, "whole") == "退货\n可以的\n好\n邮费呢"
    assert forms_of("keyword") == FORMS
    assert len(set(forms_of("bm25"))) == 6
