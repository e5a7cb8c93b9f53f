"""What comes in is stored, screened and, where it must be, handed over."""

from __future__ import annotations

from answering import BrokenGate

from engine import texts
from engine.reception import RULES_FAILED, catch_up, receive
from engine.records import Turn
from engine.redline.gate import Gate
from engine.store.rows import ExternalKey
from engine.store.store import Store


def test_a_harmless_message_is_only_stored(store: Store, gate: Gate) -> None:
    received = receive(store, gate, "王女士", "能退吗", channel="网页", label="金卡")
    assert received.handover is None
    assert received.screening.action == "none"
    row = store.conversations.get(received.message.conversation)
    assert (row.channel, row.label, row.handed_over) == ("网页", "金卡", None)


def test_a_threat_to_sue_opens_a_case_with_its_script(store: Store, gate: Gate) -> None:
    received = receive(store, gate, "赵先生", "法庭上见")
    case = received.handover
    assert case is not None
    assert (case.category, case.rule, case.script) == ("legal", "court", "马上请专人联系您。")
    assert case.message == received.message.id
    (hit,) = store.hits.of(received.message.conversation)
    assert (hit.hit.text, hit.message) == ("法庭", received.message.id)
    again = receive(store, gate, "赵先生", "法庭", conversation=received.message.conversation)
    assert again.handover == case
    harmless = receive(store, gate, "赵先生", "在吗", conversation=received.message.conversation)
    assert harmless.handover == case


def test_the_script_of_a_case_is_in_the_customers_language(store: Store, gate: Gate) -> None:
    """The agent's window may be in the other one."""
    chinese = receive(store, gate, "赵先生", "法庭上见", language="en")
    assert chinese.handover is not None
    assert chinese.handover.script == "马上请专人联系您。"
    broken = BrokenGate(gate.rule_set)
    english = receive(store, broken, "Ann", "Where is my parcel?", language="zh")
    assert english.handover is not None
    assert english.handover.script == texts.text("store.script.rules_failed", "en")


def test_rules_that_fail_hand_the_message_over_and_lose_nothing(store: Store, gate: Gate) -> None:
    broken = BrokenGate(gate.rule_set)
    received = receive(store, broken, "王女士", "能退吗")
    assert received.handover is not None
    assert received.handover.category == RULES_FAILED
    assert received.handover.script == texts.text("store.script.rules_failed", "zh")
    assert store.conversations.turns(received.message.conversation) == (Turn("customer", "能退吗"),)


def test_a_message_stored_before_a_crash_is_screened_at_the_next_start(
    store: Store, gate: Gate
) -> None:
    message = store.conversations.receive("赵先生", "法庭上见")
    store.conversations.receive("王女士", "法庭,去年的事", history=True)
    (received,) = catch_up(store, gate)
    assert received.message == message
    assert received.handover is not None
    assert catch_up(store, gate) == []


def test_a_message_that_a_channel_repeats_is_stored_once(store: Store, gate: Gate) -> None:
    key = ExternalKey("web", "c1", "m1")
    first = receive(store, gate, "赵先生", "法庭上见", key=key)
    second = receive(store, gate, "赵先生", "法庭上见", key=key)
    assert second.message.id == first.message.id
    assert len(store.conversations.messages(first.message.conversation)) == 1
    assert len(store.hits.of(first.message.conversation)) == 1


def test_hits_fit_the_stored_text_even_with_broken_unicode(store: Store, gate: Gate) -> None:
    received = receive(store, gate, "赵先生", "\ud83d\ude00\ud800法庭上见")
    (hit,) = received.screening.hits
    assert received.message.text[hit.start : hit.end] == "法庭"
