"""Small shapes that widgets and list delegates both draw: chips, key caps, icons."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap

from desktop import icons, theme
from desktop.theme import Tokens, Tone

_SIZES: Final[dict[int, theme.TextSize]] = {pixels: name for name, pixels in theme.TEXT.items()}


def chip_width(text: str, icon: str = "", bold: bool = False) -> int:
    """How wide a chip with that content is."""
    return text_width(text, bold=bold) + 2 * theme.S2 + (theme.ICON + theme.S1 if icon else 0)


def draw_chip(
    painter: QPainter,
    left_top: QPointF,
    text: str,
    tokens: Tokens,
    tone: Tone = "neutral",
    icon: str = "",
    limit: int = 0,
) -> QRectF:
    """A rounded chip; no wider than `limit` if that is given. Returns where it was drawn."""
    ink, ground, line = tokens.tone(tone)
    width = chip_width(text, icon)
    if limit:
        width = min(width, limit)
    box = QRectF(left_top.x(), left_top.y(), width, theme.CHIP)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(line, theme.HAIRLINE) if tone != "neutral" else Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    inset = theme.HAIRLINE / 2
    radius = theme.CHIP / 2
    painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), radius, radius)
    left = box.left() + theme.S2
    if icon:
        draw_icon(painter, icon, theme.icon_rect(left, box.center().y()), ink)
        left += theme.ICON + theme.S1
    painter.setPen(ink)
    painter.setFont(theme.font("small"))
    room = QRectF(left, box.top(), box.right() - theme.S2 - left, box.height())
    draw_line(painter, room, text)
    painter.restore()
    return box


def key_width(text: str) -> int:
    """How wide a key cap is."""
    return text_width(text) + 2 * theme.S2


def draw_key(painter: QPainter, box: QRectF, text: str, ink: QColor, line: QColor) -> None:
    """A key cap: a thin frame around the keys' names."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(line, theme.HAIRLINE))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inset = theme.HAIRLINE / 2
    painter.drawRoundedRect(
        box.adjusted(inset, inset, -inset, -inset), theme.RADIUS_SMALL, theme.RADIUS_SMALL
    )
    painter.setPen(ink)
    painter.setFont(theme.font("small"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def draw_icon(painter: QPainter, name: str, box: QRectF, color: QColor | str) -> None:
    """An icon filling `box`."""
    rgb = color if isinstance(color, str) else color.name()
    spot, scale = box.toRect().translated(0, theme.ICON_DROP), painter.device().devicePixelRatio()
    painter.drawPixmap(spot.topLeft(), _icon(name, rgb, spot.width(), spot.height(), scale))


@lru_cache(maxsize=512)
def _icon(name: str, rgb: str, width: int, height: int, scale: float) -> QPixmap:
    return icons.icon(name, rgb).pixmap(QSize(width, height), scale)


@cache
def _single_line(align: Qt.AlignmentFlag) -> int:
    return int(align | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine)


def draw_line(
    painter: QPainter,
    room: QRectF,
    text: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """One line of plain text in the painter's font and pen, cut with … where it does not fit."""
    font = painter.font()
    shown = _elided(text, int(room.width()) + 1, font.pixelSize(), font.bold())
    painter.drawText(room, _single_line(align), shown)


@lru_cache(maxsize=4096)
def _elided(text: str, width: int, pixels: int, bold: bool) -> str:
    metrics = QFontMetrics(theme.font(_SIZES[pixels], bold))
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=4096)
def text_width(text: str, size: theme.TextSize = "small", bold: bool = False) -> int:
    """The width of one line of text."""
    return QFontMetrics(theme.font(size, bold)).horizontalAdvance(text)


def line_height(size: theme.TextSize) -> int:
    """The height of one line with its leading."""
    return round(theme.TEXT[size] * theme.LEADING)


def draw_focus(painter: QPainter, box: QRect, tokens: Tokens, radius: int = theme.RADIUS) -> None:
    """The focus ring, inside `box`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(tokens.accent), theme.FOCUS))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), radius, radius)
    painter.restore()
