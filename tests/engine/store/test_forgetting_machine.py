"""Whatever was done before, and in whatever order: a deletion takes every word, nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from well_known import files_with, known_everywhere

from engine.errors import InputError
from engine.records import Draft, Hit
from engine.store.store import open_store


class ForgettingMachine(RuleBasedStateMachine):
    conversations = Bundle("conversations")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "zuoxi.db"
        self.store = open_store(self.path)
        self.words: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.acts = 0

    def teardown(self) -> None:
        # Deleted at last, too, is what was written in a conversation after its deletion.
        self.store.forgetting.erase(list(self.words), who="王班长")
        assert self.store.check() == []
        assert files_with(self.path.parent, "孔雀石") == []
        self.store.close()
        self.folder.cleanup()

    @rule(target=conversations, everywhere=st.booleans())
    def write(self, everywhere: bool) -> str:
        word = f"孔雀石{len(self.words):03}号"
        if everywhere:
            here = known_everywhere(self.store, word)
        else:
            here = self.store.conversations.receive(word, word).conversation
        self.words[here] = word
        return here

    @rule(here=conversations, undo=st.booleans())
    def reply(self, here: str, undo: bool) -> None:
        word = self.words[here]
        newest = self.store.conversations.get(here).newest_message or ""
        hit = Hit("r", "规则", "L2", "block", 0, 3, word, "model")
        draft = self.store.keep_draft(here, newest, Draft("drafted", word, hits=(hit,)))
        decision = self.store.decisions.record(
            here, "edited", text=word, draft=draft.id, who="小满", hits=[hit], undo_seconds=9
        )
        if undo:
            assert self.store.decisions.undo(decision.id)
        else:
            self.store.outbox.mark_sent(decision.outgoing or "", 1e12)
        self.deleted.discard(here)

    @rule(here=conversations)
    def write_again(self, here: str) -> None:
        self.store.conversations.receive("客户", self.words[here], conversation=here)
        self.deleted.discard(here)

    @rule(here=conversations)
    def ask(self, here: str) -> None:
        self.store.approvals.ask(here, self.words[here], "客户要的", "小满")
        self.deleted.discard(here)

    @rule(here=conversations)
    def object(self, here: str) -> None:
        for hit in self.store.hits.of(here):
            if all(one.answered_at is not None for one in self.store.reviews.appeals(hit.id)):
                self.store.reviews.appeal(hit.id, "小满", self.words[here])
                self.deleted.discard(here)

    @rule(target=conversations, here=conversations)
    def delete(self, here: str) -> object:
        before = len(self.store.decisions.of(here)), len(self.store.hits.of(here))
        assert self.store.forgetting.erase([here], who="王班长").finished
        self.deleted.add(here)
        assert (len(self.store.decisions.of(here)), len(self.store.hits.of(here))) == before
        return multiple()

    @rule()
    def refuse(self) -> None:
        try:
            self.store.forgetting.erase([*self.words, "x"], who="王班长")
        except InputError as error:
            assert error.code == "no_conversation"

    @rule()
    def restart(self) -> None:
        self.store.back_up_daily()
        self.store.close()
        self.store = open_store(self.path)

    @invariant()
    def holds(self) -> None:
        verified = self.store.verify_audit()
        assert verified.sound, verified.findings
        for here in self.deleted:
            assert files_with(self.path.parent, self.words[here]) == []
        for here in self.words.keys() - self.deleted:
            assert files_with(self.path.parent, self.words[here])


TestForgetting = ForgettingMachine.TestCase
TestForgetting.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
