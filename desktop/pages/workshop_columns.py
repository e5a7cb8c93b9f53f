"""What the rule workshop shows: the steps above, then the list, the rule, and what it would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QSplitter, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, restyle
from desktop.widgets.boxes import column, scroll_down_only
from desktop.widgets.workshop_list import WorkshopList
from desktop.widgets.workshop_replay import ReplayCard
from desktop.widgets.workshop_rule import WorkshopRule
from desktop.widgets.workshop_steps import StepBar
from desktop.widgets.workshop_try import TryCard


class WorkshopColumns(QWidget):
    """A bar above three columns. What is in them is made by the steps of `build`."""

    moved = Signal()

    bar: StepBar
    rules: WorkshopList
    rule: WorkshopRule
    trying: TryCard
    replay: ReplayCard

    def __init__(self, look: Look, clock: Callable[[], float]) -> None:
        super().__init__()
        self._look, self._clock = look, clock
        self._whole = column(self, 0)
        self._bar = Card("header")
        self._bar.setMinimumHeight(theme.HEADER)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(theme.HAIRLINE)
        self._splitter.setChildrenCollapsible(False)
        self._parts = [Card("column"), Card("plain"), QScrollArea()]
        self._right = QWidget()
        least = (theme.QUEUE_MIN, theme.CONVERSATION_MIN, theme.DRAFT_MIN - theme.S5)
        for at, part in enumerate(self._parts):
            part.setMinimumWidth(least[at])
            self._splitter.addWidget(part)
            self._splitter.setStretchFactor(at, 1 if at == 1 else 0)
        self._splitter.setSizes([theme.QUEUE_WIDTH, 2 * theme.CONVERSATION_MIN, theme.DRAFT_MIN])
        self._splitter.splitterMoved.connect(lambda *_: self.moved.emit())
        self._whole.addWidget(self._bar)
        self._whole.addWidget(self._splitter, 1)

    def build(self) -> Iterator[None]:
        """Make what stands in it, from the left to the right, a little in each step."""
        look = self._look
        yield
        self.bar = StepBar(look, self._clock)
        column(self._bar, 0).addWidget(self.bar)
        yield
        self.rules = WorkshopList(look)
        column(self._parts[0], 0).addWidget(self.rules)
        yield
        yield from self.rules.build()
        self.rule = WorkshopRule(look)
        column(self._parts[1], 0).addWidget(self.rule)
        yield
        yield from self.rule.build()
        yield
        body = QWidget()
        restyle(body, kind="transparent")
        inside = column(body, theme.S4, theme.S4)
        self.trying = TryCard(look)
        inside.addWidget(self.trying)
        yield
        self.replay = ReplayCard(look)
        inside.addWidget(self.replay)
        inside.addStretch(1)
        yield
        scroll = self._parts[2]
        assert isinstance(scroll, QScrollArea)
        scroll_down_only(scroll)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)

    def state(self) -> QByteArray:
        """Where the columns stand."""
        return self._splitter.saveState()

    def restore(self, state: QByteArray) -> None:
        """Put the columns where they stood."""
        self._splitter.restoreState(state)
