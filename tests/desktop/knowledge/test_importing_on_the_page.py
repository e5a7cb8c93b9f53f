"""Imports and removals on the knowledge page: by hand, by key, by drop, and what is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.knowledge import KnowledgePage
from desktop.widgets.retire_dialog import RetireDialog
from engine.knowledge.catalogue import (
    Layout,
    list_documents,
    writing,
)
from engine.knowledge.job import Job
from engine.paths import DataFolder


def test_a_folder_is_imported_and_every_file_left_out_is_told_with_its_reason(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    folder: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    assert shown.documents._whole.currentWidget() is shown.documents._empty
    assert ".docx" in shown.documents._empty._body.text()
    shown.import_paths([folder])
    assert shown.files_button.why_blocked()
    over(shown)
    assert sorted(titles(shown)) == sorted(["会员积分", "双十一", "年货节", "内部"])
    told = shown.card.told()
    assert "4 份文档" in told and "有 1 个文件没有导入" in told
    assert f"{folder / '图.png'}: 不能导入 .png 类型的文件" in told
    shown.card.copy_button.click()
    assert QGuiApplication.clipboard().text() == told
    assert not shown.files_button.why_blocked()
    assert shown.desk.window.notices.shown is None  # type: ignore[attr-defined]


def test_an_import_while_another_runs_is_refused_in_words_and_can_be_called_off(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    folder: Path,
    desk_documents: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    shown.import_paths([folder])
    shown.import_paths([desk_documents])
    assert "请等这一次完成" in shown.card.noted()
    shown.card.cancel_button.click()
    assert "正在取消" in shown.card.noted()
    over(shown)
    assert shown.card.told() == "导入已取消，仍在使用原来的版本。"
    assert titles(shown) == []


def test_an_import_is_told_on_the_page_and_by_the_banner_where_the_page_is_not_shown(
    qtbot: QtBot, page: Callable[..., KnowledgePage], folder: Path, over: Callable[..., None]
) -> None:
    shown = page()
    notices = shown.desk.window.notices  # type: ignore[attr-defined]
    shown.import_paths([folder])
    assert notices.shown is None and not shown.card.isHidden()
    shown.desk.window.show_page("desk")  # type: ignore[attr-defined]
    assert notices.shown is not None and notices.shown.key == "import"
    shown.desk.window.show_page("knowledge")  # type: ignore[attr-defined]
    assert notices.shown is None
    shown.desk.window.show_page("desk")  # type: ignore[attr-defined]
    over(shown)
    assert notices.shown is not None and "4 份文档" in notices.shown.text
    assert "4 份文档" in shown.card.told()


def test_a_document_is_retired_after_a_question_and_comes_back_by_import(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    knowing: None,
    desk_documents: Path,
    engine_twin: Callable[[Desk], Any],
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    knowledge = DataFolder(shown.desk._folder.root).knowledge  # type: ignore[attr-defined]
    documents = shown.documents
    documents.list.table.go(titles(shown).index("发票"))
    QTest.keyClick(documents.list.table, Qt.Key.Key_Delete)
    dialog = shown.findChild(RetireDialog)
    assert isinstance(dialog, RetireDialog)
    assert "发票" in dialog._title.text() and dialog.cancel_button.isDefault()
    twin: Any = engine_twin(shown.desk)  # type: ignore[attr-defined]
    reloaded: list[str] = []
    twin.reload_knowledge = lambda: reloaded.append("k")
    twin.ready()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert len(list_documents(knowledge)) == 2
    asked = documents.ask_to_retire()
    assert asked is not None
    asked.ok_button.click()
    over(shown)
    assert titles(shown) == ["上门检修"]
    assert [one.doc for one in list_documents(knowledge)] == ["上门检修.md"]
    assert "已撤下 发票.md" in shown.card.told() and "重新导入" in shown.card.told()
    shown.import_paths([desk_documents / "发票.md"])
    over(shown)
    assert sorted(titles(shown)) == ["上门检修", "发票"]
    assert reloaded == ["k", "k"], "the engine takes what is new each time"


def test_the_last_document_can_be_retired(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    knowing: None,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    for _ in range(2):
        asked = shown.documents.ask_to_retire()
        assert asked is not None
        asked.ok_button.click()
        over(shown)
    assert titles(shown) == []
    assert shown.documents._whole.currentWidget() is shown.documents._empty


def test_files_are_dropped_on_the_page(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    desk_documents: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
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
    over(shown)
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
    over: Callable[..., None],
    titles: Callable[..., list[str]],
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
    over(shown)
    assert "年货节" in titles(shown)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(documents.list.table, Qt.Key.Key_O, both)
    over(shown)
    assert "会员积分" in titles(shown)
    QTest.keyClick(documents.list.table, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert shown.section() != "documents"


def test_an_import_of_another_program_is_told_in_words(
    page: Callable[..., KnowledgePage],
    qtbot: QtBot,
    knowing: None,
    folder: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    knowledge = DataFolder(shown.desk._folder.root).knowledge  # type: ignore[attr-defined]
    with writing(Layout(knowledge)):
        shown.import_paths([folder])
        over(shown)
    assert shown.card.told().startswith("另一个导入正在进行")
    assert len(titles(shown)) == 2


def test_an_import_called_off_while_it_waits_is_not_begun(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    folder: Path,
    over: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Job] = []
    monkeypatch.setattr(Job, "start", begun.append)
    shown = page()
    free = threading.Event()
    shown.desk.background.run(shown, free.wait, "long")  # type: ignore[attr-defined]
    shown.import_paths([folder])
    shown.card.cancel_button.click()
    free.set()
    over(shown)
    assert shown.card.told() == "导入已取消，仍在使用原来的版本。"
    assert begun == []


def test_retiring_while_an_import_runs_is_refused_in_words(
    qtbot: QtBot,
    page: Callable[..., KnowledgePage],
    knowing: None,
    folder: Path,
    over: Callable[..., None],
    titles: Callable[..., list[str]],
) -> None:
    shown = page()
    shown.import_paths([folder])
    QTest.keyClick(shown.documents.list.table, Qt.Key.Key_Delete)
    assert shown.findChild(RetireDialog) is None
    assert "请等这一次完成" in shown.card.noted()
    shown.card.cancel_button.click()
    over(shown)
    assert len(titles(shown)) == 2
