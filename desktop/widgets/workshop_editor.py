"""A plain-text editor with a gutter: line numbers, ticks and crosses, and lines marked as wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed, restyle
from desktop.widgets.boxes import column
from desktop.widgets.plain_text import Offsets, safe, tooltip

LONGEST: Final = 200_000


class LineMark(Struct, frozen=True):
    """What stands in the gutter beside a line: an icon in a token's colour, and why (a tip).

    `wrong` gives the line a ground, too; `spans` are code points of the line that are marked.
    """

    icon: str
    color: str
    tip: str = ""
    wrong: bool = False
    spans: tuple[tuple[int, int], ...] = ()


class _Gutter(QWidget):
    """The strip at the left; what it draws is the editor's."""

    def __init__(self, editor: MarkedEditor) -> None:
        super().__init__(editor)
        self._editor = editor
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def sizeHint(self) -> QSize:
        """As wide as the numbers."""
        return QSize(self._editor.gutter_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines in sight."""
        self._editor.paint_gutter(event.rect())

    def event(self, event: QEvent) -> bool:
        """Say what a mark means."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            tip = self._editor.tip_at(event.pos())
            QToolTip.showText(event.globalPos(), tooltip(tip), self)
            return True
        return super().event(event)


class MarkedEditor(Dressed, QPlainTextEdit):
    """`edited` comes for what a person changes, not for `set_text`; `left` when the focus goes."""

    edited = Signal()
    left = Signal()
    entered = Signal()

    def __init__(
        self, look: Look, *, code: bool = False, numbers: bool = False, gutter: bool = True
    ) -> None:
        super().__init__()
        self._look, self._numbers, self._has_gutter = look, numbers, gutter
        self._marks: Mapping[int, LineMark] = {}
        self._silent = False
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setTabChangesFocus(True)
        made = theme.code_font() if code else theme.font("small")
        self.setFont(made)
        self.document().setDefaultFont(made)
        self.document().setDocumentMargin(theme.S1)
        restyle(self, kind="code")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self._gutter = _Gutter(self)
        self._gutter.setVisible(gutter)
        self.blockCountChanged.connect(lambda _: self._fit())
        self.updateRequest.connect(self._on_update)
        self.textChanged.connect(self._on_text)
        self._fit()

    def set_text(self, text: str) -> None:
        """Show another text, without a signal; the cursor and what can be undone stay if it is the
        same but for some lines."""
        shown = safe(text[:LONGEST])
        before = self.toPlainText()
        if shown == before:
            return
        self._silent = True
        head = _common(before, shown)
        tail = min(_common(before[::-1], shown[::-1]), len(before) - head, len(shown) - head)
        old = Offsets(before)
        cursor = QTextCursor(self.document())
        cursor.setPosition(old.to_qt(head))
        cursor.setPosition(old.to_qt(len(before) - tail), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(shown[head : len(shown) - tail])
        self._silent = False

    def load(self, text: str) -> None:
        """Show a text of something else: nothing of the former one can be brought back."""
        self._silent = True
        self.setPlainText(safe(text[:LONGEST]))
        self._silent = False
        self._marks = {}
        self._paint_marks()

    def set_marks(self, marks: Mapping[int, LineMark]) -> None:
        """What stands beside the lines, counted from 0."""
        if dict(marks) != dict(self._marks):
            self._marks = dict(marks)
            self._paint_marks()

    def marks(self) -> Mapping[int, LineMark]:
        """What stands beside the lines."""
        return self._marks

    def lines(self) -> tuple[str, ...]:
        """The lines that are not blank."""
        return tuple(line.strip() for line in self.toPlainText().split("\n") if line.strip())

    def go_to(self, line: int) -> None:
        """Put the cursor at the start of a line (from 0), in sight."""
        block = self.document().findBlockByNumber(line)
        if block.isValid():
            self.setTextCursor(QTextCursor(block))
            self.centerCursor()
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def gutter_width(self) -> int:
        """Room for a mark and, where they are shown, the numbers."""
        if not self._has_gutter:
            return theme.S1
        wide = theme.ICON + 2 * theme.S1
        if self._numbers:
            digits = len(str(max(99, self.blockCount())))
            wide += self.fontMetrics().horizontalAdvance("0") * digits + theme.S1
        return wide

    def paint_gutter(self, area: QRect) -> None:
        """Draw numbers and marks of the lines in sight."""
        look = self._look
        painter = QPainter(self._gutter)
        painter.fillRect(area, look.color("sunken" if self._numbers else "surface"))
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if box.top() > area.bottom():
                break
            first = block.layout().lineAt(0).height() if block.layout().lineCount() else 0
            middle = box.top() + first / 2
            mark = self._marks.get(block.blockNumber())
            if self._numbers:
                ink = look.color(mark.color if mark else "text_faint")
                painter.setPen(ink)
                spot = QRectF(0, box.top(), self._gutter.width() - theme.S1 - theme.ICON, first)
                painting.draw_line(
                    painter, spot, str(block.blockNumber() + 1), Qt.AlignmentFlag.AlignRight
                )
            if mark is not None:
                left = self._gutter.width() - theme.ICON - theme.S1 / 2
                painting.draw_icon(
                    painter, mark.icon, theme.icon_rect(left, middle - 1), look.color(mark.color)
                )
            block = block.next()

    def tip_at(self, at: QPoint) -> str:
        """What the mark of the line at that height means."""
        block = self.cursorForPosition(QPoint(0, at.y())).block()
        mark = self._marks.get(block.blockNumber())
        return mark.tip if mark else ""

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Only text."""
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste as plain text, without control characters, as much as there is room for."""
        room = max(0, LONGEST - self.document().characterCount())
        self.insertPlainText(safe(source.text().replace("\r\n", "\n"))[:room])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the gutter at the left edge."""
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._gutter.setGeometry(
            QRect(inside.left(), inside.top(), self.gutter_width(), inside.height())
        )

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the frame."""
        super().focusInEvent(event)
        self.entered.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that it was left."""
        super().focusOutEvent(event)
        self.left.emit()

    def _on_text(self) -> None:
        if not self._silent:
            self.edited.emit()

    def _fit(self) -> None:
        self.setViewportMargins(self.gutter_width(), 0, 0, 0)

    def _on_update(self, area: QRect, moved: int) -> None:
        if moved:
            self._gutter.scroll(0, moved)
        else:
            self._gutter.update(0, area.y(), self._gutter.width(), area.height())

    def _paint_marks(self) -> None:
        made: list[QTextEdit.ExtraSelection] = []
        for number, mark in self._marks.items():
            block = self.document().findBlockByNumber(number)
            if not block.isValid():
                continue
            if mark.wrong:
                whole = QTextCharFormat()
                whole.setBackground(self._look.color("red_soft"))
                whole.setProperty(QTextFormat.Property.FullWidthSelection.value, True)
                made.append(_selection(QTextCursor(block), whole))
            offsets = Offsets(block.text())
            for start, end in mark.spans:
                cursor = QTextCursor(block)
                cursor.setPosition(block.position() + offsets.to_qt(start))
                cursor.setPosition(
                    block.position() + offsets.to_qt(end), QTextCursor.MoveMode.KeepAnchor
                )
                form = QTextCharFormat()
                tone = "amber" if not mark.wrong else "red"
                form.setForeground(self._look.color(f"{tone}_text"))
                form.setBackground(self._look.color(f"{tone}_soft"))
                made.append(_selection(cursor, form))
        self.setExtraSelections(made)
        self._gutter.update()

    def _dress(self) -> None:
        self._paint_marks()
        self._gutter.update()


class EditorFrame(Dressed, Card):
    """The frame around an editor: it shows where the focus is."""

    def __init__(self, look: Look, editor: MarkedEditor) -> None:
        super().__init__("composer")
        self._look = look
        self.editor = editor
        # Far enough inside that no corner of the editor covers one of the frame.
        column(self, 0, theme.S1).addWidget(editor)
        editor.entered.connect(lambda: restyle(self, active=True))
        editor.left.connect(lambda: restyle(self, active=False))

    def set_invalid(self, invalid: bool) -> None:
        """Frame it in red."""
        restyle(self, blocked=invalid)


def _selection(cursor: QTextCursor, form: QTextCharFormat) -> QTextEdit.ExtraSelection:
    made = QTextEdit.ExtraSelection()
    made.cursor, made.format = cursor, form
    return made


def _common(one: str, other: str) -> int:
    most = min(len(one), len(other))
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
