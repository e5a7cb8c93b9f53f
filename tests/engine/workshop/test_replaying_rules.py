"""What a changed rule set would have done to everything that was said."""

from __future__ import annotations

import itertools
from datetime import date

from written_rules import GIFT

from engine.reception import receive
from engine.records import Draft, Hit, Release
from engine.redline.gate import Gate
from engine.store.store import Store
from engine.workshop.replay import Replayed, Row, not_in_force, replay
from engine.workshop.workshop import Workshop

LONG = "我们看看。" * 40


def told(store: Store, gate: Gate) -> None:
    """Two conversations: a threat to sue, a promise that was held back, a sent gift, a draft."""
    first = receive(store, gate, "张三", "在吗？再不退款法庭上见").message
    store.drafts.save(first.conversation, first.id, Draft("drafted", "放心，送您一份礼[1]。"))
    store.decisions.record(
        first.conversation, "rewritten", text="亲，送您一份礼", who="小周", edit_distance=3
    )
    second = receive(store, gate, "李四", "在吗").message
    text = f"{LONG}包你满意{LONG}"
    start = len(LONG)
    hit = Hit("promise", "promise", "L3", "block", start, start + 4, "包你满意", "agent")
    store.hits.add_all(second.conversation, None, text, [hit], agent="小周")


def rows(store: Store, workshop: Workshop, chunk: int = 200) -> tuple[list[Row], Replayed]:
    """Everything that the draft would change, and the last event."""
    sets = workshop.rule_set("in_force"), workshop.rule_set("draft")
    events = list(replay(store, *sets, chunk=chunk))
    return [row for event in events for row in event.rows], events[-1]


def test_new_hits_are_found_on_every_side(store: Store, gate: Gate, workshop: Workshop) -> None:
    told(store, gate)
    workshop.put(GIFT, "王班长")
    found, last = rows(store, workshop)
    assert [(one.what, one.source, one.side) for one in found] == [
        ("new", "message", "agent"),
        ("new", "draft", "model"),
    ]
    assert {one.excerpt[one.start : one.end] for one in found} == {"送您一份礼"}
    assert last.done == last.total == store.history.total() == 5
    assert (last.totals.new, last.totals.rules["own.gift"].new) == (2, 2)


def test_lost_hits_and_what_was_kept_back_are_found(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    workshop.switch_off("rule", "promise", "王班长")
    workshop.switch_off("rule", "court", "王班长")
    found, last = rows(store, workshop)
    assert [(one.what, one.rule, one.source) for one in found] == [
        ("lost", "court", "message"),
        ("lost", "promise", "kept_back"),
    ]
    assert found[1].excerpt[found[1].start : found[1].end] == "包你满意"
    assert last.totals.lost == 2


def test_verdicts_that_would_flip_are_told_for_better_and_worse(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    [court] = [one for one in store.hits.page() if one.hit.rule == "court"]
    [promise] = [one for one in store.hits.page() if one.hit.rule == "promise"]
    store.hits.judge(court.id, "right", "李班长")
    store.hits.judge(promise.id, "false_alarm", "李班长")
    [sent] = [
        one for one in store.conversations.messages(court.conversation) if one.role == "agent"
    ]
    store.reviews.missed(sent.id, 2, 7, "李班长")
    workshop.switch_off("rule", "promise", "王班长")
    workshop.switch_off("rule", "court", "王班长")
    workshop.put(GIFT, "王班长")
    found, last = rows(store, workshop)
    assert {(one.rule, one.source): (one.verdict, one.flips) for one in found} == {
        ("court", "message"): ("right", "worse"),
        ("promise", "kept_back"): ("false_alarm", "better"),
        ("own.gift", "message"): ("missed", "better"),
        ("own.gift", "draft"): ("", ""),
    }
    assert (last.totals.better, last.totals.worse) == (2, 1)


def test_what_stays_but_acts_otherwise_is_told(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    text = workshop.one("rule", "promise").text
    workshop.put(text.replace("action: block", "action: block\nshadow: true"), "w", id="promise")
    found, _ = rows(store, workshop)
    assert [(one.what, one.trial) for one in found] == [("altered", True)]


def test_conditions_on_the_conversation_are_replayed(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    text = GIFT.replace("match: {words: [送您一份礼]}", (
        "dialogue: {said: {by: customer, words: [法庭]}}\nmatch: {words: [礼, 满意]}"
    )).replace("[model, agent]", "agent").replace("must_hit: [送您一份礼]", (
        'must_hit: ["C: 法庭上见\\nA: 送您一份礼"]'
    ))  # fmt: skip
    kept = workshop.put(text, "王班长")
    assert kept.problems == ()
    found, _ = rows(store, workshop)
    # What was kept back says 满意 too, but its customer spoke of no court.
    assert [(one.source, one.excerpt[one.start : one.end]) for one in found] == [("message", "礼")]


def test_a_mandatory_script_that_was_left_out_is_a_hit(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    text = workshop.one("script", "greeting").text
    text = text.replace("words: [在吗]", "words: [再不退款]")
    text = text.replace("must_hit: [在吗]", "must_hit: [再不退款]")
    workshop.put(text, "王班长", kind="script", id="greeting")
    found, last = rows(store, workshop)
    # Both calls are answered without it in the first conversation; in the other there is only 在吗.
    assert [(one.what, one.rule, one.source) for one in found] == [
        ("lost", "greeting", "kept_back")
    ]
    assert last.totals.new == 0


def test_rules_are_judged_by_their_dates_as_of_one_day(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    told(store, gate)
    workshop.put(f"{GIFT}effective: {{from: 2999-01-01}}\n", "王班长")
    sets = workshop.rule_set("in_force"), workshop.rule_set("draft")
    for day, new, left_out in (
        (None, 0, ("own.gift",)),
        (date(2998, 12, 31), 0, ("own.gift",)),
        (date(2999, 1, 1), 2, ()),
    ):
        *_, last = replay(store, *sets, day=day)
        assert last.totals.new == new
        assert not_in_force(*sets, day or date.today()) == left_out


def test_nothing_changed_is_said_at_once(store: Store, gate: Gate, workshop: Workshop) -> None:
    told(store, gate)
    same = workshop.rule_set("in_force")
    [only] = replay(store, same, same)
    assert (only.done, only.rows) == (5, ())


def test_it_comes_in_pieces_and_can_be_called_off(
    store: Store, gate: Gate, workshop: Workshop
) -> None:
    for _ in range(4):
        told(store, gate)
    workshop.put(GIFT, "王班长")
    steps = replay(store, workshop.rule_set("in_force"), workshop.rule_set("draft"), chunk=3)
    done = [step.done for step in itertools.islice(steps, 2)]
    steps.close()  # type: ignore[attr-defined]
    assert done == [3, 6] and store.history.total() == 20
    _, last = rows(store, workshop, chunk=3)
    assert last.totals.new == 8


def test_undone_messages_and_abstained_drafts_are_no_history(store: Store, gate: Gate) -> None:
    first = receive(store, gate, "张三", "你好").message
    store.drafts.save(first.conversation, first.id, Draft("abstained", release=Release()))
    decision = store.decisions.record(
        first.conversation, "rewritten", text="送您一份礼", who="小周", undo_seconds=60
    )
    store.decisions.undo(decision.id)
    assert store.history.total() == 1
    [conversation] = store.history.conversations()
    assert [one.source for one in conversation.texts] == ["message"]
