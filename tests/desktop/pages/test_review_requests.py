"""Appeals and requests on the review page, and pictures of it."""

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
from desktop.widgets.review_values import HitRow, RequestRow
from engine.records import Hit

Shown = Callable[[], ReviewPage]
HitAt = Callable[[ReviewPage, int], HitRow]

LEAD = "周组长"


def press(page: ReviewPage, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or page, key, modifier)


def verdict_of(desk: Desk, hit: str) -> str | None:
    return desk.store.reviews.get(hit).verdict


def test_an_appeal_is_answered_with_a_word(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    store = lead_desk.store
    hit = store.hits.page(limit=1)[0].id
    store.reviews.appeal(hit, "小满", "我只是复述客户的话")
    page = shown_page()
    qtbot.waitUntil(lambda: not page.appeal.isHidden())
    assert page.appeal.button(True).why_blocked()
    page.filters._take(judged="appealed")
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 1)
    hit_at(page, 0)
    page.appeal.field.setText("确实是复述")
    qtbot.mouseClick(page.appeal.button(True), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: verdict_of(lead_desk, hit) == "false_alarm")
    qtbot.waitUntil(lambda: page.appeal.button(True).isHidden())
    assert store.reviews.appeals(hit)[-1].answer == "确实是复述"


def test_an_own_appeal_says_that_somebody_else_must_answer(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown
) -> None:
    store = lead_desk.store
    store.reviews.appeal(store.hits.page(limit=1)[0].id, f" {LEAD} ", "是引用")
    page = shown_page()
    qtbot.waitUntil(lambda: not page.appeal.isHidden())
    page.appeal.field.setText("好")
    assert "别人答复" in page.appeal.button(False).why_blocked()


def test_requests_stand_first_and_are_decided_with_a_word(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, found_in: Callable[..., Hit]
) -> None:
    store = lead_desk.store
    text = "我们百分百保证退款"
    conversation = store.conversations.page()[0].id
    asked = store.approvals.ask(
        conversation, text, "客户要投诉", "小满", [found_in(text, "百分百保证")]
    )
    page = shown_page()
    row = page._session.row
    assert isinstance(row, RequestRow) and row.id == asked.id
    assert "客户要投诉" in page.card.state() and page.card.text().marked() == ["百分百保证"]
    assert page.card.button("refuse").why_blocked() and page.card.button("right").isHidden()
    press(page, Qt.Key.Key_R)
    page.card.comment.setText("改成会尽力")
    assert not page.card.button("refuse").why_blocked()
    qtbot.mouseClick(page.card.button("refuse"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: store.approvals.get(asked.id).state == "refused")
    assert store.approvals.get(asked.id).comment == "改成会尽力"
    qtbot.waitUntil(lambda: bool(page.card.button("approve").why_blocked()))


def test_the_rail_counts_what_an_agent_asks_before_the_page_was_ever_opened(
    qtbot: QtBot, lead_desk: Desk
) -> None:
    lead_desk.window.show()
    button = lead_desk.window.rail._buttons["review"]
    conversation = lead_desk.store.conversations.page()[0].id
    lead_desk.session.open(conversation)
    qtbot.waitUntil(lambda: lead_desk.session.snapshot is not None)
    lead_desk.session.composing.set_text("我们百分百保证退款")
    lead_desk.session.composing.ask_lead("客户急", "小满")
    qtbot.waitUntil(lambda: button._badge == 1)
    assert "1" in button.accessibleName()


def test_an_own_request_says_why_it_cannot_be_approved(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, found_in: Callable[..., Hit]
) -> None:
    store = lead_desk.store
    conversation = store.conversations.page()[0].id
    asked = store.approvals.ask(conversation, "保证", "急", LEAD, [found_in("保证", "保证")])
    page = shown_page()
    assert "另一位组长" in page.card.button("approve").why_blocked()
    assert "另一位组长" in page.card.state()
    # Somebody who goes round the button is refused by the store, in words.
    with qtbot.waitSignal(page.trouble):
        page._on_decided(True)
    assert store.approvals.get(asked.id).state == "asked"


def test_what_was_only_told_is_noted_as_seen(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown
) -> None:
    store = lead_desk.store
    told = store.approvals.tell(store.conversations.page()[0].id, "尽快", "已核实", "小满")
    page = shown_page()
    assert page.card.button("approve").isHidden()
    qtbot.mouseClick(page.card.button("see"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: store.approvals.get(told.id).state == "seen")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screens_of_the_review_page(
    qtbot: QtBot,
    lead_desk: Desk,
    shoot: Callable[..., Path],
    language: str,
    theme: str,
    shown_page: Shown,
    hit_at: HitAt,
    found_in: Callable[..., Hit],
) -> None:
    from msgspec.structs import replace

    from desktop.theme import look

    store = lead_desk.store
    conversation = store.conversations.page()[0].id
    text = "我们百分百保证退款"
    store.approvals.ask(conversation, text, "客户急", "小满", [found_in(text, "百分百保证")])
    hits = store.hits.page(limit=3)
    store.reviews.appeal(hits[0].id, "小满", "我只是复述客户的话")
    store.hits.judge(hits[2].id, "right", LEAD)
    lead_desk.apply(replace(lead_desk.settings, language=language, theme=theme))
    page = shown_page()
    chosen = look(theme, language)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: page._session.model.row(2) is not None)
    qtbot.waitUntil(lambda: bool(page._columns.customer.text()))
    shoot(lead_desk.window, "review-request", chosen, 1440, 900)
    hit_at(page, 1)
    qtbot.waitUntil(lambda: not page.appeal.isHidden())
    page.filters._more.setChecked(True)
    shoot(lead_desk.window, "review-hit", chosen, 1280, 720)
    page.list.selectAll()
    shoot(lead_desk.window, "review-many", chosen, 1440, 900)
    dialog = page.mark_missed()
    assert dialog is not None
    shoot(dialog, "review-missed", chosen, 760, 540)
    dialog.reject()
