"""A list of hits of any length: places, rows, verdicts that are said and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.records import Draft, Hit
from engine.store.listing import Said
from engine.store.seeking import Sought
from engine.store.store import Store, open_store

RULES = ("t.lawyer", "t.promise", "t.code")


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Store]:
    """Nine hits in three conversations, three of each rule."""
    with open_store(tmp_path / "store.sqlite") as store:
        for at in range(9):
            text = f"第{at}句律师函"
            message = store.conversations.receive(f"顾客{at % 3}", text, at=float(at))
            hit = Hit(RULES[at % 3], "legal", "L3", "log", 3, 6, "律师函", "customer")
            store.hits.add_all(message.conversation, message.id, text, [hit], at=float(at))
        yield store


def test_places_are_those_of_the_filter_newest_first(listed: Store) -> None:
    listing = listed.listing
    assert list(listing.places(Sought())) == list(range(9, 0, -1))
    only = listing.places(Sought(rule="t.promise"))
    assert [row.hit.hit.rule for row in listing.rows(only)] == ["t.promise"] * 3
    assert list(listing.places(Sought(since=2.0, until=4.0))) == [4, 3]
    assert list(listing.places(Sought(rule="nobody's"))) == []


def test_rows_come_in_the_order_asked_and_without_what_is_gone(listed: Store) -> None:
    assert [row.place for row in listed.listing.rows([3, 99, 7, 1])] == [3, 7, 1]
    assert listed.listing.rows([]) == []


def test_what_occurs_can_be_looked_for(listed: Store) -> None:
    found = listed.listing.occurring()
    assert (found.rules, found.categories, found.agents) == (tuple(sorted(RULES)), ("legal",), ())


def test_a_row_knows_its_newest_verdict_and_appeal(listed: Store) -> None:
    hit = listed.listing.rows([5])[0].hit.id
    listed.hits.judge(hit, "right", "甲", "一")
    listed.hits.judge(hit, "false_alarm", "乙", "二")
    listed.reviews.appeal(hit, "小满", "是引用")
    row = listed.listing.rows([5])[0]
    assert (row.hit.verdict, row.judged_by, row.note) == ("false_alarm", "乙", "二")
    assert row.appeal is not None and (row.appeal.text, row.appeal.upheld) == ("是引用", None)
    listed.listing.say(Said("", "", (5,)), "丙")
    row = listed.listing.rows([5])[0]
    assert (row.hit.verdict, row.judged_by, row.note) == (None, "", "")
    assert 5 in listed.listing.places(Sought(verdict="unjudged"))


verdicts = st.sampled_from(["right", "false_alarm", ""])
bulks = st.lists(
    st.tuples(st.sets(st.integers(1, 9), min_size=1), verdicts, st.text("好坏", max_size=2)),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bulks)
def test_bulks_are_taken_back_to_what_stood_before(
    listed: Store, steps: list[tuple[set[int], str, str]]
) -> None:
    listing, everything = listed.listing, list(range(1, 10))

    def standing() -> list[tuple[str | None, str]]:
        return [(row.hit.verdict, row.note) for row in listing.rows(everything)]

    stood, former = [standing()], []
    for places, verdict, note in steps:
        chosen = tuple(sorted(places))
        former.append(listing.said(chosen))
        listing.say(Said(verdict, note if verdict else "", chosen), "组长")
        stood.append(standing())
    for said in reversed(former):
        assert standing() == stood.pop()
        for one in said:
            listing.say(one, "组长")
    assert standing() == stood.pop()


def test_the_draft_behind_a_hit_is_found_from_either_side(listed: Store) -> None:
    row = listed.listing.rows([9])[0].hit
    assert listed.listing.draft_behind(row) is None
    assert row.message is not None
    saved = listed.drafts.save(row.conversation, row.message, Draft("drafted", "好的"))
    behind = listed.listing.draft_behind(row)
    assert behind is not None and behind.id == saved.id
    text = "我们百分百保证"
    hit = Hit("t.promise", "promise", "L3", "log", 2, 7, "百分百保证")
    listed.decisions.record(
        row.conversation, "edited", text=text, draft=saved.id, who="小满", hits=[hit]
    )
    reply = listed.listing.rows([10])[0].hit
    behind = listed.listing.draft_behind(reply)
    assert behind is not None and behind.id == saved.id
    assert listed.listing.occurring().agents == ("小满",)
