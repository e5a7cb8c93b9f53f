"""A desk with rules of every level, and what an agent does at its reply box."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.widgets.gate_panel import GatePanel
from engine import settings as settings_file
from engine.paths import DataFolder
from engine.records import Draft
from engine.settings import Settings
from engine.store.rows import Approval

Open = Callable[..., Desk]

CONTROL = Qt.KeyboardModifier.ControlModifier
OVERRIDE = CONTROL | Qt.KeyboardModifier.ShiftModifier
PROMISE = "我们百分百保证修好"


MORE_RULES = """
pack: {id: gate_tests, version: 1, owner: tests, title: {zh: 测试, en: Tests}}
rules:
  - id: t.brush_off
    side: agent
    category: attitude
    level: L2
    action: block
    name: {zh: 推诿, en: Brush-off}
    why: {zh: 客户会觉得没人管。, en: The customer feels left alone.}
    advice: {zh: 说清楚谁来处理。, en: Say who takes care of it.}
    match: {words: [不归我管, not my job]}
    must_hit: [这不归我管]
    must_miss: [你好]
  - id: t.code
    side: agent
    category: secrets
    level: L4
    action: block
    name: {zh: 索要验证码, en: Asks for a code}
    why: {zh: 验证码不能告诉任何人, en: A code is nobody's business}
    advice: {zh: 请客户自己操作, en: Let the customer do it}
    match: {words: [验证码发我, send me the code]}
    must_hit: [把验证码发我]
    must_miss: [你好]
scripts:
  - id: t.identity
    name: {zh: 身份, en: Identity}
    when: {words: [你是谁]}
    text: {zh: 您好，我是客服小满。, en: I am Xiaoman of customer service.}
    by_turn: 1
    effective: {until: 2020-01-01}
    must_hit: [你是谁呀]
    must_miss: [你好]
"""


@pytest.fixture
def gate_rules(tmp_path: Path, desk_rules: Path) -> Path:
    """Rules that stop at every level: L2, L3 and L4."""
    folder = tmp_path / "gate_rules"
    folder.mkdir()
    (folder / "more.yaml").write_text(MORE_RULES, "utf-8")
    (folder / "tests.yaml").write_text((desk_rules / "tests.yaml").read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture
def open_gate(
    qtbot: QtBot, tmp_path: Path, open_desk: Open, gate_rules: Path
) -> Callable[..., Desk]:
    """Opens a desk of the agent 小满, or of who is named, with a window that is shown."""

    def open_(agent: str = "小满", **values: Any) -> Desk:
        # An undo window that no slow machine outlives.
        usual = {"agent": agent, "language": "zh", "theme": "light", "undo_seconds": 60.0}
        chosen = Settings(**(usual | values))
        settings_file.save(DataFolder(tmp_path / "data"), chosen)
        desk = open_desk(rules=gate_rules)
        with qtbot.waitActive(desk.window):
            desk.window.show()
            desk.window.activateWindow()
        return desk

    return open_


class Hands:
    """What tests of the gate do at a desk, and read off it."""

    SHIFTED = OVERRIDE

    @staticmethod
    def waiting(desk: Desk, text: str = "壶坏了", reply: str | None = None) -> str:
        with desk.store.transaction():
            message = desk.store.conversations.receive("王女士", text)
            if reply is not None:
                desk.store.drafts.save(message.conversation, message.id, Draft("drafted", reply))
        return message.conversation

    @staticmethod
    def shown(qtbot: QtBot, desk: Desk, conversation: str) -> GatePanel:
        # A list that shows its first row chooses it by itself.
        desk.queue.refresh()
        qtbot.waitUntil(lambda: conversation in [row.id for row in desk.queue.rows()])
        desk.page.open(conversation)
        qtbot.waitUntil(
            lambda: desk.session.conversation == conversation and desk.session.snapshot is not None
        )
        desk.page.focus_composer()
        return desk.page.composer.gate

    @staticmethod
    def typed(qtbot: QtBot, desk: Desk, text: str, state: str) -> None:
        """The text stands in the box, and what is said of it is `state`."""
        desk.page.composer.editor().selectAll()
        desk.page.composer.editor().insertPlainText(text)
        qtbot.waitUntil(lambda: Hands.is_at(desk, text, state))

    @staticmethod
    def is_at(desk: Desk, text: str, state: str) -> bool:
        composer = desk.page.composer
        return composer.text() == text and composer.gate.view().state == state

    @staticmethod
    def press(desk: Desk, key: Qt.Key, modifier: Any = CONTROL) -> None:
        QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)

    @staticmethod
    def override(desk: Desk) -> None:
        Hands.press(desk, Qt.Key.Key_Return, OVERRIDE)

    @staticmethod
    def words_of(panel: GatePanel) -> str:
        return "\n".join(
            label.text()
            for label in (panel._title, panel._body, panel._next, panel._wrong)
            if not label.isHidden()
        )

    @staticmethod
    def sent(desk: Desk, conversation: str) -> list[str]:
        messages = desk.store.conversations.messages(conversation)
        return [one.text for one in messages if one.role == "agent"]

    @staticmethod
    def ask(qtbot: QtBot, desk: Desk, conversation: str, text: str = PROMISE) -> Approval:
        """Ask a lead by keyboard alone; returns what is stored by then."""
        Hands.typed(qtbot, desk, text, "lead")
        Hands.override(desk)
        QTest.keyClicks(desk.page.composer.gate.field(), "ok")
        Hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
        qtbot.waitUntil(lambda: Hands.is_at(desk, text, "asked"))
        return desk.store.approvals.of(conversation)[-1]


@pytest.fixture
def hands() -> type[Hands]:
    """The agent's hands."""
    return Hands


@pytest.fixture
def at_gate(qtbot: QtBot, open_gate: Open) -> Callable[..., tuple[Desk, str, GatePanel]]:
    """Opens a desk at a customer who waits: the desk, the conversation, the panel of its reply
    box."""

    def open_(
        text: str = "壶坏了", *, reply: str | None = None, **settings: Any
    ) -> tuple[Desk, str, GatePanel]:
        desk = open_gate(**settings)
        conversation = Hands.waiting(desk, text, reply)
        return desk, conversation, Hands.shown(qtbot, desk, conversation)

    return open_
