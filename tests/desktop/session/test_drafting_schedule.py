from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from engine.protocol import (
    DraftStarted,
    EngineFailed,
    EngineRestarted,
    EvidenceFound,
    KnowledgeReloaded,
    RequestFailed,
    TextReleased,
    TextWithdrawn,
)


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


@pytest.fixture
def twin(desk: Desk, engine_twin: Callable[[Desk], Any]) -> Any:
    return engine_twin(desk)


def waiting(desk: Desk, **people: float) -> dict[str, str]:
    """Conversations by name, whose customers wait since then; each one's text is its name."""
    return {
        name: desk.store.conversations.receive(name, name, at=at).conversation
        for name, at in people.items()
    }


def settle(qtbot: QtBot, desk: Desk) -> None:
    """Wait until the store's lane has done all that was asked of it, and told."""
    for _ in range(4):
        done: list[int] = []
        desk.background.runner(desk)(lambda: 1).done(done.append)
        qtbot.waitUntil(lambda done=done: bool(done))


def names(twin: Any) -> list[str]:
    return [name for _, name in twin.asked]


def test_the_most_urgent_are_asked_for_at_once_and_the_next_when_one_is_done(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, e=500.0, a=100.0, c=300.0, b=200.0, d=400.0, f=600.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 4)
    assert names(twin) == ["a", "b", "c", "d"]
    assert [twin.priorities[f"t{number}"] for number in range(1, 5)] == [1, 2, 3, 4]
    assert desk.drafting.under_way == {made[name] for name in "abcd"}
    settle(qtbot, desk)
    assert len(twin.asked) == 4
    twin.finish("t2")
    qtbot.waitUntil(lambda: len(twin.asked) == 5)
    assert twin.asked[4] == ("t5", "e")
    assert [twin.priorities[key] for key in ("t1", "t3", "t4", "t5")] == [1, 2, 3, 4]
    twin.finish("t5")
    twin.finish("t1")
    qtbot.waitUntil(lambda: len(twin.asked) == 6)
    for request in ("t3", "t4", "t6"):
        twin.finish(request)
    settle(qtbot, desk)
    assert len(twin.asked) == 6
    assert desk.store.conversations.counts().ready == 6
    assert not desk.drafting.under_way
    assert twin.cancelled == []


def test_nothing_is_asked_before_the_engine_can_draft(qtbot: QtBot, desk: Desk, twin: Any) -> None:
    waiting(desk, one=100.0)
    desk.drafting.poke()
    twin.ready(model_error="no model")
    settle(qtbot, desk)
    twin.ready(passages=0)
    settle(qtbot, desk)
    assert twin.asked == []
    twin.say(KnowledgeReloaded("k", "2", 9))
    qtbot.waitUntil(lambda: len(twin.asked) == 1)


def test_the_open_conversation_goes_first_and_nobodys_work_is_thrown_away(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, a=100.0, b=200.0, c=300.0, d=400.0, e=500.0, f=600.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 4)
    # One that was not asked for yet: it is asked for beside those that are under way.
    desk.session.open(made["f"])
    qtbot.waitUntil(lambda: len(twin.asked) == 5)
    assert twin.asked[4] == ("t5", "f")
    assert twin.priorities["t5"] == 0
    # One that is under way: both change places, and nothing is asked for anew.
    desk.session.open(made["c"])
    assert [twin.priorities[f"t{number}"] for number in range(1, 6)] == [1, 2, 0, 3, 4]
    settle(qtbot, desk)
    assert len(twin.asked) == 5
    assert twin.cancelled == []
    for number in range(1, 6):
        twin.finish(f"t{number}")
    qtbot.waitUntil(lambda: len(twin.asked) == 6)
    assert twin.asked[5] == ("t6", "e")
    settle(qtbot, desk)
    assert desk.store.conversations.counts().ready == 5


def test_a_new_message_cancels_the_draft_of_its_conversation_only(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, one=100.0, two=200.0, three=300.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 3)
    desk.store.conversations.receive("two", "two more", conversation=made["two"])
    desk.intake.arrived.emit(made["two"])
    qtbot.waitUntil(lambda: len(twin.asked) == 4)
    assert twin.cancelled == ["t2"]
    assert twin.asked[3] == ("t4", "two more")
    twin.finish("t2", text="stale")
    for request in ("t1", "t3", "t4"):
        twin.finish(request)
    settle(qtbot, desk)
    stored = desk.store.drafts.latest(made["two"])
    assert stored is not None
    assert stored.draft.text == "好的"
    assert len(twin.asked) == 4


def test_a_decision_calls_off_the_draft_of_its_conversation_only(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, one=100.0, two=200.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    desk.session.open(made["two"])
    qtbot.waitUntil(lambda: desk.session.phase == "streaming")
    desk.session.send("我来回复。")
    qtbot.waitUntil(lambda: twin.cancelled == ["t2"])
    assert desk.drafting.under_way == {made["one"]}
    twin.finish("t1")
    settle(qtbot, desk)
    assert len(twin.asked) == 2


def test_messages_answered_by_another_process_call_their_drafts_off(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, one=100.0, two=200.0, three=300.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 3)
    desk.store.conversations.append_agent("one", "done", conversation=made["one"])
    desk.store.conversations.receive("three", "three more", conversation=made["three"])
    desk.intake.changed.emit()
    qtbot.waitUntil(lambda: len(twin.asked) == 4)
    assert sorted(twin.cancelled) == ["t1", "t3"]
    assert twin.asked[3] == ("t4", "three more")
    assert desk.drafting.under_way == {made["two"], made["three"]}


def test_a_message_that_comes_while_the_store_is_read_is_the_one_drafted_for(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, one=100.0, two=200.0)
    run = desk.background.runner(desk)
    held, kept = threading.Event(), threading.Event()
    run(held.wait)
    twin.ready()
    qtbot.waitUntil(lambda: desk.drafting._picking)
    # What is due is read, then the message comes, and only then is heard what was read.
    receive = desk.store.conversations.receive
    run(lambda: receive("one", "one more", conversation=made["one"]))
    run(kept.set)
    held.set()
    assert kept.wait(30)
    desk.drafting.message_arrived(made["one"])
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    assert sorted(names(twin)) == ["one more", "two"]
    settle(qtbot, desk)
    assert len(twin.asked) == 2


def test_a_new_message_cancels_the_stale_draft_and_its_answer_is_dropped(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    desk.store.conversations.receive("someone", "more", conversation=made["someone"])
    desk.intake.arrived.emit(made["someone"])
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    assert twin.cancelled == ["t1"]
    assert twin.asked[1][1] == "more"
    twin.say(TextReleased("t1", "old"))
    twin.finish("t1", text="old")
    twin.finish("t2", text="new")
    qtbot.waitUntil(lambda: desk.store.drafts.latest(made["someone"]) is not None)
    stored = desk.store.drafts.latest(made["someone"])
    assert stored is not None
    assert stored.draft.text == "new"


def test_a_draft_is_stored_before_it_is_told_of(qtbot: QtBot, desk: Desk, twin: Any) -> None:
    made = waiting(desk, someone=100.0)
    seen: list[bool] = []
    desk.drafting.saved.connect(
        lambda saved: seen.append(desk.store.drafts.latest(made["someone"]) == saved)
    )
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1")
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [True]


def test_an_abstention_is_a_gap_and_newer_knowledge_tries_again(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1", "abstained", "", reason="nothing found")
    settle(qtbot, desk)
    assert [gap.question for gap in desk.store.gaps.list()] == ["someone"]
    assert len(twin.asked) == 1
    twin.say(KnowledgeReloaded("k", "2", 9))
    qtbot.waitUntil(lambda: len(twin.asked) == 2)


def test_a_hand_over_by_the_engine_opens_a_case(qtbot: QtBot, desk: Desk, twin: Any) -> None:
    made = waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1", "handover", "", category="legal", script="say this")
    settle(qtbot, desk)
    case = desk.store.handovers.open_case(made["someone"])
    assert case is not None
    assert (case.category, case.script) == ("legal", "say this")


def test_a_failure_is_told_not_repeated_and_forgotten_when_the_engine_is_new(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, bad=100.0, good=200.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    twin.say(RequestFailed("t1", "model_decode", "stopped"))
    qtbot.waitUntil(lambda: desk.drafting.failures == {made["bad"]})
    twin.finish("t2")
    settle(qtbot, desk)
    assert len(twin.asked) == 2
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 3)
    assert twin.asked[2][1] == "bad"
    assert not desk.drafting.failures


def test_what_was_streamed_is_forgotten_when_the_engine_dies_and_repeats(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, someone=100.0)
    twin.ready()
    desk.session.open(made["someone"])
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.say(DraftStarted("t1"), EvidenceFound("t1", ()), TextReleased("t1", "亲，"))
    qtbot.waitUntil(lambda: desk.page.draft.card.shown_text() == "亲，")
    twin.say(EngineRestarted("SIGKILL"), DraftStarted("t1"), TextReleased("t1", "您好"))
    qtbot.waitUntil(lambda: desk.page.draft.card.shown_text() == "您好")
    twin.say(TextWithdrawn("t1", "rule"), TextReleased("t1", "好"))
    qtbot.waitUntil(lambda: desk.page.draft.card.shown_text() == "好")
    assert len(twin.asked) == 1


def test_an_engine_that_cannot_start_leaves_no_draft_pending(
    qtbot: QtBot, desk: Desk, twin: Any
) -> None:
    made = waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.say(EngineFailed("engine_gone", "gone for good"))
    qtbot.waitUntil(lambda: not desk.drafting.under_way)
    failure = desk.drafting.failure(made["someone"])
    assert failure is not None
    assert failure.words == "gone for good"


def test_a_redraft_replaces_what_is_there(qtbot: QtBot, desk: Desk, twin: Any) -> None:
    made = waiting(desk, someone=100.0)
    twin.ready()
    desk.session.open(made["someone"])
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1", text="one")
    qtbot.waitUntil(lambda: desk.session.phase == "ready")
    desk.session.redraft()
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    assert desk.session.phase == "streaming"
    twin.finish("t2", text="two")
    qtbot.waitUntil(lambda: desk.session.phase == "ready")
    assert desk.session.draft is not None
    assert desk.session.draft.draft.text == "two"
