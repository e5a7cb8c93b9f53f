"""Rows that are all at hand, for lists and tables that draw only those in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import QWidget


class Rows(QAbstractListModel):
    """Any rows, one `Qt.UserRole` each; `describe` says them in words, for screen readers."""

    def __init__(self, parent: QWidget, describe: Callable[[Any], str] | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Any, ...] = ()
        self._describe = describe

    def show(self, rows: Sequence[Any]) -> None:
        """Other rows; where only what stands in them changed, the view keeps its place."""
        if len(rows) == len(self.rows):
            self.rows = tuple(rows)
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def more(self, rows: Sequence[Any]) -> None:
        """Append rows."""
        if rows:
            first = len(self.rows)
            self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
            self.rows += tuple(rows)
            self.endInsertRows()

    def rowCount(self, parent: Any = None) -> int:
        """How many there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The row itself, for whoever draws it."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.UserRole:
            return self.rows[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole and self._describe is not None:
            return self._describe(self.rows[index.row()])
        return None
