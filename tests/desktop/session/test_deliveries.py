"""What has left reaches its channel once, wherever the program ended in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.session.intake import ReplayChannel
from engine.channels.replay import Opening, Reply, Scene
from engine.channels.taken import TakenFile
from engine.errors import StoreError
from engine.redline.gate import Gate
from engine.store.rows import StoredMessage
from engine.store.store import Store
from engine.texts import explain

Open = Callable[..., Desk]
SCENE = Scene("one", "王女士", (Opening("壶坏了"),), replies=(Reply("好的呀", delay=0.0),))


def moment() -> float:
    return 1000.0


def replay(taken: Path) -> ReplayChannel:
    return ReplayChannel([SCENE], moment, taken)


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """Where the replay notes what it has taken."""
    return tmp_path / "taken.jsonl"


class Decided(NamedTuple):
    """A desk whose replay's customer has written, and on whose reply was decided."""

    desk: Desk
    conversation: str
    message: str


@pytest.fixture
def decided(qtbot: QtBot, open_desk: Open, taken: Path) -> Decided:
    desk = open_desk(clock=moment)
    desk.intake.add_channel(replay(taken))
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)
    conversation = desk.queue.rows()[0].id
    decision = desk.store.decisions.record(conversation, "rewritten", text="马上来", at=1000.0)
    return Decided(desk, conversation, decision.outgoing or "")


def texts(desk: Desk, conversation: str) -> list[str]:
    return [one.text for one in desk.store.conversations.messages(conversation)]


def keys(taken: Path) -> list[str]:
    return [one.key for one in TakenFile(taken).all()]


def test_what_was_final_and_not_handed_over_is_handed_over_at_the_next_start(
    qtbot: QtBot, open_desk: Open, taken: Path, decided: Decided
) -> None:
    desk, conversation, message = decided
    # Killed right after the message became final: its channel never heard of it.
    assert desk.store.outbox.mark_sent(message, 1000.0)
    desk.close()
    again = open_desk(clock=moment)
    again.intake.add_channel(replay(taken))
    qtbot.waitUntil(lambda: texts(again, conversation) == ["壶坏了", "马上来", "好的呀"])
    assert keys(taken) == [message]
    assert again.store.outbox.delivering() == []


def test_what_the_channel_has_already_is_handed_over_again_and_counts_once(
    qtbot: QtBot, open_desk: Open, taken: Path, decided: Decided
) -> None:
    desk, conversation, message = decided
    assert desk.store.outbox.mark_sent(message, 1000.0)
    # Killed right after the channel took it: nobody noted that it did.
    channel = replay(taken)
    assert channel.send(desk.store, desk.store.conversations.message(message))
    desk.close()
    again = open_desk(clock=moment)
    delivered: list[StoredMessage] = []
    again.intake.delivered.connect(delivered.append)
    again.intake.add_channel(replay(taken))
    qtbot.waitUntil(lambda: texts(again, conversation) == ["壶坏了", "马上来", "好的呀"])
    qtbot.waitUntil(lambda: [one.id for one in delivered] == [message])
    again.intake.deliver()
    looks: list[None] = []
    again.intake.looked.connect(lambda: looks.append(None))
    qtbot.waitUntil(lambda: len(looks) >= 3)
    assert keys(taken) == [message]
    assert texts(again, conversation) == ["壶坏了", "马上来", "好的呀"]


def test_a_message_waits_for_the_channel_that_its_conversation_came_from(
    qtbot: QtBot, open_desk: Open, taken: Path, decided: Decided
) -> None:
    desk, _, message = decided
    desk.close()
    # Opened without the sample company: it leaves, and nobody is there to take it.
    without = open_desk(clock=moment)
    qtbot.waitUntil(lambda: without.store.conversations.message(message).state == "sent")
    without.close()
    assert keys(taken) == []
    again = open_desk(clock=moment)
    assert [one.message.id for one in again.store.outbox.delivering()] == [message]
    again.intake.add_channel(replay(taken))
    qtbot.waitUntil(lambda: again.store.outbox.delivering() == [])
    assert keys(taken) == [message]


def test_a_reply_to_a_conversation_of_no_channel_is_done_when_it_has_left(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk(clock=moment)
    here = desk.store.conversations.receive("王女士", "在吗").conversation
    desk.outgoing.add(desk.store.decisions.record(here, "rewritten", text="在的", at=1000.0))
    qtbot.waitUntil(lambda: desk.store.conversations.messages(here)[-1].state == "sent")
    qtbot.waitUntil(lambda: desk.store.outbox.delivering() == [])


class Moody:
    """A channel whose line is down at first."""

    source = "replay"

    def __init__(self) -> None:
        self.tries = 0
        self.took: list[str] = []

    def restore(self, store: Store) -> None:
        pass

    def receive(self, store: Store, gate: Gate, language: str) -> list[str]:
        return []

    def send(self, store: Store, message: StoredMessage) -> bool:
        self.tries += 1
        if self.tries < 3:
            raise StoreError("down", "channel_file", path="x", why="忙")
        self.took.append(message.id)
        return True


def test_a_channel_that_cannot_take_over_is_asked_again_and_the_agent_is_told_once(
    qtbot: QtBot, open_desk: Open, decided: Decided
) -> None:
    desk, _, message = decided
    desk.close()
    again = open_desk(clock=moment)
    told: list[StoreError] = []
    again.intake.trouble.connect(told.append)
    channel = Moody()
    again.intake.add_channel(channel)
    qtbot.waitUntil(lambda: channel.took == [message])
    assert [error.code for error in told] == ["deliveries_waiting"]
    assert "不会收到两遍" in explain(told[0], "zh")
    qtbot.waitUntil(lambda: again.store.outbox.delivering() == [])


def test_a_note_on_a_case_is_kept_while_it_is_written(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    here = desk.store.conversations.receive("王女士", "在吗").conversation
    case = desk.store.handovers.open(here, "agent")
    desk.session.open(here)
    qtbot.waitUntil(lambda: desk.session.phase == "handed_over")
    field = desk.page.draft.case._note
    field.setFocus()
    qtbot.keyClicks(field, "called back")
    qtbot.waitUntil(lambda: desk.store.handovers.get(case.id).note == "called back")
    desk.close()
    again = open_desk()
    again.session.open(here)
    qtbot.waitUntil(lambda: again.page.draft.case.case().note == "called back")
    again.session.close_case("done")
    qtbot.waitUntil(lambda: again.store.handovers.open_case(here) is None)
    assert again.store.handovers.get(case.id).note == "done"


def test_words_taken_back_are_unsent_text_again_in_the_same_step(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    here = desk.store.conversations.receive("王女士", "在吗").conversation
    decision = desk.store.decisions.record(here, "rewritten", text="在的", undo_seconds=60.0)
    desk.outgoing.refresh()
    qtbot.waitUntil(lambda: decision.id in desk.outgoing.pending)
    with qtbot.waitSignal(desk.outgoing.undone):
        desk.outgoing.undo(decision.id)
    # Before anything else has run on the store's thread.
    assert desk.store.composers.get(here) == "在的"
