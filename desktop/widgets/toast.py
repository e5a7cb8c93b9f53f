"""What was just done, and the button that undoes it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import row

_SHOWN_MS: Final = 8000


class Toast(Dressed, Card):
    """Stands for some seconds in its parent's lower right corner, where it hides no message; the
    undo works by key for longer."""

    undo_requested = Signal()

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__("toast", parent)
        self._look = look
        self._words = Label(look)
        self._undo = PushButton(look, "review.undo", "toast", "arrow-u-up-left", "review_undo")
        self._undo.clicked.connect(self.undo_requested)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        inside = row(self, theme.S3, theme.S3)
        inside.addWidget(IconLabel(look, "check-circle", "toast_accent"))
        inside.addWidget(self._words)
        inside.addWidget(self._undo)
        parent.installEventFilter(self)
        self.hide()

    def say(self, key: str, *, undoable: bool = False, **values: object) -> None:
        """Show the sentence of that key."""
        self._words.set_key(key, **values)
        self._undo.setVisible(undoable)
        self.setAccessibleName(self._words.text())
        self.show()
        self._place()
        self.raise_()
        self._timer.start()

    def words(self) -> str:
        """What is said, "" when nothing is."""
        return self._words.text() if self.isVisible() else ""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in its place."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is None:
            return
        left = parent.width() - self.width() - theme.S5
        self.move(left, parent.height() - self.height() - theme.S5)
