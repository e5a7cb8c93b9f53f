"""What drafting gets of a conversation: its newest turns, with what earlier drafts rested on."""

from __future__ import annotations

from itertools import pairwise

from engine.records import Draft, Evidence, Turn
from engine.store.store import Store

EVIDENCE = (Evidence(1, "退货.md", "退货", "期限", "签收后7天内可以退货。", 1.0),)


def exchange(store: Store, rounds: int, conversation: str | None = None) -> str:
    for number in range(rounds):
        message = store.conversations.receive("顾客", f"第{number}问", conversation=conversation)
        conversation = message.conversation
        if number + 1 < rounds:
            store.conversations.append_agent("顾客", f"第{number}答", conversation=conversation)
    assert conversation
    return conversation


def test_a_customers_turn_bears_the_evidence_of_its_newest_draft(store: Store) -> None:
    message = store.conversations.receive("顾客", "能退吗")
    older = Evidence(1, "旧.md", "旧", "", "旧的。", 1.0)
    store.keep_draft(message.conversation, message.id, Draft("drafted", "可以。", (older,)))
    store.keep_draft(message.conversation, message.id, Draft("drafted", "能退。", EVIDENCE))
    store.conversations.receive("顾客", "运费呢", conversation=message.conversation)
    turns = store.conversations.turns_to_answer(message.conversation)
    assert turns == (Turn("customer", "能退吗", EVIDENCE), Turn("customer", "运费呢"))


def test_what_was_not_written_from_evidence_bears_none(store: Store) -> None:
    message = store.conversations.receive("顾客", "能退吗")
    store.keep_draft(message.conversation, message.id, Draft("abstained", evidence=EVIDENCE))
    assert store.conversations.turns_to_answer(message.conversation) == (
        Turn("customer", "能退吗"),
    )


def test_of_a_long_conversation_the_newest_turns_are_given_and_their_start_seldom_moves(
    store: Store,
) -> None:
    conversation = exchange(store, 1)
    starts = []
    for _ in range(150):
        exchange(store, 2, conversation)
        turns = store.conversations.turns_to_answer(conversation)
        whole = store.conversations.turns(conversation)
        assert turns == whole[-len(turns) :]
        assert len(turns) == len(whole) or 64 <= len(turns) < 128
        starts.append(len(whole) - len(turns))
    assert 1 < sum(one != other for one, other in pairwise(starts)) < 10
