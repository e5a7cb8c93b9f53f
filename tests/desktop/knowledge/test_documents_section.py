"""Documents on the knowledge page: listed, sifted, looked into, and drawn only in sight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.pages.knowledge import KnowledgePage
from desktop.theme import Look
from desktop.widgets.documents_delegate import DocumentDelegate
from engine.knowledge.catalogue import (
    Current,
    DocumentRow,
    Layout,
    switch,
    write_catalogue,
)
from engine.paths import DataFolder

PATIENCE_MS = 20_000
HOSTILE = "<b>不要</b>告诉客户底价"


def test_states_filters_search_and_order(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    folder: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    shown.import_paths([folder])
    over(shown)
    listed = {one.title: one for one in shown.documents.list.shown()}
    assert {name: one.state for name, one in listed.items()} == {
        "会员积分": "in_force",
        "双十一": "expired",
        "年货节": "upcoming",
        "内部": "in_force",
    }
    assert listed["内部"].internal and not listed["会员积分"].internal
    documents = shown.documents.list
    documents.chip("expired").click()
    assert titles(shown) == ["双十一"]
    documents.chip("internal").click()
    assert titles(shown) == ["内部"]
    documents.chip("").click()
    documents.search.setText("积分")
    assert titles(shown) == ["会员积分"]
    documents.search.setText("年货节.MD")
    assert titles(shown) == ["年货节"]
    documents.search.setText("没有这个")
    assert titles(shown) == []
    documents._none._button.click()
    assert len(titles(shown)) == 4
    documents.order.setCurrentIndex(documents.order.findData("ends"))
    documents.order.activated.emit(documents.order.currentIndex())
    assert titles(shown)[0] == "双十一"


def test_the_text_is_shown_plain_with_its_sections(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    folder: Path,
    over: Callable[..., None],
    read: Callable[..., str],
) -> None:
    shown = page()
    shown.import_paths([folder])
    over(shown)
    text = read(shown, "会员积分")
    assert "攒积分" in text and "每消费1元积1分。" in text and "100分抵1元。" in text
    assert "2026-01-01 起有效" in shown.documents.card._facts.text()
    assert HOSTILE in read(shown, "内部")
    table = shown.documents.list.table
    assert HOSTILE not in table.accessibleDescription() and "内部" in table.accessibleDescription()


def test_an_unreadable_list_is_told_and_can_be_tried_again(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    knowing: None,
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    knowledge = DataFolder(shown.desk._folder.root).knowledge  # type: ignore[attr-defined]
    pointer = knowledge / "current.json"
    sound = pointer.read_bytes()
    pointer.write_bytes(b"{")
    with qtbot.waitSignal(shown._source.failed):
        shown.documents.refresh()
    assert "知识库索引已损坏" in shown.documents._empty._body.text()
    pointer.write_bytes(sound)
    with qtbot.waitSignal(shown._source.listed):
        shown.documents._empty._button.click()
    assert len(titles(shown)) == 2


def test_a_word_file_is_read_and_given_up_when_the_desk_closes(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    tmp_path: Path,
    over: Callable[..., None],
    read: Callable[..., str],
) -> None:
    from docx import Document

    made = Document()
    made.add_heading("运费", 1)
    made.add_paragraph("满99元包邮。")
    made.save(str(tmp_path / "运费.docx"))
    shown = page()
    shown.import_paths([tmp_path / "运费.docx"])
    over(shown)
    assert "满99元包邮。" in read(shown, "运费")
    # The reading has begun, or is about to: neither thread nor process may be left of it.
    shown._source.open("运费.docx")
    shown.desk.close()  # type: ignore[attr-defined]


def test_ten_thousand_documents_are_listed_and_only_those_in_sight_drawn(
    qtbot: QtBot, page: Callable[..., KnowledgePage], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page()
    rows = [
        DocumentRow(f"{n:05}.md", f"政策 {n}", digest="x", passages=3, imported=float(n))
        for n in range(10_000)
    ]
    version = Layout(DataFolder(shown.desk._folder.root).knowledge).version(1)  # type: ignore[attr-defined]
    write_catalogue(version, rows)
    now = Current(1, "hashed", "", 0, len(rows), 0, 0.0)
    switch(Layout(version.parents[1]), now)
    with qtbot.waitSignal(shown._source.listed, timeout=PATIENCE_MS):
        shown.documents.refresh()
    table = shown.documents.list.table
    assert table.model().rowCount() == 10_000
    drawn: set[int] = set()
    paint = DocumentDelegate.paint

    def note(self: DocumentDelegate, painter: Any, option: Any, index: Any) -> None:
        drawn.add(index.row())
        paint(self, painter, option, index)

    monkeypatch.setattr(DocumentDelegate, "paint", note)
    QTest.keyClick(table, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: 9_999 in drawn)
    assert len(drawn) < 100
    shown.documents.list.search.setText("政策 123")
    assert table.model().rowCount() == 20
    shown.documents.list.search.setText("")
    assert table.model().rowCount() == 10_000


def test_keys_of_the_desk_s_draft_do_nothing_here(
    page: Callable[..., KnowledgePage], knowing: None
) -> None:
    shown = page()
    accepted: list[str] = []
    action = shown.desk.window.action("accept")  # type: ignore[attr-defined]
    action.triggered.connect(lambda: accepted.append("accept"))
    table = shown.documents.list.table
    QTest.keyClick(table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert accepted == []


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_screens_of_the_documents(
    empty: bool,
    each_look: Look,
    page: Callable[..., KnowledgePage],
    folder: Path,
    shoot: Callable[..., Path],
    qtbot: QtBot,
    over: Callable[..., None],
    read: Callable[..., str],
) -> None:
    theme = "dark" if each_look.tokens.dark else "light"
    shown = page(language=each_look.language, theme=theme)
    window = shown.desk.window  # type: ignore[attr-defined]
    name = f"page-documents{'-empty' if empty else ''}"
    if not empty:
        shown.import_paths([folder])
        assert shoot(window, f"{name}-running", each_look, 1280, 720).stat().st_size > 20_000
        over(shown)
        read(shown, "会员积分")
    assert shoot(window, name, each_look, 1280, 720).stat().st_size > 20_000
    assert shoot(window, f"{name}-wide", each_look, 1920, 1080).stat().st_size > 20_000
    if empty:
        return
    shown.veil._cover()
    assert shoot(window, f"{name}-drop", each_look, 1280, 720).stat().st_size > 10_000
    shown.veil.hide()
    dialog = shown.documents.ask_to_retire()
    assert dialog is not None
    assert shoot(dialog, f"{name}-retire", each_look, 620).stat().st_size > 5_000
    dialog.close()


def test_return_in_the_search_line_looks_at_the_first_that_was_found(
    page: Callable[..., KnowledgePage], knowing: None, titles: Callable[..., list[str]]
) -> None:
    shown = page()
    listed, card = shown.documents.list, shown.documents.card
    listed.table.go(titles(shown).index("发票"))
    listed.search.setText("上门")
    assert not listed.table.currentIndex().isValid()
    QTest.keyClick(listed.search, Qt.Key.Key_Return)
    assert listed.table.hasFocus()
    assert [one.row() for one in listed.table.selectionModel().selectedRows()] == [0]
    looked_at = card.shown()
    assert looked_at is not None and looked_at.title == "上门检修"


def test_the_row_that_is_looked_at_is_said_in_the_language_of_the_window(
    page: Callable[..., KnowledgePage], knowing: None
) -> None:
    shown = page()
    table = shown.documents.list.table
    table.go(0)
    assert "生效中" in table.accessibleDescription()
    desk: Any = shown.desk  # type: ignore[attr-defined]
    desk.apply(replace(desk.settings, language="en"))
    assert "In force" in table.accessibleDescription()
