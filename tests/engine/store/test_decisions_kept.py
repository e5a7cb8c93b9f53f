from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.records import Draft, Hit
from engine.store.store import Store, open_store

# Takes decisions for ever, and says so once each is durable.
CHILD = """
import sys
from pathlib import Path
from engine.records import Draft
from engine.store.store import open_store

store = open_store(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    message = store.conversations.receive("王女士", f"第{number}次问")
    draft = store.drafts.save(message.conversation, message.id, Draft("drafted", f"答{number}"))
    decision = store.decisions.record(
        message.conversation, "accepted", text=f"答{number}", draft=draft.id, undo_seconds=5.0
    )
    sys.stdout.write(f"{decision.id} {decision.outgoing}\\n")
    sys.stdout.flush()
"""


def drafted(store: Store, at: float = 10.0) -> tuple[str, str]:
    message = store.conversations.receive("王女士", "在吗", at=at)
    draft = store.drafts.save(message.conversation, message.id, Draft("drafted", "在的"))
    return message.conversation, draft.id


def test_an_accepted_draft_is_pending_until_it_is_due(store: Store) -> None:
    conversation, draft = drafted(store)
    decision = store.decisions.record(
        conversation, "accepted", text="在的", draft=draft, undo_seconds=5.0, at=100.0, who="小陈"
    )
    assert (decision.due, decision.undone, decision.who) == (105.0, False, "小陈")
    assert decision.message == store.conversations.get(conversation).newest_message
    assert store.drafts.get(draft).decided
    assert store.drafts.latest(conversation) is None
    assert store.conversations.get(conversation).waiting_since is None
    assert store.conversations.get(conversation).pending == 1
    assert store.outbox.due(104.9) == []
    (leaving,) = store.outbox.due(105.0)
    assert leaving.id == decision.outgoing
    assert store.outbox.mark_sent(leaving.id, 105.0)
    assert not store.outbox.mark_sent(leaving.id, 106.0)
    assert store.outbox.pending() == []
    assert not store.decisions.undo(decision.id)
    assert store.conversations.message(leaving.id).sent_at == 105.0


def test_an_undo_restores_the_conversation_as_it_was(store: Store) -> None:
    conversation, draft = drafted(store)
    before = store.conversations.get(conversation)
    decision = store.decisions.record(
        conversation, "accepted", text="在的", draft=draft, undo_seconds=5.0
    )
    assert store.decisions.undo(decision.id)
    assert store.conversations.get(conversation) == before
    latest = store.drafts.latest(conversation)
    assert latest is not None and latest.id == draft
    assert not store.decisions.undo(decision.id)
    assert store.outbox.pending() == []
    assert not store.outbox.mark_sent(decision.outgoing or "", 1.0)
    assert [one.undone for one in store.decisions.of(conversation)] == [True]
    again = store.decisions.record(conversation, "accepted", text="在的", draft=draft)
    assert not again.undone


def test_an_undo_after_the_customer_wrote_again_keeps_the_longer_wait(store: Store) -> None:
    conversation, draft = drafted(store, at=10.0)
    decision = store.decisions.record(
        conversation, "accepted", text="在的", draft=draft, undo_seconds=5.0
    )
    store.conversations.receive("王女士", "人呢", conversation=conversation, at=500.0)
    assert store.conversations.get(conversation).waiting_since == 500.0
    store.conversations.close(conversation)
    assert store.decisions.undo(decision.id)
    assert store.conversations.get(conversation).waiting_since == 10.0


def test_one_draft_is_never_decided_twice(store: Store) -> None:
    conversation, draft = drafted(store)
    store.decisions.record(conversation, "accepted", text="在的", draft=draft)
    with pytest.raises(InputError) as caught:
        store.decisions.record(conversation, "accepted", text="在的", draft=draft)
    assert caught.value.code == "already_decided"
    assert len(store.outbox.pending()) == 1


def test_a_rejection_sends_nothing_and_the_customer_waits_on(store: Store) -> None:
    conversation, draft = drafted(store)
    store.decisions.record(conversation, "rejected", draft=draft, reason="tone", comment="太硬")
    row = store.conversations.get(conversation)
    assert (row.waiting_since, row.draft_status, row.rejected) == (10.0, "none", True)
    assert store.outbox.pending() == []
    (decision,) = store.decisions.of(conversation)
    assert (decision.reason, decision.comment, decision.outgoing) == ("tone", "太硬", None)
    assert not store.decisions.undo(decision.id)


def test_the_gates_hits_stay_with_the_decision(store: Store) -> None:
    conversation, draft = drafted(store)
    hit = Hit("r", "c", "L2", "hint", 0, 1, "在")
    decision = store.decisions.record(
        conversation, "edited", text="在呢", draft=draft, hits=(hit,), override="客户要求"
    )
    assert (decision.hits, decision.override) == ((hit,), "客户要求")
    (stored,) = store.hits.of(conversation)
    assert (stored.hit, stored.message, stored.screened) == (hit, decision.outgoing, "在呢")


def test_today_counts_standing_decisions_of_the_local_day(store: Store) -> None:
    noon = datetime(2026, 11, 22, 12).timestamp()
    yesterday = datetime(2026, 11, 21, 23, 59).timestamp()
    for moment in (noon, noon, yesterday):
        conversation, draft = drafted(store)
        store.decisions.record(conversation, "accepted", text="在的", draft=draft, at=moment)
    conversation, draft = drafted(store)
    undone = store.decisions.record(
        conversation, "edited", text="在呢", draft=draft, at=noon, undo_seconds=5.0
    )
    store.decisions.undo(undone.id)
    store.decisions.record(conversation, "handed_over", at=noon)
    counts = store.decisions.today(noon)
    assert (counts.accepted, counts.edited, counts.handed_over) == (2, 0, 1)
    assert [one.action for one in store.decisions.all()] == [
        *["accepted"] * 3,
        "edited",
        "handed_over",
    ]


def test_an_unknown_decision_is_refused(store: Store) -> None:
    assert not store.decisions.undo("nothing")
    with pytest.raises(InputError):
        store.decisions.get("nothing")
    with pytest.raises(InputError):
        store.decisions.record("nothing", "accepted", text="在的")


def test_what_a_killed_process_confirmed_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(25)]
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        lines += [line for line in child.stdout.readlines() if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        confirmed = [line.split() for line in lines if line.strip()]
        assert len(confirmed) >= 25
        with open_store(path) as store:
            assert store.check() == []
            pending = {message.id for message in store.outbox.pending()}
            for decision, outgoing in confirmed:
                assert store.decisions.get(decision).outgoing == outgoing
                assert outgoing in pending
            # Nothing half done: each outgoing message has its decision.
            for message in store.outbox.pending():
                assert message.decision is not None
                assert store.decisions.get(message.decision).outgoing == message.id
