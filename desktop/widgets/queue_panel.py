"""The waiting customers: search, filters and the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QSignalBlocker,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStackedLayout,
    QWidget,
)

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.queue_delegate import QueueDelegate
from desktop.widgets.queue_roles import QueueRole
from desktop.widgets.search_field import SearchField
from desktop.widgets.values import QueueFilter

FILTERS: Final[tuple[QueueFilter, ...]] = get_args(QueueFilter)


class QueuePanel(Dressed, Card):
    """Fill it with `set_model`; the model answers `QueueRole`s and does the filtering itself.

    `drawn` comes once, in the painting of the first row.
    """

    opened = Signal(str)
    search_changed = Signal(str)
    filter_changed = Signal(str)
    start_requested = Signal()
    reached = Signal(int)
    drawn = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("column")
        self._look = look
        self._last = ""
        self._start = True
        self._focus_wanted = False
        title = Label(look, "queue", size="title", bold=True)
        self._sum = Elided(look, tone="soft")
        self._sum.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._search = SearchField(look, "queue.search", "search")
        self._search.textChanged.connect(self._on_search)
        self._search.installEventFilter(self)
        head = column(None, theme.S3)
        head.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        top = row(None, theme.S2)
        top.addWidget(title)
        top.addWidget(self._sum, 1)
        head.addLayout(top)
        head.addWidget(self._search)
        self._filters = FlowBox()
        self._chips = filter_chips(
            self, look, "queue.filter", FILTERS, self._filters.add, self._on_filter
        )
        self._chips["all"].setChecked(True)
        head.addWidget(self._filters)
        self._list = QListView()
        # Qt's own has no Python type yet; to find it, PySide6 makes every kind of widget: 15 ms.
        self._sheet = QWidget()
        self._list.setViewport(self._sheet)
        self._list.setUniformItemSizes(True)
        self._list.setMouseTracking(True)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self._delegate = QueueDelegate(look, self._list)
        self._delegate.on_first = self.drawn.emit
        self._list.setItemDelegate(self._delegate)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(self._on_empty_action)
        # Of a widget: without one the list would be a window of its own for a moment.
        room = QWidget()
        self._stack = QStackedLayout(room)
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._empty)
        layout = column(self)
        layout.addLayout(head)
        layout.addWidget(room, 1)
        self._show_empty()
        self._dress()

    def set_model(self, model: QAbstractItemModel) -> None:
        """Show the rows of `model`; it stays the owner's."""
        self._list.setModel(model)
        for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset):
            signal.connect(self._show_empty)
        self._list.selectionModel().currentChanged.connect(self._on_current)
        self._show_empty()

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """How many conversations each filter would show."""
        for name, chip in self._chips.items():
            chip.set_count(counts.get(name))

    def set_summary(self, waiting: int, today: int) -> None:
        """How many wait now and how many came today."""
        self._sum.set_key("queue.summary", waiting=waiting, today=today)

    def set_start_offered(self, offered: bool) -> None:
        """Whether the empty list offers the sample conversations."""
        self._start = offered
        self._show_empty()

    def current_filter(self) -> QueueFilter:
        """The filter that is chosen."""
        return next(name for name, chip in self._chips.items() if chip.isChecked())

    def current_id(self) -> str:
        """The conversation that is chosen, "" if none."""
        return str(self._list.currentIndex().data(QueueRole.ID) or "")

    def select(self, conversation_id: str) -> bool:
        """Choose a conversation, without a signal; False when the list does not show it."""
        current = self._list.currentIndex()
        self._last = conversation_id
        if conversation_id and current.data(QueueRole.ID) == conversation_id:
            # Getting the focus makes a row current, and does not mark it as chosen.
            self._list.setCurrentIndex(current)
            self._list.scrollTo(current)
            return True
        model = self._list.model()
        for at in range(model.rowCount() if model else 0):
            index = model.index(at, 0)
            if index.data(QueueRole.ID) == conversation_id:
                self._list.setCurrentIndex(index)
                self._list.scrollTo(index)
                return True
        return False

    def select_next(self) -> None:
        """Open the conversation below."""
        self._step(1)

    def select_previous(self) -> None:
        """Open the conversation above."""
        self._step(-1)

    def focus_list(self) -> None:
        """Put the focus on the list, where the arrow keys choose; as soon as there is one."""
        self._focus_wanted = not self._rows()
        target = self._chips["all"] if self._focus_wanted else self._list
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_search(self) -> None:
        """Put the cursor into the search line."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down and Enter in the search line go to the list."""
        if (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self._rows()
        ):
            self._list.setFocus(Qt.FocusReason.ShortcutFocusReason)
            if not self._list.currentIndex().isValid():
                self._step(1)
            return True
        return super().eventFilter(watched, event)

    def _rows(self) -> int:
        model = self._list.model()
        return model.rowCount() if model else 0

    def _step(self, by: int) -> None:
        rows = self._rows()
        if not rows:
            return
        current = self._list.currentIndex()
        at = current.row() + by if current.isValid() else 0
        if by > 0 and current.data(QueueRole.STATE) == "replied":
            # Who was just answered stands at the end: next is whoever waits longest.
            at = 0
        self._list.setCurrentIndex(self._list.model().index(max(0, min(rows - 1, at)), 0))

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        conversation_id = str(current.data(QueueRole.ID) or "")
        if conversation_id and conversation_id != self._last:
            self._last = conversation_id
            self.opened.emit(conversation_id)

    def _on_scrolled(self, value: int) -> None:
        self.reached.emit((value + self._sheet.height()) // theme.QUEUE_ROW)

    def _on_search(self, text: str) -> None:
        self.search_changed.emit(text)
        self._show_empty()

    def _on_filter(self, name: QueueFilter) -> None:
        self.filter_changed.emit(name)
        self._show_empty()

    def _on_empty_action(self) -> None:
        if self._search.text() or self.current_filter() != "all":
            self._chips["all"].setChecked(True)
            self._search.clear()
            self._on_filter("all")
        else:
            self.start_requested.emit()

    def _show_empty(self) -> None:
        if self._rows():
            self._stack.setCurrentWidget(self._list)
            if self._focus_wanted and self._chips["all"] is self.window().focusWidget():
                self._focus_first()
            self._focus_wanted = False
            return
        if self._search.text() or self.current_filter() != "all":
            words = "queue.nothing"
            self._empty.set_content("magnifying-glass", words, f"{words}.body", f"{words}.action")
        else:
            action = "queue.empty.action" if self._start else ""
            self._empty.set_content("chats-circle", "queue.empty", "queue.empty.body", action)
        self._stack.setCurrentWidget(self._empty)

    def _focus_first(self) -> None:
        """Focus the list, which chooses its first row by that, unless another one is open."""
        if not self._last or self.select(self._last):
            self._list.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        with QSignalBlocker(self._list.selectionModel()):
            self._list.setFocus(Qt.FocusReason.OtherFocusReason)
            self._list.setCurrentIndex(QModelIndex())

    def _dress(self) -> None:
        look = self._look
        self._delegate.look = look
        self._sheet.update()
        self._list.setAccessibleName(look.text("queue.list"))
        self._filters.setAccessibleName(look.text("queue.filters"))
