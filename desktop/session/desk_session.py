"""The conversation that is being answered: where its draft stands, and what the agent decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.bridge import EngineBridge, EngineState
from desktop.session.answers import Answers
from desktop.session.composing import Composing
from desktop.session.drafting import Drafting, Progress
from desktop.session.keeping import Keeping
from desktop.session.outgoing import Outgoing
from desktop.session.snapshot import Snapshot, read_snapshot
from desktop.session.transcript import TranscriptModel, by_this_clock
from engine import deciding
from engine.deciding import Choice, DecisionRefused, SendRefused
from engine.errors import InputError, ZuoxiError
from engine.records import RejectReason
from engine.redline.gate import Gate
from engine.settings import Settings
from engine.store.rows import StoredDecision, StoredDraft
from engine.store.store import Store

Phase = Literal[
    "none",
    "queued",
    "unavailable",
    "streaming",
    "ready",
    "abstained",
    "failed",
    "rejected",
    "handed_over",
    "sending",
    "answered",
]


class DeskSession(QObject):
    """Follows one conversation. Everything it tells comes on the UI thread, from the store.

    `opened` and `updated` bring a `Snapshot`; `phase_changed` says what the draft column shows.
    """

    opened = Signal(object)
    updated = Signal(object)
    phase_changed = Signal(str)
    draft_started = Signal(object)
    evidence_arrived = Signal(object)
    text_released = Signal(str)
    text_withdrawn = Signal(str)
    decided = Signal(object)
    undone = Signal(object, bool)
    refused = Signal(object)
    trouble = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        gate: Gate,
        bridge: EngineBridge,
        drafting: Drafting,
        outgoing: Outgoing,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._gate = gate
        self._bridge = bridge
        self._drafting = drafting
        self._outgoing = outgoing
        self._settings = settings
        self.transcript = TranscriptModel(self)
        self.transcript.wanted.connect(self.refresh)
        self.composing = Composing(background, store, gate, self)
        self.composing.set_language(settings.language)
        self.composing.trouble.connect(self.trouble)
        self.answers = Answers(background, store, lambda: self._conversation, self)
        self._notes = Keeping(background, store.handovers.keep_note, self)
        self._notes.set_language(settings.language)
        self._notes.trouble.connect(self.trouble)
        self._conversation = ""
        self._snapshot: Snapshot | None = None
        self._phase: Phase = "none"
        self._deciding = self._loading = self._load_again = False
        self._shown = ("", 0.0)
        drafting.started.connect(self._on_started)
        drafting.evidence.connect(self._on_evidence)
        drafting.released.connect(self._on_released)
        drafting.withdrawn.connect(self._on_withdrawn)
        drafting.saved.connect(self._on_saved)
        drafting.changed.connect(self._on_drafting_changed)
        drafting.failed.connect(self._on_drafting_changed)
        bridge.state_changed.connect(self._on_engine)
        outgoing.undone.connect(self._on_undone)

    @property
    def conversation(self) -> str:
        """The open conversation, "" for none."""
        return self._conversation

    @property
    def snapshot(self) -> Snapshot | None:
        """The open conversation as last read."""
        return self._snapshot

    @property
    def phase(self) -> Phase:
        """Where its draft stands."""
        return self._phase

    @property
    def draft(self) -> StoredDraft | None:
        """The draft that can be decided on now."""
        snapshot = self._snapshot
        return snapshot.draft if snapshot is not None and self._phase == "ready" else None

    @property
    def streaming(self) -> Progress | None:
        """The draft that is being written for it."""
        return self._drafting.progress(self._conversation)

    def set_settings(self, settings: Settings) -> None:
        """Language, name and undo time from now on."""
        self._settings = settings
        self.composing.set_language(settings.language)
        self._notes.set_language(settings.language)
        self.composing.screen()
        self.refresh()

    def open(self, conversation: str) -> None:
        """Read a conversation; `opened` follows. What was typed in the former one is kept."""
        if conversation == self._conversation:
            return
        self.composing.begin(conversation)
        self._conversation, self._snapshot = conversation, None
        self._shown = ("", 0.0)
        self._drafting.set_open(conversation)
        self.refresh()

    def refresh(self) -> None:
        """Read the open conversation again."""
        if not self._conversation:
            return
        if self._loading:
            self._load_again = True
            return
        self._loading = True
        conversation, language = self._conversation, self._settings.language
        window = self.transcript.window(conversation)
        self._run(
            lambda: read_snapshot(self._store, self._gate, conversation, language, window)
        ).done(self._loaded).failed(self._not_loaded)

    def accept(self) -> None:
        """Send the draft as it stands."""
        if self.draft is not None:
            self._decide("accept", draft=self.draft.id)

    def send(self, text: str, override: str | None = None) -> None:
        """Send what is typed; `override` is the reason where a rule would keep it back."""
        self._decide("edit", text=text, override=override)

    def reject(self, reason: RejectReason) -> None:
        """Set the draft aside."""
        if self.draft is not None:
            self._decide("reject", draft=self.draft.id, reason=reason)

    def hand_over(self) -> None:
        """Stop drafting and open a case."""
        self._decide("hand_over")

    def redraft(self) -> None:
        """Draft again."""
        if self._conversation:
            self._drafting.redraft(self._conversation)

    def thumbs_down(self) -> None:
        """Mark the draft as bad, beside whatever is decided on it."""
        draft, who = self.draft, self._settings.agent
        if draft is not None:
            self._run(lambda: self._store.feedback.thumbs_down(draft.id, who)).done(
                lambda _: self.refresh()
            ).failed(self.trouble.emit)

    def take_case(self) -> None:
        """Take the open case on oneself."""
        self._on_case(self._store.handovers.take)

    def return_case(self) -> None:
        """Give the case that was taken back: it waits for somebody again."""
        self._on_case(self._store.handovers.give_back)

    def close_case(self, note: str) -> None:
        """End the open case; drafting goes on."""
        self._on_case(lambda one, who: self._store.handovers.close(one, note, who=who), ends=True)

    def _on_case(self, act: Callable[[str, str], bool], *, ends: bool = False) -> None:
        case, who = self._snapshot.case_id if self._snapshot else "", self._settings.agent or "—"

        def done(_: object) -> None:
            if ends:
                self._notes.forget(case)
            self.refresh()
            self._drafting.poke()

        if case:
            self._run(lambda: act(case, who)).done(done).failed(self.trouble.emit)

    def set_note(self, case: str, note: str) -> None:
        """What is noted about a case so far; it is kept like what is typed."""
        self._notes.set_text(case, note)

    def save(self) -> None:
        """Keep all that is typed now."""
        self.composing.save()
        self._notes.save()

    def undo(self, decision: str = "") -> bool:
        """Take a decision, or the newest one, back; False when nothing can be taken back."""
        decision = decision or self._outgoing.newest(self._conversation)
        if decision:
            self._outgoing.undo(decision)
        return bool(decision)

    def missing_scripts(self) -> tuple[str, ...]:
        """The scripts that must be said: the case's, or those that the draft lacks."""
        snapshot = self._snapshot
        if snapshot is None:
            return ()
        if snapshot.case is not None and snapshot.case.script:
            return (snapshot.case.script,)
        return snapshot.screening.scripts if snapshot.screening else ()

    def _decide(
        self,
        action: Choice,
        *,
        text: str | None = None,
        draft: str | None = None,
        reason: RejectReason | None = None,
        override: str | None = None,
    ) -> None:
        if not self._conversation or self._deciding:
            return
        self._deciding = True
        self.composing.save()
        conversation, settings, seconds = self._conversation, self._settings, self._seconds()

        def decide() -> StoredDecision:
            return deciding.decide(
                self._store,
                self._gate,
                conversation,
                action,
                text=text,
                draft_id=draft,
                reason=reason,
                seconds=seconds,
                who=settings.agent,
                undo_seconds=settings.undo_seconds,
                language=settings.language,
                override=override,
                typed=text is not None,
            )

        self._run(decide).done(lambda decision: self._was_decided(decision, text)).failed(
            lambda error: self._was_refused(error, conversation)
        )

    def _was_decided(self, decision: StoredDecision, text: str | None) -> None:
        self._deciding = False
        if text is not None:
            self.composing.sent(decision.conversation, text)
        self._outgoing.add(decision)
        self._drafting.give_up(decision.conversation)
        self.decided.emit(decision)
        self.refresh()

    def _was_refused(self, error: ZuoxiError, conversation: str) -> None:
        self._deciding = False
        if isinstance(error, SendRefused) and conversation == self._conversation:
            self.refused.emit(error)
        else:
            self.trouble.emit(error)
        if isinstance(error, (DecisionRefused, InputError)):
            self.refresh()

    def _loaded(self, snapshot: Snapshot) -> None:
        self._loading = False
        if self._load_again or snapshot.row.id != self._conversation:
            self._load_again = False
            self.refresh()
            if snapshot.row.id != self._conversation:
                return
        first = self._snapshot is None
        self._snapshot = snapshot = replace(
            snapshot, bubbles=by_this_clock(snapshot.bubbles, self._outgoing.until)
        )
        self.transcript.show(snapshot.row.id, snapshot.bubbles, whole=snapshot.whole)
        if first:
            self.composing.restore(snapshot.composer)
            self._phase = self._find_phase()
            self._note_shown()
            self.opened.emit(snapshot)
            self.phase_changed.emit(self._phase)
        else:
            self.updated.emit(snapshot)
            self._settle(force=True)

    def _not_loaded(self, error: ZuoxiError) -> None:
        self._loading = self._load_again = False
        self.trouble.emit(error)

    def _settle(self, *, force: bool = False) -> None:
        phase = self._find_phase()
        if phase != self._phase or force:
            self._phase = phase
            self._note_shown()
            self.phase_changed.emit(phase)

    def _find_phase(self) -> Phase:
        snapshot = self._snapshot
        if snapshot is None:
            return "none"
        row, draft = snapshot.row, snapshot.draft
        if row.handed_over:
            return "handed_over"
        if row.pending:
            return "sending"
        if row.waiting_since is None:
            return "answered"
        if self.streaming is not None:
            return "streaming"
        if draft is not None and draft.draft.status != "handover":
            states: dict[str, Phase] = {"drafted": "ready", "abstained": "abstained"}
            return states.get(draft.draft.status, "failed")
        if draft is not None:
            return "none"
        failure = self._drafting.failure(row.id)
        if failure is not None and failure.message == row.newest_message:
            return "failed"
        if row.rejected:
            return "rejected"
        state = self._bridge.state
        idle = state.phase in ("ready", "failed") and not state.drafts
        return "unavailable" if idle else "queued"

    def _note_shown(self) -> None:
        """Start the clock of a decision when the draft (or the conversation) is first seen."""
        draft = self.draft.id if self.draft else self._conversation
        if draft != self._shown[0]:
            self._shown = (draft, time.monotonic())

    def _seconds(self) -> float:
        return round(time.monotonic() - self._shown[1], 3) if self._shown[0] else 0.0

    def _on_started(self, progress: Progress) -> None:
        if progress.conversation == self._conversation and self._snapshot is not None:
            self._settle()
            self.draft_started.emit(progress)

    def _on_evidence(self, progress: Progress) -> None:
        if progress.conversation == self._conversation:
            self.evidence_arrived.emit(progress.evidence or ())

    def _on_released(self, conversation: str, text: str) -> None:
        if conversation == self._conversation:
            self.text_released.emit(text)

    def _on_withdrawn(self, conversation: str, reason: str) -> None:
        if conversation == self._conversation:
            self.text_withdrawn.emit(reason)

    def _on_saved(self, saved: StoredDraft) -> None:
        if saved.conversation == self._conversation:
            self.refresh()

    def _on_drafting_changed(self, conversation: str) -> None:
        if conversation == self._conversation and self.streaming is None:
            self.refresh()

    def _on_engine(self, _state: EngineState) -> None:
        self._settle()

    def _on_undone(self, decision: StoredDecision, worked: bool) -> None:
        self.undone.emit(decision, worked)
        if worked and decision.action in ("edited", "rewritten"):
            self.composing.give_back(decision)
        self.refresh()
        self._drafting.poke()
