"""How one conversation looks in the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.moments import clock_text
from desktop.widgets.plain_text import one_line
from desktop.widgets.queue_roles import QueueRole, QueueRow

Index = QModelIndex | QPersistentModelIndex

STATE_LOOKS: Final[dict[str, tuple[Tone, str]]] = {
    "queued": ("neutral", "hourglass"),
    "drafting": ("neutral", "pencil-line"),
    "ready": ("accent", "check-circle"),
    "rejected": ("amber", "pencil-simple"),
    "gap": ("amber", "question"),
    "handover": ("red", "flag-banner"),
    "failed": ("red", "x-circle"),
    "replied": ("neutral", "check"),
}
CHANNEL_ICONS: Final = {
    "webchat": "globe",
    "miniapp": "device-mobile",
    "voicemail": "voicemail",
    "inbox": "tray",
    "mail": "envelope-simple",
    "phone": "phone",
    "webhook": "link",
    "replay": "play-circle",
}
_URGENCY: Final = (
    ("text_faint", "clock"),
    ("amber_text", "hourglass-high"),
    ("red_text", "warning-circle"),
)


_ROW: Final = int(QueueRole.ROW)
_SHOWN: Final = (
    QStyle.StateFlag.State_Selected
    | QStyle.StateFlag.State_MouseOver
    | QStyle.StateFlag.State_HasFocus
).value
_KEPT: Final = 200  # drawn rows, some screens full


def channel_name(look: Look, channel: str) -> str:
    """A channel in words; an unknown one keeps its id."""
    try:
        return look.text(f"channel.{channel}")
    except KeyError:
        return one_line(channel)


def describe(look: Look, index: Index) -> str:
    """A row in words, for a model's ``AccessibleTextRole``."""
    parts = [one_line(str(index.data(QueueRole.NAME) or ""))]
    if state := index.data(QueueRole.STATE):
        parts.append(look.text(f"queue.state.{state}"))
    if category := index.data(QueueRole.CATEGORY):
        parts.append(one_line(str(category)))
    waiting = index.data(QueueRole.WAITING)
    if waiting is not None:
        parts.append(look.text("queue.waited", time=clock_text(waiting)))
    if unread := index.data(QueueRole.UNREAD):
        parts.append(look.text("queue.unread", n=unread))
    parts.append(one_line(str(index.data(QueueRole.PREVIEW) or "")))
    return ", ".join(part for part in parts if part)


class QueueDelegate(QStyledItemDelegate):
    """Three lines: who and how long, what was said, and where the draft stands."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.look = look
        self._drawn: dict[tuple[object, ...], QPixmap] = {}
        self.on_first: Callable[[], object] | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(theme.RAIL, theme.QUEUE_ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row, or put down what was drawn when it last looked just like this.

        The waiting time, which changes every second, is written on top.
        """
        look, box, scale = self.look, option.rect, painter.device().devicePixelRatio()
        row: QueueRow = index.data(_ROW)
        words = "" if row.waiting is None else clock_text(row.waiting)
        clock = painting.text_width(words, bold=row.urgency > 0) if words else 0
        shown, width, height = option.state.value & _SHOWN, box.width(), box.height()
        key = (
            *(row.name, row.preview, row.state, row.category, row.channel, row.unread),
            *(row.urgency, clock, shown, width, height, scale, look.language, look.tokens.dark),
        )
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= _KEPT:
                self._drawn.clear()
            drawn = self._drawn[key] = QPixmap(box.size() * scale)
            drawn.setDevicePixelRatio(scale)
            drawn.fill(look.color("surface"))
            inner = QPainter(drawn)
            inner.translate(-box.topLeft())
            self._draw(inner, option, row, clock)
            inner.end()
        painter.drawPixmap(box.topLeft(), drawn)
        if words:
            self._write_clock(painter, box, row.urgency, words, clock)
        if self.on_first is not None:
            first, self.on_first = self.on_first, None
            first()

    def _write_clock(
        self, painter: QPainter, box: QRect, urgency: int, words: str, width: int
    ) -> None:
        room = _room(box)
        painter.save()
        painter.setPen(self.look.color(_URGENCY[urgency][0]))
        painter.setFont(theme.font("small", bold=urgency > 0))
        line = QRectF(room.right() - width, room.top(), width + 1, painting.line_height("body"))
        painting.draw_line(painter, line, words)
        painter.restore()

    def _draw(
        self, painter: QPainter, option: QStyleOptionViewItem, row: QueueRow, clock: int
    ) -> None:
        look, state = self.look, option.state
        outer = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = _frame(outer)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        if chosen:
            bar = QRectF(frame.left(), frame.top() + theme.S3, theme.S1 - 1, 0)
            bar.setBottom(frame.bottom() - theme.S3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent"))
            painter.drawRoundedRect(bar, theme.S1 / 2, theme.S1 / 2)
        room = _room(outer)
        top = room.top()
        top = self._draw_name(painter, QRectF(room.left(), top, room.width(), 0), row, clock)
        top = self._draw_preview(painter, QRectF(room.left(), top, room.width(), 0), row)
        self._draw_chips(
            painter, QRectF(room.left(), top + theme.S1, room.width(), theme.CHIP), row
        )
        if state & QStyle.StateFlag.State_HasFocus:
            painting.draw_focus(painter, frame, look.tokens)
        elif not chosen:
            below = QRect(frame.left() + theme.S3, outer.bottom(), frame.width() - 2 * theme.S3, 0)
            below.setHeight(theme.HAIRLINE)
            # Not `fillRect`: its first call makes all 180 named gradients, for 5 ms.
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("line"))
            painter.drawRect(below)
        painter.restore()

    def _draw_name(self, painter: QPainter, room: QRectF, row: QueueRow, clock: int) -> float:
        look = self.look
        height = painting.line_height("body")
        room.setHeight(height)
        right = room.right() - clock
        if clock and row.urgency:
            token, icon = _URGENCY[row.urgency]
            right -= theme.ICON + theme.S1
            spot = theme.icon_rect(right, room.center().y())
            painting.draw_icon(painter, icon, spot, look.color(token))
        painter.setPen(look.color("text"))
        painter.setFont(theme.font("body", bold=True))
        name = QRectF(room.left(), room.top(), right - theme.S2 - room.left(), height)
        painting.draw_line(painter, name, one_line(row.name))
        return room.bottom()

    def _draw_preview(self, painter: QPainter, room: QRectF, row: QueueRow) -> float:
        look = self.look
        height = painting.line_height("small")
        room.setHeight(height)
        right = room.right()
        unread = row.unread
        if unread:
            count = str(unread) if unread < 100 else "99+"
            width = max(height, painting.text_width(count, bold=True) + theme.S3)
            right -= width
            pill = QRectF(right, room.top(), width, height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent"))
            painter.drawRoundedRect(pill, height / 2, height / 2)
            painter.setPen(look.color("on_accent"))
            painter.setFont(theme.font("small", bold=True))
            painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, count)
            right -= theme.S2
        painter.setPen(look.color("text" if unread else "text_soft"))
        painter.setFont(theme.font("small"))
        line = QRectF(room.left(), room.top(), right - room.left(), height)
        painting.draw_line(painter, line, one_line(row.preview))
        return room.bottom()

    def _draw_chips(self, painter: QPainter, room: QRectF, row: QueueRow) -> None:
        look, channel, state = self.look, row.channel, row.state
        words = channel_name(look, channel) if channel else ""
        icon = CHANNEL_ICONS.get(channel, "chat-circle")
        width = painting.text_width(words) + theme.ICON + theme.S1 if words else 0
        if state:
            tone, mark = STATE_LOOKS.get(state, ("neutral", ""))
            label = look.text(f"queue.state.{state}")
            if category := one_line(row.category):
                label = f"{label} · {category}"
            if painting.chip_width(label, mark) > room.width() - width - theme.S2:
                # The state matters more than the channel's name; its icon stays.
                words, width = "", theme.ICON
            room_left = int(room.width() - width - theme.S2)
            painting.draw_chip(
                painter, room.topLeft(), label, look.tokens, tone, mark, limit=room_left
            )
        if channel:
            left = room.right() - width
            faint = look.color("text_faint")
            painting.draw_icon(painter, icon, theme.icon_rect(left, room.center().y()), faint)
            painter.setPen(faint)
            painter.setFont(theme.font("small"))
            spot = QPointF(left + theme.ICON + theme.S1, room.top())
            line = QRectF(spot.x(), spot.y(), room.right() - spot.x() + 1, room.height())
            painting.draw_line(painter, line, words)


def _frame(outer: QRect) -> QRect:
    return outer.adjusted(theme.S2, theme.S1 // 2, -theme.S2, -theme.S1 // 2)


def _room(outer: QRect) -> QRectF:
    return QRectF(_frame(outer)).adjusted(theme.S3, theme.S2, -theme.S3, -theme.S2)
