"""The line at the head of a list in which people search."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QLineEdit

from desktop import actions, icons, theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, KeyHint


class SearchField(Dressed, QLineEdit):
    """A search line that shows its shortcut while it is empty; Escape clears it."""

    def __init__(self, look: Look, key: str, action: str) -> None:
        """`key` names the words that stand in it while it is empty, `action` leads to it."""
        super().__init__()
        self._look, self._key, self._action = look, key, action
        self.setProperty("kind", "search")
        self.setFont(theme.font("small"))
        self.setMinimumHeight(theme.CONTROL)
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._hint = KeyHint(look, action)
        self._hint.setParent(self)
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.textChanged.connect(self._show_hint)
        self._dress()

    def _show_hint(self) -> None:
        words = self.fontMetrics().horizontalAdvance(self.placeholderText())
        room = self.width() - words - self._hint.sizeHint().width() - theme.CONTROL - theme.S4
        self._hint.setVisible(not self.text() and not self.hasFocus() and room > 0)
        self.setClearButtonEnabled(bool(self.text()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the hint at the right end."""
        super().resizeEvent(event)
        size = self._hint.sizeHint()
        left = self.width() - size.width() - theme.S2
        self._show_hint()
        self._hint.setGeometry(left, (self.height() - size.height()) // 2, *size.toTuple())

    def event(self, event: QEvent) -> bool:
        """Hide the hint while somebody types; while it is empty the window's keys are its own."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self.text():
                if event.matches(QKeySequence.StandardKey.DeleteStartOfWord):
                    event.accept()  # Qt would leave it to the window, which rejects a draft by it.
                    return True
            elif event.keyCombination().toCombined() in actions.combinations():
                event.ignore()
                return True
        handled = super().event(event)
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._show_hint()
        return handled

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape clears."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _dress(self) -> None:
        look = self._look
        self._glass.setIcon(icons.icon("magnifying-glass", look.tokens.text_faint))
        self.setPlaceholderText(look.text(self._key))
        self.setAccessibleName(look.text(f"action.{self._action}"))
