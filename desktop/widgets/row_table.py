"""A list of any number of rows of one height, of which only those in sight are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QAbstractItemModel, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.row_delegate import Index, RowDelegate

_ROW: Final = int(Qt.ItemDataRole.UserRole)


class RowTable(Dressed, QTableView):
    """One row is looked at: `moved` brings its number. `name` is the key of what it is called.

    A table with rows of one height, not a list: a list asks its model about every row whenever it
    is laid out, which takes half a second for 200,000 of them.
    """

    moved = Signal(int)

    def __init__(
        self, look: Look, name: str, delegate: RowDelegate, height: int = theme.QUEUE_ROW
    ) -> None:
        super().__init__()
        self._look, self._name, self._delegate = look, name, delegate
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.hide()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setMinimumSectionSize(height)
        down.setDefaultSectionSize(height)
        delegate.setParent(self)
        self.setItemDelegate(delegate)
        self._dress()

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show the rows of `model`."""
        super().setModel(model)
        if model is not None:
            self.verticalScrollBar().setSingleStep(self.verticalHeader().defaultSectionSize() // 2)

    def go(self, at: int) -> None:
        """Look at a row, and choose it alone; kept within the list."""
        rows = self.model().rowCount()
        if rows:
            self.setCurrentIndex(self.model().index(max(0, min(rows - 1, at)), 0))

    def keyboardSearch(self, search: str) -> None:
        """A search line finds; letters here do nothing."""

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Another row is looked at."""
        super().currentChanged(current, previous)
        if current.row() != previous.row() or not previous.isValid():
            self.setAccessibleDescription(self._words_of(current))
            self.moved.emit(current.row())

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Other things stand in rows, perhaps in the one that is looked at."""
        super().dataChanged(first, last, roles)
        self.setAccessibleDescription(self._words_of(self.currentIndex()))

    def _words_of(self, index: Index) -> str:
        """A row for screen readers."""
        return str(index.data(Qt.ItemDataRole.AccessibleTextRole) or "")

    def _dress(self) -> None:
        self._delegate.look = self._look
        self.setAccessibleName(self._look.text(self._name))
        self.viewport().update()
