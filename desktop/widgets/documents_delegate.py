"""How a document looks in the list, and its dates and states in words."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from desktop.theme import Look, Tone
from desktop.widgets.documents_values import DocState, DocumentView
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line
from desktop.widgets.row_delegate import Index, MomentDelegate

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


class DocumentDelegate(MomentDelegate):
    """Three lines: its title and when it came, its file, and how it stands."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one document."""
        one = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(one, DocumentView):
            return
        look = self.look
        with self._ground(painter, option) as room:
            when = moment_words(one.imported, self.now) if one.imported else ""
            dim = "text_soft" if one.state == "expired" else "text"
            second = self._head(painter, room, when, one_line(one.title), dim)
            self._words(painter, second, one_line(one.doc), "text_soft")
            tone, icon = STATE_LOOKS[one.state]
            chips: list[tuple[str, Tone, str]] = [
                (look.text(f"documents.state.{one.state}"), tone, icon)
            ]
            if key := internal_key(one):
                chips.append((look.text(key), "neutral", "lock-simple"))
            count = look.text("documents.passages", n=one.passages)
            rest = f"{validity_words(look, one.starts, one.ends)} · {count}"
            self._foot(painter, room, chips, rest)
