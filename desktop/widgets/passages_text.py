"""The text of a document as it is searched, passage by passage; plain, whatever it contains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from desktop import theme
from desktop.in_turns import InTurns
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.documents_delegate import validity_words
from desktop.widgets.plain_text import one_line, safe
from engine.records import Passage

AT_ONCE: Final = 400
"""So many passages are shown; more come when they are asked for."""
_IN_A_STEP: Final = 8


class PassagesText(Dressed, QPlainTextEdit):
    """Read with the keyboard or the mouse, and copied from. Filled some passages at a time."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._passages: tuple[Passage, ...] = ()
        self._shown = self._filled = 0
        self._own: tuple[str | None, str | None, bool] = (None, None, False)
        self._turns = InTurns(self)
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.font("body"))
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self._dress()

    def show_passages(
        self,
        passages: Sequence[Passage],
        starts: str | None = None,
        ends: str | None = None,
        *,
        internal: bool = False,
    ) -> None:
        """Show the first of these; a passage says its dates and access where they are others than
        the document's, which are given."""
        self._passages, self._own = tuple(passages), (starts or None, ends or None, internal)
        self._begin(AT_ONCE)

    def show_more(self) -> None:
        """Show the next ones as well."""
        self._shown = min(self._shown + AT_ONCE, len(self._passages))
        self._turns.start(self._steps())

    def left(self) -> int:
        """How many passages are not shown yet."""
        return len(self._passages) - self._shown

    def finish(self) -> None:
        """Put in all that is to be shown, now."""
        self._turns.finish()

    def _begin(self, most: int) -> None:
        self.clear()
        self._shown, self._filled = min(most, len(self._passages)), 0
        self._turns.start(self._steps())

    def _steps(self) -> Iterator[None]:
        """From where it is filled to, up to what is to be shown."""
        soft, plain = QTextCharFormat(), QTextCharFormat()
        soft.setFont(theme.font("small", bold=True))
        soft.setForeground(QColor(self._look.tokens.accent_text))
        plain.setFont(theme.font("body"))
        plain.setForeground(QColor(self._look.tokens.text))
        while self._filled < self._shown:
            begin, self._filled = self._filled, min(self._filled + _IN_A_STEP, self._shown)
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.beginEditBlock()
            for at in range(begin, self._filled):
                if at:
                    cursor.insertText("\n\n", plain)
                if head := self._head(at):
                    cursor.insertText(head + "\n", soft)
                cursor.insertText(safe(self._passages[at].text), plain)
            cursor.endEditBlock()
            if not begin:
                # The reader's own cursor went along with what was put in where it stood.
                self.moveCursor(QTextCursor.MoveOperation.Start)
            yield

    def _head(self, at: int) -> str:
        """What stands above a passage: its section where a new one begins, and what is its own."""
        one = self._passages[at]
        before = self._passages[at - 1].section if at else ""
        marks = [one_line(one.section)] if one.section and one.section != before else []
        starts, ends, internal = self._own
        if (one.valid_from, one.valid_until) != (starts, ends):
            marks.append(validity_words(self._look, one.valid_from or "", one.valid_until or ""))
        if one.internal and not internal:
            marks.append(self._look.text("documents.internal"))
        return " · ".join(marks)

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("documents.text"))
        if self._passages:
            self._begin(max(self._shown, AT_ONCE))
