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
from desktop.widgets.plain_text import clock_text, one_line
from desktop.widgets.queue_roles import QueueRole

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


_ROLES: Final = tuple(int(role) for role in QueueRole if role != QueueRole.WAITING)
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
        """Draw one row, or put down what was drawn when it last looked just like this."""
        look, box, scale = self.look, option.rect, painter.device().devicePixelRatio()
        waiting = index.data(QueueRole.WAITING)
        key = (
            *(index.data(role) for role in _ROLES),
            None if waiting is None else int(waiting),
            option.state.value & _SHOWN,
            *box.size().toTuple(),
            scale,
            look.language,
            look.tokens.dark,
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
            self._draw(inner, option, index)
            inner.end()
        painter.drawPixmap(box.topLeft(), drawn)
        if self.on_first is not None:
            first, self.on_first = self.on_first, None
            first()

    def _draw(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look, state = self.look, option.state
        outer = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = outer.adjusted(theme.S2, theme.S1 // 2, -theme.S2, -theme.S1 // 2)
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
        room = QRectF(frame).adjusted(theme.S3, theme.S2, -theme.S3, -theme.S2)
        top = room.top()
        top = self._draw_name(painter, QRectF(room.left(), top, room.width(), 0), index)
        top = self._draw_preview(painter, QRectF(room.left(), top, room.width(), 0), index)
        self._draw_chips(
            painter, QRectF(room.left(), top + theme.S1, room.width(), theme.CHIP), index
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

    def _draw_name(self, painter: QPainter, room: QRectF, index: Index) -> float:
        look = self.look
        height = painting.line_height("body")
        room.setHeight(height)
        right = room.right()
        waiting = index.data(QueueRole.WAITING)
        if waiting is not None:
            urgency = max(0, min(2, int(index.data(QueueRole.URGENCY) or 0)))
            token, icon = _URGENCY[urgency]
            words = clock_text(waiting)
            width = painting.text_width(words, bold=urgency > 0)
            right -= width
            painter.setPen(look.color(token))
            painter.setFont(theme.font("small", bold=urgency > 0))
            painting.draw_line(painter, QRectF(right, room.top(), width + 1, height), words)
            if urgency:
                right -= theme.ICON + theme.S1
                spot = theme.icon_rect(right, room.center().y())
                painting.draw_icon(painter, icon, spot, look.color(token))
        painter.setPen(look.color("text"))
        painter.setFont(theme.font("body", bold=True))
        name = QRectF(room.left(), room.top(), right - theme.S2 - room.left(), height)
        painting.draw_line(painter, name, one_line(str(index.data(QueueRole.NAME) or "")))
        return room.bottom()

    def _draw_preview(self, painter: QPainter, room: QRectF, index: Index) -> float:
        look = self.look
        height = painting.line_height("small")
        room.setHeight(height)
        right = room.right()
        unread = int(index.data(QueueRole.UNREAD) or 0)
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
        preview = one_line(str(index.data(QueueRole.PREVIEW) or ""))
        line = QRectF(room.left(), room.top(), right - room.left(), height)
        painting.draw_line(painter, line, preview)
        return room.bottom()

    def _draw_chips(self, painter: QPainter, room: QRectF, index: Index) -> None:
        look = self.look
        channel = str(index.data(QueueRole.CHANNEL) or "")
        words = channel_name(look, channel) if channel else ""
        icon = CHANNEL_ICONS.get(channel, "chat-circle")
        width = painting.text_width(words) + theme.ICON + theme.S1 if words else 0
        state = str(index.data(QueueRole.STATE) or "")
        if state:
            tone, mark = STATE_LOOKS.get(state, ("neutral", ""))
            label = look.text(f"queue.state.{state}")
            if category := one_line(str(index.data(QueueRole.CATEGORY) or "")):
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
