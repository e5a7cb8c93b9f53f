"""Whether an outcome solves its case, and what is read as a case at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.cases import (
    MOST_CHARACTERS,
    MOST_WORDS,
    Case,
    Outcome,
    cut,
    judge,
    read_cases,
    too_long,
)
from engine.evaluation.results import reasons
from engine.records import Draft, Evidence

TURNS = [{"role": "customer", "text": "退货邮费谁出"}]


def case(**fields: Any) -> Case:
    line = json.dumps({"turns": TURNS, **fields}, ensure_ascii=False)
    (made,) = read_cases([(1, line)]).cases
    return made


REFUND = case(
    id="x",
    gold_docs=["退货.md"],
    facts=[["7天", "七天"], ["邮费由客户承担", "客户出邮费"]],
    forbid=["17天", "全额包赔"],
)
GOOD = "签收后**7 天**内可以退，邮费由客户承担。[1]"


@pytest.mark.parametrize(
    ("outcome", "flaws"),
    [
        (Outcome("drafted", GOOD), ()),
        (Outcome("drafted", "七天内可以退，客户出邮费。"), ()),
        (Outcome("drafted", "７天内可以退，客户出邮费。"), ()),
        (Outcome("drafted", "7天内可以退。"), ("facts",)),
        (Outcome("drafted", f"{GOOD}我们全额 包赔。"), ("forbidden",)),
        (Outcome("drafted", GOOD, ("7天",)), ("unsupported",)),
        (Outcome("drafted", GOOD + "好" * 240), ("long",)),
        (Outcome("abstained"), ("status", "facts")),
        (Outcome("handover"), ("status", "facts")),
        (Outcome("failed"), ("error", "facts")),
    ],
)
def test_a_case_is_solved_when_nothing_is_wrong(outcome: Outcome, flaws: tuple[str, ...]) -> None:
    judgement = judge(REFUND, outcome)
    assert judgement.flaws == flaws
    assert judgement.solved == (not flaws)


def test_what_is_missing_and_what_is_forbidden_is_named() -> None:
    judgement = judge(REFUND, Outcome("drafted", "17天内可以退。"))
    # 17天 holds 7天: the number of a neighbouring policy is what forbid is for.
    assert judgement.missing == (("邮费由客户承担", "客户出邮费"),)
    assert judgement.forbidden == ("17天",)


@pytest.mark.parametrize("expect", ["abstain", "handover"])
def test_saying_nothing_solves_a_case_that_expects_it(expect: str) -> None:
    expected = case(expect=expect, forbid=["62%"])
    status = {"abstain": "abstained", "handover": "handover"}[expect]
    assert judge(expected, Outcome(status)).solved  # type: ignore[arg-type]
    assert not judge(expected, Outcome("drafted", "不知道。")).solved


WORDING = st.text("0123456789元天abcXYZ退货%", min_size=1, max_size=8)
BETWEEN = st.text(" *\t\n\u3000\u00a0", max_size=3)


def full_width(char: str) -> str:
    return chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char


@given(WORDING, st.data())
def test_spaces_asterisks_and_width_hide_no_fact(wording: str, data: st.DataObject) -> None:
    written = "".join(
        data.draw(BETWEEN) + (full_width(char) if data.draw(st.booleans()) else char)
        for char in wording
    )
    said = Outcome("drafted", f"您好，{written}。")
    assert judge(case(facts=[[wording]]), said).solved
    assert judge(case(forbid=[wording]), said).forbidden == (wording,)


@given(WORDING)
def test_a_fact_that_is_not_said_whole_is_missing(wording: str) -> None:
    said = Outcome("drafted", "，".join(wording[:-1]))
    assert judge(case(facts=[[wording]]), said).missing == ((wording,),)


def test_the_limit_of_length_is_240_characters_or_130_words() -> None:
    assert not too_long("好" * MOST_CHARACTERS)
    assert too_long("好" * MOST_CHARACTERS + "。")
    assert not too_long(" ".join(["**好** [3]"] * MOST_CHARACTERS))
    assert not too_long("word " * MOST_WORDS)
    assert too_long("word " * MOST_WORDS + "more")
    assert not too_long("A long-term locker costs $9 a month. " * 18)


@given(st.text("退货a b1 2。*[]\n", max_size=700))
def test_what_is_cut_is_the_beginning_and_short_enough(text: str) -> None:
    short = cut(text)
    assert text.startswith(short)
    assert not too_long(short)
    assert not (short != text and len(short) < 100)


def test_lines_that_are_no_case_are_skipped_and_named() -> None:
    good = json.dumps({"id": "a", "turns": TURNS})
    lines = [
        good,
        "{",
        json.dumps({"id": "b", "turns": []}),
        json.dumps({"id": "c", "turns": [{"role": "agent", "text": "好"}]}),
        json.dumps({"id": "d", "turns": TURNS, "as_of": "2026-02-30"}),
        json.dumps({"id": "e", "turns": TURNS, "expect": "silence"}),
        json.dumps({"id": "f", "turns": TURNS, "facts": [["* "]]}),
        json.dumps({"id": "g", "turns": TURNS, "facts": [[]]}),
        json.dumps({"id": 7, "turns": TURNS, "as_of": "2026-11-22"}),
    ]
    read = read_cases(enumerate(lines, start=1))
    assert [one.id for one in read.cases] == ["a", 7]
    assert [one.line for one in read.skipped] == [2, 3, 4, 5, 6, 7, 8]
    assert all(one.why for one in read.skipped)


@given(st.lists(st.text(max_size=40) | st.just('{"turns":[{"role":"customer","text":"?"}]}')))
def test_every_line_is_a_case_or_named(lines: list[str]) -> None:
    read = read_cases(enumerate(lines, start=1))
    assert len(read.cases) + len(read.skipped) == len(lines)


def test_the_question_is_what_nobody_has_answered_yet() -> None:
    said = [("customer", "在吗"), ("agent", "在的"), ("customer", "邮费"), ("customer", "谁出")]
    asked = case(turns=[{"role": role, "text": text} for role, text in said])
    assert asked.question == "邮费\n谁出"


EVIDENCE = Evidence(1, "退货.md", "退货", "七天", "签收后7天内可以退。邮费由客户承担。", 1.0)


@pytest.mark.parametrize(
    ("draft", "first", "expected"),
    [
        (Draft("drafted", GOOD, (EVIDENCE,)), ("退货.md",), ()),
        (Draft("drafted", "好的。", (EVIDENCE,)), ("退货.md",), ("fact_not_quoted",)),
        (Draft("drafted", "好的。"), ("退货.md",), ("fact_not_in_evidence",)),
        (Draft("drafted", "好的。", (EVIDENCE,)), ("维修.md",), ("gold_missed",)),
        (Draft("drafted", GOOD + "全额包赔"), ("退货.md",), ("forbidden",)),
        (Draft("drafted", GOOD + "好" * 240), ("退货.md",), ("too_long",)),
        (Draft("abstained"), ("维修.md",), ("abstained_wrongly", "gold_missed")),
        (Draft("abstained"), ("退货.md",), ("abstained_wrongly",)),
        (Draft("handover", script="请稍候"), ("退货.md",), ("handed_over_wrongly",)),
        (Draft("failed"), ("退货.md",), ("error",)),
    ],
)
def test_a_failure_gets_its_reason(
    draft: Draft, first: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    judgement = judge(REFUND, Outcome(draft.status, draft.text))
    assert reasons(REFUND, draft, judgement, first) == expected


def test_a_wrong_status_has_a_reason_for_each_expectation() -> None:
    said = Draft("drafted", "好的。")
    for expect, reason in (("abstain", "answered_unanswerable"), ("handover", "handover_missed")):
        wanted = case(expect=expect)
        assert reasons(wanted, said, judge(wanted, Outcome("drafted", said.text)), ()) == (reason,)
