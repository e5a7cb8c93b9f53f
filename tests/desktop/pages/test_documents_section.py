"""Documents on the knowledge page: listed, looked into, imported by hand and by drop, retired."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.knowledge import KnowledgePage
from desktop.theme import Look
from desktop.widgets.documents_delegate import DocumentDelegate
from desktop.widgets.retire_dialog import RetireDialog
from engine.knowledge.catalogue import (
    Current,
    DocumentRow,
    Layout,
    list_documents,
    switch,
    write_catalogue,
    writing,
)
from engine.paths import DataFolder

Open = Callable[..., Desk]
PATIENCE_MS = 20_000
TODAY = "2026-11-23"
HOSTILE = "<b>不要</b>告诉客户底价"
FILES = {
    "会员.md": "---\ntitle: 会员积分\nvalid_from: 2026-01-01\ntags: [积分, 会员]\n---\n"
    "# 攒积分\n每消费1元积1分。\n\n# 用积分\n100分抵1元。\n",
    "双十一.md": "---\nvalid_from: 2026-11-01\nvalid_until: 2026-11-12\n---\n# 双十一\n满减\n",
    "年货节.md": "---\nvalid_from: 2027-01-10\n---\n# 年货节\n全场九折。\n",
    "内部.md": f"---\ninternal: true\n---\n{HOSTILE}\n",
    "图.png": "x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files to import: four that can be, one that cannot."""
    made = tmp_path / "新政策"
    made.mkdir()
    for name, words in FILES.items():
        (made / name).write_text(words, "utf-8")
    return made


@pytest.fixture
def page(qtbot: QtBot, open_desk: Open) -> Callable[..., KnowledgePage]:
    """Opens a desk at its knowledge page."""

    def show(**settings: Any) -> KnowledgePage:
        desk = open_desk()
        desk.drafting.set_as_of(TODAY)
        if settings:
            desk.apply(replace(desk.settings, **settings))
        with qtbot.waitActive(desk.window):
            desk.window.show()
            desk.window.activateWindow()
        desk.window.action("go_knowledge").trigger()
        made = desk.window.findChild(KnowledgePage)
        assert isinstance(made, KnowledgePage)
        qtbot.waitUntil(lambda: made.documents.listing() is not None, timeout=PATIENCE_MS)
        made.desk = desk  # type: ignore[attr-defined]
        return made

    return show


def titles(page: KnowledgePage) -> list[str]:
    return [one.title for one in page.documents.list.shown()]


def over(qtbot: QtBot, page: KnowledgePage) -> None:
    """Wait until nothing is under way, and the list is as it is now."""
    source: Any = page._source
    importing: Any = page._importing
    with qtbot.waitSignal(source.listed, timeout=PATIENCE_MS):
        qtbot.waitUntil(lambda: not importing.running, timeout=PATIENCE_MS)


def read(qtbot: QtBot, page: KnowledgePage, title: str) -> str:
    """Look at a document, and give its text once it is there."""
    at = titles(page).index(title)
    table, card = page.documents.list.table, page.documents.card
    if table.currentIndex().row() == at:
        table.selectionModel().clear()
    with qtbot.waitSignal(page._source.opened, timeout=PATIENCE_MS):
        table.go(at)
        if card.shown() is not None and card.shown().title == title:  # type: ignore[union-attr]
            page._source.open(card.shown().doc)  # type: ignore[union-attr]
    card.text.finish()
    return card.text.toPlainText()


def test_a_folder_is_imported_and_every_file_left_out_is_told_with_its_reason(
    qtbot: QtBot, page: Callable[..., KnowledgePage], folder: Path
) -> None:
    shown = page()
    assert shown.documents._whole.currentWidget() is shown.documents._empty
    assert ".docx" in shown.documents._empty._body.text()
    shown.import_paths([folder])
    assert shown.files_button.why_blocked()
    over(qtbot, shown)
    assert sorted(titles(shown)) == sorted(["会员积分", "双十一", "年货节", "内部"])
    told = shown.card.told()
    assert "4 份文档" in told and "有 1 个文件没有导入" in told
    assert f"{folder / '图.png'}: 不能导入 .png 类型的文件" in told
    shown.card.copy_button.click()
    assert QGuiApplication.clipboard().text() == told
    assert not shown.files_button.why_blocked()
    assert shown.desk.window.notices.shown is None  # type: ignore[attr-defined]


def test_states_filters_search_and_order(
    qtbot: QtBot, page: Callable[..., KnowledgePage], folder: Path
) -> None:
    shown = page()
    shown.import_paths([folder])
    over(qtbot, shown)
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
    qtbot: QtBot, page: Callable[..., KnowledgePage], folder: Path
) -> None:
    shown = page()
    shown.import_paths([folder])
    over(qtbot, shown)
    text = read(qtbot, shown, "会员积分")
    assert "攒积分" in text and "每消费1元积1分。" in text and "100分抵1元。" in text
    assert "2026-01-01 起有效" in shown.documents.card._facts.text()
    assert HOSTILE in read(qtbot, shown, "内部")
    table = shown.documents.list.table
    assert HOSTILE not in table.accessibleDescription() and "内部" in table.accessibleDescription()


def test_an_import_while_another_runs_is_refused_in_words_and_can_be_called_off(
    qtbot: QtBot, page: Callable[..., KnowledgePage], folder: Path, desk_documents: Path
) -> None:
    shown = page()
    shown.import_paths([folder])
    shown.import_paths([desk_documents])
    assert "请等这一次完成" in shown.card.noted()
    shown.card.cancel_button.click()
    assert "正在取消" in shown.card.noted()
    over(qtbot, shown)
    assert shown.card.told() == "导入已取消，仍在使用原来的版本。"
    assert titles(shown) == []


def test_a_document_is_retired_after_a_question_and_comes_back_by_import(
    qtbot: QtBot, page: Callable[..., KnowledgePage], knowing: None, desk_documents: Path
) -> None:
    shown = page()
    knowledge = DataFolder(shown.desk._folder.root).knowledge  # type: ignore[attr-defined]
    documents = shown.documents
    documents.list.table.go(titles(shown).index("发票"))
    QTest.keyClick(documents.list.table, Qt.Key.Key_Delete)
    dialog = shown.findChild(RetireDialog)
    assert isinstance(dialog, RetireDialog)
    assert "发票" in dialog._title.text() and dialog.cancel_button.isDefault()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert len(list_documents(knowledge)) == 2
    asked = documents.ask_to_retire()
    assert asked is not None
    asked.ok_button.click()
    over(qtbot, shown)
    assert titles(shown) == ["上门检修"]
    assert [one.doc for one in list_documents(knowledge)] == ["上门检修.md"]
    assert "已撤下 发票.md" in shown.card.told() and "重新导入" in shown.card.told()
    shown.import_paths([desk_documents / "发票.md"])
    over(qtbot, shown)
    assert sorted(titles(shown)) == ["上门检修", "发票"]


def test_the_last_document_can_be_retired(
    qtbot: QtBot, page: Callable[..., KnowledgePage], knowing: None
) -> None:
    shown = page()
    for _ in range(2):
        asked = shown.documents.ask_to_retire()
        assert asked is not None
        asked.ok_button.click()
        over(qtbot, shown)
    assert titles(shown) == []
    assert shown.documents._whole.currentWidget() is shown.documents._empty


def test_files_are_dropped_on_the_page(
    qtbot: QtBot, page: Callable[..., KnowledgePage], desk_documents: Path
) -> None:
    shown = page()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(desk_documents / "发票.md"))])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    entered = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(shown, entered)
    assert entered.isAccepted() and shown.veil.isVisible()
    where = QPoint(9, 9).toPointF()
    QApplication.sendEvent(shown, QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, keys))
    assert not shown.veil.isVisible()
    over(qtbot, shown)
    assert titles(shown) == ["发票"]
    elsewhere = QMimeData()
    elsewhere.setUrls([QUrl("https://example.invalid/a.md")])
    entered = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, elsewhere, buttons, keys)
    entered.ignore()
    QApplication.sendEvent(shown, entered)
    assert not entered.isAccepted() and not shown.veil.isVisible()


def test_keys_choose_files_search_and_change_the_section(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    knowing: None,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    shown = page()
    asked: list[str] = []

    def choose(*args: Any) -> tuple[list[str], str]:
        asked.append(args[3])
        return [str(folder / "年货节.md")], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", choose)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    documents = shown.documents
    QTest.keyClick(documents.list.table, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert documents.list.search.hasFocus()
    QTest.keyClick(documents.list.search, Qt.Key.Key_Return)
    assert documents.list.table.hasFocus()
    QTest.keyClick(documents.list.table, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert asked and "*.docx" in asked[0] and "*.md" in asked[0]
    over(qtbot, shown)
    assert "年货节" in titles(shown)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(documents.list.table, Qt.Key.Key_O, both)
    over(qtbot, shown)
    assert "会员积分" in titles(shown)
    QTest.keyClick(documents.list.table, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert shown.section() != "documents"


def test_an_unreadable_list_is_told_and_can_be_tried_again(
    qtbot: QtBot, page: Callable[..., KnowledgePage], knowing: None
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


def test_an_import_of_another_program_is_told_in_words(
    page: Callable[..., KnowledgePage], qtbot: QtBot, knowing: None, folder: Path
) -> None:
    shown = page()
    knowledge = DataFolder(shown.desk._folder.root).knowledge  # type: ignore[attr-defined]
    with writing(Layout(knowledge)):
        shown.import_paths([folder])
        over(qtbot, shown)
    assert shown.card.told().startswith("另一个导入正在进行")
    assert len(titles(shown)) == 2


def test_a_word_file_is_read_and_given_up_when_the_desk_closes(
    qtbot: QtBot, page: Callable[..., KnowledgePage], tmp_path: Path
) -> None:
    from docx import Document

    made = Document()
    made.add_heading("运费", 1)
    made.add_paragraph("满99元包邮。")
    made.save(str(tmp_path / "运费.docx"))
    shown = page()
    shown.import_paths([tmp_path / "运费.docx"])
    over(qtbot, shown)
    assert "满99元包邮。" in read(qtbot, shown, "运费")
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
) -> None:
    theme = "dark" if each_look.tokens.dark else "light"
    shown = page(language=each_look.language, theme=theme)
    window = shown.desk.window  # type: ignore[attr-defined]
    name = f"page-documents{'-empty' if empty else ''}"
    if not empty:
        shown.import_paths([folder])
        assert shoot(window, f"{name}-running", each_look, 1280, 720).stat().st_size > 20_000
        over(qtbot, shown)
        read(qtbot, shown, "会员积分")
    assert shoot(window, name, each_look, 1280, 720).stat().st_size > 20_000
    assert shoot(window, f"{name}-wide", each_look, 1920, 1080).stat().st_size > 20_000
    if empty:
        return
    dialog = shown.documents.ask_to_retire()
    assert dialog is not None
    assert shoot(dialog, f"{name}-retire", each_look, 620).stat().st_size > 5_000
    dialog.close()
