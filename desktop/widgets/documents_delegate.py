"""How a document looks in the list, and its dates and states in words."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.documents_values import DocState, DocumentView
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import moment_words
from desktop.widgets.row_delegate import Index, RowDelegate

STATE_LOOKS: Final[dict[DocState, tuple[Tone, str]]] = {
    "in_force": ("accent", "check-circle"),
    "upcoming": ("amber", "hourglass"),
    "expired": ("neutral", "calendar-x"),
}


def validity_words(look: Look, starts: str, ends: str) -> str:
    """From when to when, in words."""
    kind = "both" if starts and ends else "from" if starts else "until" if ends else "always"
    return look.text(f"documents.valid.{kind}", start=starts, end=ends)


def internal_key(one: DocumentView) -> str:
    """The key of how far a document is internal, "" where it is not."""
    if one.internal:
        return "documents.internal"
    return "documents.internal.partly" if one.partly_internal else ""


def describe_document(look: Look, one: DocumentView) -> str:
    """A document in words, for screen readers."""
    parts = [
        one_line(one.title),
        one_line(one.doc),
        look.text(f"documents.state.{one.state}"),
        look.text(internal_key(one)) if internal_key(one) else "",
        validity_words(look, one.starts, one.ends),
        look.text("documents.passages", n=one.passages),
    ]
    return " · ".join(part for part in parts if part)


class DocumentDelegate(RowDelegate):
    """Three lines: its title and when it came, its file, and how it stands."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.now = 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(theme.QUEUE_MIN, theme.QUEUE_ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one document."""
        one = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(one, DocumentView):
            return
        line = painting.line_height("body")
        with self._ground(painter, option) as room:
            when = moment_words(one.imported, self.now) if one.imported else ""
            wide = painting.text_width(when) + theme.S2 if when else 0
            spot = QRectF(room.right() - wide, room.top(), wide, line)
            self._words(painter, spot, when, "text_faint", align=Qt.AlignmentFlag.AlignRight)
            spot = QRectF(room.left(), room.top(), room.width() - wide, line)
            dim = "text_soft" if one.state == "expired" else "text"
            self._words(painter, spot, one_line(one.title), dim, size="body", bold=True)
            spot = QRectF(room.left(), room.top() + line + theme.S1 / 2, room.width(), line)
            self._words(painter, spot, one_line(one.doc), "text_soft")
            self._foot(painter, room, one)

    def _foot(self, painter: QPainter, room: QRectF, one: DocumentView) -> None:
        look, left, top = self.look, room.left(), room.bottom() - theme.CHIP
        tone, icon = STATE_LOOKS[one.state]
        chips: list[tuple[str, Tone, str]] = [
            (look.text(f"documents.state.{one.state}"), tone, icon)
        ]
        if key := internal_key(one):
            chips.append((look.text(key), "neutral", "lock-simple"))
        for words, tone, icon in chips:
            drawn = painting.draw_chip(painter, QPointF(left, top), words, look.tokens, tone, icon)
            left = drawn.right() + theme.S1
        left += theme.S1
        count = look.text("documents.passages", n=one.passages)
        rest = f"{validity_words(look, one.starts, one.ends)} · {count}"
        if left < room.right():
            spot = QRectF(left, top, room.right() - left, theme.CHIP)
            self._words(painter, spot, rest, "text_faint")
