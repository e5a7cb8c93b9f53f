"""Icons, drawn from the font that qtawesome ships."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

GLYPH: Final = 0.875  # of an icon is its glyph; the rest is air


@cache
def icon(name: str, color: str) -> QIcon:
    """The Phosphor icon `name` in `color` (a ``#RRGGBB`` token); `KeyError` for an unknown one.

    Needs a QApplication. Drawn from the font that qtawesome ships; qtawesome itself is not
    imported, which would load a dozen fonts and every Qt library that qtpy knows.
    """
    families, points = _phosphor()
    return QIcon(_Glyph(families, chr(int(points[name], 16)), color))


class _Glyph(QIconEngine):
    """One character of a font in one colour, in whatever size and state it is asked for."""

    def __init__(self, families: list[str], character: str, color: str) -> None:
        super().__init__()
        self._families, self._character, self._color = families, character, color

    def paint(self, painter: QPainter, rect: QRect, _mode: QIcon.Mode, _state: QIcon.State) -> None:
        """Draw it in the middle of `rect`, with the bearing of a letter around it."""
        made = QFont()
        made.setFamilies(self._families)
        made.setPixelSize(max(1, round(GLYPH * rect.height())))
        painter.save()
        painter.setPen(QColor(self._color))
        painter.setFont(made)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._character)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """It alone on a transparent ground."""
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        """Another one, for a QIcon that is changed."""
        return _Glyph(self._families, self._character, self._color)


@cache
def _phosphor() -> tuple[list[str], dict[str, str]]:
    """The families of the icon font, and the code point (in hexadecimal) of every icon's name."""
    spec = find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("qtawesome is not installed", name="qtawesome")
    fonts = Path(spec.origin).parent / "fonts"
    # `charmap` comes behind the digits of the font's version.
    font_file, charmap = sorted(
        path for path in fonts.iterdir() if path.name.startswith("phosphor-")
    )
    loaded = QFontDatabase.addApplicationFont(str(font_file))
    return (
        QFontDatabase.applicationFontFamilies(loaded),
        msgspec.json.decode(charmap.read_bytes(), type=dict[str, str]),
    )
