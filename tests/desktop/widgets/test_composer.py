"""The reply box: what Enter does, what an input method keeps, what is pasted."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from desktop import theme
from desktop.theme import DARK, LIGHT, Look
from desktop.widgets.composer import Composer
from engine.records import Hit

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def composer(look: Look, qtbot: Any) -> Composer:
    made = Composer(look)
    qtbot.addWidget(made)
    made.resize(560, 160)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.focus_end()
    return made


def sent_by(composer: Composer) -> list[str]:
    sent: list[str] = []
    composer.send_requested.connect(sent.append)
    return sent


def compose(composer: Composer, preedit: str, commit: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    if commit:
        event.setCommitString(commit)
    QApplication.sendEvent(composer.editor(), event)


@pytest.mark.parametrize("enter_sends", [False, True])
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
@pytest.mark.parametrize("held", [Qt.KeyboardModifier.NoModifier, CTRL, SHIFT])
def test_no_enter_acts_while_an_input_method_composes(
    composer: Composer, enter_sends: bool, key: Qt.Key, held: Qt.KeyboardModifier
) -> None:
    sent = sent_by(composer)
    composer.set_enter_sends(enter_sends)
    composer.set_text("您好")
    compose(composer, "ni'hao")
    assert composer.is_composing()
    QTest.keyClick(composer.editor(), key, held)
    assert sent == [] and composer.text() == "您好"


def test_the_enter_that_ends_a_composition_does_not_send(composer: Composer) -> None:
    sent = sent_by(composer)
    composer.set_enter_sends(True)
    compose(composer, "ni'hao")
    compose(composer, "", "你好")
    QApplication.sendEvent(
        composer.editor(),
        QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
    )
    assert sent == [] and composer.text() == "你好"
    QApplication.processEvents()
    QTest.keyClick(composer.editor(), Qt.Key.Key_Return)
    assert sent == ["你好"]


def test_enter_is_a_new_line_unless_it_was_set_to_send(composer: Composer) -> None:
    sent = sent_by(composer)
    QTest.keyClicks(composer.editor(), "one")
    QTest.keyClick(composer.editor(), Qt.Key.Key_Return)
    assert composer.text() == "one\n" and sent == []
    composer.set_enter_sends(True)
    QTest.keyClick(composer.editor(), Qt.Key.Key_Return, SHIFT)
    assert composer.text() == "one\n\n" and sent == []
    QTest.keyClick(composer.editor(), Qt.Key.Key_Return)
    assert sent == ["one\n\n"]


def test_control_enter_sends_what_is_typed_and_leaves_an_empty_box_to_the_window(
    look: Look, qtbot: Any
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    composer = Composer(look)
    QVBoxLayout(window).addWidget(composer)
    accepted: list[bool] = []
    for keys in ("Ctrl+Return", "Ctrl+Backspace", "Ctrl+E"):
        QShortcut(QKeySequence(keys), window).activated.connect(lambda: accepted.append(True))
    sent = sent_by(composer)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    composer.focus_end()
    editor = composer.editor()
    QTest.keyClick(editor, Qt.Key.Key_Return, CTRL)
    QTest.keyClick(editor, Qt.Key.Key_Backspace, CTRL)
    QTest.keyClick(editor, Qt.Key.Key_E, CTRL)
    assert len(accepted) == 3 and sent == []
    QTest.keyClicks(editor, "two words")
    QTest.keyClick(editor, Qt.Key.Key_Return, CTRL)
    assert sent == ["two words"] and len(accepted) == 3
    QTest.keyClick(editor, Qt.Key.Key_Backspace, CTRL)
    assert composer.text() == "two " and len(accepted) == 3


def test_only_plain_text_is_pasted(composer: Composer) -> None:
    data = QMimeData()
    data.setHtml("<b>bold</b><img src='http://example.invalid/x.png'>")
    data.setText("<b>bold</b>\x07\u202e\r\nnext")
    composer.editor().insertFromMimeData(data)
    assert composer.text() == "<b>bold</b>\ufffd\ufffd\nnext"
    picture = QMimeData()
    picture.setData("image/png", b"x")
    assert not composer.editor().canInsertFromMimeData(picture)


def test_a_blocked_reply_says_why_and_is_not_sent(composer: Composer) -> None:
    sent = sent_by(composer)
    composer.set_text("我们保证退款")
    composer.set_blocked("承诺了结果")
    QTest.keyClick(composer.editor(), Qt.Key.Key_Return, CTRL)
    composer._button.click()
    assert sent == []
    assert "承诺了结果" in composer._button.why_blocked()
    assert "承诺了结果" in composer._button.accessibleDescription()
    composer.set_blocked("")
    composer._button.click()
    assert sent == ["我们保证退款"]


def test_an_empty_box_sends_nothing(composer: Composer) -> None:
    sent = sent_by(composer)
    composer.set_text(" \n ")
    composer._send()
    assert sent == [] and composer._button.why_blocked()


def test_hits_are_marked_on_their_very_characters_behind_an_emoji(composer: Composer) -> None:
    text = "😡😡绝对没问题"
    composer.set_text(text)
    start = text.index("绝对")
    composer.set_hits([Hit("r", "c", "L2", "hint", start, start + 2, "绝对", name="绝对化")])
    (mark,) = composer.editor().extraSelections()
    assert mark.cursor.selectedText() == "绝对"
    composer.set_look(Look(DARK, "en"))
    (mark,) = composer.editor().extraSelections()
    assert mark.cursor.selectedText() == "绝对"


def test_setting_text_is_silent_and_typing_is_not(composer: Composer) -> None:
    heard: list[str] = []
    composer.text_changed.connect(heard.append)
    composer.set_text("old")
    composer.focus_end()
    QTest.keyClicks(composer.editor(), "x")
    assert heard == ["oldx"]


def test_a_script_goes_on_its_own_line_and_can_be_undone(composer: Composer) -> None:
    composer.set_text("您好")
    composer.focus_end()
    composer.insert_script("请知悉。")
    assert composer.text() == "您好\n请知悉。"
    composer.editor().undo()
    assert composer.text() == "您好"


def test_a_missing_script_offers_to_insert_it(composer: Composer, qtbot: Any) -> None:
    composer.set_scripts(["请知悉。"])
    with qtbot.waitSignal(composer.script_requested):
        composer._insert.click()
    composer.set_scripts([])
    assert composer._insert.isHidden()


def test_a_closed_conversation_cannot_be_typed_in(composer: Composer) -> None:
    composer.set_enabled(False, "会话已关闭")
    QTest.keyClicks(composer.editor(), "x")
    assert composer.text() == "" and composer.editor().placeholderText() == "会话已关闭"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_the_hint_in_an_empty_box_reads_as_well_as_text(
    qapp: QApplication, qtbot: Any, tokens: theme.Tokens
) -> None:
    theme.apply(qapp, Look(tokens))
    composer = Composer(Look(tokens))
    qtbot.addWidget(composer)
    composer.show()
    ink = composer.editor().palette().placeholderText().color()
    assert ink.alpha() == 255 and ink.name().upper() == tokens.text_faint
