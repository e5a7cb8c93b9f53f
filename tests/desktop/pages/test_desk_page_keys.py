from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from engine.protocol import EvidenceFound, TextReleased
from engine.records import Draft, Evidence

Open = Callable[..., Desk]

CONTROL = Qt.KeyboardModifier.ControlModifier
REPLY = "亲，可以**免费**上门[1]。"
EVIDENCE = (Evidence(1, "上门检修.md", "上门检修", "保修", "可以免费上门检修。", 0.9),)


def asked(desk: Desk, text: str = "壶坏了", reply: str | None = REPLY) -> str:
    # In one step, or the desk might begin a draft of its own in between.
    with desk.store.transaction():
        message = desk.store.conversations.receive("王女士", text)
        if reply is not None:
            draft = Draft("drafted", reply, evidence=EVIDENCE, style="warm_shop")
            desk.store.drafts.save(message.conversation, message.id, draft)
    return message.conversation


def shown(qtbot: QtBot, desk: Desk, conversation: str) -> None:
    desk.window.show()
    desk.window.activateWindow()
    qtbot.waitUntil(lambda: desk.queue.page is not None)
    # The most urgent one may have opened by itself already.
    desk.page.open(conversation)
    qtbot.waitUntil(
        lambda: desk.session.conversation == conversation and desk.session.snapshot is not None
    )


def press(desk: Desk, key: Qt.Key, modifier: Any = CONTROL) -> None:
    focus = QApplication.focusWidget() or desk.window
    QTest.keyClick(focus, key, modifier)


def actions_of(desk: Desk, conversation: str) -> list[str]:
    return [decision.action for decision in desk.store.decisions.of(conversation)]


def test_opening_shows_message_draft_evidence_and_checks(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    shown(qtbot, desk, asked(desk))
    assert "免费上门" in desk.page.draft.card.shown_text()
    assert desk.page.draft.evidence.isVisible()
    assert desk.page.draft.grounding.isVisible()
    assert desk.page.draft.bar.button("accept").isEnabled()


def test_control_enter_accepts_and_control_z_takes_it_back(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    shown(qtbot, desk, conversation)
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(desk.page.toast.decision_id()))
    assert desk.session.phase in ("ready", "sending")
    press(desk, Qt.Key.Key_Z)
    messages = desk.store.conversations.messages
    qtbot.waitUntil(lambda: messages(conversation)[-1].state == "undone")
    qtbot.waitUntil(lambda: desk.session.phase == "ready")
    assert not desk.page.toast.isVisible()


def test_control_e_edits_and_control_enter_sends_what_is_typed(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk)
    shown(qtbot, desk, conversation)
    press(desk, Qt.Key.Key_E)
    assert desk.page.composer.text() == "亲，可以免费上门。"
    QTest.keyClicks(QApplication.focusWidget(), "ok")
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: actions_of(desk, conversation) == ["edited"])
    assert desk.store.conversations.messages(conversation)[-1].text == "亲，可以免费上门。ok"
    qtbot.waitUntil(lambda: desk.page.composer.text() == "")


def test_typed_words_go_before_the_draft_wherever_the_focus_is(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk)
    shown(qtbot, desk, conversation)
    desk.page.focus_composer()
    QTest.keyClicks(QApplication.focusWidget(), "mine")
    desk.page.focus_queue()
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: actions_of(desk, conversation) == ["rewritten"])


def test_control_backspace_and_a_digit_reject(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    shown(qtbot, desk, conversation)
    press(desk, Qt.Key.Key_Backspace)
    menu = desk.page.draft.bar.reasons()
    assert menu is not None
    QTest.keyClick(menu, Qt.Key.Key_4)
    qtbot.waitUntil(lambda: actions_of(desk, conversation) == ["rejected"])
    assert desk.store.decisions.of(conversation)[0].reason == "tone"


def test_control_h_hands_over_and_control_j_inserts_the_script(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    message = desk.store.conversations.receive("赵先生", "律师函已经在写了")
    script = "您的情况我已记录，马上转专人处理。"
    desk.store.handovers.open(message.conversation, "legal", "t.lawyer", script, message.id)
    shown(qtbot, desk, message.conversation)
    assert desk.page.draft.case.isVisible()
    assert desk.page.draft.case.case().rule == "律师"
    press(desk, Qt.Key.Key_J)
    assert desk.page.composer.text() == script
    assert desk.page.draft.case.case().script_inserted
    other = asked(desk)
    with qtbot.waitSignal(desk.session.opened):
        desk.page.open(other)
    assert not desk.page.draft.case.isVisible()
    press(desk, Qt.Key.Key_H)
    qtbot.waitUntil(desk.page.draft.case.isVisible)
    assert actions_of(desk, other) == ["handed_over"]


def test_an_enter_that_ends_a_composition_sends_nothing(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    shown(qtbot, desk, conversation)
    desk.session.set_settings(replace(desk.settings, enter_sends=True))
    desk.page.set_settings(replace(desk.settings, enter_sends=True))
    desk.page.focus_composer()
    editor = desk.page.composer.editor()
    QApplication.sendEvent(editor, QInputMethodEvent("nihao", []))
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    press(desk, Qt.Key.Key_Return)
    commit = QInputMethodEvent("", [])
    commit.setCommitString("你好")
    QApplication.sendEvent(editor, commit)
    press(desk, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    assert desk.page.composer.text() == "你好"
    assert actions_of(desk, conversation) == []


def test_a_red_line_blocks_the_reply_and_says_why(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk, reply=None)
    shown(qtbot, desk, conversation)
    with qtbot.waitSignal(desk.session.composing.screened):
        desk.page.composer.editor().setPlainText("我们百分百保证修好")
    desk.page.focus_composer()
    press(desk, Qt.Key.Key_Return)
    assert "乱承诺" in desk.page.composer._why()
    assert actions_of(desk, conversation) == []
    assert len(desk.page.composer.editor().extraSelections()) == 1


def test_a_refused_draft_lands_in_the_reply_box_where_the_script_goes_in_with_one_key(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk, text="吃了过敏怎么办")
    shown(qtbot, desk, conversation)
    assert "必答话术" in desk.page.draft.bar.button("accept").why_blocked()
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desk.page.composer.text() == "亲，可以免费上门。")
    assert "必答话术" in desk.window.banner.message()
    press(desk, Qt.Key.Key_J)
    press(desk, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: actions_of(desk, conversation) == ["edited"])
    assert "尽快就医" in desk.store.conversations.messages(conversation)[-1].text


def test_streaming_shows_evidence_and_words_as_they_come(
    qtbot: QtBot, open_desk: Open, engine_twin: Callable[[Desk], Any]
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    conversation = asked(desk, reply=None)
    twin.ready()
    shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: len(twin.asked) == 1)
    card = desk.page.draft.card
    assert card.state() == "drafting"
    twin.say(EvidenceFound("t1", EVIDENCE), TextReleased("t1", "亲，"), TextReleased("t1", "可以"))
    qtbot.waitUntil(lambda: card.shown_text() == "亲，可以")
    assert desk.page.draft.evidence.isVisible()
    assert "草稿还没写好" in desk.page.draft.bar.button("accept").why_blocked()
    other = asked(desk, reply="另一个")
    desk.page.open(other)
    qtbot.waitUntil(lambda: card.shown_text() == "另一个")
    desk.page.open(conversation)
    qtbot.waitUntil(lambda: card.shown_text() == "亲，可以")


def test_alt_down_walks_through_the_queue(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    first, second = asked(desk), asked(desk)
    # The queue may have been read between the two.
    desk.queue.refresh()
    desk.window.show()
    # The list has the focus from the start, so the most urgent conversation is open at once.
    qtbot.waitUntil(lambda: desk.session.conversation == first)
    press(desk, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: desk.session.conversation == second)
    press(desk, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: desk.session.conversation == first)


def test_a_customer_s_markup_is_shown_and_never_rendered(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    markup = "<img src=x onerror=alert(1)><b>壶</b>\x00\ud800"
    conversation = asked(desk, text=markup, reply=None)
    shown(qtbot, desk, conversation)
    assert desk.session.transcript.bubbles[0].text.startswith("<img src=x")
    qtbot.waitUntil(lambda: bool(desk.queue.rows()))
    assert desk.queue.rows()[0].preview.startswith("<img")


def test_the_window_says_what_to_do_with_empty_knowledge(
    qtbot: QtBot, open_desk: Open, engine_twin: Callable[[Desk], Any]
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    desk.window.show()
    twin.ready(passages=0)
    qtbot.waitUntil(lambda: "知识库还是空的" in desk.window.banner.message())
    conversation = asked(desk, reply=None)
    shown(qtbot, desk, conversation)
    qtbot.waitUntil(lambda: desk.page.draft.card.state() == "failed")
    assert desk.session.phase == "unavailable"


def test_without_a_model_the_reason_and_the_way_to_the_settings_are_shown(
    qtbot: QtBot, open_desk: Open, engine_twin: Callable[[Desk], Any]
) -> None:
    desk = open_desk()
    twin = engine_twin(desk)
    desk.window.show()
    twin.ready(model_error="找不到模型文件 x.gguf。")
    qtbot.waitUntil(lambda: "没有可用的模型" in desk.window.banner.message())
    desk.window.banner.action_requested.emit()
    assert desk.window.page() == "settings"


def test_the_most_urgent_customer_is_open_wherever_the_focus_is(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    first, _ = asked(desk), asked(desk)
    desk.window.show()
    desk.page.focus_composer()
    qtbot.waitUntil(lambda: desk.session.conversation == first)


def test_what_is_opened_before_the_columns_are_made_stays_open(open_desk: Open) -> None:
    desk = open_desk()
    receive = desk.store.conversations.receive
    first, second = (receive(name, "在吗").conversation for name in ("王女士", "李先生"))
    page = desk.page
    page.queue.opened.emit(first)
    page.open(second)
    page.make_ready()
    assert desk.session.conversation == second


def test_a_list_that_gets_its_first_rows_leaves_what_is_open_alone(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    with qtbot.waitActive(desk.window):
        desk.window.show()
        desk.window.activateWindow()
    qtbot.waitUntil(lambda: desk.queue.page is not None)
    panel = desk.page.queue
    panel.focus_list()
    receive = desk.store.conversations.receive
    with desk.store.transaction():
        first, second = (receive(name, "在吗").conversation for name in ("王女士", "李先生"))
    desk.page.open(second)
    desk.queue.refresh()
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 2)
    qtbot.waitUntil(lambda: panel.current_id() == second)
    assert desk.session.conversation == second and first != second
