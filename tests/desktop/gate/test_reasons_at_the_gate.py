"""The reply box where a rule keeps a text back: words, keys, reasons, scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.widgets.gate_panel import GatePanel

Open = Callable[..., Desk]
AtGate = Callable[..., tuple[Desk, str, GatePanel]]

PROMISE = "我们百分百保证修好"
BRUSH_OFF = "这不归我管"
CODE = "把验证码发我"


def test_a_blocked_text_says_rule_reason_and_advice_at_the_button_and_in_the_box(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    assert panel.isHidden()
    data = QMimeData()
    data.setText("😀" + PROMISE)
    desk.page.composer.editor().insertFromMimeData(data)
    qtbot.waitUntil(panel.isVisible)
    why = desk.page.composer._button.why_blocked()
    for words in ("乱承诺", "不能保证", "改成会尽力"):
        assert words in why and words in hands.words_of(panel)
    (mark,) = desk.page.composer.editor().extraSelections()
    assert mark.cursor.selectedText() == "百分百保证"
    hands.press(desk, Qt.Key.Key_Return)
    hands.typed(qtbot, desk, "我们会尽力修好", "")
    assert panel.isHidden() and desk.page.composer._button.isEnabled()
    assert hands.sent(desk, conversation) == []


def test_a_mild_rule_lets_a_text_go_at_once_with_a_reason_and_the_lead_is_told(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    hands.typed(qtbot, desk, BRUSH_OFF, "reason")
    assert "客户会觉得没人管。怎么改：说清楚谁来处理。\n" in hands.words_of(panel)
    hands.override(desk)
    assert panel.is_open() and QApplication.focusWidget() is panel.field()
    assert panel.button().why_blocked()
    QTest.keyClicks(panel.field(), "   ")
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert "空格" in panel.button().why_blocked()
    assert hands.sent(desk, conversation) == []
    QTest.keyClicks(panel.field(), "the customer asked who")
    hands.override(desk)
    qtbot.waitUntil(lambda: panel.view().state == "informed")
    assert hands.sent(desk, conversation) == [BRUSH_OFF]
    (told,) = desk.store.approvals.queue()
    assert (told.state, told.reason, told.asker) == ("told", "the customer asked who", "小满")
    assert desk.store.decisions.of(conversation)[0].override == "the customer asked who"
    assert desk.page.composer.text() == "" and "告知组长" in hands.words_of(panel)
    # Taken back, the words are in the box again, and nothing was told.
    desk.session.undo()
    qtbot.waitUntil(lambda: hands.is_at(desk, BRUSH_OFF, "reason"))
    assert desk.store.approvals.queue() == []


def test_enter_that_ends_a_composition_in_the_reason_sends_nothing(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    hands.typed(qtbot, desk, BRUSH_OFF, "reason")
    hands.override(desk)
    QApplication.sendEvent(panel.field(), QInputMethodEvent("shuo", []))
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    commit = QInputMethodEvent("", [])
    commit.setCommitString("客户要求")
    QApplication.sendEvent(panel.field(), commit)
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert panel.reason() == "客户要求" and desk.store.decisions.of(conversation) == []
    QApplication.processEvents()
    hands.press(desk, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert not panel.is_open()
    assert QApplication.focusWidget() is desk.page.composer.editor()


def test_what_nobody_may_let_pass_offers_no_way_round_and_names_whom_to_ask(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    hands.typed(qtbot, desk, f"{CODE}，{BRUSH_OFF}", "never")
    assert panel.button().isHidden()
    hands.override(desk)
    assert not panel.is_open() and panel._frame.isHidden()
    # The gravest rule stands first and at length, the other one by name.
    assert "「索要验证码」（L4）" in hands.words_of(panel)
    assert "另外还触碰：推诿 (L2)" in hands.words_of(panel)
    assert "合规负责人" in hands.words_of(panel)
    desk.session.send(desk.page.composer.text(), override="我负责")
    qtbot.waitUntil(lambda: "谁都不能放行" in desk.window.banner.message())
    assert hands.sent(desk, conversation) == [] and desk.store.approvals.of(conversation) == []


def test_a_reason_is_kept_for_its_conversation(qtbot: QtBot, open_gate: Open, hands: Any) -> None:
    desk = open_gate()
    first, second = hands.waiting(desk), hands.waiting(desk, "发票呢")
    panel = hands.shown(qtbot, desk, first)
    hands.typed(qtbot, desk, BRUSH_OFF, "reason")
    hands.override(desk)
    QTest.keyClicks(panel.field(), "half a reason")
    hands.shown(qtbot, desk, second)
    qtbot.waitUntil(panel.isHidden)
    assert panel.reason() == ""
    hands.shown(qtbot, desk, first)
    qtbot.waitUntil(lambda: hands.is_at(desk, BRUSH_OFF, "reason"))
    assert panel.reason() == "half a reason" and panel.is_open()


def test_a_missing_script_goes_in_first_and_tears_no_sentence(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, _, panel = at_gate("吃了过敏怎么办")
    hands.typed(qtbot, desk, BRUSH_OFF, "reason")
    qtbot.waitUntil(lambda: not desk.page.composer._insert.isHidden())
    assert "必答话术" in panel.button().why_blocked()
    hands.press(desk, Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier)
    hands.press(desk, Qt.Key.Key_J)
    assert desk.page.composer.text() == f"{BRUSH_OFF}\n如有不适请尽快就医。"
    assert "已插入" in desk.page.composer._state.text()
    qtbot.waitUntil(lambda: not panel.button().why_blocked())
    assert desk.session.composing.comes_first("您好，我是客服小满。")
    desk.page.composer.insert_script("您好，我是客服小满。", first=True)
    assert desk.page.composer.text().startswith("您好，我是客服小满。\n")


def test_a_reason_may_stand_in_the_place_of_a_missing_script(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate("吃了过敏怎么办")
    composer = desk.page.composer
    hands.typed(qtbot, desk, "先停用看看", "script")
    assert panel.isHidden() and composer._without.isVisible()
    hands.press(desk, Qt.Key.Key_Return)
    assert hands.sent(desk, conversation) == []
    hands.override(desk)
    assert panel.isVisible() and composer._without.isHidden()
    assert "应当说：如有不适请尽快就医。" in hands.words_of(panel)
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert "理由" in panel.button().why_blocked() and hands.sent(desk, conversation) == []
    QTest.keyClicks(panel.field(), "said by phone")
    # Inserted after all, no reason is asked for any more.
    hands.press(desk, Qt.Key.Key_J)
    qtbot.waitUntil(panel.isHidden)
    hands.typed(qtbot, desk, "先停用看看", "script")
    assert panel.reason() == "said by phone"
    hands.override(desk)
    qtbot.waitUntil(lambda: panel.view().state == "informed")
    assert hands.sent(desk, conversation) == ["先停用看看"]
    (told,) = desk.store.approvals.queue()
    assert (told.state, told.reason, told.hits) == ("told", "said by phone", ())
    assert desk.store.decisions.of(conversation)[0].override == "said by phone"


def test_a_key_quicker_than_the_check_is_still_stopped_and_shown_why(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate(reply=f"{PROMISE}[1]。")
    desk.page.composer.editor().insertPlainText(PROMISE)
    hands.press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.view().state == "lead")
    assert hands.sent(desk, conversation) == []
    assert len(desk.page.composer.editor().extraSelections()) == 1
