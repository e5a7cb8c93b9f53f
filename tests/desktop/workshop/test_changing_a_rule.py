"""A lead changes rules, in the real window over the real store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.workshop import WorkshopPage
from engine.store.store import open_store

Show = Callable[[], WorkshopPage]
OpenRule = Callable[[WorkshopPage, str], None]

CONTROL = Qt.KeyboardModifier.ControlModifier


def draft_of(desk: Desk, page: WorkshopPage, rule: str) -> str:
    source: Any = page._session._source
    return str(source.workshop.one("rule", rule).text)


def kept(qtbot: QtBot, page: WorkshopPage) -> None:
    """What was typed is kept, and its check is shown."""
    session: Any = page._session
    qtbot.waitUntil(lambda: session._edit is None)
    with qtbot.waitSignal(session.listed, timeout=10_000):
        session.refresh()


def test_the_rules_that_ship_are_listed_and_searched(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show
) -> None:
    page = workshop_page()
    assert [one.id for one in page.rules.shown()] == ["t.lawyer", "t.promise", "t.allergy"]
    assert page.rules.shown()[2].kind == "script"
    page.rules.search.setText("承诺")
    assert [one.id for one in page.rules.shown()] == ["t.promise"]
    page.rules.search.setText("没有这个词")
    assert page.rules.shown() == () and page.rules._stack.currentWidget() is page.rules._empty
    page.rules._empty.action_requested.emit()
    assert len(page.rules.shown()) == 3
    level = page.rules.combo("side")
    level.setCurrentIndex(level.findData("customer"))
    level.activated.emit(level.currentIndex())
    assert [one.id for one in page.rules.shown()] == ["t.lawyer"]


def test_a_form_writes_into_the_text_and_the_text_into_the_form(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    assert page.rule.form.form().words == ("百分百保证", "guaranteed forever")
    words = page.rule.form.field("words").editor
    words.setPlainText("百分百保证\nguaranteed forever\n包换")
    qtbot.waitUntil(lambda: "包换" in draft_of(lead_desk, page, "t.promise"))
    qtbot.waitUntil(lambda: "包换" in page.rule.text.toPlainText())
    page.rule.set_view("text")
    text = page.rule.text.toPlainText()
    page.rule.text.setPlainText(text.replace("level: L3", "level: L4"))
    qtbot.waitUntil(lambda: page.rule.form.form().level == "L4")
    qtbot.waitUntil(lambda: page.rules.shown()[1].level == "L4")
    assert page.rules.shown()[1].change == "changed"


def test_what_is_wrong_is_said_at_its_line_and_the_former_rules_stay(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    page.rule.set_view("text")
    text = page.rule.text.toPlainText()
    page.rule.text.setPlainText(text.replace("level: L3", "level: L9"))
    qtbot.waitUntil(lambda: bool(page.rule.problems()))
    line = text.splitlines().index("level: L3")
    assert list(page.rule.text.marks()) == [line] and page.rule.text.marks()[line].wrong
    page.rule.set_view("form")
    assert page.rule._both.currentWidget() is page.rule._unshown
    button = page.rule._trouble.lines()[0]
    assert str(line + 1) in button.accessibleName()
    button.click()
    assert page.rule.view() == "text" and page.rule.text.textCursor().blockNumber() == line
    qtbot.waitUntil(lambda: page.bar.standing().problems > 0, timeout=10_000)
    assert page.bar.button("start").why_blocked() and page.replay.start_button.why_blocked()
    assert {rule.level for rule in lead_desk.gate.rule_set.rules} == {"L3"}


def test_examples_tick_while_they_are_typed(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    assert page.rule.hits.failing() == 0
    page.rule.hits.editor.setFocus()
    QTest.keyClick(page.rule.hits.editor, Qt.Key.Key_End, CONTROL)
    QTest.keyClick(page.rule.hits.editor, Qt.Key.Key_Return)
    page.rule.hits.editor.insertPlainText("这句没有那个词")
    qtbot.waitUntil(lambda: page.rule.hits.failing() == 1)
    assert page.rule.hits.state() == "1 条不对" and page.rule.problems()
    page.rule.misses.editor.setPlainText("你好\n我们百分百保证修好")
    qtbot.waitUntil(lambda: page.rule.misses.failing() == 1)
    page.rule.hits.editor.setPlainText("我们百分百保证修好")
    page.rule.misses.editor.setPlainText("你好")
    qtbot.waitUntil(lambda: page.rule.hits.failing() + page.rule.misses.failing() == 0)
    qtbot.waitUntil(lambda: not page.rule.problems())


def test_what_was_typed_is_kept_when_another_rule_is_opened_at_once(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    page.rule.form.field("owner").setText("客服部")
    page.rule.form.field("owner").textEdited.emit("客服部")
    opened_rule(page, "t.lawyer")
    assert "客服部" in draft_of(lead_desk, page, "t.promise")
    assert "客服部" not in page.rule.text.toPlainText()


def test_quick_changes_of_the_form_all_arrive(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    for at, name in enumerate(("owner", "since")):
        field = page.rule.form.field(name)
        words = ("客服部", "2030-01-01")[at]
        field.setText(words)
        field.textEdited.emit(words)
        page._session.flush()
    text: Callable[[], str] = lambda: draft_of(lead_desk, page, "t.promise")  # noqa: E731
    qtbot.waitUntil(lambda: "客服部" in text() and "2030-01-01" in text())


def test_a_rule_is_switched_off_and_on_and_a_new_one_comes_and_goes(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.lawyer")
    page.rule.switch_button.click()
    qtbot.waitUntil(lambda: page.rules.shown()[0].change == "off")
    qtbot.waitUntil(lambda: page.rule._both.currentWidget() is page.rule._unshown)
    page.rule.restore_button.click()
    qtbot.waitUntil(lambda: page.rules.shown()[0].change == "")
    page.setFocus()
    QTest.keyClick(QApplication.focusWidget() or page, Qt.Key.Key_N, CONTROL)
    qtbot.waitUntil(lambda: len(page.rules.shown()) == 4)
    qtbot.waitUntil(lambda: page._session.key == ("rule", "own.rule_1"))
    new = next(one for one in page.rules.shown() if one.id == "own.rule_1")
    assert new.change == "added" and new.problems
    page.rule.restore_button.click()
    qtbot.waitUntil(lambda: len(page.rules.shown()) == 3)


def test_hostile_text_is_told_and_kept_as_text(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    page.rule.set_view("text")
    for hostile in (
        "a: &a [*a, *a]",
        "- " * 3000,
        "id: t.promise\nname: <b>x</b>\x00\u202e",
        "{" * 900,
    ):
        page.rule.text.setPlainText(hostile)
        page._session.edit_text(hostile)
        qtbot.waitUntil(lambda: bool(page.rule.problems()), timeout=10_000)
        kept(qtbot, page)
    assert [rule.id for rule in lead_desk.gate.rule_set.rules] == ["t.lawyer", "t.promise"]


def test_keys_of_the_draft_do_nothing_on_this_page(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    fired: list[str] = []
    for name in ("accept", "reject", "hand_over"):
        lead_desk.window.action(name).triggered.connect(
            lambda _=False, name=name: fired.append(name)
        )
    for widget in (page.rules.list, page.rule.text, page.trying.editor):
        page.rule.set_view("text")
        widget.setFocus()
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Backspace, Qt.Key.Key_H):
            QTest.keyClick(widget, key, CONTROL)
    assert fired == []


def test_the_whole_page_is_reached_by_tab_and_named(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    page.rules.list.setFocus()
    seen: list[Any] = []
    for _ in range(120):
        widget = QApplication.focusWidget()
        assert widget is not None
        if widget in seen:
            break
        seen.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    form = page.rule.form
    wanted = [page.rules.list, page.rules.search, page.rules.add_button, page.trying.editor]
    wanted += [form.field(name) for name in ("category", "level", "action", "owner")]
    wanted += [form.field(name).editor for name in ("words", "groups", "expressions", "basis")]
    wanted += [page.rule.hits.editor, page.rule.misses.editor, page.rule.switch_button]
    wanted += [page.bar.history_button]
    assert [one.accessibleName() for one in wanted if one not in seen] == []
    inside = [one for one in seen if page.isAncestorOf(one)]
    unnamed = [one for one in inside if not (one.accessibleName() or one.text())]
    assert unnamed == []
    QTest.keyClick(page.rule.hits.editor, Qt.Key.Key_Escape)
    assert page.rules.list.hasFocus()


def test_the_page_speaks_the_language_it_is_given(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    from desktop.theme import DARK, Look

    page = workshop_page()
    opened_rule(page, "t.promise")
    page.open_history()
    lead_desk.window.set_look(Look(DARK, "en"))
    assert page.rule.hits._title.text() == "Must hit"
    assert page.bar.history_button.text() == "Versions"
    assert page.rule.form.field("level").itemText(0) == "L0 Noted"
    assert page.rule.form.field("action").itemText(3) == "Block"


def test_what_was_typed_survives_the_page_and_the_desk(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    opened_rule(page, "t.promise")
    page.rule.form.field("words").editor.appendPlainText("包换")
    lead_desk.window.show_page("desk")
    qtbot.waitUntil(lambda: lead_desk.store.rule_draft.get() is not None)
    lead_desk.window.show_page("workshop")
    page.rule.form.field("words").editor.appendPlainText("包修")
    path = lead_desk.store.path
    lead_desk.close()
    with open_store(path) as store:
        kept_draft = store.rule_draft.get()
    assert kept_draft is not None
    assert "包换" in kept_draft.changes and "包修" in kept_draft.changes


def test_without_a_name_nothing_is_kept_and_it_is_said(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule, sit: Any
) -> None:
    page = workshop_page()
    sit("")
    opened_rule(page, "t.promise")
    with qtbot.waitSignal(page.trouble, timeout=10_000) as told:
        page.rule.form.field("words").editor.appendPlainText("包换")
    assert told.args[0].code == "no_name" and lead_desk.store.rule_draft.get() is None
    assert "包换" in page.rule.form.field("words").editor.toPlainText()
    sit("周组长")
    page.rule.form.field("words").editor.appendPlainText("包修")
    qtbot.waitUntil(lambda: "包修" in draft_of(lead_desk, page, "t.promise"))
    assert "包换" in draft_of(lead_desk, page, "t.promise")
