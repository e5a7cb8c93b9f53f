"""The list of requests and hits: any number of rows, of which only those in sight are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QAbstractItemModel, QItemSelection, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.review_delegate import ReviewDelegate, describe
from desktop.widgets.review_values import HitRow, RequestRow
from desktop.widgets.row_delegate import Index


class ReviewList(Dressed, QTableView):
    """One row is looked at (`moved`), several can be chosen (`chosen` brings how many).

    A table with rows of one height, not a list: a list asks its model about every row whenever it
    is laid out, which takes half a second for 200,000 of them.
    """

    moved = Signal(int)
    chosen = Signal(int)

    def __init__(self, look: Look, role: int, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._look, self._clock, self._role = look, clock, role
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.hide()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setMinimumSectionSize(theme.QUEUE_ROW)
        down.setDefaultSectionSize(theme.QUEUE_ROW)
        self._delegate = ReviewDelegate(look, role, self)
        self.setItemDelegate(self._delegate)
        self._dress()

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show the rows of `model`."""
        super().setModel(model)
        if model is not None:
            self.verticalScrollBar().setSingleStep(theme.QUEUE_ROW // 2)

    def ranges(self) -> list[tuple[int, int]]:
        """The chosen rows, as first and last of each stretch."""
        chosen = self.selectionModel().selection() if self.selectionModel() else QItemSelection()
        return sorted((one.top(), one.bottom()) for one in chosen.toList())

    def count(self) -> int:
        """How many rows are chosen."""
        return sum(last - first + 1 for first, last in self.ranges())

    def go(self, at: int) -> None:
        """Look at a row, and choose it alone; kept within the list."""
        rows = self.model().rowCount()
        if rows:
            self.setCurrentIndex(self.model().index(max(0, min(rows - 1, at)), 0))

    def keyboardSearch(self, search: str) -> None:
        """Letters are verdicts, not the start of a name."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters go to the page; everything else moves."""
        if event.text().isalpha() and not event.modifiers():
            event.ignore()
            return
        super().keyPressEvent(event)

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Another row is looked at."""
        super().currentChanged(current, previous)
        if current.row() != previous.row() or not previous.isValid():
            self._say(current)
            self.moved.emit(current.row())

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """More or fewer rows are chosen."""
        super().selectionChanged(selected, deselected)
        self.chosen.emit(self.count())

    def showEvent(self, event: QShowEvent) -> None:
        """Days may have gone by."""
        super().showEvent(event)
        self._delegate.now = self._clock()

    def _say(self, index: Index) -> None:
        row = index.data(self._role)
        if isinstance(row, (HitRow, RequestRow)):
            self.setAccessibleDescription(describe(self._look, row))

    def _dress(self) -> None:
        self._delegate.look = self._look
        self._delegate.now = self._clock()
        self.setAccessibleName(self._look.text("review.list"))
        self.viewport().update()
