"""Controls of the settings form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSpinBox, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Dressed, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row


class Combo(Dressed, QComboBox):
    """A list to choose from, with the caret of the theme."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFont(theme.font("small"))
        self.setMinimumHeight(theme.CONTROL)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scrolling the page must not change a setting."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Add the caret."""
        super().paintEvent(event)
        painter = QPainter(self)
        left = self.width() - theme.ICON - theme.S3
        spot = theme.icon_rect(left, self.height() / 2)
        painting.draw_icon(painter, "caret-down", spot, self._look.color("text_soft"))


class Choice(Combo):
    """One of several values, each named by a text key."""

    def __init__(self, look: Look, options: Mapping[Any, str]) -> None:
        super().__init__(look)
        self._options = dict(options)
        for value, key in self._options.items():
            self.addItem(look.text(key), value)

    def _dress(self) -> None:
        for at, key in enumerate(self._options.values()):
            self.setItemText(at, self._look.text(key))


class Stepper(Dressed, QWidget):
    """A whole number with buttons for less and more; one value may mean "automatic"."""

    value_changed = Signal(int)

    def __init__(
        self, look: Look, low: int, high: int, step: int = 1, auto: bool = False, unit: str = ""
    ) -> None:
        super().__init__()
        self._look = look
        self._auto, self._unit = auto, unit
        self._last: int | None = None
        self._spin = QSpinBox()
        self._spin.setRange(low, high)
        self._spin.setSingleStep(step)
        self._spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._spin.setFont(theme.font("small"))
        self._spin.setMinimumHeight(theme.CONTROL)
        self._spin.installEventFilter(self)
        self._spin.editingFinished.connect(self._settle)
        self.setFocusProxy(self._spin)
        self._less = PushButton(look, "settings.less", "", "minus")
        self._more = PushButton(look, "settings.more", "", "plus")
        for button, by in ((self._less, -1), (self._more, 1)):
            button.set_compact(True)
            button.setAutoRepeat(True)
            button.clicked.connect(lambda _=False, by=by: self._step(by))
        layout = row(self, theme.S1)
        layout.addWidget(self._spin, 1)
        layout.addWidget(self._less)
        layout.addWidget(self._more)
        self._dress()

    def set_value(self, value: int) -> None:
        """Show a number, without a signal; the automatic value is shown as a word."""
        self._last = value
        self._spin.setValue(value)

    def value(self) -> int:
        """The number that is shown."""
        return self._spin.value()

    def spin(self) -> QSpinBox:
        """The control itself."""
        return self._spin

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Scrolling the page must not change a setting."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _step(self, by: int) -> None:
        self._spin.stepBy(by)
        self._settle()

    def _settle(self) -> None:
        if self._spin.value() != self._last:
            self._last = self._spin.value()
            self.value_changed.emit(self._last)

    def _dress(self) -> None:
        if self._auto:
            self._spin.setSpecialValueText(self._look.text("settings.auto"))
        if self._unit:
            self._spin.setSuffix(self._look.text(self._unit))
        self._spin.setAccessibleName(self.accessibleName())


class SettingRow(Dressed, QWidget):
    """Name and help at the left, the control at the right, a problem below it."""

    def __init__(self, look: Look, name: str, field: QWidget) -> None:
        super().__init__()
        self._look = look
        self._field = field
        self._help = Label(look, f"settings.{name}.help", tone="faint", wrap=True)
        title = Label(look, f"settings.{name}", size="body")
        title.setBuddy(field)
        words = column(None, 0)
        words.addWidget(title)
        words.addWidget(self._help)
        words.addStretch(1)
        self._icon = IconLabel(look, "warning-circle", "red_text")
        self._problem = Label(look, tone="red", wrap=True)
        below = row(None, theme.S1)
        below.addWidget(self._icon)
        below.addWidget(self._problem, 1)
        right = column(None, theme.S1)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        right.addWidget(field)
        right.addLayout(below)
        layout = row(self, theme.S5)
        layout.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S3)
        layout.addLayout(words, 1)
        layout.addLayout(right, 1)
        self._icon.hide()
        self._problem.hide()

    def help_text(self) -> str:
        """The sentence under the name."""
        return self._help.text()

    def problem(self) -> str:
        """The problem that is shown, "" if none."""
        return "" if self._problem.isHidden() else self._problem.text()

    def set_problem(self, message: str) -> None:
        """Show a problem as given; "" clears it."""
        self._problem.set_text(message)
        self._mark(bool(message))

    def set_problem_key(self, key: str, **values: object) -> None:
        """Show a problem by text key; "" clears it."""
        if key:
            self._problem.set_key(key, **values)
        self._mark(bool(key))

    def _mark(self, wrong: bool) -> None:
        self._icon.setVisible(wrong)
        self._problem.setVisible(wrong)
        restyle(self._field, invalid=wrong)
        self._field.setAccessibleDescription(self._problem.text() if wrong else self.help_text())
