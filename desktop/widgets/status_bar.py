"""The line at the bottom: what the engine does and what it works with."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, IconLabel, Label
from desktop.widgets.boxes import row
from desktop.widgets.plain_text import one_line, tooltip
from desktop.widgets.values import EnginePhase
from engine.protocol import Offload

_COLORS: Final[dict[EnginePhase, str]] = {
    "starting": "amber_text",
    "ready": "accent",
    "drafting": "accent",
    "restarted": "amber_text",
    "no_model": "red_text",
    "failed": "red_text",
}
_BUSY: Final = ("starting", "drafting", "restarted")
_BEAT_MS: Final = 600


class StateDot(Dressed, QWidget):
    """A dot in the state's colour; it beats while the engine is busy."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._color = "amber_text"
        self._full = True
        self._timer = QTimer(self)
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.setFixedSize(theme.S3, theme.S3)

    def set_state(self, color: str, busy: bool) -> None:
        """A token, and whether it beats."""
        self._color, self._full = color, True
        if busy:
            self._timer.start()
        else:
            self._timer.stop()
        self.update()

    def _beat(self) -> None:
        self._full = not self._full
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.color(self._color))
        painter.setOpacity(1.0 if self._full else 0.45)
        inset = theme.HAIRLINE
        painter.drawEllipse(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset))

    def _dress(self) -> None:
        self.update()


class StatusBar(Dressed, Card):
    """Engine state, model, GPU layers, versions, today's accepted share, and that it is offline."""

    def __init__(self, look: Look) -> None:
        super().__init__("footer")
        self._look = look
        self._phase: EnginePhase = "starting"
        self._step = self._reason = self._model = ""
        self._offload: Offload | None = None
        self._offload_reason = ""
        self._knowledge = self._rules = ""
        self._share: float | None = None
        self._count = 0
        self._shown: tuple[object, ...] = ()
        self.setFixedHeight(theme.STATUS)
        self._dot = StateDot(look)
        self._state = Label(look)
        self._facts = Elided(look, tone="soft")
        self._lock = IconLabel(look, "lock-simple", "text_soft")
        self._offline = Label(look, "status.offline", tone="soft")
        layout = row(self, theme.S2)
        layout.setContentsMargins(theme.S4, 0, theme.S4, 0)
        layout.addWidget(self._dot)
        layout.addWidget(self._state)
        layout.addSpacing(theme.S3)
        layout.addWidget(self._facts, 1)
        layout.addSpacing(theme.S3)
        layout.addWidget(self._lock)
        layout.addWidget(self._offline)
        self._dress()

    def set_engine(
        self, phase: EnginePhase, step: str = "", reason: str = "", model: str = ""
    ) -> None:
        """What the engine does: `step` while it starts, `reason` in words when it is troubled."""
        self._phase, self._step, self._reason = phase, step, reason
        # While it starts anew, what it worked with; without a model, none.
        self._model = "" if phase == "no_model" else model or self._model
        self._dress()

    def set_offload(self, offload: Offload | None, reason: str = "") -> None:
        """GPU layers; `reason` in words says why not all of them."""
        self._offload, self._offload_reason = offload, reason
        self._dress()

    def set_knowledge(self, version: str) -> None:
        """The knowledge version in use."""
        self._knowledge = version
        self._dress()

    def set_rules(self, version: str) -> None:
        """The rule set's version in use."""
        self._rules = version
        self._dress()

    def set_accepted(self, share: float | None, count: int = 0) -> None:
        """Today's share (0…1) of accepted drafts among `count` decisions; None: no decision yet."""
        self._share, self._count = share, count
        self._dress()

    def _dress(self) -> None:
        look = self._look
        # It is told of every step of every draft, and seldom of anything new.
        told = (self._phase, self._step, self._reason, self._model, self._knowledge, self._rules)
        offload = (self._offload, self._offload_reason)
        shown = (look.language, look.tokens.dark, *told, *offload, self._share, self._count)
        if shown == self._shown:
            return
        self._shown = shown
        state = look.text(f"status.{self._phase}")
        why = self._reason
        if self._phase == "starting" and self._step:
            why = look.text(f"status.step.{self._step}")
        if why:
            state = look.text("status.reason", what=state, why=one_line(why))
        self._state.set_text(state)
        self._dot.set_state(_COLORS[self._phase], self._phase in _BUSY)
        facts = [one_line(self._model)]
        if self._offload is not None and self._offload.total:
            layers = self._offload
            gpu = look.text("status.gpu", n=layers.layers, total=layers.total)
            if self._offload_reason:
                gpu = look.text("status.reason", what=gpu, why=one_line(self._offload_reason))
            facts.append(gpu)
        if self._knowledge:
            facts.append(look.text("status.knowledge", version=one_line(self._knowledge)))
        if self._rules:
            facts.append(look.text("status.rules", version=one_line(self._rules)))
        if self._share is None:
            facts.append(look.text("status.accepted.none"))
        else:
            share = f"{self._share:.0%}"
            facts.append(look.text("status.accepted", share=share, n=self._count))
        self._facts.set_text("   ·   ".join(fact for fact in facts if fact))
        self.setAccessibleName(look.text("status"))
        self.setAccessibleDescription(f"{state}. {self._facts.text()}")
        self.setToolTip(tooltip("\n".join([state, *filter(None, facts)])))
