"""An editor for plain text: paste without forms, an Enter that no input method triggers."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from desktop import actions, theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.plain_text import safe

_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_CTRL: Final = Qt.KeyboardModifier.ControlModifier
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
_PAD: Final = Qt.KeyboardModifier.KeypadModifier
LONGEST: Final = 10_000
"""Characters that a reply may have; Qt's time for one line grows with the square of its length."""


class PlainEditor(Dressed, QPlainTextEdit):
    """A plain-text editor. `send` is emitted for the keys that send, never while composing,
    `shortened` with the number of characters for which a paste had no room."""

    send = Signal()
    shortened = Signal(int)
    focus_changed = Signal(bool)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._preedit = ""
        self._just_composed = False
        self.enter_sends = False
        self.setTabChangesFocus(True)
        self.setFont(theme.font("body"))
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """As high as the text, between some lines and some more."""
        wanted = self.document().size().height()  # in lines, for a plain-text document
        lines = max(theme.COMPOSER_LINES, min(theme.COMPOSER_LINES_MAX, int(wanted)))
        return QSize(theme.FIELD_WIDTH, lines * self._line_height() + theme.S1)

    def minimumSizeHint(self) -> QSize:
        """It can be cut to its first lines."""
        return QSize(theme.RAIL, theme.COMPOSER_LINES * self._line_height())

    def _line_height(self) -> int:
        """A line as it is laid out: Chinese characters of another font make it higher."""
        first = self.document().firstBlock()
        laid_out = self.blockBoundingRect(first).height() / max(1, first.layout().lineCount())
        return max(self.fontMetrics().lineSpacing(), math.ceil(laid_out))

    def is_composing(self) -> bool:
        """Whether an input method holds text that is not yet committed, or just let go of it."""
        return bool(self._preedit) or self._just_composed

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember what is being composed."""
        was = bool(self._preedit)
        self._preedit = event.preeditString()
        super().inputMethodEvent(event)
        if was and not self._preedit:
            # Some input methods pass on the very Enter that ended the composition.
            self._just_composed = True
            QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        self._just_composed = False

    def event(self, event: QEvent) -> bool:
        """Leave the window's shortcuts to the window, except where they edit text here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._is_mine(event):
                event.accept()
            elif event.keyCombination().toCombined() in actions.combinations():
                event.ignore()
            else:
                return super().event(event)
            return True
        return super().event(event)

    def _is_mine(self, event: QKeyEvent) -> bool:
        if self.is_composing():
            return True
        control = bool(event.modifiers() & _CTRL)
        if event.key() in _ENTER and event.modifiers() & ~_PAD == _CTRL:
            return bool(self.toPlainText().strip())
        if event.key() == Qt.Key.Key_Backspace and control:
            return not self.document().isEmpty()
        if event.matches(QKeySequence.StandardKey.Undo):
            return self.document().isUndoAvailable()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Ctrl+Enter."""
        if event.key() in _ENTER:
            if self.is_composing():
                event.accept()
                return
            held = event.modifiers() & ~_PAD
            plain = held == Qt.KeyboardModifier.NoModifier
            if held == _CTRL or (plain and self.enter_sends):
                event.accept()
                self.send.emit()
                return
            if held == _SHIFT:
                self.textCursor().insertText("\n")
                event.accept()
                return
        super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Only text."""
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste as plain text, without control characters, as much of it as there is room for."""
        words = safe(source.text().replace("\r\n", "\n"))
        room = max(0, LONGEST - len(self.toPlainText()) + len(self.textCursor().selectedText()))
        self.insertPlainText(words[:room])
        if len(words) > room:
            self.shortened.emit(len(words) - room)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the frame."""
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell the frame; a composition that was left is over."""
        super().focusOutEvent(event)
        self._preedit = ""
        self.focus_changed.emit(False)
