from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

Open = Callable[..., Desk]
Attach = Callable[[Desk], Any]


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


def test_all_who_wait_are_drafted_for_the_most_urgent_first(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    waiting(desk, early=100.0, late=300.0, middle=200.0)
    twin.ready()
    for number, name in enumerate(("early", "middle", "late"), 1):
        qtbot.waitUntil(lambda number=number: len(twin.asked) == number)
        assert twin.asked[-1][1] == name
        twin.finish(f"t{number}")
    settle(qtbot, desk)
    assert len(twin.asked) == 3
    assert desk.store.conversations.counts().ready == 3


def test_nothing_is_asked_before_the_engine_can_draft(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    waiting(desk, one=100.0)
    desk.drafting.poke()
    twin.ready(model_error="no model")
    settle(qtbot, desk)
    twin.ready(passages=0)
    settle(qtbot, desk)
    assert twin.asked == []
    twin.say(KnowledgeReloaded("k", "2", 9))
    qtbot.waitUntil(lambda: len(twin.asked) == 1)


def test_the_open_conversation_pre_empts_and_the_other_is_taken_up_again(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    made = waiting(desk, first=100.0, second=200.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    desk.session.open(made["second"])
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    assert twin.cancelled == ["t1"]
    assert twin.asked[1][1] == "second"
    twin.say(RequestFailed("t1", "cancelled", ""))
    twin.finish("t2")
    qtbot.waitUntil(lambda: len(twin.asked) == 3)
    assert twin.asked[2][1] == "first"


def test_a_new_message_cancels_the_stale_draft_and_its_answer_is_dropped(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
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


def test_a_draft_is_stored_before_it_is_told_of(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
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
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1", "abstained", "", reason="nothing found")
    settle(qtbot, desk)
    assert [gap.question for gap in desk.store.gaps.list()] == ["someone"]
    assert len(twin.asked) == 1
    twin.say(KnowledgeReloaded("k", "2", 9))
    qtbot.waitUntil(lambda: len(twin.asked) == 2)


def test_a_hand_over_by_the_engine_opens_a_case(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    made = waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.finish("t1", "handover", "", category="legal", script="say this")
    settle(qtbot, desk)
    case = desk.store.handovers.open_case(made["someone"])
    assert case is not None
    assert (case.category, case.script) == ("legal", "say this")


def test_a_failure_is_told_not_repeated_and_forgotten_when_the_engine_is_new(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    made = waiting(desk, bad=100.0, good=200.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.say(RequestFailed("t1", "model_decode", "stopped"))
    qtbot.waitUntil(lambda: len(twin.asked) == 2)
    assert twin.asked[1][1] == "good"
    assert desk.drafting.failures == {made["bad"]}
    twin.finish("t2")
    settle(qtbot, desk)
    assert len(twin.asked) == 2
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 3)
    assert twin.asked[2][1] == "bad"
    assert not desk.drafting.failures


def test_what_was_streamed_is_forgotten_when_the_engine_dies_and_repeats(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
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
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    made = waiting(desk, someone=100.0)
    twin.ready()
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    twin.say(EngineFailed("engine_gone", "gone for good"))
    qtbot.waitUntil(lambda: desk.drafting.current is None)
    failure = desk.drafting.failure(made["someone"])
    assert failure is not None
    assert failure.words == "gone for good"


def test_a_redraft_replaces_what_is_there(
    qtbot: QtBot, open_desk: Open, engine_twin: Attach
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
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
