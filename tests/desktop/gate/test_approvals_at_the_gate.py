"""Asking a lead in the reply box: the answer, a changed text, a restart, trouble."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.widgets.gate_panel import GatePanel

Open = Callable[..., Desk]
AtGate = Callable[..., tuple[Desk, str, GatePanel]]

Shoot = Callable[..., Path]

LEAD = "周组长"
PROMISE = "我们百分百保证修好"
BRUSH_OFF = "这不归我管"
CODE = "把验证码发我"


def test_a_lead_approves_and_one_key_sends_that_very_text(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    asked = hands.ask(qtbot, desk, conversation)
    assert (asked.text, asked.reason, asked.asker) == (PROMISE, "ok", "小满")
    assert desk.store.composers.get(conversation) == PROMISE
    assert "等待" in desk.page.composer._button.why_blocked()
    assert "等待组长批准" in hands.words_of(panel) and "ok" in hands.words_of(panel)
    hands.press(desk, Qt.Key.Key_Return)
    assert hands.sent(desk, conversation) == []
    desk.store.approvals.decide(asked.id, True, LEAD, "仅此一次")
    # The lead worked on another page of the same window.
    desk.window.show_page("settings")
    desk.window.show_page("desk")
    qtbot.waitUntil(lambda: panel.view().state == "granted")
    assert LEAD in hands.words_of(panel) and "仅此一次" in hands.words_of(panel)
    assert desk.page.composer.text() == PROMISE
    hands.press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hands.sent(desk, conversation) == [PROMISE])
    assert desk.store.approvals.get(asked.id).state == "used"
    assert desk.store.decisions.of(conversation)[0].approved_by == LEAD


def test_the_lead_who_approved_a_text_is_told_that_somebody_else_sends_it(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    asked = desk.store.approvals.ask(conversation, PROMISE, "客户急", "小周")
    desk.store.approvals.decide(asked.id, True, "小满")
    hands.typed(qtbot, desk, PROMISE, "lead")
    assert "您批准的" in panel.button().why_blocked()
    hands.press(desk, Qt.Key.Key_Return)
    hands.override(desk)
    assert hands.sent(desk, conversation) == []
    assert desk.page.composer._button.why_blocked()


def test_an_approval_lapses_with_a_changed_text_and_the_text_can_be_restored(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    asked = hands.ask(qtbot, desk, conversation)
    desk.store.approvals.decide(asked.id, True, LEAD)
    # Still blocked: the box offers to ask anew, and to restore.
    changed = PROMISE + "，两天内"
    hands.typed(qtbot, desk, changed, "lead")
    assert "不适用" in hands.words_of(panel) and panel._restore.isVisible()
    assert not desk.page.composer._button.isEnabled()
    # Harmless: it may be sent, and says that the approval is not for it.
    hands.typed(qtbot, desk, "我们会尽力", "lapsed")
    assert "失效" in hands.words_of(panel) and PROMISE in hands.words_of(panel)
    assert desk.page.composer._button.isEnabled()
    hands.override(desk)
    qtbot.waitUntil(lambda: hands.is_at(desk, PROMISE, "granted"))
    # Something else is sent: the approval is void for good.
    hands.typed(qtbot, desk, "我们会尽力", "lapsed")
    hands.press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hands.sent(desk, conversation) == ["我们会尽力"])
    assert desk.store.approvals.get(asked.id).state == "expired"
    qtbot.waitUntil(panel.isHidden)


def test_a_refusal_shows_the_leads_words_and_one_can_ask_again(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate()
    asked = hands.ask(qtbot, desk, conversation)
    desk.store.approvals.decide(asked.id, False, LEAD, "改成两天内联系")
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "refused")
    assert LEAD in hands.words_of(panel) and "改成两天内联系" in hands.words_of(panel)
    assert desk.page.composer.text() == PROMISE
    assert not desk.page.composer._button.isEnabled()
    hands.override(desk)
    QTest.keyClicks(panel.field(), "manager agreed")
    hands.press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: panel.view().state == "asked")
    again = desk.store.approvals.of(conversation)[-1]
    assert again.id != asked.id and again.reason == "manager agreed"


def test_blanks_around_an_approved_text_are_no_other_text(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, panel = at_gate(reply="亲，可以免费上门。")
    asked = hands.ask(qtbot, desk, conversation, f"{PROMISE}\n")
    assert asked.text == PROMISE
    desk.store.approvals.decide(asked.id, True, LEAD)
    # The customer writes on, so there is no draft any more that the text answers.
    message = desk.store.conversations.receive("王女士", "在吗", conversation=conversation)
    desk.store.conversations.mark_screened(message.id)
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "granted")
    hands.override(desk)
    qtbot.waitUntil(lambda: hands.sent(desk, conversation) == [PROMISE])
    qtbot.waitUntil(lambda: desk.page.composer.text() == "")


def test_what_was_asked_survives_a_restart_and_the_answer_is_there(
    qtbot: QtBot, open_gate: Open, at_gate: AtGate, hands: Any
) -> None:
    desk, conversation, _ = at_gate()
    asked = hands.ask(qtbot, desk, conversation)
    desk.close()
    desk = open_gate()
    panel = hands.shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: hands.is_at(desk, PROMISE, "asked"))
    desk.close()
    desk = open_gate(LEAD)
    desk.store.approvals.decide(asked.id, True, LEAD)
    desk.close()
    desk = open_gate()
    panel = hands.shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: hands.is_at(desk, PROMISE, "granted"))
    hands.override(desk)
    qtbot.waitUntil(lambda: hands.sent(desk, conversation) == [PROMISE])
    qtbot.waitUntil(panel.isHidden)


def test_an_answer_in_another_conversation_and_one_given_meanwhile_are_told(
    qtbot: QtBot, open_gate: Open, hands: Any
) -> None:
    desk = open_gate()
    first, second = hands.waiting(desk), hands.waiting(desk, "发票呢")
    hands.shown(qtbot, desk, first)
    asked = hands.ask(qtbot, desk, first)
    hands.shown(qtbot, desk, second)
    desk.store.approvals.decide(asked.id, True, LEAD)
    desk.session.refresh()
    qtbot.waitUntil(lambda: f"{LEAD} 同意" in desk.window.banner.message())
    assert "王女士" in desk.window.banner.message()
    desk.close()
    desk = open_gate()
    hands.shown(qtbot, desk, second)
    qtbot.waitUntil(lambda: "1 条申请已获同意" in desk.window.banner.message())
    desk.close()
    # Somebody else at the desk is not told of it.
    desk = open_gate("小寒")
    hands.shown(qtbot, desk, second)
    qtbot.wait(300)
    assert "申请" not in desk.window.banner.message()


def test_a_request_needs_a_name_and_the_button_says_so(
    qtbot: QtBot, at_gate: AtGate, hands: Any
) -> None:
    desk, _, panel = at_gate(agent="")
    hands.typed(qtbot, desk, PROMISE, "lead")
    assert "姓名" in panel.button().why_blocked()
    desk.session.composing.ask_lead("急", "")
    qtbot.waitUntil(lambda: "名字" in hands.words_of(panel))
    assert desk.store.approvals.queue() == []


def test_a_full_disk_stores_no_request_and_the_reason_stays(
    qtbot: QtBot, at_gate: AtGate, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import StoreError

    desk, _, panel = at_gate()
    hands.typed(qtbot, desk, PROMISE, "lead")

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("The disk is full.", "store_full", path="zuoxi.db")

    monkeypatch.setattr(desk.store.approvals, "ask", full)
    hands.override(desk)
    QTest.keyClicks(panel.field(), "ok")
    hands.override(desk)
    qtbot.waitUntil(lambda: bool(panel._problem))
    assert panel.view().state == "lead" and panel.reason() == "ok"
    monkeypatch.undo()
    qtbot.waitUntil(lambda: not panel.button().why_blocked())
    hands.override(desk)
    qtbot.waitUntil(lambda: panel.view().state == "asked")


@pytest.mark.parametrize("theme_name", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pictures_of_the_gate_in_the_window(
    qtbot: QtBot, at_gate: AtGate, hands: Any, shoot: Shoot, language: str, theme_name: str
) -> None:
    desk, conversation, panel = at_gate(language=language, theme=theme_name)
    look = panel._look
    chinese = language == "zh"
    promise = PROMISE if chinese else "It is guaranteed forever"
    for name, text, state in (
        ("never", CODE if chinese else "please send me the code", "never"),
        ("reason", BRUSH_OFF if chinese else "that is not my job", "reason"),
    ):
        hands.typed(qtbot, desk, text, state)
        if state == "reason":
            hands.override(desk)
            why = "客户问由谁负责" if chinese else "The customer asked who is responsible"
            panel.field().insertPlainText(why)
        desk.window.resize(1280, 720)
        shoot(desk.window, f"gate-{name}", look, 1280, 720)
        assert panel.accessibleName() and panel.accessibleDescription()
    panel._give_up()
    panel.field().clear()
    asked = hands.ask(qtbot, desk, conversation, promise)
    shoot(desk.window, "gate-asked", look, 1280, 720)
    desk.store.approvals.decide(asked.id, False, LEAD, "改成会尽力" if chinese else "Say we try")
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "refused")
    # No line of what the lead said is cut.
    body = panel._body
    qtbot.waitUntil(lambda: body.height() >= body.heightForWidth(body.width()))
    shoot(desk.window, "gate-refused", look, 1280, 720)
    again = desk.store.approvals.ask(conversation, promise, "again", "小满")
    desk.store.approvals.decide(again.id, True, LEAD)
    desk.session.refresh()
    qtbot.waitUntil(lambda: panel.view().state == "granted")
    shoot(desk.window, "gate-granted", look, 1280, 720)
    hands.typed(qtbot, desk, promise + "!!", "lead")
    shoot(desk.window, "gate-lapsed", look, 1280, 720)
