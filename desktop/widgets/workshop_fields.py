"""Controls of the rule form: wordings line by line, both languages, boxes to tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSizePolicy, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Dressed, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.flow import FlowBox
from desktop.widgets.plain_text import one_line
from desktop.widgets.workshop_editor import EditorFrame, MarkedEditor
from engine.texts import Both

_LINES: Final = 4


def named(look: Look, key: str, field: QWidget, *, help_: bool = False) -> QWidget:
    """A field below its name, and below that what it is for."""
    made = QWidget()
    label = Label(look, key, tone="soft")
    label.setBuddy(field)
    inside = column(made, theme.S1)
    inside.addWidget(label)
    inside.addWidget(field)
    if help_:
        inside.addWidget(Label(look, f"{key}.help", tone="faint", wrap=True))
    inside.addStretch(1)
    return made


class LinesField(Dressed, QWidget):
    """Wordings or expressions, one a line; `edited` when a person changed them."""

    edited = Signal()

    def __init__(self, look: Look, key: str, *, code: bool = False, lines: int = _LINES) -> None:
        super().__init__()
        self._look, self._key = look, key
        self.editor = MarkedEditor(look, code=code, gutter=False)
        self.editor.edited.connect(self.edited)
        if code:
            self.editor.setLineWrapMode(MarkedEditor.LineWrapMode.WidgetWidth)
        self._frame = EditorFrame(look, self.editor)
        self._frame.setFixedHeight(lines * painting.line_height("small") + theme.S4 + theme.S1)
        column(self, 0).addWidget(self._frame)
        self.setFocusProxy(self.editor)
        self._dress()

    def set_values(self, values: Sequence[str]) -> None:
        """Show these, unless they stand there already."""
        if tuple(values) != self.values():
            self.editor.set_text("\n".join(one.replace("\n", " ") for one in values))

    def values(self) -> tuple[str, ...]:
        """What stands there, without blank lines."""
        return self.editor.lines()

    def _dress(self) -> None:
        self.editor.setAccessibleName(self._look.text(self._key))
        self.editor.setPlaceholderText(self._look.text(f"{self._key}.hint"))


class BothField(Dressed, QWidget):
    """A sentence in Chinese and in English, side by side; long ones have several lines."""

    edited = Signal()

    def __init__(self, look: Look, key: str, *, long: bool = False) -> None:
        super().__init__()
        self._look, self._key = look, key
        self._lines: list[QLineEdit | MarkedEditor] = []
        inside = row(self, theme.S2)
        for _ in ("zh", "en"):
            if long:
                editor = MarkedEditor(look, gutter=False)
                editor.edited.connect(self.edited)
                frame = EditorFrame(look, editor)
                frame.setFixedHeight(3 * painting.line_height("small") + theme.S4 + theme.S1)
                inside.addWidget(frame, 1)
                self._lines.append(editor)
                continue
            line = QLineEdit()
            line.setFont(theme.font("small"))
            line.setMinimumHeight(theme.CONTROL)
            line.textEdited.connect(lambda _: self.edited.emit())
            inside.addWidget(line, 1)
            self._lines.append(line)
        self.setFocusProxy(self._lines[0])
        self._dress()

    def set_both(self, both: Both) -> None:
        """Show a sentence, unless it stands there already."""
        if both == self.both():
            return
        for line, words in zip(self._lines, (both.zh, both.en), strict=True):
            if isinstance(line, MarkedEditor):
                line.set_text(words)
            else:
                line.setText(one_line(words))
                line.setCursorPosition(0)

    def both(self) -> Both:
        """What stands there."""
        return Both(*(_words(line) for line in self._lines))

    def lines(self) -> tuple[QLineEdit | MarkedEditor, ...]:
        """The Chinese and the English field."""
        return tuple(self._lines)

    def _dress(self) -> None:
        name = self._look.text(self._key)
        for line, language in zip(self._lines, ("zh", "en"), strict=True):
            words = self._look.text(f"workshop.in.{language}")
            line.setPlaceholderText(words)
            line.setAccessibleName(f"{name}, {words}")


class Tick(Dressed, QCheckBox):
    """A box to tick, that is seen in both themes."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """The box and the words."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + theme.ICON + theme.S2 + 2 * theme.S1, theme.CHIP + theme.S1)

    def minimumSizeHint(self) -> QSize:
        """The box and some of the words."""
        return QSize(min(self.sizeHint().width(), theme.RAIL), self.sizeHint().height())

    def hitButton(self, pos: QPoint) -> bool:
        """The words count, too."""
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, the tick in it, and the words."""
        look, painter = self._look, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on, ticked = self.isEnabled(), self.isChecked()
        box = theme.icon_rect(theme.S1, self.height() / 2)
        fill = ("accent" if on else "line") if ticked else "surface" if on else "sunken"
        inset = theme.HAIRLINE / 2
        painter.setPen(QPen(look.color(fill if ticked else "line_strong"), theme.HAIRLINE))
        painter.setBrush(look.color(fill))
        inner = box.adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(inner, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        if ticked:
            small = box.adjusted(theme.FOCUS, 1, -theme.FOCUS, -1 - theme.FOCUS)
            painting.draw_icon(painter, "check", small, look.color("on_accent" if on else "text"))
        painter.setFont(self.font())
        painter.setPen(look.color("text" if on else "text_faint"))
        left = box.right() + theme.S2
        room = QRectF(left, 0, self.width() - left - theme.S1, self.height())
        painting.draw_line(painter, room, self.text())
        if self.hasFocus():
            painting.draw_focus(painter, self.rect(), look.tokens, theme.RADIUS_SMALL)


class TickBoxes(Dressed, QWidget):
    """Values of which several may hold; with `automatic`, a first box that stands for None."""

    edited = Signal()

    def __init__(self, look: Look, key: str, values: Sequence[str], *, automatic: str = "") -> None:
        super().__init__()
        self._look, self._key = look, key
        self._boxes = {value: Tick(look) for value in values}
        self._auto = Tick(look) if automatic else None
        self._auto_key = automatic
        flow = FlowBox(theme.S2)
        if self._auto is not None:
            self._auto.clicked.connect(self._on_auto)
            flow.add(self._auto)
        for box in self._boxes.values():
            box.clicked.connect(lambda _=False: self.edited.emit())
            flow.add(box)
        column(self, 0).addWidget(flow)
        self.setFocusProxy(self._auto or next(iter(self._boxes.values())))
        self._dress()

    def set_values(self, chosen: Sequence[str] | None, shown: Sequence[str] = ()) -> None:
        """Tick these; for None the automatic box, and `shown` as what it stands for."""
        if self._auto is not None:
            with QSignalBlocker(self._auto):
                self._auto.setChecked(chosen is None)
        for value, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setChecked(value in (shown if chosen is None else chosen))
                box.setEnabled(chosen is not None)

    def values(self) -> tuple[str, ...] | None:
        """What is ticked; None for the automatic box."""
        if self._auto is not None and self._auto.isChecked():
            return None
        return tuple(value for value, box in self._boxes.items() if box.isChecked())

    def box(self, value: str) -> Tick:
        """One of the boxes; "" is the automatic one."""
        return self._boxes[value] if value or self._auto is None else self._auto

    def _on_auto(self, automatic: bool) -> None:
        for box in self._boxes.values():
            box.setEnabled(not automatic)
        self.edited.emit()

    def _dress(self) -> None:
        for value, box in self._boxes.items():
            box.setText(self._look.text(f"{self._key}.{value}"))
            tip = self._look.text(f"{self._key}.{value}.help") if self._auto is not None else ""
            box.setToolTip(tip)
        if self._auto is not None:
            self._auto.setText(self._look.text(self._auto_key))


class Section(Dressed, QWidget):
    """Fields under a title that folds them away."""

    def __init__(self, look: Look, key: str, *, open_: bool = True) -> None:
        super().__init__()
        self._look = look
        self._head = PushButton(look, key, "quiet", "caret-down")
        self._head.setCheckable(True)
        self._head.setChecked(open_)
        self._head.setFont(theme.font("small", bold=True))
        self._head.toggled.connect(self._on_toggled)
        self._body = QWidget()
        self.inside = column(self._body, theme.S3)
        self.inside.setContentsMargins(theme.S2, 0, 0, 0)
        whole = column(self, theme.S2)
        whole.addWidget(self._head, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(self._body)
        self._on_toggled(open_)

    def add(self, *fields: QWidget, stretch: Sequence[int] = ()) -> None:
        """Put fields side by side below the others."""
        line = row(None, theme.S3)
        for at, field in enumerate(fields):
            line.addWidget(field, stretch[at] if stretch else 1)
        self.inside.addLayout(line)

    def _on_toggled(self, shown: bool) -> None:
        self._body.setVisible(shown)
        self._head.set_icon_name("caret-down" if shown else "caret-right")


def _words(line: QLineEdit | MarkedEditor) -> str:
    return line.toPlainText().strip() if isinstance(line, MarkedEditor) else line.text().strip()
