"""Where the agent writes: plain text, red-line marks, an Enter that no input method triggers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QTextEdit

from desktop import actions, theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.bubble_layout import hit_format, hit_tone
from desktop.widgets.plain_text import Offsets, safe
from engine.records import Hit

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
        if event.key() in _ENTER and control:
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


class Composer(Dressed, Card):
    """The reply box with a line on red lines and scripts, and the send button."""

    text_changed = Signal(str)
    send_requested = Signal(str)
    script_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("composer")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._look = look
        self._hits: tuple[Hit, ...] = ()
        self._scripts: tuple[str, ...] = ()
        self._blocked = self._disabled = ""
        self._quiet = False
        self._cut = 0
        self._editor = PlainEditor(look)
        self._editor.shortened.connect(self._on_cut)
        self._editor.textChanged.connect(self._on_text)
        self._editor.send.connect(self._send)
        self._editor.focus_changed.connect(lambda active: restyle(self, active=active))
        self.setFocusProxy(self._editor)
        self._state_icon = IconLabel(look, "shield-check", "accent_text")
        self._state = Elided(look, tone="soft")
        self._script_icon = IconLabel(look, "clipboard-text", "amber_text")
        self._script = Label(look, tone="amber")
        self._insert = PushButton(look, "composer.script.insert", "link", action="insert_script")
        self._insert.clicked.connect(self.script_requested)
        self._keys = Label(look, tone="faint")
        self._button = PushButton(look, "composer.send", "primary", "paper-plane-right")
        self._button.clicked.connect(self._send)
        foot = row(None, theme.S2)
        foot.addWidget(self._state_icon)
        foot.addWidget(self._state, 1)
        foot.addWidget(self._keys)
        foot.addWidget(self._button)
        layout = column(self, theme.S2, theme.S3)
        layout.addWidget(self._editor)
        line = row(None, theme.S2)
        line.addWidget(self._script_icon)
        line.addWidget(self._script)
        line.addStretch(1)
        line.addWidget(self._insert)
        layout.addLayout(line)
        layout.addLayout(foot)
        self._dress()

    def set_text(self, text: str) -> None:
        """Replace what is typed, without a signal; it cannot be undone back."""
        self._quiet = True
        self._editor.setPlainText(safe(text[:LONGEST]))
        self._quiet = False
        self._cut = max(0, len(text) - LONGEST)
        self.set_hits(())

    def text(self) -> str:
        """What is typed."""
        return self._editor.toPlainText()

    def insert_script(self, text: str) -> None:
        """Put a mandatory script on a line of its own before the cursor; Ctrl+Z takes it out."""
        cursor = self._editor.textCursor()
        cursor.beginEditBlock()
        before = cursor.positionInBlock() > 0
        cursor.insertText(f"\n{safe(text)}" if before else safe(text))
        if not cursor.atBlockEnd():
            cursor.insertText("\n")
        cursor.endEditBlock()
        self._editor.setTextCursor(cursor)

    def set_enter_sends(self, sends: bool) -> None:
        """Whether Enter alone sends."""
        self._editor.enter_sends = sends
        self._dress()

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """Mark the red-line hits of the text as it is now."""
        marked = bool(self._hits)
        self._hits = tuple(hits)
        if marked or self._hits:
            self._mark()
        self._show_state()

    def set_scripts(self, scripts: Sequence[str]) -> None:
        """The mandatory scripts that are missing in the text."""
        self._scripts = tuple(scripts)
        self._show_state()

    def set_blocked(self, why: str) -> None:
        """Refuse to send because of `why`; "" allows it."""
        self._blocked = why
        self._show_state()

    def set_enabled(self, enabled: bool, why: str = "") -> None:
        """Allow typing, or not and say why in its place."""
        self._disabled = "" if enabled else (why or " ")
        self._editor.setReadOnly(not enabled)
        self._dress()

    def focus_end(self) -> None:
        """Put the cursor at the end of the text."""
        self._editor.moveCursor(QTextCursor.MoveOperation.End)
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def is_composing(self) -> bool:
        """Whether an input method is at work."""
        return self._editor.is_composing()

    def editor(self) -> PlainEditor:
        """The editor itself, for focus and events."""
        return self._editor

    def _on_text(self) -> None:
        if self._quiet:
            return
        self._cut = 0
        # The marks move with the text; the owner screens it anew and calls `set_hits`.
        self._show_state()
        self.text_changed.emit(self.text())

    def _on_cut(self, characters: int) -> None:
        self._cut = characters
        self._show_state()

    def _why(self) -> str:
        if self._disabled.strip():
            return self._disabled
        if self._blocked:
            return self._look.text("composer.blocked", why=self._blocked)
        return "" if self.text().strip() else self._look.text("composer.empty")

    def _send(self) -> None:
        if not self._why() and not self._disabled and not self.is_composing():
            self.send_requested.emit(self.text())

    def _mark(self) -> None:
        offsets = Offsets(self.text())
        made = []
        for hit in self._hits:
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self._editor.document())
            last = self._editor.document().characterCount() - 1
            cursor.setPosition(min(last, offsets.to_qt(hit.start)))
            stop = min(last, offsets.to_qt(hit.end))
            cursor.setPosition(stop, QTextCursor.MoveMode.KeepAnchor)
            mark.cursor = cursor
            mark.format = hit_format(self._look, hit)
            made.append(mark)
        self._editor.setExtraSelections(made)

    def _dress(self) -> None:
        look, language = self._look, self._look.language
        send = actions.keys_text("send", language)
        edit = actions.keys_text("edit", language)
        hint = self._disabled.strip() or look.text("composer.hint", keys=edit)
        self._editor.setPlaceholderText(safe(hint))
        self._editor.setAccessibleName(look.text("composer"))
        enter = "composer.enter_sends" if self._editor.enter_sends else "composer.enter_new_line"
        self._keys.set_key(enter, **({} if self._editor.enter_sends else {"keys": send}))
        self._mark()
        self._show_state()

    def _show_state(self) -> None:
        look = self._look
        self._button.block(self._why() or self._disabled)
        restyle(self, blocked=bool(self._blocked))
        if self._blocked:
            self._state_icon.set_icon("prohibit", "red_text")
            self._state.set_text(look.text("composer.blocked", why=self._blocked))
            self._state.set_tone("red")
        elif self._cut:
            self._state_icon.set_icon("warning", "amber_text")
            self._state.set_text(look.text("composer.cut", n=self._cut, most=LONGEST))
            self._state.set_tone("amber")
        elif self._hits:
            names = "、" if look.language == "zh" else ", "
            joined = names.join(dict.fromkeys(hit.name or hit.rule for hit in self._hits))
            tone = hit_tone(self._hits[0])
            self._state_icon.set_icon("warning", f"{tone}_text")
            self._state.set_text(look.text("composer.hits", n=len(self._hits), names=joined))
            self._state.set_tone(tone)
        else:
            self._state_icon.set_icon("shield-check", "accent_text")
            self._state.set_text(look.text("composer.clean"))
            self._state.set_tone("soft")
        missing = bool(self._scripts)
        for widget in (self._script_icon, self._script, self._insert):
            widget.setVisible(missing)
        self._script.set_key("composer.script.missing")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow: what the rules say comes before what the keys do."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        parts = (self._state_icon, self._state, self._keys, self._button)
        taken = sum(part.sizeHint().width() for part in parts) + 2 * theme.S3 + 5 * theme.S2
        self._keys.setVisible(taken <= self.width() and not self._blocked and not self._hits)
