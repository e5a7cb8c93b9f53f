"""Another rule set is put into force while the desk stands: by its own lead, or by a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot
from written_rules import GIFT

from desktop.app import Desk
from engine.store.database import open_database
from engine.store.store import Store, open_store
from engine.workshop.workshop import Workshop

Open = Callable[..., Desk]


def publish(store: Store, rules: Path) -> None:
    workshop = Workshop(store, rules)
    workshop.put(GIFT, "王班长")
    number = workshop.start_trial("王班长", "不许送礼").number
    workshop.ask(number, "王班长")
    workshop.approve(number, "李班长")


def blocks(desk: Desk) -> bool:
    return desk.gate.screen("送您一份礼", "agent").action == "block"


def test_what_a_command_publishes_is_in_force_at_the_desk(
    qtbot: QtBot, open_desk: Open, desk_rules: Path
) -> None:
    desk = open_desk()
    told: list[str] = []
    desk.rules_in_force.changed.connect(lambda running: told.append(running.rules))
    qtbot.waitUntil(lambda: bool(told))
    assert told == [desk.gate.version] and not blocks(desk)
    with open_store(desk.store.path) as other:
        publish(other, desk_rules)
    qtbot.waitUntil(lambda: blocks(desk))
    qtbot.waitUntil(lambda: told[-1] == desk.gate.version)
    assert desk.window.banner.message() == ""
    assert desk.gate.version[:6] in desk.window.status.toolTip()
    desk.close()
    assert blocks(open_desk())


def test_what_is_typed_is_judged_by_the_rules_that_come_into_force(
    qtbot: QtBot, open_desk: Open, desk_rules: Path
) -> None:
    desk = open_desk()
    conversation = desk.store.conversations.receive("客户", "在吗").conversation
    said: list[str] = []
    composing = desk.session.composing
    composing.screened.connect(lambda screening: said.append(screening.action))
    composing.begin(conversation)
    composing.set_text("送您一份礼")
    qtbot.waitUntil(lambda: said[-1:] == ["none"])
    with open_store(desk.store.path) as other:
        publish(other, desk_rules)
    qtbot.waitUntil(lambda: said[-1] == "block")


def test_a_version_that_does_not_load_leaves_the_rules_and_is_told(
    qtbot: QtBot, open_desk: Open, desk_rules: Path
) -> None:
    desk = open_desk()
    qtbot.waitUntil(lambda: desk.queue.page is not None)
    with open_store(desk.store.path) as other:
        publish(other, desk_rules)
    qtbot.waitUntil(lambda: blocks(desk))
    desk.close()
    database = open_database(desk.store.path)
    database.run("DROP TRIGGER rule_versions_unchanged")
    database.run("UPDATE rule_versions SET changes = replace(changes, 'L3', 'L9')")
    database.close()
    again = open_desk()
    assert not blocks(again) and again.gate.screen("我们百分百保证", "agent").action == "block"
    qtbot.waitUntil(lambda: "规则第 1 版没能生效" in again.window.banner.message())
