"""The reply box where a rule keeps a text back: words, reasons, a lead's answer, a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
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
Shoot = Callable[..., Path]

CONTROL = Qt.KeyboardModifier.ControlModifier
OVERRIDE = CONTROL | Qt.KeyboardModifier.ShiftModifier
LEAD = "周组长"
PROMISE = "我们百分百保证修好"
BRUSH_OFF = "这不归我管"
CODE = "把验证码发我"

MORE_RULES = """
pack: {id: gate_tests, version: 1, owner: tests, title: {zh: 测试, en: Tests}}
rules:
  - id: t.brush_off
    side: agent
    category: attitude
    level: L2
    action: block
    name: {zh: 推诿, en: Brush-off}
    why: {zh: 客户会觉得没人管, en: The customer feels left alone}
    advice: {zh: 说清楚谁来处理, en: Say who takes care of it}
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
def open_gate(tmp_path: Path, open_desk: Open, gate_rules: Path) -> Callable[..., Desk]:
    """Opens a desk of the agent 小满, or of who is named, with a window that is shown."""

    def open_(agent: str = "小满", **values: Any) -> Desk:
        chosen = Settings(**({"agent": agent, "language": "zh", "theme": "light"} | values))
        settings_file.save(DataFolder(tmp_path / "data"), chosen)
        desk = open_desk(rules=gate_rules)
        desk.window.show()
        desk.window.activateWindow()
        return desk

    return open_


def waiting(desk: Desk, text: str = "壶坏了", reply: str | None = None) -> str:
    message = desk.store.conversations.receive("王女士", text)
    if reply is not None:
        desk.store.drafts.save(message.conversation, message.id, Draft("drafted", reply))
    return message.conversation


def shown(qtbot: QtBot, desk: Desk, conversation: str) -> GatePanel:
    desk.page.open(conversation)
    qtbot.waitUntil(
        lambda: desk.session.conversation == conversation and desk.session.snapshot is not None
    )
    desk.page.focus_composer()
    return desk.page.composer.gate


def typed(qtbot: QtBot, desk: Desk, text: str, state: str) -> None:
    """The text stands in the box, and what is said of it is `state`."""
    desk.page.composer.editor().selectAll()
    desk.page.composer.editor().insertPlainText(text)
    qtbot.waitUntil(lambda: is_at(desk, text, state))


def is_at(desk: Desk, text: str, state: str) -> bool:
    composer = desk.page.composer
    return composer.text() == text and composer.gate.view().state == state


def press(desk: Desk, key: Qt.Key, modifier: Any = CONTROL) -> None:
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)


def override(desk: Desk) -> None:
    press(desk, Qt.Key.Key_Return, OVERRIDE)


def words_of(panel: GatePanel) -> str:
    return "\n".join(
        label.text()
        for label in (panel._title, panel._body, panel._next, panel._wrong)
        if not label.isHidden()
    )


def sent(desk: Desk, conversation: str) -> list[str]:
    messages = desk.store.conversations.messages(conversation)
    return [one.text for one in messages if one.role == "agent"]


def ask(qtbot: QtBot, desk: Desk, conversation: str, text: str = PROMISE) -> Approval:
    """Ask a lead by keyboard alone; returns what is stored by then."""
    typed(qtbot, desk, text, "lead")
    override(desk)
    QTest.keyClicks(QApplication.focusWidget(), "ok")
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: is_at(desk, text, "asked"))
    return desk.store.approvals.of(conversation)[-1]


def test_a_blocked_text_says_rule_reason_and_advice_at_the_button_and_in_the_box(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    assert panel.isHidden()
    data = QMimeData()
    data.setText("😀" + PROMISE)
    desk.page.composer.editor().insertFromMimeData(data)
    qtbot.waitUntil(lambda: panel.isVisible())
    why = desk.page.composer._button.why_blocked()
    for words in ("乱承诺", "不能保证", "改成会尽力"):
        assert words in why and words in words_of(panel)
    (mark,) = desk.page.composer.editor().extraSelections()
    assert mark.cursor.selectedText() == "百分百保证"
    press(desk, Qt.Key.Key_Return)
    typed(qtbot, desk, "我们会尽力修好", "")
    assert panel.isHidden() and desk.page.composer._button.isEnabled()
    assert sent(desk, conversation) == []


def test_a_mild_rule_lets_a_text_go_at_once_with_a_reason_and_the_lead_is_told(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    typed(qtbot, desk, BRUSH_OFF, "reason")
    override(desk)
    assert panel.is_open() and QApplication.focusWidget() is panel.field()
    assert panel.button().why_blocked()
    QTest.keyClicks(panel.field(), "   ")
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert "空格" in panel.button().why_blocked()
    assert sent(desk, conversation) == []
    QTest.keyClicks(panel.field(), "the customer asked who")
    override(desk)
    qtbot.waitUntil(lambda: panel.view().state == "informed")
    assert sent(desk, conversation) == [BRUSH_OFF]
    (told,) = desk.store.approvals.queue()
    assert (told.state, told.reason, told.asker) == ("told", "the customer asked who", "小满")
    assert desk.store.decisions.of(conversation)[0].override == "the customer asked who"
    assert desk.page.composer.text() == "" and "知会组长" in words_of(panel)
    # Taken back, the words are in the box again, and nothing was told.
    desk.session.undo()
    qtbot.waitUntil(lambda: is_at(desk, BRUSH_OFF, "reason"))
    assert desk.store.approvals.queue() == []


def test_enter_that_ends_a_composition_in_the_reason_sends_nothing(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    typed(qtbot, desk, BRUSH_OFF, "reason")
    override(desk)
    QApplication.sendEvent(panel.field(), QInputMethodEvent("shuo", []))
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    commit = QInputMethodEvent("", [])
    commit.setCommitString("客户要求")
    QApplication.sendEvent(panel.field(), commit)
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert panel.reason() == "客户要求" and desk.store.decisions.of(conversation) == []
    QApplication.processEvents()
    press(desk, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert not panel.is_open()
    assert QApplication.focusWidget() is desk.page.composer.editor()


def test_a_lead_approves_and_one_key_sends_that_very_text(qtbot: QtBot, open_gate: Open) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    asked = ask(qtbot, desk, conversation)
    assert (asked.text, asked.reason, asked.asker) == (PROMISE, "ok", "小满")
    assert desk.store.composers.get(conversation) == PROMISE
    assert "等待" in desk.page.composer._button.why_blocked()
    assert "等待组长批准" in words_of(panel) and "ok" in words_of(panel)
    press(desk, Qt.Key.Key_Return)
    assert sent(desk, conversation) == []
    desk.store.approvals.decide(asked.id, True, LEAD, "仅此一次")
    # The lead worked on another page of the same window.
    desk.window.show_page("settings")
    desk.window.show_page("desk")
    qtbot.waitUntil(lambda: panel.view().state == "granted")
    assert LEAD in words_of(panel) and "仅此一次" in words_of(panel)
    assert desk.page.composer.text() == PROMISE
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: sent(desk, conversation) == [PROMISE])
    assert desk.store.approvals.get(asked.id).state == "used"
    assert desk.store.decisions.of(conversation)[0].approved_by == LEAD


def test_an_approval_lapses_with_a_changed_text_and_the_text_can_be_restored(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    asked = ask(qtbot, desk, conversation)
    desk.store.approvals.decide(asked.id, True, LEAD)
    # Still blocked: the box offers to ask anew, and to restore.
    changed = PROMISE + "，两天内"
    typed(qtbot, desk, changed, "lead")
    assert "不适用" in words_of(panel) and panel._restore.isVisible()
    assert not desk.page.composer._button.isEnabled()
    # Harmless: it may be sent, and says that the approval is not for it.
    typed(qtbot, desk, "我们会尽力", "lapsed")
    assert "失效" in words_of(panel) and PROMISE in words_of(panel)
    assert desk.page.composer._button.isEnabled()
    override(desk)
    qtbot.waitUntil(lambda: is_at(desk, PROMISE, "granted"))
    # Something else is sent: the approval is void for good.
    typed(qtbot, desk, "我们会尽力", "lapsed")
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: sent(desk, conversation) == ["我们会尽力"])
    assert desk.store.approvals.get(asked.id).state == "expired"
    qtbot.waitUntil(lambda: panel.isHidden())


def test_a_refusal_shows_the_leads_words_and_one_can_ask_again(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    asked = ask(qtbot, desk, conversation)
    desk.store.approvals.decide(asked.id, False, LEAD, "改成两天内联系")
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "refused")
    assert LEAD in words_of(panel) and "改成两天内联系" in words_of(panel)
    assert desk.page.composer.text() == PROMISE
    assert not desk.page.composer._button.isEnabled()
    override(desk)
    QTest.keyClicks(panel.field(), "manager agreed")
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: panel.view().state == "asked")
    again = desk.store.approvals.of(conversation)[-1]
    assert again.id != asked.id and again.reason == "manager agreed"


def test_what_was_asked_survives_a_restart_and_the_answer_is_there(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    shown(qtbot, desk, conversation)
    asked = ask(qtbot, desk, conversation)
    desk.close()
    desk = open_gate()
    panel = shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: is_at(desk, PROMISE, "asked"))
    desk.close()
    desk = open_gate(LEAD)
    desk.store.approvals.decide(asked.id, True, LEAD)
    desk.close()
    desk = open_gate()
    panel = shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: is_at(desk, PROMISE, "granted"))
    override(desk)
    qtbot.waitUntil(lambda: sent(desk, conversation) == [PROMISE])
    qtbot.waitUntil(lambda: panel.isHidden())


def test_what_nobody_may_let_pass_offers_no_way_round_and_names_whom_to_ask(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    typed(qtbot, desk, f"{CODE}，{BRUSH_OFF}", "never")
    assert panel.button().isHidden()
    override(desk)
    assert not panel.is_open() and panel._frame.isHidden()
    assert "合规负责人" in words_of(panel)
    desk.session.send(desk.page.composer.text(), override="我负责")
    qtbot.waitUntil(lambda: "谁都不能放行" in desk.window.banner.message())
    assert sent(desk, conversation) == [] and desk.store.approvals.of(conversation) == []


def test_a_request_needs_a_name_and_the_button_says_so(qtbot: QtBot, open_gate: Open) -> None:
    desk = open_gate("")
    panel = shown(qtbot, desk, waiting(desk))
    typed(qtbot, desk, PROMISE, "lead")
    assert "姓名" in panel.button().why_blocked()
    desk.session.composing.ask_lead("急", "")
    qtbot.waitUntil(lambda: "名字" in words_of(panel))
    assert desk.store.approvals.queue() == []


def test_a_full_disk_stores_no_request_and_the_reason_stays(
    qtbot: QtBot, open_gate: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import StoreError

    desk = open_gate()
    panel = shown(qtbot, desk, waiting(desk))
    typed(qtbot, desk, PROMISE, "lead")

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("The disk is full.", "store_full", path="zuoxi.db")

    monkeypatch.setattr(desk.store.approvals, "ask", full)
    override(desk)
    QTest.keyClicks(panel.field(), "ok")
    override(desk)
    qtbot.waitUntil(lambda: bool(panel._problem))
    assert panel.view().state == "lead" and panel.reason() == "ok"
    monkeypatch.undo()
    qtbot.waitUntil(lambda: not panel.button().why_blocked())
    override(desk)
    qtbot.waitUntil(lambda: panel.view().state == "asked")


def test_a_reason_is_kept_for_its_conversation(qtbot: QtBot, open_gate: Open) -> None:
    desk = open_gate()
    first, second = waiting(desk), waiting(desk, "发票呢")
    panel = shown(qtbot, desk, first)
    typed(qtbot, desk, BRUSH_OFF, "reason")
    override(desk)
    QTest.keyClicks(panel.field(), "half a reason")
    shown(qtbot, desk, second)
    qtbot.waitUntil(lambda: panel.isHidden())
    assert panel.reason() == ""
    shown(qtbot, desk, first)
    qtbot.waitUntil(lambda: is_at(desk, BRUSH_OFF, "reason"))
    assert panel.reason() == "half a reason" and panel.is_open()


def test_a_missing_script_goes_in_first_and_tears_no_sentence(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    panel = shown(qtbot, desk, waiting(desk, "吃了过敏怎么办"))
    typed(qtbot, desk, BRUSH_OFF, "reason")
    qtbot.waitUntil(lambda: not desk.page.composer._insert.isHidden())
    assert "必答话术" in panel.button().why_blocked()
    press(desk, Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier)
    press(desk, Qt.Key.Key_J)
    assert desk.page.composer.text() == f"{BRUSH_OFF}\n如有不适请尽快就医。"
    assert "已插入" in desk.page.composer._state.text()
    qtbot.waitUntil(lambda: not panel.button().why_blocked())
    assert desk.session.composing.comes_first("您好，我是客服小满。")
    desk.page.composer.insert_script("您好，我是客服小满。", first=True)
    assert desk.page.composer.text().startswith("您好，我是客服小满。\n")


def test_a_key_quicker_than_the_check_is_still_stopped_and_shown_why(
    qtbot: QtBot, open_gate: Open
) -> None:
    desk = open_gate()
    conversation = waiting(desk, reply=f"{PROMISE}[1]。")
    panel = shown(qtbot, desk, conversation)
    desk.page.composer.editor().insertPlainText(PROMISE)
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.view().state == "lead")
    assert sent(desk, conversation) == []
    assert len(desk.page.composer.editor().extraSelections()) == 1


@pytest.mark.parametrize("theme_name", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pictures_of_the_gate_in_the_window(
    qtbot: QtBot, open_gate: Open, shoot: Shoot, language: str, theme_name: str
) -> None:
    desk = open_gate(language=language, theme=theme_name)
    conversation = waiting(desk)
    panel = shown(qtbot, desk, conversation)
    look = panel._look
    chinese = language == "zh"
    promise = PROMISE if chinese else "It is guaranteed forever"
    for name, text, state in (
        ("never", CODE if chinese else "please send me the code", "never"),
        ("reason", BRUSH_OFF if chinese else "that is not my job", "reason"),
    ):
        typed(qtbot, desk, text, state)
        if state == "reason":
            override(desk)
            why = "客户问由谁负责" if chinese else "The customer asked who is responsible"
            panel.field().insertPlainText(why)
        desk.window.resize(1280, 720)
        shoot(desk.window, f"gate-{name}", look, 1280, 720)
        assert panel.accessibleName() and panel.accessibleDescription()
    panel._give_up()
    panel.field().clear()
    asked = ask(qtbot, desk, conversation, promise)
    shoot(desk.window, "gate-asked", look, 1280, 720)
    desk.store.approvals.decide(asked.id, False, LEAD, "改成会尽力" if chinese else "Say we try")
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "refused")
    shoot(desk.window, "gate-refused", look, 1280, 720)
    again = desk.store.approvals.ask(conversation, promise, "again", "小满")
    desk.store.approvals.decide(again.id, True, LEAD)
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "granted")
    shoot(desk.window, "gate-granted", look, 1280, 720)
    typed(qtbot, desk, promise + "!!", "lead")
    shoot(desk.window, "gate-lapsed", look, 1280, 720)
    assert panel.height() >= panel.minimumSizeHint().height()

