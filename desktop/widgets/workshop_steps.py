"""Above the workshop: which rules are in force, how far the changed ones are, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QDialog, QSizePolicy, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed, Elided, IconLabel, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_card import CommentField
from desktop.widgets.workshop_values import STAGES, Stage, Standing

_ICONS: Final[dict[Stage, str]] = {
    "draft": "pencil-simple",
    "trial": "flask",
    "asked": "users",
    "in_force": "shield-check",
}
# What can be done at each stage, the main thing last.
STEPS: Final[dict[Stage, tuple[str, ...]]] = {
    "in_force": (),
    "draft": ("discard", "start"),
    "trial": ("withdraw", "ask"),
    "asked": ("withdraw", "refuse", "approve"),
}
_LOOKS: Final = {
    "discard": ("quiet", "trash"),
    "start": ("primary", "flask"),
    "withdraw": ("quiet", "stop-circle"),
    "ask": ("primary", "users"),
    "refuse": ("", "x-circle"),
    "approve": ("primary", "check-circle"),
}
NEEDS_COMMENT: Final = frozenset(("start", "refuse", "roll_back", "roll_back_all"))


class Stages(Dressed, QWidget):
    """The four stages on one line; the present one stands out."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._stage: Stage = "in_force"
        self._notes: dict[Stage, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._dress()

    def set_stage(self, stage: Stage, notes: dict[Stage, str]) -> None:
        """Where it stands, with a few words to some stages."""
        self._stage, self._notes = stage, notes
        self._dress()

    def sizeHint(self) -> QSize:
        """Room for all words, if there is."""
        wide = sum(self._width(stage) for stage in STAGES) + 3 * theme.S5
        return QSize(wide, theme.CONTROL)

    def minimumSizeHint(self) -> QSize:
        """Icons alone, and the words of the present stage."""
        icons = 3 * (theme.CHIP + theme.S4)
        return QSize(icons + self._width(self._stage), theme.CONTROL)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw stage after stage; where room is short, the others without words."""
        look, painter = self._look, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap = theme.S5
        full = sum(self._width(stage) for stage in STAGES) + 3 * gap <= self.width()
        if not full:
            gap = theme.S4
        left, middle = 0.0, self.height() / 2
        for at, stage in enumerate(STAGES):
            here = stage == self._stage
            ink, ground, line = look.tokens.tone("accent" if here else "neutral")
            words = self._words(stage) if full or here else ""
            wide = self._width(stage) if words else theme.CHIP
            box = QRectF(left, middle - theme.CHIP / 2, wide, theme.CHIP)
            painter.setPen(QPen(line, theme.HAIRLINE) if here else Qt.PenStyle.NoPen)
            painter.setBrush(ground if here else Qt.BrushStyle.NoBrush)
            if here:
                painter.drawRoundedRect(box, theme.CHIP / 2, theme.CHIP / 2)
            inset = theme.S2 if words else theme.S1
            icon = theme.icon_rect(left + inset, middle)
            faint = ink if here else look.color("text_faint")
            painting.draw_icon(painter, _ICONS[stage], icon, faint)
            if words:
                painter.setFont(theme.font("small", bold=here))
                painter.setPen(faint)
                start = left + inset + theme.ICON + theme.S1
                painting.draw_line(
                    painter, QRectF(start, box.top(), box.right() - start, theme.CHIP), words
                )
            left += wide
            if at < len(STAGES) - 1:
                painter.setPen(QPen(look.color("line_strong"), theme.HAIRLINE))
                painter.drawLine(
                    QPointF(left + theme.S1, middle), QPointF(left + gap - theme.S1, middle)
                )
            left += gap

    def _words(self, stage: Stage) -> str:
        words = self._look.text(f"workshop.stage.{stage}")
        note = self._notes.get(stage, "")
        return f"{words} · {note}" if note else words

    def _width(self, stage: Stage) -> int:
        words = painting.text_width(self._words(stage), bold=stage == self._stage)
        return words + theme.ICON + theme.S1 + 2 * theme.S2 + theme.S1

    def _dress(self) -> None:
        look = self._look
        words = self._words(self._stage)
        self.setAccessibleName(look.text("workshop.stages", stage=words))
        self.setToolTip(look.text(f"workshop.stage.{self._stage}.help"))
        self.updateGeometry()
        self.update()


class StepBar(Dressed, Card):
    """`step_requested` brings discard, start, withdraw, ask, refuse or approve."""

    step_requested = Signal(str)
    history_requested = Signal()

    def __init__(self, look: Look, clock: Callable[[], float]) -> None:
        super().__init__("header")
        self._look, self._clock = look, clock
        self._standing = Standing()
        self._busy = ""
        self._icon = IconLabel(look, "shield-check", "accent_text")
        self._version = Elided(look, bold=True)
        self._more = Elided(look, tone="faint")
        self.stages = Stages(look)
        self._buttons: dict[str, PushButton] = {}
        line = row(None, theme.S3)
        line.addWidget(self._icon)
        words = column(None, 0)
        words.addWidget(self._version)
        words.addWidget(self._more)
        line.addLayout(words, 2)
        line.addWidget(self.stages, 5, Qt.AlignmentFlag.AlignVCenter)
        for name, (kind, icon) in _LOOKS.items():
            action = "workshop_step" if kind == "primary" else ""
            button = PushButton(look, f"workshop.step.{name}", kind, icon)
            button.set_tip_action(action)
            button.clicked.connect(lambda _=False, name=name: self.step_requested.emit(name))
            line.addWidget(button)
            self._buttons[name] = button
        self.history_button = PushButton(look, "workshop.history", "", "clock-counter-clockwise")
        self.history_button.set_tip_action("workshop_history")
        self.history_button.clicked.connect(self.history_requested)
        line.addWidget(self.history_button)
        self._trouble = Label(look, tone="red", wrap=True)
        inside = column(self, theme.S1)
        inside.setContentsMargins(theme.S4, theme.S2, theme.S4, theme.S2)
        inside.addLayout(line)
        inside.addWidget(self._trouble)
        self._dress()

    def set_standing(self, standing: Standing) -> None:
        """How the rules stand now."""
        self._standing = standing
        self._dress()

    def standing(self) -> Standing:
        """What is shown."""
        return self._standing

    def set_busy(self, key: str) -> None:
        """A step is being taken; "" when it is done."""
        self._busy = key
        self._dress()

    def button(self, name: str) -> PushButton:
        """The button of a step."""
        return self._buttons[name]

    def main_step(self) -> str:
        """The step that the key takes: the main one of this stage, "" where there is none."""
        steps = STEPS[self._standing.stage]
        name = steps[-1] if steps else ""
        return name if name and not self._buttons[name].why_blocked() else ""

    def _dress(self) -> None:
        look, now = self._look, self._standing
        version = now.in_force
        if version is None:
            self._version.set_key("workshop.in_force.shipped")
            self._more.set_key("workshop.in_force.shipped.more")
        else:
            self._version.set_key("workshop.in_force", n=version.number)
            who = one_line(", ".join(version.authors))
            self._more.set_text(
                " · ".join(part for part in (who, moment_words(version.at, self._clock())) if part)
            )
        stage = now.stage
        notes: dict[Stage, str] = {}
        if now.changes and stage == "draft":
            notes["draft"] = look.text("workshop.changes", n=now.changes)
        if now.trial is not None:
            notes["trial"] = look.text("workshop.trial_hits", n=f"{now.trial_hits:,}")
        self.stages.set_stage(stage, notes)
        for name, button in self._buttons.items():
            button.setVisible(name in STEPS[stage])
            button.block(self._why(name))
        trouble = now.trouble or (
            look.text("workshop.beside", n=now.changes)
            if now.trial is not None and now.changes
            else ""
        )
        self._trouble.set_tone("red" if now.trouble else "soft")
        self._trouble.set_text(trouble)
        self._trouble.setVisible(bool(trouble))

    def _why(self, name: str) -> str:
        look, now = self._look, self._standing
        if self._busy:
            return look.text(self._busy)
        if not now.who.strip():
            return look.text("workshop.why.nobody")
        if name == "start" and now.problems:
            return look.text("workshop.why.problems", n=now.problems, first=one_line(now.problem))
        if name in ("approve", "refuse") and now.own:
            return look.text("workshop.why.own")
        return ""


class StepDialog(Dressed, QDialog):
    """Asks for a word before a step; `confirmed` brings it. Enter confirms, Escape goes back."""

    confirmed = Signal(str)

    def __init__(self, look: Look, step: str, parent: QWidget, **values: object) -> None:
        super().__init__(parent)
        self._look, self._step = look, step
        self._needs = step in NEEDS_COMMENT
        key = f"workshop.step.{step}"
        self._body = Label(look, tone="soft", wrap=True)
        self._body.set_key(f"{key}.body", **values)
        self.comment = CommentField(
            look, "workshop.comment" if self._needs else "workshop.comment.free"
        )
        self.comment.left.connect(self.reject)
        self.comment.textChanged.connect(lambda _: self._dress())
        kind = "primary" if _LOOKS.get(step, ("primary", ""))[0] == "primary" else ""
        icon = _LOOKS.get(step, ("", "arrow-counter-clockwise"))[1]
        self.ok_button = PushButton(look, key, kind or "primary", icon)
        self.ok_button.clicked.connect(self._on_ok)
        self.ok_button.setDefault(True)
        cancel = PushButton(look, "review.missed.cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        end = row(None, theme.S2)
        end.addStretch(1)
        end.addWidget(cancel)
        end.addWidget(self.ok_button)
        whole = column(self, theme.S3, theme.S5)
        title = Label(look, size="title", bold=True)
        title.set_key(f"{key}.title", **values)
        self._title = title
        whole.addWidget(title)
        whole.addWidget(self._body)
        if step != "discard":
            whole.addWidget(self.comment)
        else:
            self.comment.hide()
        whole.addLayout(end)
        self.setMinimumWidth(theme.QUEUE_WIDTH + theme.FIELD_WIDTH)
        self._dress()

    def _on_ok(self) -> None:
        words = self.comment.text().strip()
        self.accept()
        self.confirmed.emit(words)

    def _dress(self) -> None:
        look = self._look
        self.setWindowTitle(self._title.text())
        empty = self._needs and not self.comment.text().strip()
        self.ok_button.block(look.text("workshop.why.comment") if empty else "")
