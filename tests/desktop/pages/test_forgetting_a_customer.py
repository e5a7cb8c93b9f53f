"""A lead deletes a customer's data on the review page."""

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
from desktop.pages.review import ReviewPage
from desktop.widgets.forget_dialog import ForgetDialog
from desktop.widgets.review_values import HitRow
from engine.store.store import open_store

Shown = Callable[[], ReviewPage]
HitAt = Callable[[ReviewPage, int], HitRow]


@pytest.fixture
def asked(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> Callable[[int], tuple[ReviewPage, HitRow, Any]]:
    """Opens the question for the customer of a hit."""

    def open_(at: int) -> tuple[ReviewPage, HitRow, Any]:
        page = shown_page()
        row = hit_at(page, at)
        button = page._columns.forget
        qtbot.waitUntil(lambda: bool(page._columns.customer.text()))
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ForgetDialog))
        return page, row, QApplication.activeModalWidget()

    return open_


def test_a_customers_words_go_after_a_clear_question_and_the_page_says_so(
    qtbot: QtBot, lead_desk: Desk, asked: Callable[[int], tuple[ReviewPage, HitRow, Any]]
) -> None:
    page, row, dialog = asked(2)
    words = row.excerpt
    assert "甲女士" in dialog.windowTitle() and "1 条消息" in dialog._goes.text()
    assert dialog.button().why_blocked() and dialog.tick("all").isHidden()
    # Enter deletes nothing.
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert lead_desk.store.conversations.get(row.conversation).forgotten_at is None
    page, row, dialog = asked(2)
    dialog.tick("sure").setChecked(True)
    qtbot.mouseClick(dialog.button(), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "已删除 1 个会话" in dialog.result_words())
    store = lead_desk.store
    assert store.conversations.get(row.conversation).forgotten_at is not None
    messages = store.conversations.messages(row.conversation)
    assert words not in [one.text for one in messages]
    dialog.reject()
    qtbot.waitUntil(lambda: page._columns.customer.text() == "客户资料已应要求删除")
    assert page._columns.forget.why_blocked()
    lead_desk.window.show_page("desk")
    qtbot.waitUntil(lambda: "甲女士" not in [one.customer for one in lead_desk.queue.rows()])


def test_all_conversations_under_the_name_are_offered(
    qtbot: QtBot, lead_desk: Desk, asked: Callable[[int], tuple[ReviewPage, HitRow, Any]]
) -> None:
    with lead_desk.store.transaction():
        further = lead_desk.store.conversations.receive("甲女士", "还有一件事", at=1.0)
        lead_desk.store.conversations.mark_screened(further.id)
    _, row, dialog = asked(2)
    assert dialog.everything() and "2 个会话" in dialog._goes.text()
    dialog.tick("all").setChecked(False)
    assert "1 个会话" in dialog._goes.text()
    dialog.tick("sure").setChecked(True)
    dialog.button().click()
    qtbot.waitUntil(lambda: bool(dialog.result_words()))
    gone = [
        lead_desk.store.conversations.get(one).forgotten_at is not None
        for one in (row.conversation, further.conversation)
    ]
    assert gone == [True, False]
    dialog.reject()


def test_a_deletion_that_fails_says_that_nothing_is_gone(
    qtbot: QtBot,
    lead_desk: Desk,
    asked: Callable[[int], tuple[ReviewPage, HitRow, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.errors import StoreError

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("The disk is full.", "store_full", path="zuoxi.db")

    _, row, dialog = asked(2)
    monkeypatch.setattr(lead_desk.store.forgetting, "erase", full)
    dialog.tick("sure").setChecked(True)
    dialog.button().click()
    qtbot.waitUntil(lambda: bool(dialog.result_words()))
    assert lead_desk.store.conversations.get(row.conversation).forgotten_at is None
    dialog.reject()


def test_the_engine_forgets_whoever_deleted(
    qtbot: QtBot,
    lead_desk: Desk,
    asked: Callable[[int], tuple[ReviewPage, HitRow, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(lead_desk.bridge, "forget", told.append)
    _, row, dialog = asked(2)
    dialog.tick("sure").setChecked(True)
    dialog.button().click()
    qtbot.waitUntil(lambda: told == [(row.conversation,)])
    dialog.reject()
    (other,) = {one.id for one in lead_desk.store.conversations.page() if one.customer == "丙女士"}
    # As `zuoxi customers forget` does beside a window.
    with open_store(lead_desk.store.path) as elsewhere:
        elsewhere.forgetting.erase([other], who="周组长")
    qtbot.waitUntil(lambda: told == [(row.conversation,), (other,)])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screens_of_a_deletion(
    qtbot: QtBot,
    lead_desk: Desk,
    asked: Callable[[int], tuple[ReviewPage, HitRow, Any]],
    shoot: Callable[..., Path],
    language: str,
    theme: str,
) -> None:
    from msgspec.structs import replace

    from desktop.theme import look

    with lead_desk.store.transaction():
        further = lead_desk.store.conversations.receive("甲女士", "还有一件事", at=1.0)
        lead_desk.store.conversations.mark_screened(further.id)
    lead_desk.apply(replace(lead_desk.settings, language=language, theme=theme))
    _, _, dialog = asked(2)
    chosen = look(theme, language)  # type: ignore[arg-type]
    shoot(dialog, "review-forget", chosen, 560)
    dialog.tick("sure").setChecked(True)
    dialog.button().click()
    qtbot.waitUntil(lambda: bool(dialog.result_words()))
    shoot(dialog, "review-forgotten", chosen, 560)
    dialog.reject()


def test_an_appeal_that_went_with_the_data_waits_for_nobody(
    qtbot: QtBot, lead_desk: Desk, asked: Callable[[int], tuple[ReviewPage, HitRow, Any]]
) -> None:
    page, row, dialog = asked(0)
    lead_desk.store.reviews.appeal(row.id, "小满", "这是原话")
    dialog.tick("sure").setChecked(True)
    dialog.button().click()
    # Whoever closes the question before it is done finds the page as it is then.
    dialog.reject()

    def deleted() -> bool:
        shown = page._session.row
        return isinstance(shown, HitRow) and shown.appeal is not None and shown.appeal.closed

    qtbot.waitUntil(deleted)
    appeal = page._session.row.appeal
    assert (appeal.state, appeal.text) == ("deleted", "")
    qtbot.waitUntil(lambda: page.appeal._state.text() == "申诉已随客户资料删除")
    assert page.appeal.button(True).isHidden() and page.appeal.field.isHidden()
