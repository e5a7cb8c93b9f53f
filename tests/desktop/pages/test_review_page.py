"""A lead reviews what the rules found, in the real window over the real store."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.review import ReviewPage
from desktop.theme import Look
from desktop.widgets.review_filters import ReviewFilters
from desktop.widgets.review_values import HitFilter, HitRow
from engine.records import Hit

Open = Callable[..., Desk]
Shown = Callable[[], ReviewPage]
HitAt = Callable[[ReviewPage, int], HitRow]

LEAD = "周组长"
NOW = 1_790_000_000.0
HTML = "<b>百分百保证</b>给您修好😀"


def press(page: ReviewPage, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or page, key, modifier)


def verdict_of(desk: Desk, hit: str) -> str | None:
    return desk.store.reviews.get(hit).verdict


def shown_page_of_nothing(qtbot: QtBot, desk: Desk) -> ReviewPage:
    desk.window.show()
    desk.window.show_page("review")
    page = desk.window._pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page._listed is not None)
    return page


def test_the_newest_hit_is_open_with_its_characters_marked_as_plain_text(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    row = hit_at(page, 0)
    assert row.excerpt[row.start : row.end] == "百分百保证" and row.who == "小满"
    assert page.card.text().marked() == ["百分百保证"]
    assert page.card.text().toPlainText() == HTML
    qtbot.waitUntil(lambda: len(page.messages.bubbles()) == 2)
    assert page.messages.bubbles()[1].hits[0].text == "百分百保证"


def test_the_evidence_of_the_draft_stands_beside_a_customer_s_hit(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    hit_at(page, 2)
    qtbot.waitUntil(lambda: not page.evidence.list.isHidden())
    hit_at(page, 1)
    qtbot.waitUntil(page.evidence.list.isHidden)


def test_r_and_f_judge_go_on_and_ctrl_z_takes_back(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    first, second = hit_at(page, 0), hit_at(page, 1)
    hit_at(page, 0)
    page.card.comment.setText("证据充分")
    page.list.setFocus()
    press(page, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: verdict_of(lead_desk, first.id) == "right")
    qtbot.waitUntil(lambda: page.list.currentIndex().row() == 1)
    assert page.card.comment.text() == "" and "属实" in page.toast.words()
    press(page, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: verdict_of(lead_desk, second.id) == "false_alarm")
    judged = lead_desk.store.reviews.verdicts(first.id)[-1]
    assert judged[:3] == ("right", LEAD, "证据充分")
    qtbot.waitUntil(lambda: len(page.accuracy.rows()) == 2)
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: verdict_of(lead_desk, second.id) is None)
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: verdict_of(lead_desk, first.id) is None)
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "没有可以撤销" in page.toast.words())


def test_letters_in_the_comment_are_letters_and_escape_leaves_it(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    row = hit_at(page, 0)
    page.card.comment.setFocus()
    QTest.keyClicks(page.card.comment, "frm")
    assert page.card.comment.text() == "frm" and verdict_of(lead_desk, row.id) is None
    press(page, Qt.Key.Key_Escape)
    assert page.list.hasFocus() and page.card.comment.text() == "frm"


def test_several_hits_are_judged_and_taken_back_in_one_go(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    ids = [hit_at(page, at).id for at in range(3)]
    lead_desk.store.hits.judge(ids[2], "right", "别人", "先前的")
    page.list.selectAll()
    assert page.card.button("missed").isHidden()
    press(page, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: {verdict_of(lead_desk, one) for one in ids} == {"false_alarm"})
    qtbot.waitUntil(lambda: page.toast.words() == "3 条判为误报")
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: [verdict_of(lead_desk, one) for one in ids] == [None, None, "right"])
    assert lead_desk.store.reviews.verdicts(ids[2])[-1][2] == "先前的"


def test_filters_narrow_stay_and_are_cleared_in_one_go(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown
) -> None:
    page = shown_page()
    model = page._session.model

    def choose(name: str, value: object) -> None:
        combo = page.filters.combo(name)
        combo.setCurrentIndex(combo.findData(value))
        combo.activated.emit(combo.currentIndex())

    for name, value, rows in (
        ("rule", "t.lawyer", 2),
        ("category", "legal", 2),
        ("side", "agent", 0),
        ("level", "L3", 0),
    ):
        choose(name, value)
        qtbot.waitUntil(lambda rows=rows: model.rowCount() == rows)  # type: ignore[misc]
    assert page.filters.filter().narrowed() == 4
    assert page._columns.lists.currentWidget() is page._columns.empty
    lead_desk.window.show_page("desk")
    lead_desk.window.show_page("review")
    assert page.filters.filter().rule == "t.lawyer"
    qtbot.mouseClick(page.filters._clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: model.rowCount() == 3)
    assert page.filters.filter() == HitFilter() and page.filters._clear.why_blocked()
    choose("who", "小满")
    qtbot.waitUntil(lambda: model.rowCount() == 1)


def test_hits_of_rules_on_trial_are_marked_and_can_be_looked_at_alone(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt, found_in: Callable[..., Hit]
) -> None:
    store = lead_desk.store
    conversation = store.conversations.page()[0].id
    text = "我们尽快处理"
    hit = replace(found_in(text, "尽快", rule="t.new", action="log", level="L1"), trial=True)
    store.hits.add_all(conversation, None, text, [hit], at=NOW)
    page = shown_page()
    assert hit_at(page, 0).hit.trial
    assert "试运行" in [chip.text() for chip in page.card._chips if not chip.isHidden()]
    for value, rows in (("yes", 1), ("no", 3)):
        combo = page.filters.combo("trial")
        combo.setCurrentIndex(combo.findData(value))
        combo.activated.emit(combo.currentIndex())
        qtbot.waitUntil(lambda rows=rows: page._session.model.rowCount() == rows)  # type: ignore[misc]


def test_filters_are_there_again_after_a_restart(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, open_desk: Open
) -> None:
    page = shown_page()
    page.filters._take(rule="t.lawyer", judged="")
    combo = page.filters.combo("period")
    combo.setCurrentIndex(combo.findData("own"))
    combo.activated.emit(combo.currentIndex())
    first = page.filters.days()[0]
    first.setText(str(date.fromtimestamp(NOW)))
    first.editingFinished.emit()
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 2)
    wanted = page.filters.filter()
    lead_desk.close()
    again = shown_page_of_nothing(qtbot, open_desk(clock=lambda: NOW))
    assert again.filters.filter() == again._session.filter == wanted
    assert again._session.model.rowCount() == 2
    assert not again.filters.combo("period").isHidden()
    days = [one.text() for one in again.filters.days()]
    assert days == [str(date.fromtimestamp(NOW)), ""]


def test_a_period_up_to_now_is_reckoned_anew_and_a_torn_memory_asks_for_nothing(
    look: Look,
) -> None:
    filters = ReviewFilters(look)
    combo = filters.combo("period")
    combo.setCurrentIndex(combo.findData("week"))
    combo.activated.emit(combo.currentIndex())
    kept = filters.state().replace(str(filters.filter().since), "1000.0")
    again = ReviewFilters(look)
    again.restore(kept)
    assert again.filter() == filters.filter()
    for torn in ("", "{", "[]", '{"filter": {"level": "L9"}}'):
        nothing = ReviewFilters(look)
        nothing.restore(torn)
        assert nothing.filter() == HitFilter()


def test_coming_back_to_the_page_leaves_the_hit_that_was_looked_at(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    row = hit_at(page, 1)
    lead_desk.window.show_page("desk")
    lead_desk.store.hits.judge(row.id, "right", "别人", "已核实")
    with qtbot.waitSignal(page._session.listed):
        lead_desk.window.show_page("review")
    # One more to review is one less in the list.
    assert page._session.model.rowCount() == 2
    page.filters._take(judged="")
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 3)
    row = hit_at(page, 1)
    lead_desk.window.show_page("desk")
    lead_desk.store.hits.judge(row.id, "false_alarm", "别人", "看错了")
    lead_desk.window.show_page("review")
    qtbot.waitUntil(lambda: "看错了" in page.card.state())
    assert page.list.currentIndex().row() == 1


def test_days_narrow_and_what_is_no_day_is_marked(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown
) -> None:
    page = shown_page()
    day = date.fromtimestamp(NOW)
    combo = page.filters.combo("period")
    combo.setCurrentIndex(combo.findData("own"))
    combo.activated.emit(combo.currentIndex())
    first, last = page.filters.days()
    first.setText(str(day + timedelta(days=2)))
    first.editingFinished.emit()
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 0)
    first.setText("昨天")
    last.setText(str(day))
    last.editingFinished.emit()
    assert first.property("invalid") is True and first.day() is None
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 3)


def test_a_miss_is_marked_by_keyboard_alone(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    hit_at(page, 0)
    qtbot.waitUntil(lambda: page.messages.picked() is not None)
    press(page, Qt.Key.Key_M)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    text = dialog.text()  # type: ignore[attr-defined]
    assert text.toPlainText() == HTML
    qtbot.waitUntil(text.hasFocus)
    QTest.keyClick(text, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    for _ in range(3):
        QTest.keyClick(text, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    category = dialog.category()  # type: ignore[attr-defined]
    assert category.currentData() == "promise"
    QTest.keyClick(text, Qt.Key.Key_Tab)
    assert category.hasFocus()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "漏报已记下" in page.toast.words())
    page.filters._take(judged="missed")
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 1)
    row = hit_at(page, 0)
    # The emoji is two units to Qt and one character to us.
    assert row.hit.text == "修好😀" and row.excerpt[row.start : row.end] == "修好😀"
    assert (row.verdict, row.judged_by, row.hit.category) == ("missed", LEAD, "promise")


def test_words_marked_by_mouse_are_what_the_dialog_starts_with(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    hit_at(page, 0)
    qtbot.waitUntil(lambda: len(page.messages.bubbles()) == 2)
    page.messages._selection = (1, 3, 8)
    dialog = page.mark_missed()
    assert dialog is not None and dialog.span() == (3, 8)
    dialog.reject()


def test_a_rule_s_accuracy_leads_to_its_hits(qtbot: QtBot, lead_desk: Desk) -> None:
    for hit in lead_desk.store.hits.page(limit=3):
        lead_desk.store.hits.judge(hit.id, "right", LEAD)
    page = shown_page_of_nothing(qtbot, lead_desk)
    qtbot.waitUntil(lambda: len(page.accuracy.rows()) == 2)
    names = [row.accessibleName() for row in page.accuracy.rows()]
    assert any("2/2 属实" in name for name in names)
    lawyer = next(row for row in page.accuracy.rows() if row.rule == "t.lawyer")
    lawyer.click()
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 2)
    assert page.filters.filter().rule == "t.lawyer"


def test_an_empty_list_says_so_and_leads_on(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    page = shown_page_of_nothing(qtbot, desk)
    assert page._columns.lists.currentWidget() is page._columns.empty
    assert page._columns.empty._title.text() == "没有要复核的命中"
    page.filters._take(judged="right")
    qtbot.waitUntil(lambda: page._columns.empty._title.text() == "没有符合筛选的命中")


def test_the_hits_of_the_filter_are_exported(
    qtbot: QtBot, lead_desk: Desk, tmp_path: Path, shown_page: Shown
) -> None:
    page = shown_page()
    page.filters._take(rule="t.lawyer")
    qtbot.waitUntil(lambda: page._session.model.rowCount() == 2)
    target = tmp_path / "命中.csv"
    page.export_to(target)
    qtbot.waitUntil(lambda: page.toast.words() == "已导出 2 条到 命中.csv")
    with target.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 3


def test_the_whole_page_is_reached_by_tab_and_named(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    page = shown_page()
    hit_at(page, 0)
    page.list.setFocus()
    seen = []
    for _ in range(40):
        widget = QApplication.focusWidget()
        assert widget is not None
        if widget in seen:
            break
        seen.append(widget)
        press(page, Qt.Key.Key_Tab)
    wanted = [page.list, page.card.comment, page.messages]
    wanted += [page.card.button(name) for name in ("right", "false_alarm", "missed")]
    assert all(one in seen for one in wanted)
    inside = [one for one in seen if page.isAncestorOf(one)]
    assert all(one.accessibleName() for one in inside)
    places = [seen.index(one) for one in (page.list, page.card.comment, page.messages)]
    assert places == sorted(places)


def test_the_page_speaks_the_language_it_is_given(
    qtbot: QtBot, lead_desk: Desk, shown_page: Shown, hit_at: HitAt
) -> None:
    from desktop.theme import DARK

    page = shown_page()
    hit_at(page, 0)
    lead_desk.window.set_look(Look(DARK, "en"))
    assert page.card.button("right").text() == "Right"
    assert page.filters.combo("level").itemText(0) == "Every level"
    assert page.list.accessibleName() == "Requests and red-line hits"


def test_clicks_choose_in_the_list(qtbot: QtBot, lead_desk: Desk, shown_page: Shown) -> None:
    page = shown_page()
    place = page.list.visualRect(page.list.model().index(2, 0)).center()
    qtbot.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    qtbot.waitUntil(lambda: isinstance(page._session.row, HitRow))
    assert page.list.currentIndex().row() == 2
