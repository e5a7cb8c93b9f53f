from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import texts
from engine.deciding import DecisionRefused, SendRefused, decide, edit_distance, sendable
from engine.errors import GateRefused, InputError, RuleError
from engine.reception import RULES_FAILED, catch_up, receive
from engine.records import Draft, Evidence, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.rows import ExternalKey
from engine.store.store import Store, open_store

PACK = """
pack: {id: test, version: 1, owner: 测试组, title: {zh: 测试规则, en: Test rules}}
rules:
  - id: court
    side: customer
    category: legal
    level: L4
    action: handover
    name: {zh: 起诉, en: Lawsuit}
    why: {zh: 客户要走法律程序, en: The customer goes to court}
    advice: {zh: 转人工, en: Hand over}
    script: {zh: 马上请专人联系您。, en: A colleague will contact you at once.}
    match: {words: [法庭]}
    must_hit: [法庭上见]
    must_miss: [你好]
  - id: insult
    side: agent
    category: tone
    level: L3
    action: block
    name: {zh: 辱骂, en: Insult}
    why: {zh: 不能骂客户, en: No insults}
    advice: {zh: 删掉, en: Remove it}
    match: {words: [蠢货]}
    must_hit: [你这蠢货]
    must_miss: [你好]
  - id: threat
    side: agent
    category: legal
    level: L4
    action: handover
    name: {zh: 威胁, en: Threat}
    why: {zh: 不能威胁客户, en: No threats}
    advice: {zh: 删掉, en: Remove it}
    match: {words: [后果自负]}
    must_hit: [那就后果自负]
    must_miss: [你好]
  - id: secret
    side: agent
    category: privacy
    level: L2
    action: mask
    name: {zh: 内部口令, en: Password}
    why: {zh: 不能外传, en: Internal}
    advice: {zh: 打码, en: Masked}
    match: {words: [芝麻开门]}
    must_hit: [口令是芝麻开门]
    must_miss: [你好]
  - id: promise
    side: agent
    category: promise
    level: L1
    action: hint
    name: {zh: 承诺, en: Promise}
    why: {zh: 小心承诺, en: Careful}
    advice: {zh: 核对, en: Check}
    match: {words: [保证]}
    must_hit: [我保证]
    must_miss: [你好]
scripts:
  - id: risk
    name: {zh: 风险提示, en: Risk}
    when: {words: [理财]}
    text: {zh: 投资有风险。, en: Investments carry risk.}
    must_hit: [想买理财]
    must_miss: [你好]
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "test.yaml").write_text(PACK, encoding="utf-8")
    return Gate(load_rules(folder))


class BrokenGate(Gate):
    """A gate whose rule engine fails."""

    def screen(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        raise MemoryError("out of memory in the matcher")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "zuoxi.db") as opened:
        yield opened


def drafted(
    store: Store, gate: Gate, text: str = "可以**免费**退[1]。", ask: str = "能退吗"
) -> str:
    received = receive(store, gate, "王女士", ask)
    conversation = received.message.conversation
    evidence = (Evidence(1, "退换.md", "退换", "七天", "七天内免费退", 1.0),)
    draft = Draft("drafted", text, evidence=evidence)
    store.drafts.save(conversation, received.message.id, draft)
    return conversation


# Reception


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


# Deciding


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


def test_a_draft_passes_the_gate_as_well(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate, text="你这**蠢**货[1]")
    with pytest.raises(SendRefused):
        decide(store, gate, conversation, "accept")


def test_an_override_with_a_leads_approval_sends_and_is_kept(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    decision = decide(
        store,
        gate,
        conversation,
        "edit",
        text="您说的蠢货是谁",
        override="引用客户原话",
        who="小李",
        approved_by="王班长",
    )
    assert (decision.override, decision.approved_by) == ("引用客户原话", "王班长")
    assert [hit.rule for hit in decision.hits] == ["insult"]
    assert len(store.outbox.pending()) == 1


@pytest.mark.parametrize("lead", ["", "  ", "小李", " 小李 "])
def test_nobody_approves_an_own_override(store: Store, gate: Gate, lead: str) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused) as caught:
        decide(
            store,
            gate,
            conversation,
            "edit",
            text="您说的蠢货是谁",
            override="引用客户原话",
            who="小李",
            approved_by=lead,
        )
    assert caught.value.code == "needs_lead"
    assert "insult" not in str(caught.value) and store.outbox.pending() == []
    assert texts.text("error.needs_lead", "zh", **caught.value.values)


def test_a_hard_block_has_no_override(store: Store, gate: Gate) -> None:
    conversation = drafted(store, gate)
    with pytest.raises(SendRefused) as caught:
        decide(
            store,
            gate,
            conversation,
            "edit",
            text="那就后果自负",
            override="没有别的说法",
            who="小李",
            approved_by="王班长",
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


def table_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (one != other))
    return row[-1]


@given(st.text(alphabet="退货x😀", max_size=14), st.text(alphabet="退货x😀", max_size=14))
@settings(deadline=None)
def test_the_edit_distance_is_levenshteins(first: str, second: str) -> None:
    assert edit_distance(first, second) == table_distance(first, second)


def test_the_edit_distance_of_huge_texts_is_capped() -> None:
    assert edit_distance("甲" * 500_000, "乙" * 400_000) == 500_000
    assert edit_distance("甲" * 500_000, "甲" * 499_999) == 1
