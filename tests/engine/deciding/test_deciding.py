"""Accepting, editing, rewriting, rejecting: what is kept of a decision, and what is refused."""

from __future__ import annotations

import pytest
from answering import drafted
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import texts
from engine.deciding import DecisionRefused, decide, edit_distance, sendable
from engine.errors import InputError
from engine.reception import receive
from engine.records import Draft
from engine.redline.gate import Gate
from engine.store.store import Store


def test_accepting_sends_the_draft_without_marks(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    decision = decide(store, gate, conversation, "accept", undo_seconds=5.0, who="小陈")
    assert (decision.action, decision.text, decision.edit_distance) == (
        "accepted",
        "可以免费退。",
        0,
    )
    (leaving,) = store.outbox.pending()
    assert leaving.text == "可以免费退。"
    assert decision.draft is not None
    assert "**免费**" in store.drafts.get(decision.draft).draft.text


def test_a_light_edit_is_edited_and_another_text_is_rewritten(store: Store, gate: Gate) -> None:
    edited = decide(store, gate, drafted(store, gate), "edit", text="可以**免费**退哦[1]。")
    assert (edited.action, edited.text, edited.edit_distance) == ("edited", "可以免费退哦。", 1)
    rewritten = decide(store, gate, drafted(store, gate), "edit", text="麻烦说一下订单号,谢谢您")
    assert rewritten.action == "rewritten"
    assert rewritten.draft is not None


def test_a_reply_without_a_draft_is_rewritten_and_left_as_typed(store: Store, gate: Gate) -> None:
    conversation = receive(store, gate, "王女士", "能退吗").message.conversation
    decision = decide(store, gate, conversation, "edit", text="见说明书[2],**加粗**")
    assert (decision.action, decision.draft) == ("rewritten", None)
    assert decision.text == "见说明书[2],**加粗**"


@pytest.mark.parametrize("status", ["abstained", "handover", "failed"])
@pytest.mark.parametrize("action", ["accept", "reject"])
def test_only_a_drafted_draft_can_be_accepted_or_rejected(
    store: Store, gate: Gate, status: str, action: str
) -> None:
    message = receive(store, gate, "王女士", "能退吗").message
    for _ in range(2):
        with pytest.raises(DecisionRefused) as caught:
            decide(store, gate, message.conversation, action, reason="tone")  # type: ignore[arg-type]
        assert caught.value.code == "no_draft"
        store.drafts.save(message.conversation, message.id, Draft(status))  # type: ignore[arg-type]
    assert store.decisions.of(message.conversation) == []


def test_a_rejection_needs_a_reason(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(DecisionRefused) as caught:
        decide(store, gate, conversation, "reject")
    assert caught.value.code == "no_reason"
    decision = decide(store, gate, conversation, "reject", reason="wrong_fact")
    assert (decision.action, decision.outgoing) == ("rejected", None)
    assert store.conversations.waiting() == [conversation]


def test_an_agent_may_hand_over_and_still_answer(store: Store, gate: Gate) -> None:
    conversation = receive(store, gate, "王女士", "能退吗").message.conversation
    with pytest.raises(DecisionRefused):
        decide(store, gate, conversation, "hand_over", needs_draft=True)
    decision = decide(store, gate, conversation, "hand_over", comment="要找班长")
    assert (decision.action, decision.outgoing) == ("handed_over", None)
    assert store.conversations.get(conversation).handed_over == "agent"
    answer = decide(store, gate, conversation, "edit", text="班长马上来")
    assert answer.action == "rewritten"
    assert store.conversations.get(conversation).handed_over == "agent"


def table_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (one != other))
    return row[-1]


def test_a_draft_the_agent_has_not_seen_is_never_sent(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    seen = store.drafts.latest(conversation)
    assert seen is not None
    message = receive(store, gate, "王女士", "不退了", conversation=conversation).message
    store.drafts.save(conversation, message.id, Draft("drafted", "好的"))
    with pytest.raises(DecisionRefused) as caught:
        decide(store, gate, conversation, "accept", draft_id=seen.id)
    assert caught.value.code == "draft_stale"
    fresh = store.drafts.latest(conversation)
    assert fresh is not None
    assert decide(store, gate, conversation, "accept", draft_id=fresh.id).text == "好的"


def test_a_message_that_comes_while_the_gate_reads_refuses_the_draft(
    store: Store, gate: Gate
) -> None:
    """Another process writes to the same file: `zuoxi inbox add` beside a window."""
    conversation = drafted(store, gate)

    class Reading(Gate):
        def _screen(self, *arguments: object) -> object:  # type: ignore[override]
            receive(store, gate, "王女士", "不退了", conversation=conversation)
            return super()._screen(*arguments)  # type: ignore[arg-type]

    with pytest.raises(DecisionRefused) as caught:
        decide(store, Reading(gate.rule_set), conversation, "accept")
    assert caught.value.code == "draft_stale"
    assert store.outbox.pending() == []
    assert store.decisions.of(conversation) == []


@pytest.mark.parametrize("text", [None, "", " \n", "[1] **"])
def test_an_empty_text_is_not_sent(store: Store, gate: Gate, text: str | None) -> None:
    with pytest.raises(DecisionRefused) as caught:
        decide(store, gate, drafted(store, gate), "edit", text=text)
    assert caught.value.code == "empty_text"


def test_an_unknown_conversation_cannot_be_decided(store: Store, gate: Gate) -> None:
    with pytest.raises(InputError) as caught:
        decide(store, gate, "nobody", "accept")
    assert caught.value.code == "no_conversation"


def test_every_refusal_has_its_sentence_in_both_languages() -> None:
    for code in ("no_draft", "draft_stale", "no_reason", "empty_text", "already_decided"):
        assert texts.text(f"error.{code}", "zh") != texts.text(f"error.{code}", "en")


@pytest.mark.parametrize(
    ("draft", "sent"),
    [
        (
            "可以**免费上门检修**[1],师傅**24小时**内联系您[2][3]。",
            "可以免费上门检修,师傅24小时内联系您。",
        ),
        ("Free repair [1].", "Free repair."),
        ("价格[面议]不变", "价格[面议]不变"),
        ("一。 \u3000[1] [2]二", "一。二"),
        ("尾号**3天**内短信到138****8000", "尾号3天内短信到138****8000"),
        ("一" + " " * 500_000 + "二", "一" + " " * 500_000 + "二"),
        (" 您好\ud800[12] ", "您好\ufffd"),
    ],
)
def test_marks_are_for_the_agent_only(draft: str, sent: str) -> None:
    assert sendable(draft) == sent


@given(st.text(alphabet="退货x😀", max_size=14), st.text(alphabet="退货x😀", max_size=14))
@settings(deadline=None)
def test_the_edit_distance_is_levenshteins(first: str, second: str) -> None:
    assert edit_distance(first, second) == table_distance(first, second)


def test_the_edit_distance_of_huge_texts_is_capped() -> None:
    assert edit_distance("甲" * 500_000, "乙" * 400_000) == 500_000
    assert edit_distance("甲" * 500_000, "甲" * 499_999) == 1
