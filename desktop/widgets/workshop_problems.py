"""What keeps a rule from being tried, a line each; a click goes to the place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed, Label
from desktop.widgets.boxes import column
from desktop.widgets.plain_text import one_line, tooltip
from desktop.widgets.workshop_values import ProblemLine

_SHOWN: Final = 3


class ProblemButton(Dressed, QAbstractButton):
    """One problem in one line, with its line of the text."""

    def __init__(self, look: Look, problem: ProblemLine) -> None:
        super().__init__()
        self._look, self._problem = look, problem
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._dress()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(theme.RAIL, theme.CHIP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the icon and the words."""
        painter, ink = QPainter(self), self._look.color("red_text")
        middle, left = self.height() / 2, theme.S1
        painting.draw_icon(painter, "warning-circle", theme.icon_rect(left, middle), ink)
        left += theme.ICON + theme.S2
        font = theme.font("small")
        font.setUnderline(self.underMouse())
        painter.setFont(font)
        painter.setPen(ink)
        room = QRectF(left, 0, self.width() - left - theme.S1, self.height())
        painting.draw_line(painter, room, self.text())
        if self.hasFocus():
            painting.draw_focus(painter, self.rect(), self._look.tokens, theme.RADIUS_SMALL)

    def _dress(self) -> None:
        one = self._problem
        words = one_line(one.words)
        if one.line:
            words = self._look.text("workshop.problem", line=one.line, words=words)
        self.setText(words)
        self.setAccessibleName(words)
        self.setToolTip(tooltip(words))


class ProblemList(Dressed, Card):
    """`chosen` brings the line of the problem that was clicked, from 1; 0 is the whole text."""

    chosen = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__("red")
        self._look = look
        self._shown: tuple[ProblemLine, ...] = ()
        self._lines: list[ProblemButton] = []
        self._room = column(self, 0, theme.S1)
        self._more = Label(look, tone="red")
        self._more.setContentsMargins(theme.S2, 0, 0, 0)
        self._room.addWidget(self._more)
        self.hide()

    def set_problems(self, problems: Sequence[ProblemLine]) -> None:
        """Show the first of them."""
        if tuple(problems) == self._shown:
            return
        self._shown = tuple(problems)
        for old in self._lines:
            old.hide()
            self._room.removeWidget(old)
            old.deleteLater()
        self._lines = []
        for at, problem in enumerate(problems[:_SHOWN]):
            line = ProblemButton(self._look, problem)
            line.clicked.connect(lambda _=False, to=problem.line: self.chosen.emit(to))
            self._room.insertWidget(at, line)
            self._lines.append(line)
        rest = len(problems) - len(self._lines)
        self._more.setVisible(rest > 0)
        if rest > 0:
            self._more.set_key("workshop.problems.more", n=rest)
        self.setVisible(bool(problems))

    def lines(self) -> list[ProblemButton]:
        """The problems that are shown."""
        return list(self._lines)
