"""The rules at the left of the workshop: search, filters, and the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args

from msgspec.structs import replace
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QGridLayout,
    QListView,
    QStackedLayout,
    QStyledItemDelegate,
    QWidget,
)

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import FilterChip, filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.review_delegate import category_words
from desktop.widgets.rows import Rows
from desktop.widgets.search_field import SearchField
from desktop.widgets.setting_fields import Combo
from desktop.widgets.workshop_delegate import RuleDelegate, describe_rule
from desktop.widgets.workshop_values import PartKind, RowState, RuleFilter, RuleRow
from engine.records import Level, Side

_STATES: Final[tuple[RowState, ...]] = ("", "changed", "trial", "own", "off", "wrong")
_COMBOS: Final = ("side", "category", "level")


class RowList(Dressed, QListView):
    """A list of `Rows`; Enter or a click opens one."""

    opened = Signal(object)

    def __init__(self, look: Look, delegate: QStyledItemDelegate, name: str) -> None:
        super().__init__()
        self._look, self._name = look, name
        self.model_of = Rows(self)
        self.setModel(self.model_of)
        delegate.setParent(self)
        self.setItemDelegate(delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.clicked.connect(self._on_index)
        self._dress()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._on_index(self.currentIndex())
            return
        super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """The search line finds; letters here do nothing."""

    def _on_index(self, index: QModelIndex) -> None:
        shown = index.data(Qt.ItemDataRole.UserRole)
        if shown is not None:
            self.opened.emit(shown)

    def _dress(self) -> None:
        delegate: Any = self.itemDelegate()
        delegate.look = self._look
        self.setAccessibleName(self._look.text(self._name))
        self.viewport().update()


class WorkshopList(Dressed, Card):
    """`chosen` brings the row that is to be edited, `add_requested` asks for a new rule."""

    chosen = Signal(object)
    add_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("column")
        self._look = look
        self._rows: tuple[RuleRow, ...] = ()
        self._filter = RuleFilter()
        self._current: tuple[PartKind, str] | None = None
        self._asking = False
        self._built = False

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can list nothing."""
        look = self._look
        self._sum = Elided(look, tone="soft")
        self._sum.setAlignment(Qt.AlignmentFlag.AlignRight)
        # It gives way to the title, which is never cut; the first chip says the same.
        self._sum.setMinimumWidth(1)
        self.add_button = PushButton(look, "workshop.add", "quiet", "plus")
        self.add_button.set_compact(True)
        self.add_button.set_tip_action("workshop_new")
        self.add_button.clicked.connect(self.add_requested)
        self.search = SearchField(look, "workshop.search", "workshop_search")
        self.search.textChanged.connect(lambda words: self._take(words=words))
        self.search.returnPressed.connect(self._to_list)
        flow = FlowBox()
        self._chips = filter_chips(
            self, look, "workshop.state", _STATES, flow.add, lambda state: self._take(state=state)
        )
        self._chips[""].setChecked(True)
        yield
        self._more = PushButton(look, "review.filters", "quiet", "funnel")
        self._more.setCheckable(True)
        self._more.set_compact(True)
        self._more.toggled.connect(self._on_more)
        top = row(None, theme.S1)
        top.addWidget(Label(look, "workshop", size="title", bold=True))
        top.addWidget(self._sum, 1)
        top.addWidget(self._more)
        top.addWidget(self.add_button)
        head = column(None, theme.S2)
        head.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        head.addLayout(top)
        head.addWidget(self.search)
        head.addWidget(flow)
        head.addWidget(self._make_combos(look))
        yield
        self.list = RowList(look, RuleDelegate(look, self), "workshop.list")
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(self.clear)
        room = QWidget()
        self._stack = QStackedLayout(room)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        whole = column(self, 0)
        whole.addLayout(head)
        whole.addWidget(room, 1)
        self._built = True
        yield
        self._dress()

    def _make_combos(self, look: Look) -> QWidget:
        self._fields = QWidget()
        grid = QGridLayout(self._fields)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.S1)
        self._combos: dict[str, Combo] = {}
        for at, name in enumerate(_COMBOS):
            combo = Combo(look)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(4)
            combo.activated.connect(
                lambda _, name=name: self._take(**{name: self._combos[name].currentData()})
            )
            grid.addWidget(combo, at // 2, at % 2)
            self._combos[name] = combo
        self._fields.hide()
        return self._fields

    def set_rows(self, rows: Sequence[RuleRow]) -> None:
        """All rules there are, in order."""
        self._rows = tuple(rows)
        for state, chip in self._chips.items():
            one = RuleFilter(state=state)
            n = sum(one.lets(row_, "") for row_ in self._rows)
            chip.set_count(n)
            chip.setVisible(bool(n) or not state or self._filter.state == state)
        self._fill()
        self._refill_combos()

    def set_current(self, key: tuple[PartKind, str] | None) -> None:
        """Mark the rule that is edited, without a signal."""
        self._current = key
        self._mark()

    def current(self) -> RuleRow | None:
        """The row that is marked."""
        shown = self.list.currentIndex().data(Qt.ItemDataRole.UserRole)
        return shown if isinstance(shown, RuleRow) else None

    def shown(self) -> tuple[RuleRow, ...]:
        """The rows that the filter lets through."""
        return self.list.model_of.rows

    def filter(self) -> RuleFilter:
        """What the list is narrowed by."""
        return self._filter

    def combo(self, name: str) -> Combo:
        """The list of one field: side, category or level."""
        return self._combos[name]

    def chip(self, state: RowState) -> FilterChip:
        """The button of a state."""
        return self._chips[state]

    def clear(self) -> None:
        """Show all rules."""
        self._filter = RuleFilter()
        self.search.clear()
        self._chips[""].setChecked(True)
        self._refill_combos()
        self._fill()

    def _to_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_more(self, shown: bool) -> None:
        self._fields.setVisible(shown)

    def _take(self, **values: object) -> None:
        self._filter = replace(self._filter, **values)
        self._fill()

    def _fill(self) -> None:
        look = self._look
        shown = [
            one for one in self._rows if self._filter.lets(one, category_words(look, one.category))
        ]
        self.list.model_of.show(shown)
        self._mark()
        self._stack.setCurrentWidget(self.list if shown or not self._rows else self._empty)
        if not shown:
            self._empty.set_content(
                "magnifying-glass", "workshop.none", "workshop.none.body", "review.clear"
            )
        self._sum.set_key("workshop.count", n=len(shown))

    def _mark(self) -> None:
        model = self.list.model_of
        at = next((n for n, one in enumerate(model.rows) if one.key == self._current), -1)
        self._asking = True
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        if at >= 0:
            self.list.selectionModel().setCurrentIndex(model.index(at), flag)
            self.list.scrollTo(model.index(at))
        else:
            self.list.selectionModel().clear()
        self._asking = False

    def _on_current(self, current: QModelIndex) -> None:
        shown = current.data(Qt.ItemDataRole.UserRole)
        if isinstance(shown, RuleRow):
            self.list.setAccessibleDescription(describe_rule(self._look, shown))
            if not self._asking:
                self._current = shown.key
                self.chosen.emit(shown)

    def _refill_combos(self) -> None:
        look = self._look
        categories = {one.category for one in self._rows if one.category}
        options: dict[str, list[tuple[str, str]]] = {
            "side": [(look.text(f"workshop.side.{one}"), one) for one in get_args(Side)],
            "category": sorted((category_words(look, one), one) for one in categories),
            "level": [
                (look.text("review.level", level=one, name=look.text(f"case.level.{one}")), one)
                for one in reversed(get_args(Level))
            ],
        }
        for name, combo in self._combos.items():
            combo.blockSignals(True)
            combo.clear()
            combo.addItem(look.text(f"review.any.{name}"), "")
            for words, value in options[name]:
                combo.addItem(words, value)
            combo.setCurrentIndex(max(0, combo.findData(getattr(self._filter, name))))
            combo.blockSignals(False)
            combo.setAccessibleName(look.text(f"review.field.{name}"))

    def _dress(self) -> None:
        if not self._built:
            return
        self._refill_combos()
        self._fill()
