"""One message measured, drawn and hit: its lines, its highlights, the line below it."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt, QTextBoundaryFinder
from PySide6.QtGui import (
    QPainter,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.plain_text import Offsets, safe
from desktop.widgets.values import Bubble
from engine.records import Hit

SHORT: Final = 1200
"""Characters of a message that are shown before it is expanded."""
LONG: Final = 20_000
"""Characters that are shown at most; copying gives all."""

_ORIGIN_ICONS: Final = {
    "accepted": "check",
    "edited": "pencil-simple",
    "rewritten": "pencil-simple",
    "withdrawn": "arrow-u-up-left",
    "sending": "paper-plane-right",
}


def hit_tone(hit: Hit) -> Tone:
    """The severity colour of a hit."""
    if hit.level == "L4":
        return "deep"
    return "red" if hit.level == "L3" or hit.action in ("block", "handover") else "amber"


def hit_format(look: Look, hit: Hit) -> QTextCharFormat:
    """How the characters of a hit are marked: a ground and a wavy line, never colour alone."""
    ink, ground, _ = look.tokens.tone(hit_tone(hit))
    made = QTextCharFormat()
    made.setBackground(ground)
    made.setForeground(ink)
    made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
    made.setUnderlineColor(ink)
    return made


def day_of(seconds: float) -> date:
    """The local day of a time."""
    return datetime.fromtimestamp(seconds).date()


class BubbleLayout:
    """Lays `bubble` out in a list `width` wide. Rectangles are relative to the item's corner."""

    def __init__(
        self, look: Look, bubble: Bubble, width: int, today: date, new_day: bool, expanded: bool
    ) -> None:
        self.look, self.bubble, self.width, self.expanded = look, bubble, width, expanded
        limit = LONG if expanded else SHORT
        shown = safe(bubble.text[:limit]).replace("\n", "\u2028")
        self.hidden = len(bubble.text) - len(shown)
        self.offsets = Offsets(shown)
        self.shown = shown
        self.day = self._day_text(today) if new_day else ""
        system = bubble.role == "system"
        room = min(theme.BUBBLE_MAX, round(width * 0.82)) if not system else width
        pad = theme.S3
        self.text = self._lay_out(shown, room - 2 * pad)
        lines = [self.text.lineAt(at) for at in range(self.text.lineCount())]
        text_wide = max((line.naturalTextWidth() for line in lines), default=0.0)
        self._foot_parts = [] if system else self._foot()
        foot_wide = sum(self._part_width(part) for part in self._foot_parts)
        wide = min(room, math.ceil(max(text_wide, foot_wide)) + 2 * pad + 1)
        top = float(painting.line_height("small") + theme.S4 if self.day else 0)
        text_high = len(lines) * self._line
        foot_high = 0 if system else painting.line_height("small")
        high = text_high + foot_high + (theme.S2 if system else theme.S2 + theme.S2)
        left = {"customer": 0.0, "agent": float(width - wide)}.get(bubble.role, (width - wide) / 2)
        self.box = QRectF(left, top, wide, high)
        self.text_at = QPointF(left + pad, top + (theme.S1 if system else theme.S2))
        self.foot = QRectF(left + pad, self.text_at.y() + text_high, wide - 2 * pad, foot_high)
        self.link = QRectF()
        self.height = math.ceil(self.box.bottom()) + theme.S2

    def _lay_out(self, shown: str, room: int) -> QTextLayout:
        system = self.bubble.role == "system"
        size: theme.TextSize = "small" if system else "body"
        self._line = painting.line_height(size)
        made = QTextLayout(shown, theme.font(size))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        if system:
            option.setAlignment(Qt.AlignmentFlag.AlignLeft)
        made.setTextOption(option)
        made.setFormats([self._range(hit) for hit in self.bubble.hits if hit.start < len(shown)])
        made.beginLayout()
        top = 0.0
        while (line := made.createLine()).isValid():
            line.setLineWidth(room)
            line.setPosition(QPointF(0, top + (self._line - line.height()) / 2))
            top += self._line
        made.endLayout()
        return made

    def _range(self, hit: Hit) -> QTextLayout.FormatRange:
        made = QTextLayout.FormatRange()
        made.start = self.offsets.to_qt(hit.start)
        made.length = self.offsets.to_qt(hit.end) - made.start
        made.format = hit_format(self.look, hit)
        return made

    def _day_text(self, today: date) -> str:
        day = day_of(self.bubble.at)
        if (today - day).days in (0, 1):
            return self.look.text("day.today" if day == today else "day.yesterday")
        return self.look.text("day.other", year=day.year, month=day.month, day=day.day)

    def _foot(self) -> list[tuple[str, str]]:
        look, bubble = self.look, self.bubble
        moment = datetime.fromtimestamp(bubble.at)
        parts = [("text", f"{moment:%H:%M}")]
        if bubble.origin:
            parts.append(("icon", _ORIGIN_ICONS[bubble.origin]))
            parts.append(("text", look.text(f"bubble.{bubble.origin}")))
        if bubble.origin == "sending" and bubble.undo_until:
            # Measured with two digits, so that the countdown moves nothing.
            parts.append(("undo", look.text("bubble.undo", n="00")))
        if self.hidden and not self.expanded:
            parts.append(("more", look.text("bubble.more", n=self.hidden)))
        elif self.hidden:
            parts.append(("text", look.text("bubble.cut", n=self.hidden)))
        elif self.expanded:
            parts.append(("more", look.text("bubble.less")))
        return parts

    def _part_width(self, part: tuple[str, str]) -> int:
        kind, words = part
        if kind == "icon":
            return theme.ICON + theme.S1
        return painting.text_width(words, bold=kind != "text") + theme.S2

    def undoable(self, now: float) -> bool:
        """Whether the message can still be taken back."""
        return self.bubble.origin == "sending" and now < self.bubble.undo_until

    def paint(
        self,
        painter: QPainter,
        at: QPointF,
        now: float,
        selection: tuple[int, int] | None,
        focus: bool,
    ) -> None:
        """Draw the item with its corner at `at`; `selection` in UTF-16 units."""
        look, role = self.look, self.bubble.role
        painter.save()
        painter.translate(at)
        if self.day:
            self._paint_day(painter)
        withdrawn = self.bubble.origin == "withdrawn"
        ground = {"customer": "surface", "agent": "accent_soft"}.get(role, "sunken")
        line = {"customer": "line", "agent": "accent_line"}.get(role, "sunken")
        painter.setBrush(look.color("canvas" if withdrawn else ground))
        pen = QPen(look.color(line), theme.HAIRLINE)
        if withdrawn:
            pen.setStyle(Qt.PenStyle.DashLine)
        if role == "agent" and not withdrawn:
            pen = QPen(look.color("accent_soft"), theme.HAIRLINE)
        painter.setPen(pen)
        inset = theme.HAIRLINE / 2
        box = self.box.adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        ink = "text_soft" if role == "system" or withdrawn else "text"
        painter.setPen(look.color(ink))
        chosen = []
        if selection:
            made = QTextLayout.FormatRange()
            made.start, made.length = selection[0], selection[1] - selection[0]
            mark = QTextCharFormat()
            mark.setBackground(look.color("selection"))
            mark.setForeground(look.color("on_selection"))
            made.format = mark
            chosen.append(made)
        self.text.draw(painter, self.text_at, chosen)
        self._paint_foot(painter, now)
        if focus:
            painting.draw_focus(painter, self.box.toRect(), look.tokens)
        painter.restore()

    def _paint_day(self, painter: QPainter) -> None:
        painter.setFont(theme.font("small"))
        high = painting.line_height("small")
        wide = painting.text_width(self.day) + 2 * theme.S3
        middle = theme.S1 + high / 2
        painter.setPen(QPen(self.look.color("line"), theme.HAIRLINE))
        left, right = (self.width - wide) / 2, (self.width + wide) / 2
        painter.drawLine(QPointF(0, middle), QPointF(left, middle))
        painter.drawLine(QPointF(right, middle), QPointF(self.width, middle))
        painter.setPen(self.look.color("text_faint"))
        room = QRectF(left, theme.S1, wide, high)
        painting.draw_line(painter, room, self.day, Qt.AlignmentFlag.AlignHCenter)

    def _paint_foot(self, painter: QPainter, now: float) -> None:
        look = self.look
        left, middle = self.foot.left(), self.foot.center().y()
        self.link = QRectF()
        for kind, words in self._foot_parts:
            width = self._part_width((kind, words))
            if kind == "undo":
                if not self.undoable(now):
                    continue
                shown = look.text("bubble.undo", n=math.ceil(self.bubble.undo_until - now))
            else:
                shown = words
            if kind == "icon":
                spot = theme.icon_rect(left, middle)
                painting.draw_icon(painter, words, spot, look.color("text_faint"))
            else:
                is_link = kind in ("undo", "more")
                painter.setFont(theme.font("small", bold=is_link))
                painter.setPen(look.color("accent_text" if is_link else "text_faint"))
                room = QRectF(left, self.foot.top(), width, self.foot.height())
                painting.draw_line(painter, room, shown)
                if is_link:
                    self.link = room
            left += width

    def link_kind(self, point: QPointF) -> str:
        """ "undo" or "more" where `point` is on that link, else ""."""
        if not self.link.contains(point):
            return ""
        kinds = {kind for kind, _ in self._foot_parts}
        return "undo" if "undo" in kinds else "more"

    def cursor(self, point: QPointF) -> Qt.CursorShape:
        """The mouse's shape at `point`: what a click there would do."""
        if self.link_kind(point):
            return Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.IBeamCursor if self.in_text(point) else Qt.CursorShape.ArrowCursor

    def word(self, point: QPointF) -> tuple[int, int]:
        """The UTF-16 offsets of the word at `point`."""
        finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Word, self.shown)
        finder.setPosition(self.position(point))
        start = finder.position() if finder.isAtBoundary() else finder.toPreviousBoundary()
        finder.setPosition(start)
        return max(0, start), max(start, finder.toNextBoundary())

    def position(self, point: QPointF) -> int:
        """The UTF-16 offset of the character nearest to `point`."""
        row = int((point.y() - self.text_at.y()) // self._line)
        row = max(0, min(self.text.lineCount() - 1, row))
        if self.text.lineCount() == 0:
            return 0
        return int(self.text.lineAt(row).xToCursor(point.x() - self.text_at.x()))

    def in_text(self, point: QPointF) -> bool:
        """Whether `point` is over the bubble, not beside it."""
        return self.box.contains(point)

    def hit_at(self, point: QPointF) -> Hit | None:
        """The red-line hit under `point`."""
        if not self.in_text(point) or point.y() > self.foot.top():
            return None
        index = self.offsets.from_qt(self.position(point))
        return next((hit for hit in self.bubble.hits if hit.start <= index <= hit.end), None)

    def slice(self, selection: tuple[int, int]) -> str:
        """The selected part of the message as it was written."""
        start, end = (self.offsets.from_qt(unit) for unit in selection)
        return self.bubble.text[start:end]
