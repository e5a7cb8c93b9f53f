"""The section of wordings: proposals accepted, changed, dismissed, undone, by key and by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.knowledge import KnowledgePage
from desktop.pages.wordings import WordingsSection
from desktop.theme import Look
from engine.knowledge import catalogue
from engine.knowledge.own_wordings import Pair, add_pair, own_pairs
from engine.paths import DataFolder
from engine.records import Draft
from engine.store.store import Store

Open = Callable[..., Desk]
ASKED = (
    ("张女士", "壶嘴漏汤咯", "保修期内可以上门检修。"),
    ("李先生", "又壶嘴漏汤，咋整", "您好，可以免费上门检修。"),
    ("Ella P.", "My kettle sputters, what now", ""),
    ("罗先生", "单据要抬头对公", "发票抬头可以重开。"),
    ("邹阿姨", "有花呗吗", ""),
)


def ask(store: Store, *asked: tuple[str, str, str]) -> None:
    """Questions that found nothing, and what agents wrote instead."""
    for customer, question, answer in asked:
        message = store.conversations.receive(customer, question)
        store.keep_draft(message.conversation, message.id, Draft("abstained", reason="没有依据"))
        if answer:
            store.decisions.record(message.conversation, "rewritten", text=answer)


def section_of(qtbot: QtBot, desk: Desk) -> WordingsSection:
    """The section of wordings on the desk's knowledge page, which is shown."""
    page = desk.window.findChild(KnowledgePage)
    assert isinstance(page, KnowledgePage)
    qtbot.waitUntil(lambda: page._built)
    page.show_section("wordings")
    assert page.wordings is not None
    return page.wordings


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The knowledge folder of the desks that are opened."""
    return DataFolder(tmp_path / "data").knowledge


@pytest.fixture
def shown(qtbot: QtBot, open_desk: Open, knowing: None) -> Callable[..., WordingsSection]:
    """Opens a desk at its knowledge page, with what was asked before."""

    def show(*asked: tuple[str, str, str], **settings: Any) -> WordingsSection:
        desk = open_desk()
        ask(desk.store, *asked)
        if settings:
            desk.apply(replace(desk.settings, **settings))
        desk.window.show()
        desk.window.action("go_knowledge").trigger()
        page = section_of(qtbot, desk)
        with qtbot.waitSignal(page.wordings.proposed):
            page.refresh()
        page.desk = desk  # type: ignore[attr-defined]
        return page

    return show


def settled(qtbot: QtBot, page: WordingsSection, act: Callable[[], object]) -> None:
    """Do `act` and wait until the page shows what came of it."""
    with qtbot.waitSignal(page.wordings.proposed):
        act()


def test_a_proposal_is_accepted_with_enter_and_the_next_one_has_the_focus(
    qtbot: QtBot, shown: Callable[..., WordingsSection], table: Path
) -> None:
    page = shown(*ASKED)
    panel = page.panel
    assert panel.proposals()[0] == "壶嘴漏汤"
    first = panel.proposal("壶嘴漏汤")
    assert first is not None
    assert first.fields.pair() == ("壶嘴漏汤", "上门检修")
    assert "2 个会话" in first.findChildren(QObject)[0].parent()._met.text()  # type: ignore[attr-defined]
    second = panel.proposals()[1]
    settled(qtbot, page, lambda: QTest.keyClick(first.fields.lines()[1], Qt.Key.Key_Return))
    assert own_pairs(table) == [Pair("壶嘴漏汤", "上门检修")]
    assert "壶嘴漏汤" not in panel.proposals()
    assert panel.own("壶嘴漏汤", "上门检修") is not None
    assert "已记下：壶嘴漏汤 → 上门检修" in panel.told()
    row = panel.proposal(second)
    assert row is not None
    focus = QApplication.focusWidget()
    assert focus in row.fields.lines()


def test_an_open_proposal_needs_the_documents_word_and_may_be_put_otherwise(
    qtbot: QtBot, shown: Callable[..., WordingsSection], table: Path
) -> None:
    page = shown(*ASKED)
    row = page.panel.proposal("花呗")
    assert row is not None
    assert row.accept_button.why_blocked() == "两边都要填"
    said, policy = row.fields.lines()
    QTest.keyClick(policy, Qt.Key.Key_Return)
    assert not (table / "synonyms.txt").exists()
    said.setText("蚂蚁花呗")
    policy.setText("免费重开")
    assert row.accept_button.why_blocked() == ""
    settled(qtbot, page, row.accept_button.click)
    assert own_pairs(table) == [Pair("蚂蚁花呗", "免费重开")]
    assert "花呗" not in page.panel.proposals()
    settled(qtbot, page, page.panel.undo_button.click)
    assert own_pairs(table) == []
    assert "花呗" in page.panel.proposals()
    assert page.panel.told() == ""


def test_what_cannot_stand_in_the_table_is_told_at_its_row_and_kept(
    qtbot: QtBot, shown: Callable[..., WordingsSection], table: Path
) -> None:
    page = shown(*ASKED)
    row = page.panel.proposal("花呗")
    assert row is not None
    row.fields.lines()[1].setText("发票，抬头")
    row.accept_button.click()
    qtbot.waitUntil(lambda: bool(row.problem()))
    assert "不能写进说法表" in row.problem()
    assert row.fields.pair() == ("花呗", "发票，抬头")
    row.fields.lines()[1].setText("发票")
    assert row.problem() == ""
    assert not (table / "synonyms.txt").exists()


def test_a_dismissed_proposal_does_not_come_back_until_undone(
    qtbot: QtBot, shown: Callable[..., WordingsSection]
) -> None:
    page = shown(*ASKED)
    row = page.panel.proposal("壶嘴漏汤")
    assert row is not None
    settled(qtbot, page, row.dismiss_button.click)
    assert "壶嘴漏汤" not in page.panel.proposals()
    settled(qtbot, page, page.refresh)
    assert "壶嘴漏汤" not in page.panel.proposals()
    settled(qtbot, page, page.wordings.undo)
    assert "壶嘴漏汤" in page.panel.proposals()


def test_what_is_typed_into_a_row_stays_while_others_are_dealt_with(
    qtbot: QtBot, shown: Callable[..., WordingsSection]
) -> None:
    page = shown(*ASKED)
    kept, other = page.panel.proposal("花呗"), page.panel.proposal("壶嘴漏汤")
    assert kept is not None and other is not None
    kept.fields.lines()[1].setText("写到一半")
    settled(qtbot, page, other.dismiss_button.click)
    assert page.panel.proposal("花呗") is kept
    assert kept.fields.pair() == ("花呗", "写到一半")


def test_the_own_table_is_added_to_changed_and_emptied(
    qtbot: QtBot, shown: Callable[..., WordingsSection], table: Path
) -> None:
    page = shown()
    assert page.panel.proposals() == ()
    new = page.panel.new_pair
    new.fields.lines()[0].setText("开票")
    new.fields.lines()[1].setText("发票")
    settled(qtbot, page, new.add_button.click)
    assert new.fields.pair() == ("", "")
    row = page.panel.own("开票", "发票")
    assert row is not None
    policy = row.fields.lines()[1]
    policy.setText("纸质凭证")
    settled(qtbot, page, lambda: QTest.keyClick(policy, Qt.Key.Key_Return))
    assert own_pairs(table) == [Pair("开票", "纸质凭证")]
    changed = page.panel.own("开票", "纸质凭证")
    assert changed is not None
    assert not changed._unused.isHidden(), "no document says it"
    settled(qtbot, page, page.panel.undo_button.click)
    assert own_pairs(table) == [Pair("开票", "发票")]
    row = page.panel.own("开票", "发票")
    assert row is not None
    row.fields.lines()[0].setText("")
    QApplication.sendEvent(row.fields.lines()[0], QEvent(QEvent.Type.FocusOut))
    settled(qtbot, page, row.remove_button.click)
    assert own_pairs(table) == []


def test_a_table_that_cannot_be_written_is_told_and_stays(
    qtbot: QtBot,
    shown: Callable[..., WordingsSection],
    table: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_pair(table, "开票", "发票")
    page = shown(*ASKED)
    row = page.panel.own("开票", "发票")
    assert row is not None

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalogue, "replace", full)
    row.remove_button.click()
    qtbot.waitUntil(lambda: bool(row.problem()))
    assert "No space left" in row.problem()
    assert own_pairs(table) == [Pair("开票", "发票")]


def test_a_broken_line_of_the_file_is_named(
    shown: Callable[..., WordingsSection], table: Path
) -> None:
    (table / "synonyms.txt").write_text("发票 = 开票\n没有等号\n", "utf-8")
    page = shown()
    assert "第 2 行" in page.panel._unread.text()
    assert not page.panel._unread.isHidden()


def test_damaged_knowledge_is_told_and_can_be_tried_again(
    qtbot: QtBot, shown: Callable[..., WordingsSection], table: Path
) -> None:
    page = shown(*ASKED)
    pointer = table / "current.json"
    sound = pointer.read_bytes()
    pointer.write_bytes(b"{")
    with qtbot.waitSignal(page.wordings.failed):
        page.refresh()
    assert page.panel.proposals() == ()
    assert not page.panel._empty.isHidden()
    pointer.write_bytes(sound)
    settled(qtbot, page, page.panel._empty._button.click)
    assert "壶嘴漏汤" in page.panel.proposals()


def test_without_knowledge_it_says_what_to_do(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    ask(desk.store, *ASKED)
    desk.window.show()
    desk.window.show_page("knowledge")
    page = section_of(qtbot, desk)
    settled(qtbot, page, page.refresh)
    assert "知识库还是空的" in page.panel._empty._body.text()


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_screens_of_the_knowledge_page(
    empty: bool,
    each_look: Look,
    shown: Callable[..., WordingsSection],
    table: Path,
    shoot: Callable[..., Path],
    qtbot: QtBot,
) -> None:
    if not empty:
        (table / "synonyms.txt").write_text(
            "发票 = 开票, 票票\n扫码付款 = 云闪付\n没有等号\n", "utf-8"
        )
    theme = "dark" if each_look.tokens.dark else "light"
    page = shown(*(() if empty else ASKED), language=each_look.language, theme=theme)
    if not empty:
        row = page.panel.proposal("花呗")
        assert row is not None
        settled(qtbot, page, row.dismiss_button.click)
    window = page.desk.window  # type: ignore[attr-defined]
    name = f"page-wordings{'-empty' if empty else ''}"
    assert shoot(window, name, each_look, 1280, 800).stat().st_size > 20_000
