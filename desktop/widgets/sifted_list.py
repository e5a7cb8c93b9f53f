"""What a section of the knowledge page has at its left: search, filters, order, and a list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import FilterChip, filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.listing import Listing
from desktop.widgets.row_delegate import MomentDelegate
from desktop.widgets.row_table import RowTable
from desktop.widgets.rows import Rows
from desktop.widgets.search_field import SearchField
from desktop.widgets.setting_fields import Choice


class SiftedTable(RowTable):
    """The rows; `delete_requested` is the Delete key's, `opened` that of Enter."""

    delete_requested = Signal()
    opened = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete and Enter are told; Home and End go to the first and the last row."""
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.model().rowCount() - 1}
        if event.key() == Qt.Key.Key_Delete and not event.modifiers():
            self.delete_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.opened.emit()
        elif event.key() in ends and not event.modifiers():
            self.go(ends[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


class SiftedList(Dressed, Card):
    """`chosen` brings the row that is looked at, None when none is.

    Its words are the texts below `prefix`; rows are told from one another by `key`.
    """

    chosen = Signal(object)

    def __init__(
        self,
        look: Look,
        prefix: str,
        sieve: Any,
        delegate: MomentDelegate,
        describe: Callable[[Look, Any], str],
        key: Callable[[Any], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`sieve`: a filter, such as `DocumentFilter`, as the list is to begin with."""
        super().__init__("column")
        self._look, self._prefix, self._clock = look, prefix, clock
        self._delegate, self._describe, self._key = delegate, describe, key
        self._all: tuple[Any, ...] = ()
        self._sieve = sieve
        self._current = ""
        self._filling = self._built = False

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can list nothing."""
        look, prefix, choices = self._look, self._prefix, type(self._sieve)
        self.search = SearchField(look, f"{prefix}.search", "knowledge_search")
        # What is dropped on the page is to be imported, not to be searched for.
        self.search.setAcceptDrops(False)
        self.search.textChanged.connect(lambda words: self._take(words=words))
        self.search.returnPressed.connect(self.focus_list)
        flow = FlowBox()
        self._chips = filter_chips(
            self,
            look,
            f"{prefix}.only",
            choices.onlys(),
            flow.add,
            lambda only: self._take(only=only),
        )
        self._chips[""].setChecked(True)
        yield
        self.order = Choice(look, {one: f"{prefix}.order.{one}" for one in choices.orders()})
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
        self._delegate.now = self._clock()
        self.table = SiftedTable(look, f"{prefix}.list", self._delegate)
        self._rows = Rows(self.table, lambda one: self._describe(self._look, one))
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

    def set_listing(self, listing: Listing) -> None:
        """All rows there are. The one that was looked at stays, where it is still there; else the
        next one is looked at."""
        self._all = listing.rows
        self._delegate.now = self._clock()
        for only, chip in self._chips.items():
            n = listing.counts.get(only, 0)
            chip.set_count(n)
            chip.setVisible(bool(n) or not only or self._sieve.only == only)
        self._fill(first=True)

    def shown(self) -> tuple[Any, ...]:
        """The rows that the filter lets through, in order."""
        return self._rows.rows

    def chip(self, only: str) -> FilterChip:
        """The button of a filter."""
        return self._chips[only]

    def focus_list(self) -> None:
        """Put the focus where the arrow keys choose; the first row is looked at if none is."""
        if not self.table.currentIndex().isValid():
            self.table.go(0)
        to = self.table if self._rows.rows else self.search
        to.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """Show all rows."""
        self._sieve = replace(self._sieve, words="", only="")
        self._chips[""].setChecked(True)
        self.search.clear()
        self._fill()

    def _take(self, **values: object) -> None:
        self._sieve = replace(self._sieve, **values)
        self._fill()

    def _fill(self, *, first: bool = False) -> None:
        """List what the filter lets through; with `first` something is looked at if it can be."""
        shown = self._sieve.take(self._all)
        at = next((n for n, one in enumerate(shown) if self._key(one) == self._current), -1)
        if at < 0 and first and shown:
            at = max(0, min(self.table.currentIndex().row(), len(shown) - 1))
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
        prefix = self._prefix
        self._none.set_content(
            "magnifying-glass", f"{prefix}.none", "documents.none.body", "review.clear"
        )
        whole = len(shown) == len(self._all)
        self._sum.set_key(
            f"{prefix}.count{'' if whole else '.some'}",
            n=f"{len(shown):,}",
            all=f"{len(self._all):,}",
        )
        if first:
            self._current = self._key(shown[at]) if at >= 0 else ""
            self.chosen.emit(shown[at] if at >= 0 else None)

    def _on_moved(self, at: int) -> None:
        if not self._filling and 0 <= at < len(self._rows.rows):
            one = self._rows.rows[at]
            self._current = self._key(one)
            self.chosen.emit(one)

    def _dress(self) -> None:
        if self._built:
            self.order.setAccessibleName(self._look.text("documents.order"))
            self._fill()
