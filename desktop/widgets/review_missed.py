"""Marking what no rule caught: the words of a message, and what they should have been caught as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.plain_text import Offsets, one_line, safe
from desktop.widgets.review_delegate import category_words
from desktop.widgets.review_values import MissedSpan
from desktop.widgets.setting_fields import Combo

_SHOWN: Final = 20_000
_SPAN_SHOWN: Final = 60
_BY_KEYBOARD: Final = Qt.TextInteractionFlag.TextSelectableByKeyboard


class MissedDialog(Dressed, QDialog):
    """`marked` brings the `MissedSpan`. The whole of it works by keyboard."""

    marked = Signal(object)

    def __init__(
        self,
        look: Look,
        message: str,
        text: str,
        categories: Sequence[str],
        span: tuple[int, int] = (0, 0),
        note: str = "",
        category: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`span` and `category` are what is chosen at first; of a very long text the start is
        shown."""
        super().__init__(parent)
        self._look = look
        self._message, self._words = message, text[:_SHOWN]
        self._offsets = Offsets(self._words)
        self._categories, self._first = list(categories), category
        self._text = QPlainTextEdit()
        self._text.setPlainText(safe(self._words))
        self._text.setReadOnly(True)
        self._text.setTabChangesFocus(True)
        # A read-only text shows its cursor, so that words can be selected by keyboard.
        self._text.setTextInteractionFlags(self._text.textInteractionFlags() | _BY_KEYBOARD)
        self._text.selectionChanged.connect(self._on_selection)
        frame = Card("composer")
        column(frame, 0, theme.S2).addWidget(self._text)
        self._span = Label(look, tone="soft", wrap=True)
        self._category = Combo(look)
        self._note = QLineEdit(note)
        self._note.setFont(theme.font("small"))
        label = Label(look, "review.missed.category", tone="soft")
        label.setBuddy(self._category)
        self._save = PushButton(look, "review.missed.save", "primary", "eye-slash")
        self._save.setDefault(True)
        self._save.clicked.connect(self._on_save)
        cancel = PushButton(look, "review.missed.cancel")
        cancel.clicked.connect(self.reject)
        end = row(None, theme.S2)
        end.addStretch(1)
        end.addWidget(cancel)
        end.addWidget(self._save)
        whole = column(self, theme.S3, theme.S5)
        whole.addWidget(Label(look, "review.missed.title", size="title", bold=True))
        whole.addWidget(Label(look, "review.missed.help", tone="soft", wrap=True))
        whole.addWidget(frame, 1)
        whole.addWidget(self._span)
        whole.addWidget(label)
        whole.addWidget(self._category)
        whole.addWidget(self._note)
        whole.addLayout(end)
        self.resize(theme.FORM_WIDTH, theme.WINDOW_MIN[1] - theme.HEADER)
        self._select(*span)
        self._dress()

    def text(self) -> QPlainTextEdit:
        """The message, in which the words are selected."""
        return self._text

    def category(self) -> Combo:
        """The list of categories."""
        return self._category

    def span(self) -> tuple[int, int]:
        """What would be marked: the selection, or all of it without one."""
        cursor = self._text.textCursor()
        if not cursor.hasSelection():
            return 0, len(self._words)
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        return self._offsets.from_qt(start), self._offsets.from_qt(end)

    def _select(self, start: int, end: int) -> None:
        cursor = self._text.textCursor()
        cursor.setPosition(self._offsets.to_qt(start))
        cursor.setPosition(self._offsets.to_qt(end), QTextCursor.MoveMode.KeepAnchor)
        self._text.setTextCursor(cursor)
        self._on_selection()

    def _on_selection(self) -> None:
        start, end = self.span()
        shown = one_line(self._words[start:end])
        if len(shown) > _SPAN_SHOWN:
            shown = shown[:_SPAN_SHOWN] + "…"
        self._span.set_key("review.missed.span", text=shown)

    def _on_save(self) -> None:
        start, end = self.span()
        category = str(self._category.currentData() or "")
        note = self._note.text().strip()
        self.accept()
        self.marked.emit(MissedSpan(self._message, start, end, category, note))

    def _dress(self) -> None:
        look = self._look
        self.setWindowTitle(look.text("review.missed.title"))
        self._text.setAccessibleName(look.text("review.missed.text"))
        self._category.setAccessibleName(look.text("review.missed.category"))
        self._note.setAccessibleName(look.text("review.comment"))
        self._note.setPlaceholderText(look.text("review.comment"))
        chosen = self._category.currentData() or self._first
        self._category.clear()
        for words, value in sorted((category_words(look, one), one) for one in self._categories):
            self._category.addItem(words, value)
        self._category.setCurrentIndex(max(0, self._category.findData(chosen)))
