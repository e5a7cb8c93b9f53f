"""Any order of what customers and agents do, with restarts in between."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from engine.errors import InputError
from engine.records import Draft
from engine.store.rows import StoredDecision
from engine.store.store import Store, open_store

texts = st.text(min_size=1, max_size=6)


class StoreMachine(RuleBasedStateMachine):
    conversations = Bundle("conversations")
    decisions = Bundle("decisions")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store: Store
        self.now = 1000.0
        # The model: per conversation its turns (role, at, message, undone).
        self.said: dict[str, list[tuple[str, float, str]]] = {}
        self.undone: set[str] = set()
        self.sent: list[str] = []
        self.delivered: set[str] = set()
        self.recorded: dict[str, StoredDecision] = {}

    @initialize()
    def begin(self) -> None:
        self.store = open_store(Path(self.folder.name) / "zuoxi.db")

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    @rule(target=conversations, text=texts)
    def open(self, text: str) -> str:
        message = self.store.conversations.receive("客户", text, at=self.tick())
        self.said[message.conversation] = [("customer", message.at, message.id)]
        return message.conversation

    @rule(conversation=conversations, text=texts)
    def write_again(self, conversation: str, text: str) -> None:
        message = self.store.conversations.receive(
            "客户", text, conversation=conversation, at=self.tick()
        )
        self.said[conversation].append(("customer", message.at, message.id))

    @rule(conversation=conversations, text=texts)
    def draft(self, conversation: str, text: str) -> None:
        newest = self.store.conversations.get(conversation).newest_message
        assert newest is not None
        saved = self.store.drafts.save(conversation, newest, Draft("drafted", text))
        assert self.store.drafts.latest(conversation) == saved

    @rule(target=decisions, conversation=conversations, undo=st.sampled_from([0.0, 3.0, 50.0]))
    def accept(self, conversation: str, undo: float) -> object:
        draft = self.store.drafts.latest(conversation)
        if draft is None:
            return multiple()
        decision = self.store.decisions.record(
            conversation,
            "accepted",
            text=draft.draft.text,
            draft=draft.id,
            undo_seconds=undo,
            at=self.tick(),
        )
        self.remember(decision)
        try:
            self.store.decisions.record(conversation, "accepted", text="x", draft=draft.id)
            raise AssertionError("decided twice")
        except InputError as refused:
            assert refused.code == "already_decided"
        return decision.id

    @rule(target=decisions, conversation=conversations, text=texts)
    def rewrite(self, conversation: str, text: str) -> str:
        decision = self.store.decisions.record(
            conversation, "rewritten", text=text, undo_seconds=5.0, at=self.tick()
        )
        self.remember(decision)
        return decision.id

    @rule(conversation=conversations)
    def reject(self, conversation: str) -> None:
        draft = self.store.drafts.latest(conversation)
        if draft is not None:
            decision = self.store.decisions.record(
                conversation, "rejected", draft=draft.id, reason="other", at=self.tick()
            )
            self.recorded[decision.id] = decision
            assert self.store.drafts.latest(conversation) is None

    @rule(decision=decisions)
    def undo(self, decision: str) -> None:
        stored = self.recorded[decision]
        assert stored.outgoing is not None
        possible = stored.outgoing not in self.undone and stored.outgoing not in self.sent
        # A draft may have been decided on anew only after the former decision was undone.
        assert self.store.decisions.undo(decision) == possible
        if possible:
            self.undone.add(stored.outgoing)
            if stored.draft is not None:
                assert not self.store.drafts.get(stored.draft).decided

    @rule(seconds=st.sampled_from([1.0, 10.0, 100.0]))
    def send_what_is_due(self, seconds: float) -> None:
        self.now += seconds
        for message in self.store.outbox.due(self.now):
            assert message.due is not None and message.due <= self.now
            if self.store.outbox.mark_sent(message.id, self.now):
                self.sent.append(message.id)

    @rule(decision=consumes(decisions))
    def send_twice(self, decision: str) -> None:
        outgoing = self.recorded[decision].outgoing
        assert outgoing is not None
        for _ in range(2):
            if self.store.outbox.mark_sent(outgoing, self.now):
                self.sent.append(outgoing)

    @rule(crash=st.booleans())
    def deliver(self, crash: bool) -> None:
        for departure in self.store.outbox.delivering():
            self.delivered.add(departure.message.id)
            if not crash:
                assert self.store.outbox.mark_delivered(departure.message.id, self.now)
                assert not self.store.outbox.mark_delivered(departure.message.id, self.now)
        if not crash:
            assert self.store.outbox.delivering() == []
            # Whatever became final has been handed over by now.
            assert self.delivered == set(self.sent)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = open_store(Path(self.folder.name) / "zuoxi.db")

    def remember(self, decision: StoredDecision) -> None:
        self.recorded[decision.id] = decision
        assert decision.outgoing is not None
        self.said[decision.conversation].append(("agent", decision.at, decision.outgoing))

    @invariant()
    def nothing_is_sent_twice_or_after_an_undo(self) -> None:
        assert len(self.sent) == len(set(self.sent))
        assert not self.undone & set(self.sent)

    @invariant()
    def every_decision_is_kept(self) -> None:
        kept = {decision.id: decision for decision in self.store.decisions.all()}
        assert kept.keys() == self.recorded.keys()
        for key, decision in kept.items():
            assert decision.text == self.recorded[key].text
            assert decision.undone == (decision.outgoing in self.undone)

    @invariant()
    def each_conversation_stands_as_its_messages_say(self) -> None:
        for conversation, said in self.said.items():
            standing = [one for one in said if one[2] not in self.undone]
            waiting = None
            for role, at, _ in standing:
                if role == "agent":
                    waiting = None
                elif waiting is None:
                    waiting = at
            row = self.store.conversations.get(conversation)
            assert row.waiting_since == waiting
            assert row.messages == len(standing)
            roles = [turn.role for turn in self.store.conversations.turns(conversation)]
            assert roles == [role for role, _, _ in standing]
            latest = self.store.drafts.latest(conversation)
            assert row.draft_status == (latest.draft.status if latest else "none")


StoreMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAnyOrder = StoreMachine.TestCase
