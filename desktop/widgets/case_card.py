"""The card that takes the draft's place once a case is handed over to a person."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets.blocks import (
    Card,
    Chip,
    Dressed,
    Elided,
    IconLabel,
    Label,
    PushButton,
    restyle,
)
from desktop.widgets.boxes import column, row
from desktop.widgets.moments import clock_text
from desktop.widgets.plain_text import safe
from desktop.widgets.values import CaseView
from engine.records import Level

_LEVELS: Final[dict[Level, tuple[Tone, str]]] = {
    "L0": ("neutral", "note"),
    "L1": ("neutral", "info"),
    "L2": ("amber", "warning"),
    "L3": ("red", "warning-circle"),
    "L4": ("deep", "warning-octagon"),
}


class CaseCard(Dressed, QWidget):
    """Why it was handed over, what must be said, who takes it, and how long it has been open."""

    script_requested = Signal()
    take_requested = Signal()
    return_requested = Signal()
    note_changed = Signal(str)
    close_requested = Signal(str)

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._look, self._clock = look, clock
        self._case = CaseView(category="")
        self._timer = QTimer(self)
        self._timer.setInterval(1000)
        self._timer.timeout.connect(self._tick)
        title = Label(look, "case", size="title", bold=True)
        self._level = Chip(look)
        top = row(None, theme.S2)
        top.addWidget(title)
        top.addStretch(1)
        top.addWidget(self._level)
        self._band = Card("red")
        band = row(self._band, theme.S2, theme.S3)
        self._flag = IconLabel(look, "flag-banner", "red_text", theme.ICON_LARGE)
        words = column(None, 0)
        self._category = Label(look, size="body", tone="red", bold=True, wrap=True)
        self._off = Label(look, "case.off", tone="soft", wrap=True)
        words.addWidget(self._category)
        words.addWidget(self._off)
        self._clock_icon = IconLabel(look, "clock", "text_soft")
        self._open_for = Label(look, tone="soft")
        band.addWidget(self._flag, 0, Qt.AlignmentFlag.AlignTop)
        band.addLayout(words, 1)
        band.addWidget(self._clock_icon, 0, Qt.AlignmentFlag.AlignTop)
        band.addWidget(self._open_for, 0, Qt.AlignmentFlag.AlignTop)
        self._facts: dict[str, tuple[Label, Label]] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.S3)
        grid.setVerticalSpacing(theme.S2)
        grid.setColumnStretch(1, 1)
        for at, name in enumerate(("rule", "why", "advice")):
            label = Label(look, f"case.{name}", tone="faint")
            value = Label(look, wrap=True, bold=name == "advice")
            grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, at, 1)
            self._facts[name] = (label, value)
        self._script_box = Card("accent")
        script = column(self._script_box, theme.S2, theme.S3)
        script_top = row(None, theme.S2)
        script_top.addWidget(IconLabel(look, "clipboard-text", "accent_text"))
        script_top.addWidget(Label(look, "case.script", tone="accent", bold=True), 1)
        self._insert = PushButton(look, "case.script.insert", "", "", "insert_script")
        self._insert.clicked.connect(self.script_requested)
        script_top.addWidget(self._insert)
        self._script = Label(look, size="body", wrap=True)
        script.addLayout(script_top)
        script.addWidget(self._script)
        owner = row(None, theme.S2)
        self._owner_icon = IconLabel(look, "user-circle", "text_soft", theme.ICON_LARGE)
        self._owner = Elided(look)
        self._take = PushButton(look, "case.take", "primary", "hand-pointing")
        self._take.clicked.connect(self.take_requested)
        owner.addWidget(self._owner_icon)
        owner.addWidget(self._owner, 1)
        self._return = PushButton(look, "case.return", "quiet", "arrow-u-up-left")
        self._return.clicked.connect(self.return_requested)
        owner.addWidget(self._take)
        owner.addWidget(self._return)
        self._note = QLineEdit()
        self._note.setMinimumHeight(theme.CONTROL)
        self._note.setFont(theme.font("small"))
        self._note.textEdited.connect(self.note_changed)
        self._close = PushButton(look, "case.close", "", "check")
        self._close.clicked.connect(lambda: self.close_requested.emit(self._note.text()))
        end = row(None, theme.S2)
        end.addWidget(self._note, 1)
        end.addWidget(self._close)
        card = Card()
        inside = column(card, theme.S4, theme.S4)
        inside.addWidget(self._band)
        inside.addLayout(grid)
        inside.addWidget(self._script_box)
        inside.addLayout(owner)
        inside.addLayout(end)
        layout = column(self, theme.S3)
        layout.addLayout(top)
        layout.addWidget(card)
        self._dress()

    def set_case(self, case: CaseView) -> None:
        """Show a case."""
        same, self._case = case == self._case, case
        if self._note.text() != case.note:
            self._note.setText(safe(case.note))
        if case.opened_at and not case.closed:
            self._timer.start()
        else:
            self._timer.stop()
        if not same:
            self._dress()

    def case(self) -> CaseView:
        """The case that is shown."""
        return self._case

    def _tick(self) -> None:
        opened = self._case.opened_at
        self._open_for.set_key("case.opened", time=clock_text(self._clock() - opened))

    def _dress(self) -> None:
        look, case = self._look, self._case
        tone, icon = _LEVELS[case.level]
        self._level.set_key(f"case.level.{case.level}", tone, icon)
        if case.closed:
            tone = "neutral"
        restyle(self._band, kind=tone)
        self._flag.set_icon("check-circle" if case.closed else "flag-banner", f"{tone}_text")
        self._category.set_text(case.category)
        self._category.set_tone(tone if tone != "neutral" else "")
        self._off.set_key("case.closed" if case.closed else "case.off")
        for widget in (self._clock_icon, self._open_for):
            widget.setVisible(bool(case.opened_at))
        self._tick()
        for name, (label, value) in self._facts.items():
            text = getattr(case, name)
            label.setVisible(bool(text))
            value.setVisible(bool(text))
            value.set_text(text)
        self._script_box.setVisible(bool(case.script))
        self._script.set_text(case.script)
        done = look.text("case.script.done") if case.script_inserted else ""
        self._insert.set_key("case.script.done" if done else "case.script.insert")
        self._insert.set_icon_name("check" if done else "")
        if case.owner:
            self._owner.set_key("case.owner", name=case.owner)
        else:
            self._owner.set_key("case.nobody")
        self._owner.set_tone("" if case.owner else "amber")
        self._take.setVisible(not case.owner and not case.closed)
        self._return.setVisible(bool(case.owner) and not case.closed)
        self._note.setPlaceholderText(look.text("case.note.hint"))
        self._note.setAccessibleName(look.text("case.note"))
        self._note.setReadOnly(case.closed)
        self._close.setVisible(not case.closed)
        self.setAccessibleName(f"{look.text('case')} {case.category}")
