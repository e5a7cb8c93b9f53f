"""The seconds in which a reply can be taken back."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import row
from desktop.widgets.plain_text import one_line

_TICK_MS: Final = 100
_NAME_LENGTH: Final = 20


class UndoToast(Dressed, Card):
    """Floats below the header of its parent, where it hides neither the newest message nor what
    can be decided next; says how long the undo lasts and shows it running out."""

    undo_requested = Signal(str)
    expired = Signal(str)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__("toast", parent)
        self._look = look
        self._decision = self._name = ""
        self._seconds = 0.0
        self._elapsed = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._words = Label(look)
        self._undo = PushButton(look, "toast.undo", "toast", "arrow-u-up-left", "undo_send")
        self._undo.clicked.connect(self.undo)
        layout = row(self, theme.S3, theme.S3)
        layout.addWidget(IconLabel(look, "check-circle", "toast_accent"))
        layout.addWidget(self._words)
        layout.addSpacing(theme.S2)
        layout.addWidget(self._undo)
        if parent is not None:
            parent.installEventFilter(self)
        self.hide()

    def show_for(self, decision_id: str, seconds: float, name: str = "") -> None:
        """Offer to take back that decision, a reply to `name`, for `seconds`; at 0 it expires."""
        self._decision, self._seconds = decision_id, seconds
        self._name = one_line(name)[:_NAME_LENGTH]
        self._elapsed.start()
        self._timer.start()
        self._tick()
        if self._decision:
            self.adjustSize()
            self._place()
            self.show()
            self.raise_()

    def dismiss(self) -> None:
        """Go away without a signal."""
        self._timer.stop()
        self._decision = ""
        self.hide()

    def undo(self) -> None:
        """Take it back, if that is still possible."""
        decision = self._decision
        if decision:
            self.dismiss()
            self.undo_requested.emit(decision)

    def decision_id(self) -> str:
        """What would be taken back, "" if nothing."""
        return self._decision

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in its place."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground and the time that is left."""
        super().paintEvent(event)
        if self._seconds <= 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.color("toast_accent"))
        share = self._left() / self._seconds
        room = self.width() - 2 * theme.RADIUS
        line = QRectF(theme.RADIUS, self.height() - theme.FOCUS, room * share, theme.FOCUS)
        painter.drawRect(line)

    def _left(self) -> float:
        return max(0.0, self._seconds - self._elapsed.elapsed() / 1000)

    def _tick(self) -> None:
        left = self._left()
        if left <= 0:
            decision = self._decision
            self.dismiss()
            if decision:
                self.expired.emit(decision)
            return
        key = "toast.sends_to" if self._name else "toast.sends"
        self._words.set_key(key, n=math.ceil(left), name=self._name)
        if self.isVisible() and self.width() < self.sizeHint().width():
            self.adjustSize()
            self._place()
        self.update()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            left = (parent.width() - self.width()) // 2
            self.move(left, theme.HEADER + theme.S3)
