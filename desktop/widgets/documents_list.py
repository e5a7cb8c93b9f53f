"""The documents at the left of their section: search, filters, order, and the list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, get_args

from msgspec.structs import replace
from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.documents_delegate import DocumentDelegate, describe_document
from desktop.widgets.documents_values import (
    DocOnly,
    DocOrder,
    DocumentFilter,
    DocumentView,
    Listing,
)
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import FilterChip, filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.row_table import RowTable
from desktop.widgets.rows import Rows
from desktop.widgets.search_field import SearchField
from desktop.widgets.setting_fields import Choice

_ORDERS: Final = {one: f"documents.order.{one}" for one in get_args(DocOrder)}


class DocumentTable(RowTable):
    """The rows; `retire_requested` is the Delete key's, `opened` that of Enter."""

    retire_requested = Signal()
    opened = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete asks whether to retire, Enter goes to the text."""
        if event.key() == Qt.Key.Key_Delete and not event.modifiers():
            self.retire_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.opened.emit()
        else:
            super().keyPressEvent(event)


class DocumentsList(Dressed, Card):
    """`chosen` brings the document that is looked at, None when none is."""

    chosen = Signal(object)

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__("column")
        self._look, self._clock = look, clock
        self._all: tuple[DocumentView, ...] = ()
        self._filter = DocumentFilter()
        self._current = ""
        self._filling = self._built = False

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can list nothing."""
        look = self._look
        self.search = SearchField(look, "documents.search", "knowledge_search")
        # What is dropped on the page is to be imported, not to be searched for.
        self.search.setAcceptDrops(False)
        self.search.textChanged.connect(lambda words: self._take(words=words))
        self.search.returnPressed.connect(self.focus_list)
        flow = FlowBox()
        self._chips = filter_chips(
            self,
            look,
            "documents.only",
            get_args(DocOnly),
            flow.add,
            lambda only: self._take(only=only),
        )
        self._chips[""].setChecked(True)
        yield
        self.order = Choice(look, _ORDERS)
        self.order.activated.connect(lambda _: self._take(order=self.order.currentData()))
        self._sum = Label(look, tone="soft")
        last = row(None, theme.S2)
        last.addWidget(self._sum, 1)
        last.addWidget(self.order)
        head = column(None, theme.S2)
        head.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        head.addWidget(self.search)
        head.addWidget(flow)
        head.addLayout(last)
        yield
        self._delegate = DocumentDelegate(look)
        self._delegate.now = self._clock()
        self.table = DocumentTable(look, "documents.list", self._delegate)
        self._rows = Rows(self.table, lambda one: describe_document(self._look, one))
        self.table.setModel(self._rows)
        self.table.moved.connect(self._on_moved)
        self._none = EmptyState(look)
        self._none.action_requested.connect(self.clear)
        room = QWidget()
        self._stack = QStackedLayout(room)
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._none)
        whole = column(self, 0)
        whole.addLayout(head)
        whole.addWidget(room, 1)
        QWidget.setTabOrder(self.search, self._chips[""])
        QWidget.setTabOrder(self.order, self.table)
        self._built = True
        yield
        self._dress()

    def set_documents(self, listing: Listing) -> None:
        """All documents there are. The one that was looked at stays, where it is still there."""
        self._all = listing.rows
        self._delegate.now = self._clock()
        for only, chip in self._chips.items():
            n = listing.counts.get(only, 0)
            chip.set_count(n)
            chip.setVisible(bool(n) or not only or self._filter.only == only)
        self._fill(first=True)

    def shown(self) -> tuple[DocumentView, ...]:
        """The documents that the filter lets through, in order."""
        return self._rows.rows

    def current(self) -> DocumentView | None:
        """The document that is looked at."""
        return next((one for one in self._all if one.doc == self._current), None)

    def chip(self, only: DocOnly) -> FilterChip:
        """The button of a filter."""
        return self._chips[only]

    def focus_list(self) -> None:
        """Put the focus where the arrow keys choose."""
        to = self.table if self._rows.rows else self.search
        to.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """Show all documents."""
        self._filter = replace(self._filter, words="", only="")
        self._chips[""].setChecked(True)
        self.search.clear()
        self._fill()

    def _take(self, **values: object) -> None:
        self._filter = replace(self._filter, **values)
        self._fill()

    def _fill(self, *, first: bool = False) -> None:
        """List what the filter lets through; with `first` something is looked at if it can be."""
        shown = self._filter.take(self._all)
        at = next((n for n, one in enumerate(shown) if one.doc == self._current), -1)
        if at < 0 and first:
            at = 0 if shown else -1
        self._filling = True
        self._rows.show(shown)
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        if at >= 0:
            self.table.selectionModel().setCurrentIndex(self._rows.index(at), flag)
            self.table.scrollTo(self._rows.index(at))
        else:
            self.table.selectionModel().clear()
            self.table.scrollToTop()
        self._filling = False
        self._stack.setCurrentWidget(self.table if shown or not self._all else self._none)
        self._none.set_content(
            "magnifying-glass", "documents.none", "documents.none.body", "review.clear"
        )
        key = "documents.count" if len(shown) == len(self._all) else "documents.count.some"
        self._sum.set_key(key, n=f"{len(shown):,}", all=f"{len(self._all):,}")
        if first:
            self._current = shown[at].doc if at >= 0 else ""
            self.chosen.emit(shown[at] if at >= 0 else None)

    def _on_moved(self, at: int) -> None:
        if not self._filling and 0 <= at < len(self._rows.rows):
            one = self._rows.rows[at]
            self._current = one.doc
            self.chosen.emit(one)

    def _dress(self) -> None:
        if self._built:
            self.order.setAccessibleName(self._look.text("documents.order"))
            self._fill()
