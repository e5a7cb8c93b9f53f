"""The list of the review page: a snapshot of which hits there are, read page by page when seen."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from desktop.widgets.review_values import HitRow, RequestRow

PAGE: Final = 100
_KEPT_PAGES: Final = 40
ROW_ROLE: Final = int(Qt.ItemDataRole.UserRole)

Index = QModelIndex | QPersistentModelIndex
Row = HitRow | RequestRow


class ReviewModel(QAbstractTableModel):
    """One column: requests first, then hits. `wanted` asks for the hits of a page.

    Which hits stand in the list is settled by `show`; a verdict changes how a row looks, not where
    it stands, so that nothing moves away under the lead's eyes.
    """

    wanted = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._requests: list[RequestRow] = []
        self._keys: array[int] = array("q")
        self._pages: dict[int, list[HitRow]] = {}
        self._stale: set[int] = set()
        self._looked_at: list[int] = []
        self._asked: int | None = None
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._ask)

    def show(self, requests: Sequence[RequestRow], keys: Iterable[int]) -> bool:
        """Replace everything; `keys` are the store's numbers of the hits, in order.

        False when the list is the same one: it stands, and what is seen of it is read again.
        """
        there = array("q", keys)
        if there == self._keys and [one.id for one in requests] == self._ids():
            self._requests = list(requests)
            self.forget()
            return False
        self.beginResetModel()
        self._requests, self._keys = list(requests), there
        self._pages.clear()
        self._stale.clear()
        self._looked_at.clear()
        self._asked = None
        self.endResetModel()
        return True

    def put(self, page: int, keys: Sequence[int], rows: Sequence[HitRow]) -> None:
        """The hits of a page that was `wanted`; ignored when the list has changed since."""
        if page == self._asked:
            self._asked = None
        if list(keys) == self._page_keys(page):
            self._pages[page] = list(rows)
            self._stale.discard(page)
            self._let_go()
            first = len(self._requests) + page * PAGE
            self._changed(first, first + len(rows) - 1)
        self._turn.start()

    def give_up(self, page: int) -> None:
        """A page could not be read; it is asked for again when it is next looked at."""
        if page == self._asked:
            self._asked = None

    def put_request(self, request: RequestRow) -> None:
        """A request as it stands now."""
        for at, one in enumerate(self._requests):
            if one.id == request.id:
                self._requests[at] = request
                self._changed(at, at)

    def forget(self) -> None:
        """Read again what is looked at, with what is known shown until then."""
        self._stale.update(self._pages)
        self._changed(0, self.rowCount() - 1)

    def requests(self) -> list[RequestRow]:
        """The requests, in order."""
        return list(self._requests)

    def _ids(self) -> list[str]:
        return [one.id for one in self._requests]

    def hits(self) -> int:
        """How many hits the list has."""
        return len(self._keys)

    def keys(self, first: int, last: int) -> array[int]:
        """The numbers of the hits in these rows, requests left out."""
        before = len(self._requests)
        return self._keys[max(0, first - before) : max(0, last - before + 1)]

    def row(self, at: int) -> Row | None:
        """One row; None while it is not read, or when there is none."""
        if 0 <= at < len(self._requests):
            return self._requests[at]
        page, place = divmod(at - len(self._requests), PAGE)
        rows = self._pages.get(page)
        return rows[place] if at >= 0 and rows is not None and place < len(rows) else None

    def rowCount(self, parent: Index | None = None) -> int:
        """All rows, read or not."""
        if parent is not None and parent.isValid():
            return 0
        return len(self._requests) + len(self._keys)

    def columnCount(self, parent: Index | None = None) -> int:
        """One."""
        return 0 if parent is not None and parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The row as `ROW_ROLE`; None while it is being read."""
        if not index.isValid():
            return None
        at = index.row()
        if role == ROW_ROLE:
            self._note(at)
            return self.row(at)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            row = self.row(at)
            if row is None or role == Qt.ItemDataRole.ToolTipRole:
                return None
            return row.reason if isinstance(row, RequestRow) else row.hit.name or row.hit.rule
        return None

    def _note(self, at: int) -> None:
        """A row is looked at: its page is read unless it is there."""
        page = (at - len(self._requests)) // PAGE
        if page < 0 or (page in self._pages and page not in self._stale):
            return
        if page in self._looked_at:
            self._looked_at.remove(page)
        self._looked_at.append(page)
        if not self._turn.isActive():
            self._turn.start()

    def _ask(self) -> None:
        """Ask for the page that was looked at last: what was only scrolled past can wait."""
        if self._asked is not None:
            return
        del self._looked_at[:-3]
        while self._looked_at:
            page = self._looked_at.pop()
            keys = self._page_keys(page)
            if keys and (page not in self._pages or page in self._stale):
                self._asked = page
                self.wanted.emit(page, keys)
                return

    def _page_keys(self, page: int) -> list[int]:
        return self._keys[page * PAGE : (page + 1) * PAGE].tolist()

    def _let_go(self) -> None:
        while len(self._pages) > _KEPT_PAGES:
            self._pages.pop(next(iter(self._pages)))

    def _changed(self, first: int, last: int) -> None:
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, 0))
