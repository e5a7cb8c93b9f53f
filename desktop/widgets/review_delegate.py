"""How one hit, or one request to let a text pass, looks in the list."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.bubble_layout import hit_tone
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_values import HitRow, RequestRow, Verdict
from desktop.widgets.row_delegate import Index, RowDelegate
from engine.texts import category_named

VERDICT_LOOKS: Final[dict[Verdict | None, tuple[Tone, str]]] = {
    None: ("neutral", "hourglass"),
    "right": ("accent", "check-circle"),
    "false_alarm": ("amber", "x-circle"),
    "missed": ("red", "eye-slash"),
}
REQUEST_LOOKS: Final[dict[str, tuple[Tone, str]]] = {
    "asked": ("red", "hourglass-high"),
    "told": ("amber", "bell"),
    "approved": ("accent", "check-circle"),
    "refused": ("neutral", "x-circle"),
}
LEVEL_ICONS: Final = {
    "L0": "note",
    "L1": "lightbulb",
    "L2": "warning",
    "L3": "warning-circle",
    "L4": "warning-octagon",
}


def category_words(look: Look, category: str) -> str:
    """A category in words; one that has none keeps its id."""
    return one_line(category_named(category, look.language))


def rule_words(look: Look, row: HitRow) -> str:
    """What the rule is called; a miss that a lead marked has none."""
    return one_line(row.hit.name or row.hit.rule or look.text("review.rule.missed"))


def describe(look: Look, row: HitRow | RequestRow) -> str:
    """A row in words, for screen readers."""
    if isinstance(row, RequestRow):
        state = look.text(f"review.request.{row.state}")
        name = look.text("review.request")
        shown = one_line(row.text)
        return look.text("review.row", name=name, category=state, verdict=row.who, text=shown)
    return look.text(
        "review.row",
        name=rule_words(look, row),
        category=category_words(look, row.hit.category),
        verdict=look.text(f"review.verdict.{row.verdict or 'none'}"),
        text=one_line(row.excerpt[row.start : row.end]),
    )


class ReviewDelegate(RowDelegate):
    """Three lines: which rule and when, the words that were hit, and what was said to it."""

    def __init__(self, look: Look, role: int, parent: QWidget | None = None) -> None:
        super().__init__(look, parent, role)
        self.now = 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(theme.RAIL, theme.QUEUE_ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row; of one that is being read, where its words will stand."""
        shown = index.data(self._role)
        with self._ground(painter, option) as room:
            if isinstance(shown, RequestRow):
                self._paint_request(painter, room, shown)
            elif isinstance(shown, HitRow):
                self._paint_hit(painter, room, shown)
            else:
                self._paint_nothing(painter, room)

    def _paint_hit(self, painter: QPainter, room: QRectF, row: HitRow) -> None:
        look, hit = self.look, row.hit
        tone = hit_tone(hit)
        icon = LEVEL_ICONS.get(hit.level, "warning")
        self._head(painter, room, icon, tone, rule_words(look, row), row.at)
        self._excerpt(painter, self._second(room), row.excerpt, (row.start, row.end), tone)
        verdict_tone, verdict_icon = VERDICT_LOOKS[row.verdict]
        chips: list[tuple[str, Tone, str]] = [
            (look.text(f"review.verdict.{row.verdict or 'none'}"), verdict_tone, verdict_icon)
        ]
        if row.appeal is not None:
            state = row.appeal.state
            appealed: Tone = "amber" if state == "open" else "neutral"
            chips.append((look.text(f"review.appeal.{state}"), appealed, "chat-dots"))
        if hit.trial:
            chips.append((look.text("review.trial"), "neutral", "flask"))
        who = f" · {one_line(row.who)}" if row.who else ""
        rest = f"{look.text(f'review.side.{hit.side}')}{who} · {category_words(look, hit.category)}"
        self._foot(painter, room, chips, rest)

    def _paint_request(self, painter: QPainter, room: QRectF, row: RequestRow) -> None:
        look = self.look
        asks = row.state != "told"
        name = look.text("review.request" if asks else "review.request.sent")
        self._head(painter, room, "hand-palm", "red" if asks else "amber", name, row.at)
        self._words(painter, self._second(room), one_line(row.text), size="body")
        tone, icon = REQUEST_LOOKS.get(row.state, ("neutral", "check"))
        chips: list[tuple[str, Tone, str]] = [
            (look.text(f"review.request.{row.state}"), tone, icon)
        ]
        self._foot(
            painter,
            room,
            chips,
            one_line(look.text("review.request.line", who=row.who, reason=row.reason)),
        )

    def _head(
        self, painter: QPainter, room: QRectF, icon: str, tone: Tone, name: str, at: float
    ) -> None:
        look, line = self.look, painting.line_height("body")
        ink = look.tokens.tone(tone)[0]
        middle = room.top() + line / 2
        painting.draw_icon(painter, icon, theme.icon_rect(room.left(), middle), ink)
        when = moment_words(at, self.now)
        wide = painting.text_width(when) + theme.S2
        spot = QRectF(room.right() - wide, room.top(), wide, line)
        self._words(painter, spot, when, "text_faint", align=Qt.AlignmentFlag.AlignRight)
        left = room.left() + theme.ICON + theme.S2
        spot = QRectF(left, room.top(), spot.left() - left, line)
        self._words(painter, spot, name, size="body", bold=True)

    def _second(self, room: QRectF) -> QRectF:
        line = painting.line_height("body")
        return QRectF(room.left(), room.top() + line + theme.S1, room.width(), line)

    def _foot(
        self, painter: QPainter, room: QRectF, chips: list[tuple[str, Tone, str]], rest: str
    ) -> None:
        look, left = self.look, room.left()
        top = room.bottom() - theme.CHIP
        for words, tone, icon in chips:
            drawn = painting.draw_chip(
                painter,
                QPointF(left, top),
                words,
                look.tokens,
                tone,
                icon,
                int(room.right() - left),
            )
            left = drawn.right() + theme.S1
        left += theme.S1
        if left < room.right():
            spot = QRectF(left, top, room.right() - left, theme.CHIP)
            self._words(painter, spot, rest, "text_faint")

    def _paint_nothing(self, painter: QPainter, room: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.look.color("skeleton"))
        for at, share in enumerate((0.6, 0.9, 0.4)):
            top = room.top() + at * (theme.CHIP + theme.S1)
            bar = QRectF(room.left(), top, room.width() * share, theme.S4)
            painter.drawRoundedRect(bar, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
