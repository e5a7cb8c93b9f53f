"""What the rows of the lists of hits, rules, documents and gaps are drawn on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.plain_text import one_line

Index = QModelIndex | QPersistentModelIndex

_BEFORE: Final = 14
_AFTER: Final = 80


class RowDelegate(QStyledItemDelegate):
    """What rows have in common; a kind of row paints itself on the `_ground` that it is given."""

    def __init__(
        self,
        look: Look,
        parent: QWidget | None = None,
        role: int = int(Qt.ItemDataRole.UserRole),
    ) -> None:
        super().__init__(parent)
        self.look = look
        self._role = role

    @contextmanager
    def _ground(self, painter: QPainter, option: QStyleOptionViewItem) -> Iterator[QRectF]:
        """Ground and line of a row, the room in which to draw, and its focus on top of that."""
        look, box = self.look, option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setClipRect(box)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(
            box, look.color("accent_soft" if chosen else "hover" if over else "surface")
        )
        painter.setPen(QPen(look.color("line"), theme.HAIRLINE))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        if chosen:
            bar = QRectF(box.left(), box.top(), theme.S1, box.height())
            painter.fillRect(bar, look.color("accent"))
        room = QRectF(box).adjusted(theme.S4, theme.S2, -theme.S3, -theme.S2)
        yield room
        if option.state & QStyle.StateFlag.State_HasFocus:
            painting.draw_focus(painter, box, look.tokens, theme.RADIUS_SMALL)
        painter.restore()

    def _words(
        self,
        painter: QPainter,
        room: QRectF,
        words: str,
        color: str = "text",
        size: theme.TextSize = "small",
        bold: bool = False,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        painter.setFont(theme.font(size, bold))
        painter.setPen(self.look.color(color))
        painting.draw_line(painter, room, words, align)

    def _excerpt(
        self,
        painter: QPainter,
        room: QRectF,
        text: str,
        place: tuple[int, int],
        tone: Tone,
        struck: bool = False,
    ) -> None:
        """A little before the hit, the hit on its ground, and what fits behind it."""
        look, (start, end) = self.look, place
        first = max(0, start - _BEFORE)
        before = ("…" if first else "") + one_line(text[first:start])
        hit = one_line(text[start:end])
        after = one_line(text[end : end + _AFTER])
        ink, ground, _ = look.tokens.tone(tone)
        left = room.left()
        painter.setFont(theme.font("body"))
        for part, marked in ((before, False), (hit, True), (after, False)):
            wide = min(painting.text_width(part, "body"), max(0, int(room.right() - left)))
            if not part or wide <= 0:
                continue
            spot = QRectF(left, room.top(), wide, room.height())
            if marked:
                painter.fillRect(spot, ground)
                painter.setPen(QPen(ink, theme.HAIRLINE))
                line = spot.center().y() if struck else spot.bottom()
                painter.drawLine(QPointF(spot.left(), line), QPointF(spot.right(), line))
            painter.setPen(ink if marked else look.color("text_soft"))
            painting.draw_line(painter, spot, part)
            left += wide


class MomentDelegate(RowDelegate):
    """Rows of the knowledge page, all equally high; `now` is the moment by which days are named."""

    now = 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(theme.QUEUE_MIN, theme.QUEUE_ROW)

    def _head(self, painter: QPainter, room: QRectF, when: str, name: str, color: str) -> QRectF:
        """The first line: a name, and when; the room of the second one."""
        line = painting.line_height("body")
        wide = painting.text_width(when) + theme.S2 if when else 0
        spot = QRectF(room.right() - wide, room.top(), wide, line)
        self._words(painter, spot, when, "text_faint", align=Qt.AlignmentFlag.AlignRight)
        spot = QRectF(room.left(), room.top(), room.width() - wide, line)
        self._words(painter, spot, name, color, size="body", bold=True)
        return QRectF(room.left(), room.top() + line + theme.S1 / 2, room.width(), line)

    def _foot(
        self, painter: QPainter, room: QRectF, chips: Sequence[tuple[str, Tone, str]], rest: str
    ) -> None:
        """The last line: chips, and what is said behind them."""
        left, top = room.left(), room.bottom() - theme.CHIP
        for words, tone, icon in chips:
            spot = QPointF(left, top)
            drawn = painting.draw_chip(painter, spot, words, self.look.tokens, tone, icon)
            left = drawn.right() + theme.S1
        left += theme.S1
        if left < room.right():
            spot_rest = QRectF(left, top, room.right() - left, theme.CHIP)
            self._words(painter, spot_rest, rest, "text_faint")
