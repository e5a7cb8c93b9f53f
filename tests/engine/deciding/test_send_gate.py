"""What an agent sends passes the gate, whatever the words came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from answering import drafted

from engine import texts
from engine.deciding import DecisionRefused, SendRefused, ask_for_approval, decide
from engine.errors import GateRefused, RuleError
from engine.reception import receive
from engine.redline.gate import Gate
from engine.store.store import Store


@pytest.mark.parametrize(("word", "rule"), [("蠢货", "insult"), ("后果自负", "threat")])
def test_a_stopping_rule_keeps_the_text_back_and_stores_only_the_hit(
    store: Store, gate: Gate, word: str, rule: str
) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused) as caught:
        decide(store, gate, conversation, "edit", text=f"你这{word},蠢货")
    error = caught.value
    assert isinstance(error, GateRefused)
    assert error.code == "blocked"
    assert rule in [hit.rule for hit in error.hits]
    assert all(error.text[hit.start : hit.end] == hit.text for hit in error.hits)
    assert word not in str(error.values)
    assert store.decisions.of(conversation) == []
    assert store.outbox.pending() == []
    assert {stored.message for stored in store.hits.of(conversation)} == {None}
    assert store.drafts.latest(conversation) is not None
    assert texts.text("error.blocked", "zh", **error.values)


def test_another_language_of_the_interface_frees_no_text_from_a_rule(
    store: Store, gate: Gate
) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused):
        decide(store, gate, conversation, "edit", text="侬晓得伐", language="en")


def test_a_draft_passes_the_gate_as_well(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate, text="你这**蠢**货[1]")
    with pytest.raises(SendRefused):
        decide(store, gate, conversation, "accept")


INSULT = "您说的蠢货是谁"


def test_an_override_with_a_leads_approval_sends_and_is_kept(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    asked = ask_for_approval(store, gate, conversation, "引用客户原话", "小李", text=INSULT)
    assert [hit.rule for hit in asked.hits] == ["insult"]
    store.approvals.decide(asked.id, True, "王班长")
    decision = decide(store, gate, conversation, "edit", text=INSULT, who="小李")
    assert (decision.override, decision.approved_by) == ("引用客户原话", "王班长")
    assert [hit.rule for hit in decision.hits] == ["insult"]
    assert len(store.outbox.pending()) == 1
    assert store.approvals.get(asked.id).state == "used"


@pytest.mark.parametrize("answer", [None, False])
def test_what_no_lead_has_approved_does_not_leave(
    store: Store, gate: Gate, answer: bool | None
) -> None:
    conversation = drafted(store, gate)
    asked = ask_for_approval(store, gate, conversation, "引用客户原话", "小李", text=INSULT)
    if answer is not None:
        store.approvals.decide(asked.id, answer, "王班长", "换个说法")
    with pytest.raises(SendRefused) as caught:
        decide(store, gate, conversation, "edit", text=INSULT, override="客户要求", who="小李")
    assert caught.value.code == "needs_lead"
    assert "insult" not in str(caught.value) and store.outbox.pending() == []
    assert texts.text("error.needs_lead", "zh", **caught.value.values)


@pytest.mark.parametrize("override", [None, "组长自己发"])
def test_the_lead_who_approved_a_text_does_not_send_it(
    store: Store, gate: Gate, override: str | None
) -> None:
    conversation = drafted(store, gate)
    asked = ask_for_approval(store, gate, conversation, "引用客户原话", "小李", text=INSULT)
    store.approvals.decide(asked.id, True, "王班长")
    with pytest.raises(SendRefused) as caught:
        decide(store, gate, conversation, "edit", text=INSULT, override=override, who="王 班长")
    assert caught.value.code == "needs_lead"
    assert store.outbox.pending() == []
    assert store.approvals.get(asked.id).state == "approved"
    # A colleague of the one who asked may be at the desk by then.
    assert decide(store, gate, conversation, "edit", text=INSULT, who="小周").approved_by


def test_an_approval_covers_one_text_of_one_conversation_once(store: Store, gate: Gate) -> None:
    here, there = drafted(store, gate), drafted(store, gate)
    asked = ask_for_approval(store, gate, here, "引用客户原话", "小李", text=INSULT)
    store.approvals.decide(asked.id, True, "王班长")
    for conversation, text in ((here, INSULT + "呢"), (there, INSULT)):
        with pytest.raises(SendRefused):
            decide(store, gate, conversation, "edit", text=text, override="客户要求", who="小李")
    first = decide(store, gate, here, "edit", text=INSULT, who="小李", undo_seconds=9)
    with pytest.raises(SendRefused):
        decide(store, gate, here, "edit", text=INSULT, override="再发一次", who="小李")
    assert store.decisions.undo(first.id)
    assert decide(store, gate, here, "edit", text=INSULT, who="小李").approved_by == "王班长"


def test_nothing_but_what_a_lead_may_let_pass_is_asked_for(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused) as hard:
        ask_for_approval(store, gate, conversation, "没有别的说法", "小李", text="那就后果自负")
    assert hard.value.code == "no_override"
    with pytest.raises(DecisionRefused) as needless:
        ask_for_approval(store, gate, conversation, "保险起见", "小李", text="好的")
    assert needless.value.code == "no_approval_needed"
    assert texts.text("error.no_approval_needed", "zh")
    assert store.approvals.queue() == []


def test_what_the_agent_lets_pass_alone_is_told_to_the_lead(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate, ask="想买理财")
    decision = decide(
        store, gate, conversation, "edit", text="好的", override="刚说过了", who="小李"
    )
    (told,) = store.approvals.queue()
    assert (told.state, told.text, told.reason, told.decision) == (
        *("told", "好的", "刚说过了"),
        decision.id,
    )
    store.approvals.see(told.id, "王班长")
    assert store.approvals.queue() == []


def test_a_needless_reason_is_no_override(store: Store, gate: Gate) -> None:
    decision = decide(
        store, gate, drafted(store, gate), "edit", text="口令是芝麻开门", override="赶时间"
    )
    assert (decision.text, decision.override) == ("口令是****", None)
    assert store.approvals.queue() == []


def test_a_hard_block_has_no_override(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused) as caught:
        decide(
            *(store, gate, conversation, "edit"),
            text="那就后果自负",
            override="没有别的说法",
            who="小李",
        )
    assert caught.value.code == "no_override"
    assert store.outbox.pending() == []
    assert texts.text("error.no_override", "zh", **caught.value.values)


@pytest.mark.parametrize("override", ["", "  ", "\n\u3000"])
def test_an_override_needs_a_reason(store: Store, gate: Gate, override: str) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused):
        decide(store, gate, conversation, "edit", text="您说的蠢货是谁", override=override)
    assert store.outbox.pending() == []


def test_a_missing_mandatory_script_is_named(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate, ask="想买理财")
    with pytest.raises(SendRefused) as caught:
        decide(store, gate, conversation, "accept")
    assert caught.value.code == "script_missing"
    assert caught.value.scripts == ("投资有风险。",)
    assert "投资有风险。" in texts.text("error.script_missing", "zh", **caught.value.values)
    decision = decide(store, gate, conversation, "edit", text="可以免费退。投资有风险。")
    assert decision.action in ("edited", "rewritten")


def test_a_mandatory_script_is_due_once_each_time_it_is_called_for(
    store: Store, gate: Gate
) -> None:
    conversation = drafted(store, gate, ask="想买理财")
    decide(store, gate, conversation, "edit", text="有三种。投资有风险。")
    receive(store, gate, "王女士", "好的谢谢", conversation=conversation)
    assert decide(store, gate, conversation, "edit", text="不客气").text == "不客气"
    receive(store, gate, "王女士", "再说说理财", conversation=conversation)
    with pytest.raises(SendRefused) as caught:
        decide(store, gate, conversation, "edit", text="好的")
    assert caught.value.code == "script_missing"


def test_a_masking_rule_stars_out_what_leaves(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    decision = decide(store, gate, conversation, "edit", text="口令是芝麻开门")
    assert decision.text == "口令是****"
    assert store.outbox.pending()[0].text == "口令是****"


def test_hits_behind_a_rewritten_one_are_kept_where_they_stand_in_what_leaves(
    store: Store, gate: Gate
) -> None:
    conversation = drafted(store, gate)
    typed = "保证，慢走不送。慢走不送！我保证"
    decision = decide(store, gate, conversation, "edit", text=typed)
    assert decision.text == "保证，祝您生活愉快。祝您生活愉快！我保证"
    shown = [decision.text[hit.start : hit.end] for hit in decision.hits]
    assert shown == ["保证", "祝您生活愉快", "祝您生活愉快", "保证"]
    for kept in store.hits.of(conversation):
        assert kept.screened == decision.text
        assert kept.screened[kept.hit.start : kept.hit.end] in ("保证", "祝您生活愉快")


def test_a_hint_stops_nothing(store: Store, gate: Gate) -> None:
    decision = decide(store, gate, drafted(store, gate), "edit", text="我保证可以免费退。")
    assert [hit.rule for hit in decision.hits] == ["promise"]


def test_rules_that_fail_let_nothing_out(store: Store, gate: Gate, tmp_path: Path) -> None:
    conversation = drafted(store, gate)

    class Failing(Gate):
        def _screen(self, *arguments: object) -> object:  # type: ignore[override]
            raise MemoryError

    with pytest.raises(RuleError):
        decide(store, Failing(gate.rule_set), conversation, "accept")
    assert store.outbox.pending() == []
