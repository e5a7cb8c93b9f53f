"""The clock is set back by a day, or put forward: nothing jumps, turns negative or stands still."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.session.intake import ReplayChannel
from desktop.widgets.queue_roles import QueueRole
from engine.channels.replay import Opening, Replay, Reply, Scene
from engine.records import Draft
from engine.store import ids
from engine.store.ids import IdSource
from engine.store.store import open_store

if TYPE_CHECKING:
    from desktop.app import Desk

Open = Callable[..., "Desk"]
DAY = 86_400.0


class SystemClock:
    """The clock of the whole process, which somebody sets."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._offset = 0.0
        real, real_ns = time.time, time.time_ns
        patch.setattr(time, "time", lambda: real() + self._offset)
        patch.setattr(time, "time_ns", lambda: real_ns() + int(self._offset * 1e9))

    def turn(self, seconds: float) -> None:
        self._offset += seconds

    def __call__(self) -> float:
        return time.time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SystemClock:
    return SystemClock(monkeypatch)


def decided(qtbot: QtBot, desk: Desk, undo_seconds: float) -> Any:
    """A reply on its way out, with that undo window."""
    message = desk.store.conversations.receive("王女士", "壶坏了")
    desk.store.drafts.save(message.conversation, message.id, Draft("drafted", "可以上门。"))
    desk.session.set_settings(replace(desk.settings, undo_seconds=undo_seconds))
    desk.session.open(message.conversation)
    qtbot.waitUntil(lambda: desk.session.draft is not None)
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.accept()
    return caught.args[0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([0.0, 0.5, -DAY, DAY, -400 * DAY]), max_size=30))
def test_ids_grow_whatever_the_clock_does(turns: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = SystemClock(patch)
        source = IdSource()
        made = []
        for turn in turns:
            clock.turn(turn)
            made += [source.new() for _ in range(3)]
    assert made == sorted(set(made))


def test_ids_go_on_growing_after_a_restart_with_a_clock_set_back(
    clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        before = store.conversations.receive("王女士", "在吗")
        decision = store.decisions.record(before.conversation, "rewritten", text="在的")
    clock.turn(-DAY)
    # A new process knows of no id yet.
    monkeypatch.setattr(ids, "_source", IdSource())
    with open_store(tmp_path / "zuoxi.db") as store:
        after = store.conversations.receive("李先生", "在吗")
    assert after.id > max(before.id, decision.id, decision.outgoing or "")


def test_a_clock_set_back_does_not_keep_a_reply_from_leaving(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, clock: SystemClock
) -> None:
    desk = fault_desk(tmp_path / "data", clock=clock)
    left: list[Any] = []
    desk.outgoing.sent.connect(left.append)
    decision = decided(qtbot, desk, 1.0)
    clock.turn(-DAY)
    desk.session.refresh()
    # What is shown of the undo window is what is left of it.
    qtbot.waitUntil(
        lambda: (
            any(
                one.origin == "sending" and one.undo_until <= time.time() + 1.5
                for one in desk.session.transcript.bubbles
            )
            or bool(left)
        )
    )
    qtbot.waitUntil(lambda: [one.decision for one in left] == [decision.id])
    assert left[0].sent_at >= left[0].at
    qtbot.waitUntil(lambda: desk.session.phase == "answered")


def test_a_clock_put_forward_does_not_cut_an_undo_window_short(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, clock: SystemClock
) -> None:
    desk = fault_desk(tmp_path / "data", clock=clock)
    left: list[Any] = []
    desk.outgoing.sent.connect(left.append)
    decided(qtbot, desk, 30.0)
    clock.turn(DAY)
    desk.outgoing.refresh()
    desk.intake.look()
    qtbot.wait(500)
    assert left == []
    with qtbot.waitSignal(desk.session.undone) as undone:
        assert desk.session.undo()
    assert undone.args[1] is True


def test_what_was_pending_leaves_after_a_restart_with_a_clock_set_back(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, clock: SystemClock
) -> None:
    desk = fault_desk(tmp_path / "data", clock=clock)
    decision = decided(qtbot, desk, 1.0)
    desk.close()
    clock.turn(-DAY)
    again = fault_desk(tmp_path / "data", clock=clock)
    left: list[Any] = []
    again.outgoing.sent.connect(left.append)
    qtbot.waitUntil(lambda: [one.decision for one in left] == [decision.id])


def test_waiting_times_and_figures_are_never_negative(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, clock: SystemClock
) -> None:
    desk = fault_desk(tmp_path / "data", clock=clock)
    decided(qtbot, desk, 0.0)
    before = desk.store.conversations.receive("李先生", "在吗").conversation
    clock.turn(-DAY)
    after = desk.store.conversations.receive("赵先生", "在吗").conversation
    desk.queue.refresh()
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 3)
    waits = [
        desk.queue.data(desk.queue.index(row), QueueRole.WAITING)
        for row in range(desk.queue.rowCount())
    ]
    assert all(one is None or one >= 0 for one in waits)
    assert set(desk.store.conversations.waiting()) == {before, after}
    today = desk.store.decisions.today(time.time())
    tomorrow = desk.store.decisions.today(time.time() + DAY)
    # The decision was taken on the day that the clock said then; it counts for one day.
    assert (today.accepted, tomorrow.accepted) == (0, 1)
    for conversation in (before, after):
        desk.session.open(conversation)
        qtbot.waitUntil(
            lambda here=conversation: (
                desk.session.conversation == here and desk.session.snapshot is not None
            )
        )
        desk.session.send("在的")
        qtbot.waitUntil(lambda here=conversation: bool(desk.store.decisions.of(here)))
        (decision,) = desk.store.decisions.of(conversation)
        assert decision.seconds >= 0
        assert desk.store.conversations.get(conversation).waiting_since is None


def test_a_replay_goes_on_after_the_clock_was_set_back(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, clock: SystemClock
) -> None:
    scene = Scene("one", "王女士", (Opening("壶坏了"),), replies=(Reply("好的呀", delay=0.5),))
    desk = fault_desk(tmp_path / "data", clock=clock)
    desk.intake.add_channel(ReplayChannel([scene], clock))
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)
    conversation = desk.queue.rows()[0].id
    desk.outgoing.add(desk.store.decisions.record(conversation, "rewritten", text="马上来"))
    qtbot.waitUntil(lambda: desk.store.outbox.pending() == [])
    clock.turn(-DAY)
    qtbot.waitUntil(
        lambda: (
            [one.text for one in desk.store.conversations.messages(conversation)][-1] == "好的呀"
        ),
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2 * DAY, 2 * DAY), min_size=1, max_size=20))
def test_every_message_of_a_replay_comes_once_whatever_the_clock_does(turns: list[float]) -> None:
    now = [1e9]
    openings = tuple(Opening(str(number), after=number * 10.0) for number in range(5))
    replay = Replay([Scene("one", "王女士", openings)], lambda: now[0])
    came = []
    for turn in turns:
        now[0] += turn
        came += [one.text for one in replay.due()]
    for _ in range(60):
        now[0] += 1.0
        came += [one.text for one in replay.due()]
    assert came == [one.text for one in openings]
