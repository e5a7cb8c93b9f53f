"""The conversation and its draft: the two columns in which an agent answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, get_args

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.bridge import EngineBridge, EngineState
from desktop.pages.availability import (
    gate_view,
    rules_in_words,
    stopping_reason,
    waiting_reason,
)
from desktop.pages.draft_column import DraftColumn
from desktop.session.clearing import Clearance
from desktop.session.desk_session import DeskSession
from desktop.session.drafting import Drafting, Progress
from desktop.session.snapshot import Snapshot
from desktop.theme import Look
from desktop.widgets.boxes import column
from desktop.widgets.composer import Composer
from desktop.widgets.conversation_view import ConversationView
from desktop.widgets.gate_panel import GateView
from desktop.widgets.undo_toast import UndoToast
from desktop.widgets.values import Bubble, ConversationHead
from engine.deciding import SendRefused, sendable
from engine.errors import ZuoxiError
from engine.records import RejectReason, Screening
from engine.settings import Settings
from engine.store.rows import StoredDecision
from engine.texts import explain, text

if TYPE_CHECKING:
    from desktop.widgets.appeals_dialog import AppealsDialog

_REASONS: Final[tuple[RejectReason, ...]] = get_args(RejectReason)
_TICK_MS: Final = 1000


class Answering(QObject):
    """Binds `middle` (conversation and reply box) and `draft` to the session.

    `trouble` brings an error for the banner. The page dresses the widgets and passes on settings.
    """

    trouble = Signal(object)

    def __init__(
        self,
        look: Look,
        session: DeskSession,
        drafting: Drafting,
        bridge: EngineBridge,
        settings: Settings,
        clock: Callable[[], float],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._look = look
        self._session = session
        self._drafting = drafting
        self._bridge = bridge
        self._settings = settings
        self._clock = clock
        self._missing: tuple[str, ...] = ()
        self._clearance = Clearance()
        self._informed = ""
        self.view = ConversationView(look, clock)
        self.composer = Composer(look)
        self.composer.set_enter_sends(settings.enter_sends)
        self.draft = DraftColumn(look)
        self.toast = UndoToast(look, self.view)
        self._writing = QWidget()
        writing = column(self._writing, 0)
        writing.setContentsMargins(theme.S5, 0, theme.S5, theme.S4)
        writing.addWidget(self.composer)
        self.middle = QWidget()
        inside = column(self.middle, 0)
        inside.addWidget(self.view, 1)
        inside.addWidget(self._writing)
        self._writing.hide()
        self._ticker = QTimer(self)
        self._ticker.setInterval(_TICK_MS)
        self._ticker.timeout.connect(self._tick)
        self._ticker.start()
        self._bind()
        if session.snapshot is not None:
            # It was opened before these columns were made.
            self._on_bubbles(session.transcript.bubbles)
            self._on_opened(session.snapshot)
        self.show_phase()
        session.answers.start(settings.agent)
        session.composing.set_agent(settings.agent)

    def _bind(self) -> None:
        session, bar = self._session, self.draft.bar
        self.composer.text_changed.connect(self._on_typed)
        self.composer.send_requested.connect(self._on_send)
        self.composer.script_requested.connect(self.insert_script)
        self.composer.gate.reasoned.connect(self._on_reasoned)
        self.composer.gate.objected.connect(self._on_objected)
        self.composer.gate.appeals.connect(self.show_appeals)
        self.composer.gate.restore.connect(self._restore_asked)
        self.view.undo_requested.connect(session.undo)
        self.toast.undo_requested.connect(session.undo)
        bar.accept_requested.connect(session.accept)
        bar.edit_requested.connect(self.edit)
        bar.reject_requested.connect(self._on_reject)
        bar.redraft_requested.connect(session.redraft)
        bar.thumbs_down_requested.connect(session.thumbs_down)
        bar.hand_over_requested.connect(session.hand_over)
        self.draft.write_requested.connect(self.composer.focus_end)
        self.draft.script_requested.connect(self.insert_script)
        self.draft.case.take_requested.connect(session.take_case)
        self.draft.case.return_requested.connect(session.return_case)
        self.draft.note_changed.connect(session.set_note)
        self.draft.case.close_requested.connect(session.close_case)
        session.opened.connect(self._on_opened)
        session.updated.connect(self._on_updated)
        session.phase_changed.connect(lambda _: self.show_phase())
        session.draft_started.connect(self._on_started)
        session.evidence_arrived.connect(self.draft.show_evidence)
        session.text_released.connect(self.draft.card.append_text)
        session.text_withdrawn.connect(self.draft.card.withdraw)
        session.decided.connect(self._on_decided)
        session.undone.connect(self._on_undone)
        session.refused.connect(self._on_refused)
        session.trouble.connect(self.trouble)
        session.composing.screened.connect(self._on_screened)
        session.composing.cleared.connect(self._on_cleared)
        session.composing.asked.connect(session.answers.watch)
        session.composing.not_asked.connect(self._on_not_asked)
        session.composing.objecting.failed.connect(self._on_not_asked)
        session.composing.objecting.said.connect(session.answers.said)
        session.composing.replaced.connect(self._on_replaced)
        session.transcript.reset.connect(self._on_bubbles)
        session.transcript.prepended.connect(self.view.prepend_bubbles)
        self.view.earlier_wanted.connect(session.transcript.read_earlier)
        session.transcript.appended.connect(self._on_bubble)
        session.transcript.updated.connect(self.view.update_bubble)
        self._bridge.state_changed.connect(self._on_engine)

    def set_settings(self, settings: Settings) -> None:
        """What of the settings concerns these columns."""
        self._settings = settings
        self.composer.set_enter_sends(settings.enter_sends)
        self._session.composing.set_agent(settings.agent)
        self._show_gate()

    def set_look(self, look: Look) -> None:
        """Speak as `look` says; the widgets have been dressed already."""
        self._look = look
        self.show_phase()

    def accept(self) -> None:
        """Ctrl+Enter: send what is typed, if anything is, else the draft as it stands."""
        if self.composer.text().strip():
            self.composer.editor().send.emit()
        else:
            self._session.accept()

    def edit(self) -> None:
        """Put the draft into the reply box, after what is typed there."""
        draft = self._session.draft
        if draft is None:
            return
        typed, proposed = self.composer.text().rstrip(), sendable(draft.draft.text)
        if proposed not in typed:
            self._session.composing.replace(f"{typed}\n{proposed}" if typed else proposed)
        self.composer.focus_end()

    def undo_send(self) -> None:
        """Take the newest reply back."""
        if self._session.undo(self.toast.decision_id()):
            self.toast.dismiss()

    def insert_script(self) -> None:
        """Put the script that must be said into the reply box."""
        scripts = self._missing or self._session.missing_scripts()
        for script in scripts:
            if script not in self.composer.text():
                first = self._session.composing.comes_first(script)
                self.composer.insert_script(script, first=first)
                # Not to wait for the screening: `decide` has the last word anyway.
                self._missing = tuple(one for one in self._missing if one != script)
                self.composer.set_scripts(self._missing)
                if not self._missing:
                    self.composer.set_blocked("")
                break
        self.composer.focus_end()

    def _on_reject(self, reason: str) -> None:
        self._session.reject(next(one for one in _REASONS if one == reason))

    def _on_typed(self, typed: str) -> None:
        self._informed = ""
        self._session.composing.set_text(typed)
        self.draft.set_typed(bool(typed.strip()))
        self._note_script(typed)

    def _note_script(self, typed: str) -> None:
        script = self.draft.case.case().script
        self.draft.set_script_inserted(bool(script) and script in typed)

    def _on_replaced(self, words: str) -> None:
        self.composer.set_text(words)
        self.draft.set_typed(bool(words.strip()))
        self._note_script(words)

    def _on_screened(self, screening: Screening) -> None:
        self._missing = screening.scripts
        self.composer.set_hits(screening.hits)
        self.composer.set_scripts(screening.scripts)
        self.composer.set_blocked(stopping_reason(screening, self._look.language))

    def _on_cleared(self, clearance: Clearance) -> None:
        """What the rules and a lead say of the text as it is now."""
        self._clearance = clearance
        self._show_gate()

    def _show_gate(self) -> None:
        found, language = self._clearance, self._look.language
        why = "" if found.approved else stopping_reason(found.screening, language)
        asked = waiting_reason(found, language)
        self.composer.set_blocked(asked or why, asked or rules_in_words(found, language))
        view = gate_view(found, language, self._settings.agent)
        if not view.state and self._informed == self._session.conversation and not found.text:
            view = GateView("informed")
        self.composer.gate.set_view(view)

    def _on_reasoned(self, reason: str) -> None:
        """Send with the reason, or ask a lead, for the text that the panel speaks of."""
        typed = self.composer.text()
        if typed != self._clearance.text:
            self.composer.gate.set_problem(text("desk.gate.changed", self._look.language))
            self._session.composing.screen()
        elif self._clearance.override == "approved":
            self._session.composing.ask_lead(reason, self._settings.agent)
        else:
            self._session.send(typed, override=reason)

    def _on_objected(self, words: str) -> None:
        """Tell a lead that the rule is wrong here; the text stays where it is."""
        hit = self._clearance.gravest
        if hit is None or self.composer.text() != self._clearance.text:
            self.composer.gate.set_problem(text("desk.gate.changed", self._look.language))
            self._session.composing.screen()
        else:
            self._session.composing.object_to(hit, words)

    def show_appeals(self) -> AppealsDialog:
        """Show what this agent said against rules, and what came of it."""
        from desktop.widgets.appeals_dialog import AppealsDialog

        objecting = self._session.composing.objecting
        dialog = AppealsDialog(self._look, self._clock, self.view.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        objecting.listed.connect(dialog.show_appeals)
        dialog.open()
        objecting.read(self._settings.agent.strip())
        return dialog

    def _on_send(self, typed: str) -> None:
        """Send what is typed; where a lead approved it, the very text that was approved."""
        found = self._clearance
        if found.approved and found.approval is not None and typed == found.text:
            typed = found.approval.text
            if typed != found.text:
                self._session.composing.replace(typed)
        self._session.send(typed)

    def _on_not_asked(self, error: ZuoxiError) -> None:
        self.composer.gate.set_problem(explain(error, self._look.language))

    def _restore_asked(self) -> None:
        """Put the text that a lead was asked for back in place of what is typed."""
        other = self._clearance.other
        if other is not None:
            self._session.composing.replace(other.text)
            self.composer.focus_end()

    def _on_opened(self, snapshot: Snapshot) -> None:
        self._writing.show()
        self._clearance, self._informed = Clearance(), ""
        self.composer.gate.begin(snapshot.row.id)
        self.composer.set_text(self._session.composing.text)
        self.draft.set_typed(bool(self.composer.text().strip()))
        self.composer.set_scripts(())
        self.composer.set_blocked("")
        self._show_head(snapshot)
        self.draft.case.set_case(snapshot.case or self.draft.case.case())
        self._note_script(self.composer.text())

    def _on_updated(self, snapshot: Snapshot) -> None:
        self._show_head(snapshot)
        # Somebody may have answered what was asked.
        self._session.composing.screen()
        self._session.answers.look()
        self._session.composing.objecting.look(self._settings.agent.strip())

    def _show_head(self, snapshot: Snapshot) -> None:
        row = snapshot.row
        gone = "" if row.forgotten_at is None else self._look.text("review.forgotten")
        self.view.set_head(
            ConversationHead(
                row.customer, row.label, row.channel, gone or row.subject, self._waiting()
            )
        )

    def _on_bubbles(self, bubbles: tuple[Bubble, ...]) -> None:
        self.view.set_bubbles(bubbles)

    def _on_bubble(self, bubble: Bubble) -> None:
        self.view.append_bubble(bubble)

    def _waiting(self) -> float | None:
        snapshot = self._session.snapshot
        if snapshot is None or snapshot.row.waiting_since is None:
            return None
        return max(0.0, self._clock() - snapshot.row.waiting_since)

    def _tick(self) -> None:
        if self._session.snapshot is not None:
            self.view.set_waiting(self._waiting())

    def _on_started(self, progress: Progress) -> None:
        self.draft.show_streaming(progress)

    def show_phase(self) -> None:
        """Show where the open conversation's draft stands."""
        session = self._session
        self.draft.show_phase(
            session.phase, session.snapshot, self._bridge.state, self._no_draft_words()
        )
        if session.phase == "streaming" and session.streaming is not None:
            self.draft.show_streaming(session.streaming)

    def _no_draft_words(self) -> str:
        """Why there is no draft: what failed, or what the engine lacks."""
        failure = self._drafting.failure(self._session.conversation)
        if failure is not None:
            return failure.words
        state, language = self._bridge.state, self._look.language
        if state.failed is not None:
            return state.failed.message
        if state.ready is None:
            return text("desk.engine.off", language)
        if state.ready.model_error:
            return state.ready.model_error
        return state.ready.knowledge_error or text("desk.knowledge.empty", language)

    def _on_engine(self, _state: EngineState) -> None:
        self.show_phase()

    def _on_decided(self, decision: StoredDecision) -> None:
        told = decision.override is not None and not decision.approved_by
        self._informed = decision.conversation if told else ""
        self._show_gate()
        if decision.outgoing is not None and self._settings.undo_seconds > 0:
            snapshot = self._session.snapshot
            here = snapshot is not None and snapshot.row.id == decision.conversation
            name = snapshot.row.customer if snapshot is not None and here else ""
            self.toast.show_for(decision.id, self._settings.undo_seconds, name)

    def _on_undone(self, decision: StoredDecision, worked: bool) -> None:
        self._informed = ""
        if self.toast.decision_id() == decision.id:
            self.toast.dismiss()
        if not worked:
            self.trouble.emit(ZuoxiError("It was sent already.", "undo_too_late"))

    def _on_refused(self, refused: SendRefused) -> None:
        """The gate said no at the very moment of sending: show where, keep the words."""
        if not self.composer.text().strip():
            self._session.composing.replace(refused.text)
        if self.composer.text() == refused.text:
            self.composer.set_hits(refused.hits)
        self._missing = refused.scripts
        self.composer.set_scripts(refused.scripts)
        self.composer.focus_end()
        self._session.composing.screen()
        self.trouble.emit(refused)
