"""The right column: the draft with its evidence, or the case, and what can be decided."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from desktop import theme
from desktop.bridge import EngineState
from desktop.pages.availability import availability
from desktop.session.desk_session import Phase
from desktop.session.drafting import Progress
from desktop.session.snapshot import Snapshot
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, restyle
from desktop.widgets.boxes import column, scroll_down_only
from desktop.widgets.case_card import CaseCard
from desktop.widgets.decision_bar import DecisionBar
from desktop.widgets.draft_card import DraftCard
from desktop.widgets.evidence_list import EvidenceList
from desktop.widgets.grounding_line import GroundingLine
from engine.records import Draft, Evidence, NumberSource


class DraftColumn(Dressed, QWidget):
    """Shows one phase at a time; the signals say what the agent wants."""

    write_requested = Signal()
    script_requested = Signal()
    note_changed = Signal(str, str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._styles: Mapping[str, str] = {}
        self._notes: dict[str, str] = {}
        self._case_id = ""
        self._draft: Draft | None = None
        self._typed = False
        self._stand: tuple[Phase, Snapshot | None, EngineState] = ("none", None, EngineState())
        self.card = DraftCard(look)
        self.evidence = EvidenceList(look)
        self.grounding = GroundingLine(look)
        self.case = CaseCard(look)
        self.bar = DecisionBar(look)
        inside = QWidget()
        restyle(inside, kind="transparent")
        cards = column(inside, theme.S3, theme.S4)
        for widget in (self.card, self.case, self.evidence, self.grounding):
            cards.addWidget(widget)
        cards.addStretch(1)
        self._scroll = QScrollArea()
        scroll_down_only(self._scroll)
        self._scroll.setWidget(inside)
        layout = column(self, 0)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self.bar)
        self.setMinimumWidth(theme.DRAFT_MIN)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.card.citation_clicked.connect(self.evidence.open_at)
        self.card.number_clicked.connect(self._on_number)
        self.card.write_requested.connect(self.write_requested)
        self.card.hand_over_requested.connect(self.bar.hand_over_requested)
        self.card.retry_requested.connect(self.bar.redraft_requested)
        self.evidence.room_needed.connect(self._make_room)
        self.case.script_requested.connect(self.script_requested)
        self.case.note_changed.connect(self._on_note)
        self._show_parts(case=False)
        self._set_draft(None)
        self.card.show_none()
        self._dress()

    def room(self) -> QWidget:
        """Where something may float for some seconds: above what can be decided."""
        return self._scroll

    def set_styles(self, names: Mapping[str, str]) -> None:
        """What the styles are called, by id."""
        self._styles = names
        draft = self.card.draft()
        if draft is not None and self.card.state() == "ready":
            self._show_draft(draft)

    def show_phase(
        self, phase: Phase, snapshot: Snapshot | None, engine: EngineState, words: str = ""
    ) -> None:
        """Show where the draft stands; `words` say why there is none."""
        self._show_parts(case=phase == "handed_over")
        draft = snapshot.draft.draft if snapshot and snapshot.draft else None
        if phase == "handed_over":
            self._show_case(snapshot)
            draft = None
        elif phase in ("ready", "abstained") and draft is not None:
            # Read again from the store it is an equal value: what is open in the card stays open.
            if self.card.draft() != draft or self.card.state() not in ("ready", "gap"):
                self._show_draft(draft)
        elif phase == "failed":
            self.card.show_failed(draft.reason if draft is not None else words)
            draft = None
        elif phase == "unavailable":
            self.card.show_failed(words)
        elif phase == "queued":
            self.card.show_queued()
        elif phase == "rejected":
            self.card.show_rejected()
            draft = None
        elif phase != "streaming":
            self.card.show_none()
            draft = None
        if phase != "streaming":
            self._set_draft(draft)
        self._stand = (phase, snapshot, engine)
        self._show_bar()
        self.bar.set_verdict(bool(snapshot and snapshot.thumbed and phase == "ready"))

    def set_typed(self, typed: bool) -> None:
        """Whether the reply box holds words, which are then what is sent."""
        if typed != self._typed:
            self._typed = typed
            self._show_bar()

    def show_streaming(self, progress: Progress) -> None:
        """A draft is being written; so far it holds this."""
        found = progress.evidence or ()
        self.card.show_drafting(found, progress.text, progress.withdrawn)
        self._draft = None
        self.grounding.set_draft(None)
        self.grounding.hide()
        self.show_evidence(found)

    def show_evidence(self, evidence: tuple[Evidence, ...]) -> None:
        """The passages that were found while drafting."""
        self.evidence.set_evidence(evidence)
        self.evidence.setVisible(bool(evidence))
        if evidence:
            self.card.set_evidence(evidence)

    def set_script_inserted(self, inserted: bool) -> None:
        """Whether the case's script stands in what is typed."""
        case = self.case.case()
        if case.script_inserted != inserted:
            self.case.set_case(replace(case, script_inserted=inserted))

    def _dress(self) -> None:
        self._scroll.setAccessibleName(self._look.text("draft"))

    def _show_bar(self) -> None:
        language = self._look.language
        self.bar.set_availability(availability(*self._stand, language, typed=self._typed))

    def _show_draft(self, draft: Draft) -> None:
        seconds = draft.ms.total / 1000 if draft.ms.total else None
        self.card.show_draft(draft, self._styles.get(draft.style, ""), seconds)

    def _show_case(self, snapshot: Snapshot | None) -> None:
        if snapshot is None or snapshot.case is None:
            return
        self._case_id = snapshot.case_id
        shown = self.case.case()
        note = self._notes.get(snapshot.case_id, snapshot.case.note)
        self.case.set_case(replace(snapshot.case, note=note, script_inserted=shown.script_inserted))

    def _show_parts(self, *, case: bool) -> None:
        self.case.setVisible(case)
        self.card.setVisible(not case)

    def _set_draft(self, draft: Draft | None) -> None:
        """Evidence and checks below the card; nothing where there is no draft."""
        if draft == self._draft and draft is not None:
            return
        self._draft = draft
        ready = draft is not None and draft.status == "drafted"
        evidence = draft.evidence if draft is not None else ()
        self.evidence.set_evidence(evidence)
        self.evidence.setVisible(bool(evidence))
        if draft is not None:
            cited = {one.n for one in evidence if f"[{one.n}]" in draft.text}
            self.evidence.set_cited(cited)
        self.grounding.set_draft(draft if ready else None)
        self.grounding.setVisible(ready)

    def _on_number(self, number: NumberSource) -> None:
        if number.source == "evidence":
            self.evidence.open_number(number)

    def _on_note(self, note: str) -> None:
        self._notes[self._case_id] = note
        self.note_changed.emit(self._case_id, note)

    def _make_room(self, item: object) -> None:
        if isinstance(item, QWidget):
            self._scroll.ensureWidgetVisible(item)
