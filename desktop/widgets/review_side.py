"""Beside a hit: the agent's appeal, what the draft rested on, and how often rules were right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop import theme
from desktop.in_turns import InTurns
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Chip, Dressed, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.evidence_list import EvidenceList
from desktop.widgets.plain_text import one_line, tooltip
from desktop.widgets.review_card import CommentField
from desktop.widgets.review_values import Accuracy, Appeal
from engine.records import Evidence

_AT_ONCE: Final = 6


class AppealCard(Dressed, Card):
    """`answered` brings whether the appeal is upheld, and what the agent is told."""

    answered = Signal(bool, str)
    left = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("card")
        self._look = look
        self._appeal: Appeal | None = None
        self._title = Label(look, bold=True)
        self._state = Chip(look)
        self._words = Label(look, size="body", wrap=True)
        self._answer = Label(look, tone="soft", wrap=True)
        self.field = CommentField(look, "review.appeal.answer")
        self.field.left.connect(self.left)
        self.field.textChanged.connect(lambda _: self._block())
        self._uphold = PushButton(look, "review.appeal.uphold", "", "x-circle")
        self._dismiss = PushButton(look, "review.appeal.dismiss", "", "check-circle")
        for button, upheld in ((self._uphold, True), (self._dismiss, False)):
            button.clicked.connect(lambda _=False, upheld=upheld: self._on_answer(upheld))
        head = row(None, theme.S2)
        head.addWidget(self._title, 1)
        head.addWidget(self._state)
        whole = column(self, theme.S2, theme.S3)
        whole.addLayout(head)
        for part in (self._words, self._answer, self.field, self._uphold, self._dismiss):
            whole.addWidget(part)
        self.hide()

    def set_appeal(self, appeal: Appeal | None) -> None:
        """What the agent says; None hides the card."""
        if appeal is None or self._appeal is None or appeal.at != self._appeal.at:
            self.field.clear()
        self._appeal = appeal
        self.setVisible(appeal is not None)
        self._dress()

    def button(self, upheld: bool) -> PushButton:
        """The button that upholds, or the one that dismisses."""
        return self._uphold if upheld else self._dismiss

    def _on_answer(self, upheld: bool) -> None:
        words = self.field.text().strip()
        if words:
            self.answered.emit(upheld, words)

    def _block(self) -> None:
        why = "" if self.field.text().strip() else self._look.text("review.appeal.empty")
        if self._appeal is not None and self._appeal.own:
            why = self._look.text("review.appeal.own")
        self._uphold.block(why)
        self._dismiss.block(why)

    def _dress(self) -> None:
        appeal = self._appeal
        if appeal is None:
            return
        self._title.set_key("review.appeal.by", who=one_line(appeal.who))
        self._words.set_text(appeal.text)
        self._words.setVisible(bool(appeal.text))
        done = appeal.state != "open"
        self._state.set_key(f"review.appeal.{appeal.state}", "neutral" if done else "amber")
        self._answer.setVisible(bool(appeal.answer))
        for part in (self.field, self._uphold, self._dismiss):
            part.setVisible(not done)
        if appeal.answer:
            who, said = one_line(appeal.answered_by), appeal.answer
            self._answer.set_key("review.appeal.answered", who=who, answer=said)
        self._block()


class EvidenceCard(Dressed, QWidget):
    """The passages of the draft, or that there are none."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.list = EvidenceList(look)
        self._none = Label(look, "review.evidence.none", tone="faint", wrap=True)
        whole = column(self, theme.S2)
        whole.addWidget(Label(look, "review.evidence", bold=True))
        whole.addWidget(self._none)
        whole.addWidget(self.list)

    def set_evidence(self, evidence: Sequence[Evidence]) -> None:
        """What the draft rested on."""
        self.list.set_evidence(evidence)
        self._none.setVisible(not evidence)


class AccuracyRow(Dressed, QAbstractButton):
    """One rule: its share of right hits as a bar with its interval, and the counts in words."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._shown, self._name = Accuracy("", 0, 0, 0.0, 0.0), ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rule(self, shown: Accuracy, name: str) -> None:
        """Stand for another rule, or for the same one with other figures."""
        if (shown, name) != (self._shown, self._name):
            self._shown, self._name = shown, name
            self._dress()

    @property
    def rule(self) -> str:
        """Which rule it is."""
        return self._shown.rule

    def sizeHint(self) -> QSize:
        """Two lines and a bar."""
        return QSize(theme.RAIL, 2 * painting.line_height("small") + theme.S3 + 2 * theme.S1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name and share, the bar, the counts."""
        look, shown = self._look, self._shown
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse():
            painter.setBrush(look.color("hover"))
            painter.drawRoundedRect(self.rect(), theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        room = QRectF(self.rect()).adjusted(theme.S2, theme.S1, -theme.S2, -theme.S1)
        line = painting.line_height("small")
        share = "–" if shown.share is None else f"{shown.share:.0%}"
        wide = painting.text_width(share, bold=True) + theme.S2
        painter.setFont(theme.font("small", bold=True))
        painter.setPen(look.color("text"))
        spot = QRectF(room.right() - wide, room.top(), wide, line)
        painting.draw_line(painter, spot, share, Qt.AlignmentFlag.AlignRight)
        painter.setFont(theme.font("small"))
        left = QRectF(room.left(), room.top(), room.width() - wide, line)
        painting.draw_line(painter, left, self._name)
        bar = QRectF(room.left(), room.top() + line + theme.S1, room.width(), theme.S1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color("sunken"))
        painter.drawRoundedRect(bar, theme.S1 / 2, theme.S1 / 2)
        if shown.share is not None:
            between = QRectF(bar)
            between.setLeft(bar.left() + bar.width() * shown.low)
            between.setRight(bar.left() + bar.width() * shown.high)
            painter.setBrush(look.color("accent_line"))
            painter.drawRect(between)
            at = bar.left() + bar.width() * shown.share
            painter.setBrush(look.color("accent"))
            dot = QRectF(at - theme.S1, bar.center().y() - theme.S1, theme.S2, theme.S2)
            painter.drawEllipse(dot)
        painter.setPen(look.color("text_faint"))
        below = QRectF(room.left(), bar.bottom() + theme.S1, room.width(), line)
        painting.draw_line(painter, below, self._counts())
        if self.hasFocus():
            painting.draw_focus(painter, self.rect(), look.tokens, theme.RADIUS_SMALL)

    def _counts(self) -> str:
        look, shown = self._look, self._shown
        words = []
        judged = shown.right + shown.false_alarms
        if judged:
            low, high = round(shown.low * 100), round(shown.high * 100)
            words.append(
                look.text(
                    "review.accuracy.row", right=shown.right, judged=judged, low=low, high=high
                )
            )
        if shown.missed:
            words.append(look.text("review.accuracy.missed", n=shown.missed))
        return " · ".join(words)

    def _dress(self) -> None:
        self.setAccessibleName(f"{self._name}, {self._counts()}")
        self.setAccessibleDescription(self._look.text("review.accuracy.help"))
        self.setToolTip(tooltip(self._name))
        self.update()


class AccuracyCard(Dressed, QWidget):
    """All rules that were judged, the least right first; `chosen` names one.

    A row is made once and stands for whichever rule comes to its place; new ones are made a few at
    a time.
    """

    chosen = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._shown: tuple[Accuracy, ...] = ()
        self._names: Mapping[str, str] = {}
        self._none = Label(look, "review.accuracy.none", tone="faint", wrap=True)
        self._rows: list[AccuracyRow] = []
        self._room = column(None, 0)
        frame = Card("card")
        column(frame, 0, theme.S1).addLayout(self._room)
        self._frame = frame
        whole = column(self, theme.S2)
        whole.addWidget(Label(look, "review.accuracy", bold=True))
        whole.addWidget(self._none)
        whole.addWidget(frame)
        frame.hide()
        self._turns = InTurns(self)

    def set_accuracy(self, shown: Sequence[Accuracy], names: Mapping[str, str]) -> None:
        """Replace the figures."""
        if tuple(shown) == self._shown and names == self._names and self._rows:
            return
        self._shown, self._names = tuple(shown), dict(names)
        self._fill()

    def rows(self) -> list[AccuracyRow]:
        """The rules that are shown, in order."""
        return list(self._rows)

    def _fill(self) -> None:
        judged = [one for one in self._shown if one.share is not None or one.missed]
        judged.sort(key=lambda one: (2.0 if one.share is None else one.share, one.rule))
        self._none.setVisible(not judged)
        self._frame.setVisible(bool(judged))
        for old in self._rows[len(judged) :]:
            self._room.removeWidget(old)
            old.hide()
            old.deleteLater()
        del self._rows[len(judged) :]
        for at, made in enumerate(self._rows):
            self._stand(made, judged[at])
        if len(judged) > len(self._rows):
            self._turns.start(self._more(judged))

    def _more(self, judged: Sequence[Accuracy]) -> Iterator[None]:
        while len(self._rows) < len(judged):
            for one in judged[len(self._rows) :][:_AT_ONCE]:
                made = AccuracyRow(self._look)
                self._room.addWidget(made)
                made.clicked.connect(lambda _=False, made=made: self.chosen.emit(made.rule))
                self._stand(made, one)
                self._rows.append(made)
            yield

    def _stand(self, row: AccuracyRow, one: Accuracy) -> None:
        name = one_line(self._names.get(one.rule, one.rule))
        row.show_rule(one, name or self._look.text("review.rule.missed"))

    def _dress(self) -> None:
        self._fill()
