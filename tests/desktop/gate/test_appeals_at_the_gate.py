"""An agent says that a rule is wrong here, and reads what the lead answers."""

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

Open = Callable[..., Desk]
AtGate = Callable[..., tuple[Desk, str, GatePanel]]

LEAD = "周组长"
PROMISE = "我们百分百保证修好"
CODE = "把验证码发我"
WORDS = "it quotes the customer"


@pytest.fixture
def kept_back(qtbot: QtBot, at_gate: AtGate, hands: Any) -> Callable[..., tuple[Desk, str]]:
    """A desk at whose reply box a rule keeps a text back, and the conversation."""

    def open_(text: str, state: str, **settings: Any) -> tuple[Desk, str]:
        desk, conversation, _ = at_gate(**settings)
        hands.typed(qtbot, desk, text, state)
        return desk, conversation

    return open_


def appeal(qtbot: QtBot, desk: Desk, hands: Any, words: str = WORDS) -> None:
    """Say it by keyboard alone, and wait until it is stored."""
    panel = desk.page.composer.gate
    hands.press(desk, Qt.Key.Key_F, hands.SHIFTED)
    qtbot.waitUntil(panel.is_open)
    assert QApplication.focusWidget() is panel.field()
    QTest.keyClicks(panel.field(), words)
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: panel.view().appeal == "open")


def said(panel: GatePanel) -> str:
    return "" if panel._said.isHidden() else panel._said.text()


@pytest.mark.parametrize(("text", "state"), [(PROMISE, "lead"), (CODE, "never")])
def test_an_appeal_is_stored_once_and_its_answer_stands_in_the_box(
    qtbot: QtBot, kept_back: Callable[..., tuple[Desk, str]], hands: Any, text: str, state: str
) -> None:
    desk, conversation = kept_back(text, state)
    panel = desk.page.composer.gate
    appeal(qtbot, desk, hands)
    assert hands.is_at(desk, text, state) and hands.sent(desk, conversation) == []
    assert "等组长答复" in said(panel) and panel._object.isHidden() and panel.reason() == ""
    assert QApplication.focusWidget() is desk.page.composer.editor()
    (filed,) = desk.store.reviews.appeals_by("小满")
    assert (filed.appeal.text, filed.hit.conversation) == (WORDS, conversation)
    # The key does it no second time.
    hands.press(desk, Qt.Key.Key_F, hands.SHIFTED)
    assert not panel.is_open()
    desk.store.reviews.answer(filed.appeal.id, True, LEAD, "确实是复述")
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().appeal == "upheld")
    assert f"{LEAD} 同意这是误报：确实是复述。" in said(panel)
    qtbot.waitUntil(lambda: f"{LEAD} 认可" in desk.window.banner.message())
    # The rule still stands.
    hands.press(desk, Qt.Key.Key_Return)
    assert hands.sent(desk, conversation) == [] and hands.is_at(desk, text, state)


def answered_while_closed(desk: Desk, open_gate: Open, words: str, *upheld: bool) -> Desk:
    """The agent's desk again, after a lead answered all that had been filed there."""
    filed = [one for one in desk.store.reviews.appeals_by("小满") if one.appeal.upheld is None]
    desk.close()
    desk = open_gate(LEAD)
    for one, right in zip(filed, upheld, strict=True):
        desk.store.reviews.answer(one.appeal.id, right, LEAD, words)
    assert LEAD not in desk.window.banner.message()
    desk.close()
    return open_gate()


def test_an_answer_given_meanwhile_is_there_after_a_restart_and_in_the_list(
    qtbot: QtBot, kept_back: Callable[..., tuple[Desk, str]], open_gate: Open, hands: Any
) -> None:
    desk, conversation = kept_back(PROMISE, "lead")
    appeal(qtbot, desk, hands)
    desk = answered_while_closed(desk, open_gate, "这是承诺", False)
    panel = hands.shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: panel.view().appeal == "dismissed")
    assert f"{LEAD} 认为规则没有错：这是承诺。" in said(panel)
    panel._mine.click()
    dialog: Any = QApplication.activeModalWidget()
    qtbot.waitUntil(lambda: "这是承诺" in dialog.words())
    for words in ("乱承诺", "百分百保证", WORDS, f"{LEAD} 答复"):
        assert words in dialog.words()
    dialog.accept()


def test_answers_given_while_the_desk_was_closed_are_told_once(
    qtbot: QtBot, kept_back: Callable[..., tuple[Desk, str]], open_gate: Open, hands: Any
) -> None:
    desk, conversation = kept_back(PROMISE, "lead")
    appeal(qtbot, desk, hands)
    desk = answered_while_closed(desk, open_gate, "这是承诺", False)
    qtbot.waitUntil(lambda: f"{LEAD} 答复了您" in desk.window.banner.message())
    hands.shown(qtbot, desk, conversation)
    for text, state in ((CODE, "never"), ("这不归我管", "reason")):
        hands.typed(qtbot, desk, text, state)
        appeal(qtbot, desk, hands)
    desk = answered_while_closed(desk, open_gate, "看过了", False, True)
    qtbot.waitUntil(lambda: "2 条申诉有了答复：1 条" in desk.window.banner.message())
    desk.close()
    desk = open_gate()
    hands.shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: desk.page.composer.gate.view().appeal != "")
    assert "答复" not in desk.window.banner.message()


def test_an_appeal_needs_words_a_name_and_the_text_that_was_kept_back(
    qtbot: QtBot, kept_back: Callable[..., tuple[Desk, str]], hands: Any
) -> None:
    desk, _ = kept_back(PROMISE, "lead", agent="")
    panel = desk.page.composer.gate
    panel.object_to()
    assert "姓名" in panel.button().why_blocked()
    hands.press(desk, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert not panel.is_open() and panel._object.isVisible()
    desk.session.composing.set_agent("小满")
    panel.set_view(type(panel.view())("lead", panel.view().hits))
    panel.object_to()
    assert panel.button().why_blocked()
    QTest.keyClicks(panel.field(), WORDS)
    assert not panel.button().why_blocked()
    # The text is another one by the time the word is given.
    desk.page.composer.editor().insertPlainText("。")
    panel.act()
    assert "重新检查" in hands.words_of(panel)
    assert desk.store.reviews.appeals_by("小满") == []


@pytest.mark.parametrize("theme_name", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pictures_of_an_appeal(
    qtbot: QtBot,
    kept_back: Callable[..., tuple[Desk, str]],
    hands: Any,
    shoot: Callable[..., Path],
    language: str,
    theme_name: str,
) -> None:
    text = PROMISE if language == "zh" else "It is guaranteed forever"
    desk, _ = kept_back(text, "lead", language=language, theme=theme_name)
    panel = desk.page.composer.gate
    look = panel._look
    panel.object_to()
    why = "这是客户的原话，我只是复述" if language == "zh" else "I only quote the customer"
    panel.field().insertPlainText(why)
    shoot(desk.window, "gate-appeal", look, 1280, 720)
    panel.act()
    qtbot.waitUntil(lambda: panel.view().appeal == "open")
    shoot(desk.window, "gate-appealed", look, 1280, 720)
    (filed,) = desk.store.reviews.appeals_by("小满")
    answer = "确实是复述，这条规则会改" if language == "zh" else "You are right; we change the rule"
    desk.store.reviews.answer(filed.appeal.id, True, LEAD, answer)
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().appeal == "upheld")
    shoot(desk.window, "gate-appeal-upheld", look, 1280, 720)
    panel._mine.click()
    dialog: Any = QApplication.activeModalWidget()
    qtbot.waitUntil(lambda: answer in dialog.words())
    shoot(dialog, "gate-appeals", look, 640, 480)
    dialog.accept()
