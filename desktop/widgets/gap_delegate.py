"""How a question without an answer looks in the list."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from desktop.theme import Look, Tone
from desktop.widgets.gap_values import GapView
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line
from desktop.widgets.row_delegate import Index, MomentDelegate


def count_words(look: Look, gap: GapView) -> str:
    """How often it was asked."""
    return look.text("gaps.count.once") if gap.count == 1 else look.text("gaps.times", n=gap.count)


def describe_gap(look: Look, gap: GapView) -> str:
    """A question in words, for screen readers."""
    answered = look.text("gaps.answered") if gap.answer else ""
    parts = [one_line(gap.question), count_words(look, gap), answered]
    return " · ".join(part for part in parts if part)


class GapDelegate(MomentDelegate):
    """Three lines: the question and when it came last, what an agent replied, and how often."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one question."""
        gap = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(gap, GapView):
            return
        look = self.look
        with self._ground(painter, option) as room:
            when = moment_words(gap.last_at, self.now)
            second = self._head(painter, room, when, one_line(gap.question), "text")
            reply = gap.answer or look.text("gaps.unanswered")
            self._words(
                painter, second, one_line(reply), "text_soft" if gap.answer else "text_faint"
            )
            often: Tone = "amber" if gap.count > 1 else "neutral"
            chips: list[tuple[str, Tone, str]] = [(count_words(look, gap), often, "question")]
            if gap.answer:
                chips.append((look.text("gaps.answered"), "accent", "chat-circle"))
            self._foot(painter, room, chips, one_line(gap.customer))
