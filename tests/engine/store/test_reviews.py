"""Hits as leads look through them: filters, pages, verdicts, appeals, precision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.records import Hit
from engine.store.reviews import wilson
from engine.store.rows import StoredHit
from engine.store.seeking import Sought
from engine.store.store import Store, open_store
from engine.store.text import to_json

NUMBER = 3_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Hits of every kind; number n was found at second n."""
    with open_store(tmp_path_factory.mktemp("hits") / "zuoxi.db") as store:
        message = store.conversations.receive("王女士", "保本吗")
        with store.transaction():
            for number in range(NUMBER):
                store._database.insert("hits", row(number, message.conversation, message.id))
        yield store


def row(number: int, conversation: str, message: str) -> dict[str, Any]:
    hit = Hit(
        f"rule.{number % 7}", f"类别{number % 5}", f"L{number % 5}", "block",
        0, 2, "保本", ("customer", "model", "agent")[number % 3], trial=number % 6 == 1,
    )  # fmt: skip
    return {
        "id": f"h{number:05}",
        "conversation": conversation,
        "message": message,
        "rule": hit.rule,
        "body": to_json(hit),
        "screened": "保本吗",
        "at": float(number),
        "category": hit.category,
        "level": hit.level,
        "side": hit.side,
        "agent": f"坐席{number % 4}" if number % 3 == 2 else "",
        "verdict": ("", "right", "false_alarm", "missed")[number % 4],
        "trial": hit.trial,
    }


def fits(hit: StoredHit, sought: Sought) -> bool:
    return (
        (not sought.rule or hit.hit.rule == sought.rule)
        and (not sought.category or hit.hit.category == sought.category)
        and (sought.level is None or hit.hit.level == sought.level)
        and (sought.side is None or hit.hit.side == sought.side)
        and (not sought.agent or hit.agent == sought.agent)
        and (sought.verdict is None or (hit.verdict or "unjudged") == sought.verdict)
        and (sought.since is None or hit.at >= sought.since)
        and (sought.until is None or hit.at < sought.until)
        and (sought.trial is None or hit.hit.trial == sought.trial)
    )


soughts = st.builds(
    Sought,
    rule=st.sampled_from(["", "rule.3", "nothing"]),
    category=st.sampled_from(["", "类别2"]),
    level=st.sampled_from([None, "L4"]),
    side=st.sampled_from([None, "agent"]),
    agent=st.sampled_from(["", "坐席1"]),
    verdict=st.sampled_from([None, "unjudged", "right", "missed"]),
    since=st.sampled_from([None, 100.0]),
    until=st.sampled_from([None, 2_000.0]),
    trial=st.sampled_from([None, True, False]),
)


@given(soughts, st.sampled_from([7, 100, 5_000]))
def test_pages_hold_what_matches_newest_first(many: Store, sought: Sought, limit: int) -> None:
    expected = [hit for hit in many.reviews.each() if fits(hit, sought)]
    page = many.reviews.page(sought, limit=limit)
    assert list(page.hits) == expected[:limit]
    assert (page.after is not None) == (len(expected) > limit)
    if page.after is not None:
        following = many.reviews.page(sought, limit=limit, after=page.after)
        assert list(following.hits) == expected[limit : 2 * limit]
    assert many.reviews.count(sought) == len(expected)


def test_everything_is_walked_once(many: Store) -> None:
    assert [hit.id for hit in many.reviews.each()] == [f"h{n:05}" for n in range(NUMBER)][::-1]


SINGLE = [
    Sought(),
    Sought(rule="rule.3"),
    Sought(rule="rule.3", verdict="right", since=5.0, until=9.0),
    Sought(category="类别2"),
    Sought(level="L4"),
    Sought(side="agent"),
    Sought(agent="坐席1"),
    Sought(verdict="unjudged"),
    Sought(since=5.0, until=9.0),
    Sought(trial=True),
    Sought(rule="rule.3", agent="坐席1", level="L2", verdict="right", appealed=True),
]


@pytest.mark.parametrize("sought", SINGLE)
@pytest.mark.parametrize("after", [None, 500])
def test_a_page_is_found_in_an_index_alone(many: Store, sought: Sought, after: int | None) -> None:
    statements: list[str] = []
    connection = many._database._connection
    connection.set_trace_callback(statements.append)
    try:
        many.reviews.page(sought, after=after)
        many.reviews.count(sought)
        many.reviews.precision()
    finally:
        connection.set_trace_callback(None)
    assert len(statements) == 3
    for statement in statements:
        steps = [str(one[3]) for one in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert not any("TEMP B-TREE" in step for step in steps), steps
        for step in steps:
            if re.match(r"SCAN hits\b", step):
                assert "COVERING INDEX" in step, steps


def test_a_page_costs_the_same_among_more_hits(tmp_path: Path) -> None:
    def work(number: int) -> int:
        with open_store(tmp_path / f"{number}.db") as store:
            message = store.conversations.receive("王女士", "保本吗")
            with store.transaction():
                for each in range(number):
                    store._database.insert("hits", row(each, message.conversation, message.id))
            steps = 0

            def count() -> int:
                nonlocal steps
                steps += 1
                return 0

            store._database._connection.set_progress_handler(count, 100)
            for sought in SINGLE[:2] + SINGLE[3:8]:
                store.reviews.page(sought, limit=50)
            store._database._connection.set_progress_handler(None, 0)
            return steps

    assert work(8_000) < 1.5 * work(2_000)


# Verdicts


def hit_in(store: Store, who: str = "小李") -> str:
    message = store.conversations.receive("王女士", "在吗")
    decision = store.decisions.record(
        message.conversation,
        "rewritten",
        text="保本的",
        who=who,
        hits=[Hit("promise", "承诺", "L2", "hint", 0, 2, "保本")],
    )
    (hit,) = store.hits.of(message.conversation)
    assert (hit.agent, hit.message) == (who, decision.outgoing)
    return hit.id


def test_the_newest_verdict_counts_and_all_are_kept(store: Store) -> None:
    hit = hit_in(store)
    store.hits.judge(hit, "false_alarm", "王班长", "误会")
    store.hits.judge(hit, "right", "李班长", "没有误会")
    assert store.reviews.get(hit).verdict == "right"
    assert [one[:3] for one in store.reviews.verdicts(hit)] == [
        ("false_alarm", "王班长", "误会"),
        ("right", "李班长", "没有误会"),
    ]
    assert store.reviews.page(Sought(verdict="unjudged")).hits == ()


def test_one_verdict_for_many_is_given_to_all_or_none(store: Store) -> None:
    hits = [hit_in(store) for _ in range(5)]
    before = store.audit.head().count
    with pytest.raises(InputError) as caught:
        store.reviews.judge_all([*hits, "nothing"], "right", "王班长")
    assert caught.value.code == "no_hit"
    assert store.audit.head().count == before
    assert store.reviews.count(Sought(verdict="unjudged")) == 5
    store.reviews.judge_all(hits, "right", "王班长", "都对")
    assert store.reviews.count(Sought(verdict="right")) == 5
    assert store.audit.head().count == before + 5
    assert store.verify_audit().sound


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-1, 1), (2, 1), (0, 99)])
def test_what_was_missed_is_marked_inside_the_message(store: Store, start: int, end: int) -> None:
    message = store.conversations.receive("王女士", "我要投诉")
    with pytest.raises(InputError) as caught:
        store.reviews.missed(message.id, start, end, "王班长")
    assert caught.value.code == "bad_span"
    found = store.reviews.missed(message.id, 2, 4, "王班长", rule="complaint", note="该转人工")
    assert (found.hit.text, found.hit.side, found.verdict) == ("投诉", "customer", "missed")
    (rule,) = store.reviews.precision()
    assert (rule.rule, rule.hits, rule.missed, rule.precision) == ("complaint", 0, 1, None)


def test_precision_follows_from_the_verdicts(store: Store) -> None:
    hits = [hit_in(store) for _ in range(10)]
    store.reviews.judge_all(hits[:6], "right", "王班长")
    store.reviews.judge_all(hits[6:8], "false_alarm", "王班长")
    (rule,) = store.reviews.precision()
    assert (rule.hits, rule.right, rule.false_alarms, rule.missed) == (10, 6, 2, 0)
    assert rule.precision == 0.75
    # As tables of Wilson's score have it for 6 of 8.
    assert (round(rule.low, 3), round(rule.high, 3)) == (0.409, 0.929)
    assert store.reviews.precision(since=1e12) == []


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilsons_interval_holds_the_share(right: int, wrong: int) -> None:
    low, high = wilson(right, right + wrong)
    assert 0 <= low <= high <= 1
    if right + wrong:
        assert low - 1e-12 <= right / (right + wrong) <= high + 1e-12
        assert low > 0 or right == 0
        assert high < 1 or wrong == 0


# Appeals


def test_an_appeal_that_is_upheld_makes_a_false_alarm(store: Store) -> None:
    hit = hit_in(store)
    store.hits.judge(hit, "right", "王班长")
    made = store.reviews.appeal(hit, "小李", "是客户的原话")
    assert store.reviews.appeal(hit, "小李", "是客户的原话") == made
    for who, why in (("小李", "再说一次"), ("小满", "是客户的原话")):
        with pytest.raises(InputError) as waits:
            store.reviews.appeal(hit, who, why)
        assert waits.value.code == "appeal_waits"
    assert [one.id for one in store.reviews.page(Sought(appealed=True)).hits] == [hit]
    answered = store.reviews.answer(made.id, True, "王班长", "确实")
    assert (answered.upheld, answered.answer, answered.answered_by) == (True, "确实", "王班长")
    assert store.reviews.get(hit).verdict == "false_alarm"
    assert store.reviews.page(Sought(appealed=True)).hits == ()
    with pytest.raises(InputError) as caught:
        store.reviews.answer(made.id, False, "李班长", "不行")
    assert caught.value.code == "approval_closed"
    assert store.verify_audit().sound


def test_an_appeal_that_is_turned_down_leaves_the_verdict_and_says_why(store: Store) -> None:
    hit = hit_in(store)
    store.hits.judge(hit, "right", "王班长")
    made = store.reviews.appeal(hit, "小李", "是客户的原话")
    with pytest.raises(InputError) as caught:
        store.reviews.answer(made.id, False, "王班长", " ")
    assert caught.value.code == "no_comment"
    assert store.reviews.answer(made.id, False, "王班长", "客户没这么说").upheld is False
    assert store.reviews.get(hit).verdict == "right"
    again = store.reviews.appeal(hit, "小李", "有录音")
    assert [one.id for one in store.reviews.appeals(hit)] == [made.id, again.id]


@pytest.mark.parametrize("who", ["小李", " 小李\u3000", "小\u200b李"])
def test_nobody_answers_an_own_appeal(store: Store, who: str) -> None:
    made = store.reviews.appeal(hit_in(store), "小李", "冤枉")
    with pytest.raises(InputError) as caught:
        store.reviews.answer(made.id, True, who)
    assert caught.value.code == "own_appeal"
    assert store.reviews.appeals(made.hit)[0].upheld is None


def test_nobody_judges_or_answers_on_own_hits(store: Store) -> None:
    message = store.conversations.receive("王女士", "在吗")
    store.decisions.record(
        message.conversation,
        "rewritten",
        text="保本的",
        who="小李",
        hits=[Hit("promise", "承诺", "L2", "hint", 0, 2, "保本", "agent")],
    )
    (hit,) = store.reviews.page().hits
    made = store.reviews.appeal(hit.id, "小满", "引用")
    for act in (
        lambda: store.reviews.judge_all([hit.id], "false_alarm", " 小李"),
        lambda: store.reviews.answer(made.id, True, "小李", "对"),
    ):
        with pytest.raises(InputError) as own:
            act()
        assert own.value.code == "own_hit"
    assert store.reviews.get(hit.id).verdict is None
    store.reviews.judge_all([hit.id], "right", "王班长")


def test_the_same_stretch_is_missed_once(store: Store) -> None:
    message = store.conversations.receive("王女士", "在吗在吗")
    store.reviews.missed(message.id, 0, 2, "王班长")
    store.reviews.missed(message.id, 2, 4, "王班长")
    with pytest.raises(InputError) as twice:
        store.reviews.missed(message.id, 0, 2, "李班长")
    assert twice.value.code == "already_missed"
