"""Controls of the settings form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

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
        self._low, self._high, self._by = low, high, step
        self._auto, self._unit = auto, unit
        self._value = low
        self._line = QLineEdit()
        self._line.setFont(theme.font("small"))
        self._line.setMinimumHeight(theme.CONTROL)
        self._line.installEventFilter(self)
        self._line.editingFinished.connect(self._settle)
        self.setFocusProxy(self._line)
        self._less = PushButton(look, "settings.less", "", "minus")
        self._more = PushButton(look, "settings.more", "", "plus")
        for button, sign in ((self._less, -1), (self._more, 1)):
            button.set_compact(True)
            button.setAutoRepeat(True)
            button.clicked.connect(lambda _=False, sign=sign: self._take(self._value + sign * step))
        layout = row(self, theme.S1)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._less)
        layout.addWidget(self._more)
        self._dress()

    def set_value(self, value: int) -> None:
        """Show a number, without a signal; the automatic value is shown as a word."""
        self._value = max(self._low, min(self._high, value))
        self._dress()

    def value(self) -> int:
        """The number that is shown."""
        return self._value

    def line(self) -> QLineEdit:
        """The control itself."""
        return self._line

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down count."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            sign = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
            if sign:
                self._take(self._value + sign * self._by)
                return True
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        """Take what was typed; what is no number leaves the former value."""
        digits = re.search(r"-?\d+", self._line.text())
        if digits and self._line.text() != self._shown():
            self._take(int(digits[0][:9]))
        elif self._auto and not self._line.text().strip():
            self._take(self._low)
        else:
            self._dress()

    def _take(self, value: int) -> None:
        before = self._value
        self.set_value(value)
        if self._value != before:
            self.value_changed.emit(self._value)

    def _shown(self) -> str:
        if self._auto and self._value == self._low:
            return self._look.text("settings.auto")
        return f"{self._value}{self._look.text(self._unit) if self._unit else ''}"

    def _dress(self) -> None:
        self._line.setText(self._shown())
        self._line.setAccessibleName(self.accessibleName())


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

    def set_help_key(self, key: str, **values: object) -> None:
        """Put another sentence under the name, by text key."""
        self._help.set_key(key, **values)
        if self._problem.isHidden():
            self._field.setAccessibleDescription(self.help_text())

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
