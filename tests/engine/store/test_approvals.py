"""Asking a lead, answering, using it up: any order of what agents and leads do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
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

from engine.errors import InputError, StoreError
from engine.records import Hit
from engine.store.approvals import bound, same_person
from engine.store.store import Store, open_store

PEOPLE = ("小李", "王班长", "李班长")
TEXTS = ("保本的", "稳赚的", "好的")
people = st.sampled_from(PEOPLE)
texts = st.sampled_from(TEXTS)
HIT = Hit("promise", "承诺", "L3", "block", 0, 2, "保本")


def thread(store: Store) -> str:
    return store.conversations.receive("王女士", "在吗").conversation


class ApprovalMachine(RuleBasedStateMachine):
    """The model: each request's asker, text, state; each send's requests."""

    requests = Bundle("requests")
    sends = Bundle("sends")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store: Store
        self.threads: list[str] = []
        self.known: dict[str, list[str]] = {}
        self.state: dict[str, str] = {}
        self.sent_with: dict[str, str] = {}

    @initialize()
    def begin(self) -> None:
        self.store = open_store(Path(self.folder.name) / "zuoxi.db")
        self.threads = [thread(self.store), thread(self.store)]

    def teardown(self) -> None:
        assert self.store.verify_audit().sound
        self.store.close()
        self.folder.cleanup()

    def expire(self, conversation: str, but: str = "") -> None:
        for key, (_, where, _) in self.known.items():
            if where == conversation and key != but and self.state[key] in ("asked", "approved"):
                self.state[key] = "expired"

    def standing(self, conversation: str, text: str) -> str | None:
        fitting = [
            key
            for key, (_, where, what) in self.known.items()
            if (where, what) == (conversation, text)
            and self.state[key] in ("asked", "approved", "refused")
        ]
        return fitting[-1] if fitting else None

    @rule(target=requests, here=st.integers(0, 1), text=texts, who=people)
    def ask(self, here: int, text: str, who: str) -> object:
        conversation = self.threads[here]
        standing = self.standing(conversation, text)
        asked = self.store.approvals.ask(conversation, text, "客户原话", who, [HIT])
        self.expire(conversation, but=standing or "")
        if standing is not None and self.state[standing] in ("asked", "approved"):
            assert asked.id == standing
            return multiple()
        self.known[asked.id] = [who, conversation, text]
        self.state[asked.id] = "asked"
        return asked.id

    @rule(request=requests, approved=st.booleans(), who=people)
    def answer(self, request: str, approved: bool, who: str) -> None:
        try:
            self.store.approvals.decide(request, approved, who, "看过了")
        except InputError as refused:
            own = who == self.known[request][0]
            assert refused.code == (
                "approval_closed" if self.state[request] != "asked" else "own_approval"
            )
            assert self.state[request] != "asked" or own
            return
        assert self.state[request] == "asked"
        assert who != self.known[request][0]
        self.state[request] = "approved" if approved else "refused"

    @rule(target=sends, here=st.integers(0, 1), text=texts)
    def send_with_what_stands(self, here: int, text: str) -> object:
        conversation = self.threads[here]
        standing = self.store.approvals.standing_for(conversation, text)
        assert (standing.id if standing else None) == self.standing(conversation, text)
        approval = standing.id if standing and standing.state == "approved" else ""
        decision = self.store.decisions.record(
            conversation, "rewritten", text=text, approval=approval, undo_seconds=1e9
        )
        if approval:
            self.state[approval] = "used"
            self.sent_with[decision.id] = approval
        self.expire(conversation, but=approval)
        return decision.id

    @rule(request=requests)
    def send_with_one_that_does_not_stand(self, request: str) -> None:
        if self.state[request] == "approved":
            return
        conversation = self.known[request][1]
        before = len(self.store.outbox.pending())
        with pytest.raises(InputError) as caught:
            self.store.decisions.record(conversation, "rewritten", text="x", approval=request)
        assert caught.value.code == "approval_closed"
        assert len(self.store.outbox.pending()) == before

    @rule(decision=consumes(sends))
    def undo(self, decision: str) -> None:
        assert self.store.decisions.undo(decision)
        if decision in self.sent_with:
            self.state[self.sent_with[decision]] = "approved"

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = open_store(Path(self.folder.name) / "zuoxi.db")

    @invariant()
    def the_store_says_as_the_model(self) -> None:
        if not self.threads:
            return
        for conversation in self.threads:
            for one in self.store.approvals.of(conversation):
                assert one.state == self.state[one.id]
                assert (one.asker, one.conversation, one.text) == tuple(self.known[one.id])
                assert one.answered_by != one.asker
                # Nothing left on a leave that nobody else has given.
                if one.state in ("approved", "used"):
                    assert one.answered_by in PEOPLE
        waiting = [one.id for one in self.store.approvals.queue()]
        assert waiting == [key for key in self.known if self.state[key] == "asked"]


TestApprovals = ApprovalMachine.TestCase
TestApprovals.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_lead_is_told_and_notes_it(store: Store) -> None:
    here = thread(store)
    decision = store.decisions.record(here, "rewritten", text="保本的", undo_seconds=9)
    told = store.approvals.tell(here, "保本的", "客户要听", "小李", [HIT], decision=decision.id)
    assert store.approvals.queue() == [told]
    with pytest.raises(InputError) as caught:
        store.approvals.see(told.id, "小李")
    assert caught.value.code == "own_approval"
    with pytest.raises(InputError) as caught:
        store.approvals.decide(told.id, True, "王班长")
    assert caught.value.code == "approval_closed"
    store.approvals.see(told.id, "王班长", "下不为例")
    assert store.approvals.get(told.id).comment == "下不为例"
    assert store.approvals.queue() == []


def test_what_was_taken_back_is_told_no_more(store: Store) -> None:
    here = thread(store)
    decision = store.decisions.record(here, "rewritten", text="保本的", undo_seconds=9)
    store.approvals.tell(here, "保本的", "客户要听", "小李", [HIT], decision=decision.id)
    assert store.decisions.undo(decision.id)
    assert store.approvals.queue() == []


@pytest.mark.parametrize(
    ("asker", "reason", "code"),
    [("", "有理由", "no_name"), (" \u200b", "有理由", "no_name"), ("小李", " ", "no_reason_given")],
)
def test_asking_needs_a_name_and_a_reason(store: Store, asker: str, reason: str, code: str) -> None:
    here = thread(store)
    with pytest.raises(InputError) as caught:
        store.approvals.ask(here, "保本的", reason, asker)
    assert caught.value.code == code
    assert store.approvals.of(here) == []


def test_another_reason_for_the_same_text_reaches_the_lead(store: Store) -> None:
    where = thread(store)
    first = store.approvals.ask(where, "保证明天到", "客户是老会员", "小李")
    assert store.approvals.ask(where, "保证明天到", " 客户是老会员 ", "小李").id == first.id
    second = store.approvals.ask(where, "保证明天到", "仓库已经确认了", "小李")
    assert second.id != first.id
    assert [one.reason for one in store.approvals.queue()] == ["仓库已经确认了"]


def test_answering_needs_a_name_and_a_refusal_a_comment(store: Store) -> None:
    asked = store.approvals.ask(thread(store), "保本的", "客户原话", "小李")
    for approved, who, comment, code in (
        (True, " ", "", "no_name"),
        (False, "王班长", " ", "no_comment"),
    ):
        with pytest.raises(InputError) as caught:
            store.approvals.decide(asked.id, approved, who, comment)
        assert caught.value.code == code
    assert store.approvals.decide(asked.id, True, "王班长").state == "approved"
    with pytest.raises(InputError) as caught:
        store.approvals.get("nothing")
    assert caught.value.code == "no_approval"


def test_two_leads_answer_and_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as first, open_store(path) as second:
        asked = first.approvals.ask(thread(first), "保本的", "客户原话", "小李")
        first.approvals.decide(asked.id, True, "王班长")
        with pytest.raises(InputError) as caught:
            second.approvals.decide(asked.id, False, "李班长", "不行")
        assert caught.value.code == "approval_closed"
        assert second.approvals.get(asked.id).answered_by == "王班长"


def test_sqlite_itself_refuses_an_own_answer(store: Store) -> None:
    asked = store.approvals.ask(thread(store), "保本的", "客户原话", "小李")
    with pytest.raises(StoreError):
        store._database.run(
            "UPDATE approvals SET state = 'approved', answered_by = asker WHERE id = ?", [asked.id]
        )


def test_a_request_changed_behind_its_record_is_found(store: Store) -> None:
    asked = store.approvals.ask(thread(store), "保本的", "客户原话", "小李", [HIT])
    assert store.verify_audit().sound
    store._database.run("UPDATE approvals SET text = '好的' WHERE id = ?", [asked.id])
    (finding,) = store.verify_audit().findings
    assert (finding.what, finding.subject) == ("row_altered", asked.id)


def test_one_character_makes_another_text() -> None:
    assert bound("c", "保本的") == bound("c", "保本的")
    assert len({bound("c", "保本的"), bound("c", "保本的 "), bound("d", "保本的")}) == 3


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("王班长", " 王班长 ", True),
        ("Wang Li", "ｗａｎｇ　ｌｉ", True),
        ("王\u200b班长", "王班长", True),
        ("王班长", "李班长", False),
    ],
)
def test_a_name_is_the_same_however_it_is_typed(first: str, second: str, same: bool) -> None:
    assert same_person(first, second) is same
