"""Read-only text of formatted runs that is as high as its content; built by cursor, never HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QTextBrowser

from desktop import theme
from desktop.theme import Look, TextSize
from desktop.widgets.blocks import Dressed
from desktop.widgets.plain_text import safe, tooltip


class Run(NamedTuple):
    """Some text, how it looks, and what a click on it is called ("" for nothing)."""

    text: str
    format: QTextCharFormat
    target: str = ""
    tip: str = ""


class TextPanel(Dressed, QTextBrowser):
    """Shows runs; `target_clicked` names the run's target, by mouse or by Tab and Enter."""

    target_clicked = Signal(str)

    def __init__(self, look: Look, size: TextSize = "body") -> None:
        super().__init__()
        self._look = look
        self._size: TextSize = size
        self._runs: list[Run] = []
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font(size))
        self.viewport().setAutoFillBackground(False)
        self.setProperty("kind", "panel")
        self.document().setDocumentMargin(0)
        self.document().setUndoRedoEnabled(False)
        self.anchorClicked.connect(self._on_anchor)

    def plain_format(self, color: str = "text", bold: bool = False) -> QTextCharFormat:
        """The format of ordinary text in a token's colour."""
        made = QTextCharFormat()
        made.setFont(theme.font(self._size, bold))
        made.setForeground(QColor(self._look.color(color)))
        return made

    def set_runs(self, runs: Iterable[Run]) -> None:
        """Replace the text."""
        wanted = list(runs)
        if wanted == self._runs:
            self._fit()
            return
        self._runs = wanted
        document = self.document()
        document.clear()
        cursor = QTextCursor(document)
        # Laid out once, not after each run.
        cursor.beginEditBlock()
        block = QTextBlockFormat()
        block.setLineHeight(
            theme.LEADING * theme.TEXT[self._size],
            QTextBlockFormat.LineHeightTypes.FixedHeight.value,
        )
        cursor.setBlockFormat(block)
        for run in wanted:
            made = QTextCharFormat(run.format)
            if run.target:
                made.setAnchor(True)
                made.setAnchorHref(run.target)
            if run.tip:
                made.setToolTip(tooltip(run.tip))
            cursor.insertText(safe(run.text).replace("\n", "\u2028"), made)
        cursor.endEditBlock()
        self._fit()

    def sizeHint(self) -> QSize:
        """As high as the text at the present width."""
        return QSize(theme.RAIL, self.height())

    def minimumSizeHint(self) -> QSize:
        """Narrow is fine."""
        return QSize(theme.RAIL, theme.S5)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the height that the width asks for."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scrolling belongs to whatever this stands in."""
        event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A hand over what can be clicked."""
        super().mouseMoveEvent(event)
        over = bool(self.anchorAt(event.position().toPoint()))
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy plain text, without the joiners that hold citations in their line."""
        data = QMimeData()
        chosen = self.textCursor().selection().toPlainText()
        data.setText(chosen.replace("\u2060", "").replace("\u2028", "\n"))
        return data

    def _fit(self) -> None:
        self.document().setTextWidth(self.viewport().width())
        high = math.ceil(self.document().size().height()) + theme.HAIRLINE
        if high != self.height():
            self.setFixedHeight(max(high, theme.S5))

    def _on_anchor(self, url: QUrl) -> None:
        self.target_clicked.emit(url.toString())
