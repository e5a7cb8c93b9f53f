"""The proposed reply in all its states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets.blocks import Card, Chip, Dressed, IconLabel, Label, PushButton, Rule
from desktop.widgets.boxes import column, row
from desktop.widgets.draft_text import CARET, JOINER, Marks, own_hits, runs
from desktop.widgets.flow import FlowBox
from desktop.widgets.notice import Notice, Skeleton
from desktop.widgets.source_callout import SourceCallout
from desktop.widgets.text_panel import TextPanel
from engine.records import Draft, Evidence

_FRAME_MS: Final = 40

State = Literal["none", "queued", "drafting", "ready", "rejected", "gap", "failed", "handover"]


class DraftCard(Dressed, QWidget):
    """One draft; `show_…` sets the state, the signals say what the agent wants."""

    citation_clicked = Signal(int)
    number_clicked = Signal(object)
    hit_clicked = Signal(object)
    retry_requested = Signal()
    write_requested = Signal()
    hand_over_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._state: State = "none"
        self._stale = False
        self._draft: Draft | None = None
        self._streamed = self._style = self._message = self._withdrawn = ""
        self._evidence: tuple[Evidence, ...] = ()
        self._seconds: float | None = None
        self._position = 0
        # A model may write a hundred pieces a second; the text is laid out anew for some of them.
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.setInterval(_FRAME_MS)
        self._frame.timeout.connect(self._show_streamed)
        self._build(look)
        self._dress()

    def _build(self, look: Look) -> None:
        title = Label(look, "draft", size="title", bold=True)
        self._chip = Chip(look)
        top = row(None, theme.S2)
        top.addWidget(title)
        top.addStretch(1)
        top.addWidget(self._chip)
        self._card = Card()
        self._stale_bar = Card("amber")
        stale = row(self._stale_bar, theme.S2)
        stale.setContentsMargins(theme.S3, theme.S1, theme.S2, theme.S1)
        stale.addWidget(IconLabel(look, "warning", "amber_text"))
        stale.addWidget(Label(look, "draft.stale", tone="amber", wrap=True), 1)
        again = PushButton(look, "draft.stale.action", "link")
        again.clicked.connect(self.retry_requested)
        stale.addWidget(again)
        self._chips = FlowBox()
        self._style_chip, self._mode_chip = Chip(look), Chip(look)
        self._evidence_chip, self._seconds_chip = Chip(look), Chip(look)
        for chip in (self._style_chip, self._mode_chip, self._evidence_chip, self._seconds_chip):
            self._chips.add(chip)
        self._notice = Notice(look)
        self._notice.chosen.connect(self._on_notice)
        self._progress = Label(look, tone="soft", wrap=True)
        self._text = TextPanel(look)
        self._text.target_clicked.connect(self._on_target)
        self._skeleton = Skeleton(look)
        self._rule = Rule()
        self._unsupported = Legend(look, "warning", "amber")
        self._hits = Legend(look, "prohibit", "red")
        self._callout = SourceCallout(look)
        self._callout.opened.connect(self.citation_clicked)
        inside = column(self._card, theme.S3, theme.S4)
        for widget in (
            self._stale_bar,
            self._chips,
            self._notice,
            self._progress,
            self._text,
            self._skeleton,
            self._rule,
            self._unsupported,
            self._hits,
            self._callout,
        ):
            inside.addWidget(widget)
        layout = column(self, theme.S3)
        layout.addLayout(top)
        layout.addWidget(self._card)

    def show_none(self) -> None:
        """There is no draft and none is coming."""
        self._begin("none")

    def show_rejected(self) -> None:
        """The draft was rejected, and the customer still waits."""
        self._begin("rejected")

    def show_queued(self, position: int = 0) -> None:
        """A draft will be made; `position` others come first."""
        self._position = position
        self._begin("queued")

    def show_drafting(
        self, evidence: Sequence[Evidence] = (), text: str = "", withdrawn: str | None = None
    ) -> None:
        """Work has begun; `text` is written already, `withdrawn` says why a former one is not."""
        reason = "" if withdrawn is None else withdrawn or " "
        self._begin("drafting", tuple(evidence), streamed=text, withdrawn=reason)

    def set_evidence(self, evidence: Sequence[Evidence]) -> None:
        """The passages that were found, while drafting."""
        if tuple(evidence) != self._evidence:
            self._evidence = tuple(evidence)
            self._dress()

    def append_text(self, text: str) -> None:
        """More of the draft, to be seen within a moment."""
        first = not self._streamed
        self._streamed += text
        if first:
            self._dress()
        elif not self._frame.isActive():
            self._frame.start()

    def withdraw(self, reason: str = "") -> None:
        """Forget what was streamed: it is being drafted again."""
        self._streamed, self._withdrawn = "", reason or " "
        self._dress()

    def show_draft(self, draft: Draft, style: str = "", seconds: float | None = None) -> None:
        """The finished draft, with the style's name and the time it took."""
        states: dict[str, State] = {
            "drafted": "ready",
            "abstained": "gap",
            "failed": "failed",
            "handover": "handover",
        }
        self._style, self._seconds, self._message = style, seconds, draft.reason
        self._begin(states[draft.status], draft.evidence, draft)

    def show_failed(self, message: str) -> None:
        """No draft because of an error: `message` says what happened."""
        self._message = message
        self._begin("failed")

    def set_stale(self, stale: bool) -> None:
        """Mark the draft as answering an older message."""
        self._stale = stale
        self._dress()

    def draft(self) -> Draft | None:
        """The finished draft, if there is one."""
        return self._draft

    def state(self) -> State:
        """What the card shows."""
        return self._state

    def shown_text(self) -> str:
        """The words of the draft as they stand on the screen."""
        if self._state not in ("drafting", "ready"):
            return ""
        if self._frame.isActive():
            self._show_streamed()
        return self._text.toPlainText().translate({ord(JOINER): None, ord(CARET): None})

    def _begin(
        self,
        state: State,
        evidence: tuple[Evidence, ...] = (),
        draft: Draft | None = None,
        *,
        streamed: str = "",
        withdrawn: str = "",
    ) -> None:
        self._state, self._evidence, self._draft = state, evidence, draft
        self._streamed, self._withdrawn = streamed, withdrawn
        self._stale = False
        self._callout.hide()
        self._dress()

    def _show_streamed(self) -> None:
        self._frame.stop()
        if self._state == "drafting":
            self._show_text(self._streamed, Marks())

    def _show_text(self, text: str, marks: Marks) -> None:
        cited = {one.n for one in self._evidence}
        streaming = self._state == "drafting"
        self._text.set_runs(runs(self._text, self._look, text, cited, marks, streaming))

    def _on_notice(self, name: str) -> None:
        {
            "retry": self.retry_requested,
            "write": self.write_requested,
            "hand_over": self.hand_over_requested,
        }[name].emit()

    def _on_target(self, target: str) -> None:
        kind, _, at = target.partition(":")
        if kind == "cite":
            self.citation_clicked.emit(int(at))
        elif self._draft and kind == "number":
            number = self._draft.numbers[int(at)]
            passage = next((one for one in self._evidence if one.n == number.n), None)
            self._callout.show_number(number, passage if number.source == "evidence" else None)
            self.number_clicked.emit(number)
        elif self._draft and kind == "hit":
            self.hit_clicked.emit(own_hits(self._draft)[int(at)])

    def _dress(self) -> None:
        self._frame.stop()
        state = self._state
        ready, drafting = state == "ready", state == "drafting"
        self._show_chip()
        self._stale_bar.setVisible(self._stale)
        self._chips.setVisible(ready)
        if ready and self._draft:
            self._show_facts(self._draft)
        self._show_notice()
        self._progress.setVisible(drafting and not self._streamed)
        if drafting:
            self._show_progress()
        text = self._draft.text if ready and self._draft else self._streamed if drafting else ""
        self._text.setVisible(bool(text))
        self._text.setAccessibleName(self._look.text("draft.text"))
        self._skeleton.setVisible(drafting and not self._streamed)
        marks = Marks.of(self._draft) if ready and self._draft else Marks()
        self._show_text(text, marks)
        unsupported, hits = len(marks.unsupported), len(marks.hits)
        self._rule.setVisible(bool(unsupported or hits))
        self._unsupported.setVisible(bool(unsupported))
        self._unsupported.label.set_key("draft.legend.unsupported", n=unsupported)
        self._hits.setVisible(bool(hits))
        comma = "、" if self._look.language == "zh" else ", "
        names = comma.join(dict.fromkeys(hit.name or hit.rule for hit in marks.hits))
        self._hits.label.set_key("draft.legend.hits", n=hits, names=names)

    def _show_chip(self) -> None:
        looks: dict[State, tuple[str, Tone, str]] = {
            "queued": ("queued", "neutral", "hourglass"),
            "drafting": ("drafting" if self._evidence else "searching", "accent", "pencil-line"),
            "ready": ("ready", "accent", "check-circle"),
            "rejected": ("rejected", "neutral", "x-circle"),
            "gap": ("gap", "amber", "question"),
            "failed": ("failed", "red", "x-circle"),
            "handover": ("handover", "red", "flag-banner"),
        }
        self._chip.setVisible(self._state != "none")
        if self._stale:
            self._chip.set_key("draft.state.stale", "amber", "warning")
        elif self._state in looks:
            word, tone, icon = looks[self._state]
            self._chip.set_key(f"draft.state.{word}", tone, icon)

    def _show_facts(self, draft: Draft) -> None:
        self._style_chip.setVisible(bool(self._style or draft.style))
        self._style_chip.set_text(self._style or draft.style, icon="chat-teardrop-text")
        self._mode_chip.set_key(f"draft.mode.{draft.mode}", icon="quotes")
        self._mode_chip.setVisible(draft.mode != "auto")
        if draft.mode == "verbatim":
            self._mode_chip.setToolTip(self._look.text("draft.mode.verbatim.tip"))
        self._evidence_chip.set_key("draft.evidence", icon="book-open", n=len(draft.evidence))
        self._seconds_chip.setVisible(self._seconds is not None)
        if self._seconds is not None:
            self._seconds_chip.set_key("draft.seconds", icon="timer", n=f"{self._seconds:.1f}")

    def _show_notice(self) -> None:
        notice, state = self._notice, self._state
        notice.setVisible(state not in ("drafting", "ready"))
        if state == "none":
            notice.set_state("chat-teardrop-text", "text_faint", "draft.none", "draft.none.body")
        elif state == "queued":
            notice.set_state("hourglass", "text_faint", "draft.queued", "draft.queued.body")
            if self._position:
                notice.set_extra_key("draft.queued.position", n=self._position)
        elif state == "rejected":
            notice.set_state("x-circle", "text_faint", "draft.rejected", "draft.rejected.body")
            notice.set_buttons(
                ("write", "draft.gap.write", "pencil-simple", ""),
                ("retry", "draft.retry", "arrows-clockwise", "redraft"),
            )
        elif state == "gap":
            notice.set_state("question", "amber_text", "draft.gap", "draft.gap.body")
            notice.set_extra(self._message)
            notice.set_buttons(
                ("write", "draft.gap.write", "pencil-simple", ""),
                ("hand_over", "action.hand_over", "flag-banner", ""),
            )
        elif state == "failed":
            notice.set_state("x-circle", "red_text", "draft.failed", "draft.failed.kept")
            notice.set_extra(self._message)
            notice.set_buttons(
                ("retry", "draft.retry", "arrows-clockwise", "redraft"),
                ("write", "draft.gap.write", "pencil-simple", ""),
            )
        elif state == "handover":
            notice.set_state("flag-banner", "red_text", "case", "case.off")
            notice.set_extra(self._message)

    def _show_progress(self) -> None:
        if self._withdrawn:
            self._progress.set_key("draft.withdrawn", reason=self._withdrawn.strip())
        elif self._evidence:
            self._progress.set_key("draft.found", n=len(self._evidence))
        else:
            self._progress.set_key("draft.searching")


class Legend(Dressed, QWidget):
    """An icon and a sentence that explain a mark in the text."""

    def __init__(self, look: Look, icon: str, tone: str) -> None:
        super().__init__()
        self._look = look
        self.label = Label(look, tone=tone, wrap=True)
        layout = row(self, theme.S2)
        layout.addWidget(IconLabel(look, icon, f"{tone}_text"))
        layout.addWidget(self.label, 1)
