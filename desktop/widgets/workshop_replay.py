"""The replay: how the changed rules would have treated everything that was ever written."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.filter_chips import FilterChip, filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.moments import clock_text
from desktop.widgets.plain_text import one_line
from desktop.widgets.workshop_delegate import ReplayDelegate
from desktop.widgets.workshop_list import RowList
from desktop.widgets.workshop_values import REPLAY_KINDS, ReplayKind, ReplayRow, ReplayView

_HEIGHT: Final = 4
_RULES: Final = 5


class ReplayCard(Dressed, Card):
    """`start_requested` and `cancel_requested`; `opened` brings the row that is looked at."""

    start_requested = Signal()
    cancel_requested = Signal()
    opened = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__("card")
        self._look = look
        self._view = ReplayView()
        self._rows: dict[ReplayKind, list[ReplayRow]] = {kind: [] for kind in REPLAY_KINDS}
        self.start_button = PushButton(look, "workshop.replay.start", "", "play")
        self.start_button.set_tip_action("workshop_replay")
        self.start_button.clicked.connect(self.start_requested)
        self.cancel_button = PushButton(look, "workshop.replay.cancel", "", "stop")
        self.cancel_button.clicked.connect(self.cancel_requested)
        self._why = Label(look, "workshop.replay.help", tone="faint", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(theme.S2)
        self._state = Label(look, tone="soft", wrap=True)
        self._icon = IconLabel(look, "check-circle", "accent_text")
        kinds = FlowBox()
        self._kinds = filter_chips(
            self, look, "workshop.replay", REPLAY_KINDS, kinds.add, lambda _: self._fill()
        )
        self._kinds["new"].setChecked(True)
        self._by_rule = Label(look, tone="soft", wrap=True)
        self.list = RowList(look, ReplayDelegate(look, self), "workshop.replay.list")
        self.list.opened.connect(self.opened)
        self._none = Label(look, tone="faint", wrap=True)
        self._first = Label(look, tone="faint", wrap=True)
        self._results = QWidget()
        results = column(self._results, theme.S2)
        for part in (kinds, self._by_rule, self.list, self._none, self._first):
            results.addWidget(part)
        told = row(None, theme.S2)
        told.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self._state, 1)
        head = row(None, theme.S2)
        head.addWidget(Label(look, "workshop.replay", bold=True), 1)
        head.addWidget(self.cancel_button)
        head.addWidget(self.start_button)
        inside = column(self, theme.S2, theme.S3)
        inside.addLayout(head)
        inside.addWidget(self._why)
        inside.addWidget(self._bar)
        inside.addLayout(told)
        inside.addWidget(self._results)
        self._dress()

    def begin(self) -> None:
        """Forget what the former replay found."""
        for rows in self._rows.values():
            rows.clear()
        self.list.model_of.show(())

    def add(self, rows: tuple[ReplayRow, ...]) -> None:
        """More of what was found; each kind keeps as many as its list can hold."""
        for one in rows:
            self._rows[one.kind].append(one)
            if one.flips:
                self._rows["flipped"].append(one)
        self._fill()

    def show_view(self, view: ReplayView) -> None:
        """How far it is, and what it counts."""
        self._view = view
        if view.phase == "none":
            self.begin()
        self._dress()

    def block(self, why: str) -> None:
        """Why nothing can be replayed; "" where it can."""
        self.start_button.block(why)

    def view(self) -> ReplayView:
        """What is shown."""
        return self._view

    def kind(self) -> ReplayKind:
        """What is listed."""
        return next(kind for kind, chip in self._kinds.items() if chip.isChecked())

    def chip(self, kind: ReplayKind) -> FilterChip:
        """The button of a kind."""
        return self._kinds[kind]

    def rows(self) -> tuple[ReplayRow, ...]:
        """What is listed."""
        return self.list.model_of.rows

    def state(self) -> str:
        """How it went, in words."""
        return self._state.text()

    def _fill(self) -> None:
        kind, view = self.kind(), self._view
        shown, listed = self._rows[kind], self.list.model_of
        if listed.rows == tuple(shown[: len(listed.rows)]):
            listed.more(shown[len(listed.rows) :])
        else:
            listed.show(())
            listed.show(shown)
        high = self.list.sizeHintForRow(0) if shown else 0
        self.list.setFixedHeight(min(len(shown), _HEIGHT) * high + theme.HAIRLINE)
        self.list.setVisible(bool(shown))
        self._none.setVisible(not shown and view.phase not in ("none", "running"))
        self._none.set_key(f"workshop.replay.none.{kind}")
        rest = view.count(kind) - len(shown)
        self._first.setVisible(rest > 0 and view.phase != "running")
        self._first.set_key("workshop.replay.first", n=f"{len(shown):,}", rest=f"{rest:,}")

    def _dress(self) -> None:
        look, view = self._look, self._view
        phase = view.phase
        running = phase == "running"
        self._bar.setVisible(running)
        self._bar.setRange(0, max(1, view.total))
        self._bar.setValue(view.done)
        self._bar.setAccessibleName(look.text("workshop.replay"))
        self.cancel_button.setVisible(running)
        self.start_button.setVisible(not running)
        self._results.setVisible(phase not in ("none", "failed"))
        self._why.setVisible(phase == "none")
        self._state.setVisible(phase != "none")
        self._icon.setVisible(phase not in ("none", "running"))
        if running:
            left = "" if view.left is None else clock_text(view.left)
            key = "workshop.replay.running.left" if left else "workshop.replay.running"
            self._state.set_key(key, done=f"{view.done:,}", total=f"{view.total:,}", left=left)
        elif phase == "failed":
            self._icon.set_icon("warning-circle", "red_text")
            self._state.set_text(view.problem)
        elif phase != "none":
            looks = {"done": ("check-circle", "accent_text"), "stale": ("info", "amber_text")}
            self._icon.set_icon(*looks.get(phase, ("stop-circle", "amber_text")))
            self._state.set_key(
                f"workshop.replay.{phase}", done=f"{view.done:,}", total=f"{view.total:,}"
            )
        for kind, chip in self._kinds.items():
            chip.set_count(view.count(kind))
        counted = [one for one in view.rules if one.new or one.lost or one.altered][:_RULES]
        self._by_rule.setVisible(bool(counted) and not running)
        self._by_rule.set_text(
            "\n".join(
                look.text(
                    "workshop.replay.rule",
                    name=one_line(one.name),
                    new=one.new,
                    lost=one.lost,
                    altered=one.altered,
                )
                for one in counted
            )
        )
        self._fill()
