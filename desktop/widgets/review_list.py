"""The list of requests and hits: any number of rows, of which only those in sight are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QItemSelection, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView

from desktop.theme import Look
from desktop.widgets.review_delegate import ReviewDelegate, describe
from desktop.widgets.review_values import HitRow, RequestRow
from desktop.widgets.row_delegate import Index
from desktop.widgets.row_table import RowTable


class ReviewList(RowTable):
    """One row is looked at (`moved`), several can be chosen (`chosen` brings how many)."""

    chosen = Signal(int)

    def __init__(self, look: Look, role: int, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._role = clock, role
        self._hits = ReviewDelegate(look, role)
        super().__init__(look, "review.list", self._hits)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)

    def ranges(self) -> list[tuple[int, int]]:
        """The chosen rows, as first and last of each stretch."""
        chosen = self.selectionModel().selection() if self.selectionModel() else QItemSelection()
        return sorted((one.top(), one.bottom()) for one in chosen.toList())

    def count(self) -> int:
        """How many rows are chosen."""
        return sum(last - first + 1 for first, last in self.ranges())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters are verdicts and go to the page; everything else moves."""
        if event.text().isalpha() and not event.modifiers():
            event.ignore()
            return
        super().keyPressEvent(event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """More or fewer rows are chosen."""
        super().selectionChanged(selected, deselected)
        self.chosen.emit(self.count())

    def showEvent(self, event: QShowEvent) -> None:
        """Days may have gone by."""
        super().showEvent(event)
        self._hits.now = self._clock()

    def _words_of(self, index: Index) -> str:
        row = index.data(self._role)
        return describe(self._look, row) if isinstance(row, (HitRow, RequestRow)) else ""

    def _dress(self) -> None:
        self._hits.now = self._clock()
        super()._dress()
