from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.session.intake import ReplayChannel
from engine.channels.replay import read_script
from engine.reception import receive
from engine.store.store import open_store

Open = Callable[..., Desk]


def test_a_message_from_another_process_is_seen(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    qtbot.waitUntil(lambda: desk.queue.page is not None)
    with open_store(desk.store.path) as other:
        received = receive(other, desk.gate, "王女士", "壶坏了")
    qtbot.waitUntil(
        lambda: [row.id for row in desk.queue.rows()] == [received.message.conversation]
    )


def test_what_a_crash_left_unscreened_is_screened_at_the_start(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    qtbot.waitSignal(desk.intake.caught_up).wait()
    message = desk.store.conversations.receive("赵先生", "律师函已经在写了")
    desk.close()
    again = open_desk()
    qtbot.waitUntil(lambda: bool(again.store.handovers.all_open()))
    case = again.store.handovers.all_open()[0]
    assert (case.conversation, case.category) == (message.conversation, "legal")
    qtbot.waitUntil(lambda: "1 条消息" in again.window.banner.message())


def script(folder: Path) -> Path:
    scene = {
        "id": "one",
        "customer": "王女士",
        "opening": [{"text": "壶坏了"}],
        "replies": [{"text": "好的呀", "delay": 0}],
    }
    path = folder / "replay.jsonl"
    path.write_text(json.dumps(scene), "utf-8")
    return path


def test_the_replay_answers_what_was_sent_and_goes_on_after_a_restart(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    scenes = read_script(script(tmp_path)).scenes
    moment = [1000.0]

    def clock() -> float:
        return moment[0]

    desk = open_desk(clock=clock)
    desk.intake.add_channel(ReplayChannel(scenes, clock))
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)
    conversation = desk.queue.rows()[0].id
    desk.outgoing.add(
        desk.store.decisions.record(conversation, "rewritten", text="马上来", at=1000.0)
    )
    texts = ["壶坏了", "马上来", "好的呀"]
    qtbot.waitUntil(
        lambda: [one.text for one in desk.store.conversations.messages(conversation)] == texts
    )
    desk.close()

    again = open_desk(clock=clock)
    again.intake.add_channel(ReplayChannel(scenes, clock))
    qtbot.waitUntil(lambda: len(again.queue.rows()) == 1)
    looks: list[object] = []
    again.intake.looked.connect(lambda: looks.append(None))
    qtbot.waitUntil(lambda: len(looks) >= 3)
    assert [one.text for one in again.store.conversations.messages(conversation)] == texts
