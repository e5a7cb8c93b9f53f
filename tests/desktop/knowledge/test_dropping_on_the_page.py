"""Files let go on the knowledge page: copied, never moved, and only those that name a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.knowledge import KnowledgePage
from desktop.theme import Look
from desktop.widgets.drop_veil import DropVeil, local_paths
from engine.knowledge.reports import ImportReport

Action = Qt.DropAction
LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def veil(qtbot: QtBot, look: Look) -> Iterator[DropVeil]:
    """Over a page that is shown."""
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(400, 300)
    page.show()
    yield DropVeil(look, page)


def files(*urls: QUrl) -> QMimeData:
    """What is dragged."""
    data = QMimeData()
    data.setUrls(list(urls))
    return data


def enter(page: QWidget, data: QMimeData, actions: Action) -> QDragEnterEvent:
    """Drags `data` over the page, with the key held that stands for moving."""
    event = QDragEnterEvent(QPoint(9, 9), actions, data, LEFT, SHIFT)
    event.ignore()
    QApplication.sendEvent(page, event)
    return event


def test_files_dragged_to_be_moved_are_copied(veil: DropVeil, tmp_path: Path) -> None:
    page = veil.parentWidget()
    assert page is not None
    data = files(QUrl.fromLocalFile(str(tmp_path)))
    both = Action.CopyAction | Action.MoveAction
    entered = enter(page, data, both)
    assert entered.isAccepted() and entered.dropAction() == Action.CopyAction
    dropped: list[list[Path]] = []
    veil.dropped.connect(dropped.append)
    let_go = QDropEvent(QPoint(9, 9).toPointF(), both, data, LEFT, SHIFT)
    assert let_go.proposedAction() == Action.MoveAction
    QApplication.sendEvent(page, let_go)
    assert let_go.isAccepted() and let_go.dropAction() == Action.CopyAction
    assert dropped == [[tmp_path]]


def test_what_can_only_be_moved_is_not_taken(veil: DropVeil, tmp_path: Path) -> None:
    page = veil.parentWidget()
    assert page is not None
    data = files(QUrl.fromLocalFile(str(tmp_path)))
    assert not enter(page, data, Action.MoveAction).isAccepted()
    assert not veil.isVisible()


def test_addresses_that_name_no_place_stand_for_no_folder(tmp_path: Path) -> None:
    good = QUrl.fromLocalFile(str(tmp_path))
    odd = [QUrl("file:"), QUrl("file:政策.md"), QUrl("https://example.invalid/a.md")]
    assert list(local_paths(files(*odd, good))) == [tmp_path]


def test_an_import_that_ends_before_the_page_is_made_is_told_on_it(
    qtbot: QtBot, open_desk: Callable[..., Desk]
) -> None:
    desk = open_desk()
    desk.window.show()
    desk.window.show_page("knowledge")
    page = desk.window.findChild(KnowledgePage)
    assert isinstance(page, KnowledgePage) and not page._built
    desk.importing.finished.emit(ImportReport(2, 5, total_documents=7))
    assert "7 份文档" in page.card.told()
    qtbot.waitUntil(lambda: page._built)
    assert "7 份文档" in page.card.told()
