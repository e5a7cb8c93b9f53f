"""The passages that a draft rests on; each opens in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed, Label, Rule
from desktop.widgets.boxes import column
from desktop.widgets.plain_text import one_line, tooltip
from desktop.widgets.sentences import find, sentence_around
from desktop.widgets.text_panel import Run, TextPanel
from engine.records import Evidence, NumberSource


def title_of(evidence: Evidence) -> str:
    """Document and section in one line."""
    return one_line(" › ".join(part for part in (evidence.title, evidence.section) if part))


class EvidenceHead(Dressed, QAbstractButton):
    """Number, title and the first words; a click opens or closes the passage."""

    def __init__(self, look: Look, evidence: Evidence) -> None:
        super().__init__()
        self._look, self._evidence = look, evidence
        self._cited = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._dress()

    def set_cited(self, cited: bool) -> None:
        """Whether the draft refers to it."""
        self._cited = cited
        self._dress()

    def sizeHint(self) -> QSize:
        """Two lines, or one when the passage is open."""
        lines = painting.line_height("body")
        if not self.isChecked():
            lines += painting.line_height("small")
        return QSize(theme.RAIL, lines + 2 * theme.S2)

    def checkStateSet(self) -> None:
        """The height changes."""
        super().checkStateSet()
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw number, title, snippet and caret."""
        look, evidence = self._look, self._evidence
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("hover"))
            painter.drawRoundedRect(self.rect(), theme.RADIUS, theme.RADIUS)
        line = painting.line_height("body")
        badge = QRectF(theme.S2, theme.S2, theme.CHIP, theme.CHIP)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color("accent_soft" if self._cited else "neutral_soft"))
        painter.drawRoundedRect(badge, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        painter.setPen(look.color("accent_text" if self._cited else "neutral_text"))
        painter.setFont(theme.font("small", bold=True))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(evidence.n))
        left = badge.right() + theme.S3
        right = self.width() - theme.S2 - theme.ICON
        caret = "caret-up" if self.isChecked() else "caret-down"
        spot = theme.icon_rect(right, badge.center().y())
        painting.draw_icon(painter, caret, spot, look.color("text_faint"))
        painter.setPen(look.color("text"))
        painter.setFont(theme.font("body"))
        room = QRectF(left, badge.center().y() - line / 2, right - theme.S2 - left, line)
        painting.draw_line(painter, room, title_of(evidence))
        if not self.isChecked():
            painter.setPen(look.color("text_soft"))
            painter.setFont(theme.font("small"))
            corner = QPointF(left, theme.S2 + line)
            snippet = QRectF(corner.x(), corner.y(), right - left, painting.line_height("small"))
            painting.draw_line(painter, snippet, one_line(evidence.text))
        if self.hasFocus():
            painting.draw_focus(painter, self.rect(), look.tokens)

    def _dress(self) -> None:
        title = title_of(self._evidence)
        self.setAccessibleName(self._look.text("evidence.item", n=self._evidence.n, title=title))
        self.setAccessibleDescription(one_line(self._evidence.text))
        self.setToolTip(tooltip(title))
        self.update()


class EvidenceItem(Dressed, QWidget):
    """One passage: its head, and the whole of it when it is open."""

    toggled = Signal(int, bool)

    def __init__(self, look: Look, evidence: Evidence) -> None:
        super().__init__()
        self._look = look
        self.evidence = evidence
        self._mark = (0, 0)
        self.head = EvidenceHead(look, evidence)
        self.head.toggled.connect(self._on_toggled)
        self._body: EvidenceBody | None = None
        self._room = column(self, 0)
        self._room.addWidget(self.head)

    def open(self, start: int = 0, end: int = 0) -> None:
        """Show the whole passage with ``text[start:end]`` and its sentence marked."""
        self._mark = (start, end)
        self.head.setChecked(True)
        self._show_body(True)

    def _on_toggled(self, opened: bool) -> None:
        if not opened:
            self._mark = (0, 0)
        self._show_body(opened)
        self.head.updateGeometry()
        self.toggled.emit(self.evidence.n, opened)

    def _show_body(self, shown: bool) -> None:
        """Most passages are never opened: their text is laid out when one is."""
        if self._body is None:
            if not shown:
                return
            self._body = EvidenceBody(self._look, self.evidence)
            self._room.addWidget(self._body)
        self._body.set_mark(*self._mark)
        self._body.setVisible(shown)


class EvidenceBody(Dressed, QWidget):
    """The whole passage and how long it holds."""

    def __init__(self, look: Look, evidence: Evidence) -> None:
        super().__init__()
        self._look = look
        self._evidence = evidence
        self._mark = (0, 0)
        self._text = TextPanel(look, "small")
        self._validity = Label(look, tone="faint", wrap=True)
        inside = column(self, theme.S1)
        left = theme.S2 + theme.CHIP + theme.S3
        inside.setContentsMargins(left, 0, theme.S3, theme.S3)
        inside.addWidget(self._text)
        inside.addWidget(self._validity)
        self._dress()

    def set_mark(self, start: int, end: int) -> None:
        """Mark ``text[start:end]`` and its sentence; equal places mark nothing."""
        self._mark = (start, end)
        self._dress()

    def _dress(self) -> None:
        text, (start, end) = self._evidence.text, self._mark
        plain = self._text.plain_format("text_soft")
        if end > start:
            left, right = sentence_around(text, start, end)
            around = self._text.plain_format("text")
            around.setBackground(self._look.color("accent_soft"))
            strong = self._text.plain_format("accent_text", bold=True)
            strong.setBackground(self._look.color("accent_soft"))
            cuts = (
                (0, left, plain),
                (left, start, around),
                (start, end, strong),
                (end, right, around),
                (right, len(text), plain),
            )
            self._text.set_runs([Run(text[a:b], style) for a, b, style in cuts if b > a])
        else:
            self._text.set_runs([Run(text, plain)])
        since, until = self._evidence.valid_from, self._evidence.valid_until
        self._validity.setVisible(bool(since or until))
        if since and until:
            self._validity.set_key("evidence.between", since=since, until=until)
        elif until:
            self._validity.set_key("evidence.until", until=until)
        elif since:
            self._validity.set_key("evidence.from", since=since)


class EvidenceList(Dressed, Card):
    """All passages of a draft; hidden while there is none."""

    opened = Signal(int)
    room_needed = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__("card")
        self._look = look
        self._items: dict[int, EvidenceItem] = {}
        self._layout = column(self, theme.S1, theme.S2)
        self.hide()

    def set_evidence(self, evidence: Sequence[Evidence]) -> None:
        """Replace the passages."""
        if tuple(evidence) == tuple(item.evidence for item in self._items.values()):
            return
        while item := self._layout.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self._items.clear()
        for at, passage in enumerate(evidence):
            if at:
                self._layout.addWidget(Rule())
            made = EvidenceItem(self._look, passage)
            made.toggled.connect(self._on_toggled)
            self._items[passage.n] = made
            self._layout.addWidget(made)
        self.setVisible(bool(self._items))

    def set_cited(self, cited: Collection[int]) -> None:
        """Which passages the draft refers to."""
        for n, item in self._items.items():
            item.head.set_cited(n in cited)

    def open_at(self, n: int, start: int = 0, end: int = 0) -> None:
        """Open passage `n` with ``text[start:end]`` marked; an unknown `n` is ignored."""
        if item := self._items.get(n):
            item.open(start, end)
            self.room_needed.emit(item)

    def open_number(self, number: NumberSource) -> None:
        """Open the passage that a number comes from, with the number marked."""
        if item := self._items.get(number.n):
            self.open_at(number.n, *(find(item.evidence.text, number.text) or (0, 0)))

    def close_all(self) -> None:
        """Close all passages."""
        for item in self._items.values():
            item.head.setChecked(False)

    def is_open(self, n: int) -> bool:
        """Whether passage `n` is open."""
        return n in self._items and self._items[n].head.isChecked()

    def _on_toggled(self, n: int, opened: bool) -> None:
        if opened:
            self.opened.emit(n)

    def event(self, event: QEvent) -> bool:
        """Keep the words for screen readers."""
        if event.type() == QEvent.Type.Show:
            self.setAccessibleName(self._look.text("evidence"))
        return super().event(event)
