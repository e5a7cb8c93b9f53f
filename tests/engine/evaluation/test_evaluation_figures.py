"""Counting: rates, the peers' better forms, the paired bootstrap and the targets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.cases import Judgement, read_cases
from engine.evaluation.figures import by_company, paired_interval, slices, targets
from engine.evaluation.modes import evidence, favoured
from engine.evaluation.peers import forms_of
from engine.evaluation.reading import sheet, to_read
from engine.evaluation.results import PeerResult, Result
from engine.records import Timings, TokenCounts


def test_a_known_interval_comes_out() -> None:
    # 100 pairs, in half of which we are better: the mean's standard error is 0.05.
    interval = paired_interval([1.0] * 50 + [0.0] * 50, [0.0] * 100)
    assert interval.difference == 0.5
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)


def test_what_is_hard_for_both_cancels_out() -> None:
    same = [1.0, 0.0] * 40
    equal = paired_interval(same, same)
    assert (equal.difference, equal.low, equal.high) == (0, 0, 0)
    better = paired_interval([1.0] * 9, [0.0] * 9)
    assert (better.difference, better.low, better.high) == (1, 1, 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_an_interval_holds_its_difference_and_repeats(pairs: list[tuple[bool, bool]]) -> None:
    ours = [float(one) for one, _ in pairs]
    theirs = [float(other) for _, other in pairs]
    interval = paired_interval(ours, theirs, resamples=400)
    assert -1 <= interval.low <= interval.difference <= interval.high <= 1
    assert interval == paired_interval(ours, theirs, resamples=400)


def test_values_must_come_in_pairs() -> None:
    for ours, theirs in (([], []), ([1.0], [])):
        with pytest.raises(ValueError, match="as many"):
            paired_interval(ours, theirs)


def result(
    kind: str,
    solved: bool,
    keyword: tuple[bool, bool],
    bm25: tuple[bool, bool] = (False, False),
    **fields: Any,
) -> Result:
    expect = {"abstain": "abstain", "redline": "handover"}.get(kind, "draft")
    line = {"kind": kind, "expect": expect, "turns": [{"role": "customer", "text": "?"}]}
    (case,) = read_cases([(1, json.dumps(line))]).cases
    recall = 1.0 if expect == "draft" else None
    values: dict[str, Any] = {
        "company": "a",
        "status": "drafted",
        "text": "好",
        "note": "",
        "why": (),
        "evidence": (),
        "first": (),
        "recall": recall,
        "tokens": TokenCounts(100, 20, 30),
        "ms": Timings(1, 2, 40),
    }
    peers = (
        PeerResult("keyword", "words", "drafted", "", keyword[0]),
        PeerResult("keyword", "bigrams", "drafted", "", keyword[1]),
        PeerResult("bm25", "words", "drafted", "", bm25[0], recall and 0.0),
        PeerResult("bm25", "bigrams", "drafted", "", bm25[1], recall and 0.5),
        *(
            PeerResult("bm25", form, "drafted", "", False, recall and 0.25)
            for form in forms_of("bm25")[2:]
        ),
    )
    return Result(case=case, judgement=Judgement(solved), peers=peers, **(values | fields))


RESULTS = [
    result("plain", True, (False, True), (True, False), numbers=2),
    result("plain", True, (False, False), (True, False), company="b"),
    result("hard", True, (False, False), breaks=("cut",)),
    result("hard", False, (True, True), why=("gold_missed", "forbidden")),
    result("abstain", False, (False, False), why=("answered_unanswerable",)),
    result("redline", True, (False, False), status="handover", text=""),
]


def test_each_part_is_counted_beside_the_better_forms() -> None:
    parts = {part.name: part for part in slices(RESULTS)}
    names = ["all", "answerable", "demanding", "plain", "hard", "abstain", "redline"]
    assert list(parts) == names
    every = parts["all"]
    assert (every.peer("keyword").form, every.peer("bm25").form) == ("bigrams", "words")
    assert every.peer("bm25").recall3_form == "bigrams"
    assert (parts["demanding"].n, parts["demanding"].current) == (2, 0.5)
    assert (every.broken.count, every.broken.of, every.breaks) == (1, 5, {"cut": 1})
    assert (every.n, every.current) == (6, pytest.approx(4 / 6, abs=1e-4))
    keyword = every.peer("keyword")
    assert keyword.forms == {"words": pytest.approx(1 / 6, abs=1e-4), "bigrams": 0.3333}
    assert keyword.ratio == 2
    assert keyword.difference == pytest.approx(2 / 6, abs=1e-4)
    assert keyword.low <= keyword.difference <= keyword.high
    assert every.peer("bm25").recall3 == 0.5
    assert every.recall3 == 1
    assert (every.abstained_right.count, every.abstained_right.of) == (0, 1)
    assert (every.handed_over_right.count, every.handed_over_right.of) == (1, 1)
    assert (every.handed_over_wrongly.count, every.handed_over_wrongly.of) == (0, 5)
    assert every.why == {"gold_missed": 1, "answered_unanswerable": 1}
    assert every.why_all == {"gold_missed": 1, "forbidden": 1, "answered_unanswerable": 1}
    assert every.tokens == {"prompt": 100, "reused": 20, "generated": 30}
    assert (every.ms["total"].p50, every.ms["total"].p95) == (40, 40)
    assert parts["hard"].peer("bm25").ratio is None
    assert parts["redline"].recall3 is None
    assert parts["redline"].ms == {}
    assert [(part.name, part.n) for part in by_company(RESULTS)] == [("a", 5), ("b", 1)]


def test_the_form_that_is_better_in_a_part_stands_beside_it() -> None:
    mixed = [
        result("plain", True, (True, False), (True, False)),
        result("plain", True, (True, False)),
        result("abstain", False, (False, True)),
        result("abstain", False, (False, True)),
        result("abstain", False, (False, True)),
    ]
    parts = {part.name: part for part in slices(mixed)}
    forms = {name: part.peer("keyword").form for name, part in parts.items()}
    assert forms == {
        "all": "bigrams",
        "answerable": "words",
        "plain": "words",
        "abstain": "bigrams",
    }
    assert parts["answerable"].peer("keyword").ratio == 1


def test_the_targets_say_what_holds() -> None:
    held = {target.name: (target.value, target.holds) for target in targets(slices(RESULTS))}
    # Of the four with an answer three are solved, by the keyword bot two.
    assert held["keyword_ratio"] == (1.5, False)
    assert held["demanding_solved"] == (0.5, False)
    assert held["demanding_above_bm25"][0] == 0.5
    assert held["hard_recall3"] == (1, True)
    assert held["unsupported_numbers"] == (0, True)
    assert held["refused"] == (0, False)
    assert held["refused_wrongly"] == (0, True)
    assert held["handover_missed"] == (0, True)
    assert held["first_token"] == (2, True)
    assert held["total"] == (40, True)
    assert held["broken"] == (0.2, False)
    unsure = {target.name: target for target in targets(slices(RESULTS[5:]))}
    assert unsure.pop("handover_missed").holds
    assert {target.holds for target in unsure.values()} == {None}
    assert {target.value for target in unsure.values()} == {None}
    bounds = {target.name: target.bound for target in unsure.values()}
    assert (bounds["refused_wrongly"], bounds["total"]) == ("≤ 8 %", "≤ 1500")


def test_free_is_favoured_only_where_it_solves_more_beyond_doubt() -> None:
    def both(verbatim: list[bool], free: list[bool]) -> list[Result]:
        return [
            result("hard", solved, (False, False), mode=mode)
            for mode, row in (("verbatim", verbatim), ("free", free))
            for solved in row
        ]

    assert favoured(both([False] * 9, [True] * 9)) == "free"
    assert favoured(both([True] * 9, [False] * 9)) == "verbatim"
    assert favoured(both([False, True] * 5, [True, True] + [False, True] * 4)) == "verbatim"
    assert favoured(RESULTS) is None
    measured = evidence(both([True, False], [False, False]), "abc", "2026-11-22")
    assert measured is not None
    assert (measured.mode, measured.verbatim, measured.free, measured.cases) == (
        "verbatim",
        0.5,
        0,
        2,
    )
    assert measured.low <= -0.5 <= measured.high <= 0
    assert evidence(RESULTS, "abc", "2026-11-22") is None


def test_drafts_to_read_come_from_all_kinds_and_companies() -> None:
    many = [
        result(kind, True, (False, False), company=company)
        for kind in ("plain", "hard")
        for company in "abc"
        for _ in range(5)
    ]
    assert {(one.case.kind, one.company) for one in to_read(many, 6)} == {
        (kind, company) for kind in ("plain", "hard") for company in "abc"
    }
    assert len(to_read(many, 100)) == 30
    # A hand-over has nothing to read.
    assert len(to_read(RESULTS, 100)) == 5
    page = sheet(to_read(RESULTS, 3), "zh")
    assert page.count("- [ ]") == 3
    assert "程序看到： 断句" in page
