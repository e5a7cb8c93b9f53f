"""Counting: rates, the peers' better forms, the paired bootstrap and the targets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.cases import Judgement, read_cases
from engine.evaluation.figures import better_forms, by_company, paired_interval, slices, targets
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
    )
    return Result(case=case, judgement=Judgement(solved), peers=peers, **(values | fields))


RESULTS = [
    result("plain", True, (False, True), (True, False), numbers=2),
    result("plain", True, (False, False), (True, False), company="b"),
    result("hard", True, (False, False)),
    result("hard", False, (True, True), why=("gold_missed", "forbidden")),
    result("abstain", False, (False, False), why=("answered_unanswerable",)),
    result("redline", True, (False, False), status="handover", text=""),
]


def test_each_kind_is_counted_beside_the_better_forms() -> None:
    forms = better_forms(RESULTS)
    assert (forms["keyword"].solving, forms["bm25"].solving) == ("bigrams", "words")
    assert forms["bm25"].finding == "bigrams"
    parts = {part.name: part for part in slices(RESULTS)}
    assert list(parts) == ["all", "answerable", "plain", "hard", "abstain", "redline"]
    every = parts["all"]
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


def test_the_targets_say_what_holds() -> None:
    held = {target.name: (target.value, target.holds) for target in targets(slices(RESULTS)[0])}
    assert held["keyword_ratio"] == (2, False)
    assert held["recall3_above_bm25"] == (0.5, True)
    assert held["unsupported_numbers"] == (0, True)
    assert held["handover_missed"] == (0, True)
    unsure = {target.name: target for target in targets(slices(RESULTS[2:3])[0])}
    assert unsure["keyword_ratio"].holds is None
    assert unsure["handover_missed"].holds is None
    assert unsure["unsupported_numbers"].holds is None
