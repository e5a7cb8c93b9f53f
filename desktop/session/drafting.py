"""Drafts before they are asked for: one at a time, the open conversation first, then by urgency.

A draft is stored before anyone is told that it is ready. What answers another request than the
one under way is dropped.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.bridge import EngineBridge, EngineState
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EvidenceFound,
    KnowledgeReloaded,
    RequestFailed,
    TextReleased,
    TextWithdrawn,
)
from engine.records import Evidence, Language, Turn
from engine.store.rows import ConversationRow, StoredDraft
from engine.store.store import Store
from engine.texts import explain, text

_PAGE: Final = 200


class Candidate(Struct, frozen=True):
    """A conversation that a draft is due for, and what was said in it."""

    conversation: str
    message: str
    turns: tuple[Turn, ...]
    forced: bool = False


class Progress(Struct, frozen=True):
    """A draft as far as it is written; `text` only holds what the screen has passed."""

    conversation: str
    message: str
    request: str
    evidence: tuple[Evidence, ...] | None = None
    text: str = ""
    withdrawn: str | None = None
    forced: bool = False


class Failure(Struct, frozen=True):
    """Why there is no draft for a customer message, in words."""

    message: str
    words: str


class Drafting(QObject):
    """The scheduler. `poke` it whenever something may have become due."""

    changed = Signal(str)
    started = Signal(object)
    evidence = Signal(object)
    released = Signal(str, str)
    withdrawn = Signal(str, str)
    saved = Signal(object)
    failed = Signal(str)
    failures_changed = Signal()

    def __init__(
        self,
        background: Background,
        store: Store,
        bridge: EngineBridge,
        *,
        language: Language = "zh",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._bridge = bridge
        self._as_of: str | None = None
        self._language: Language = language
        self._open = ""
        self._current: Progress | None = None
        self._picking = self._pick_again = False
        self._again: dict[str, None] = {}
        self._failures: dict[str, Failure] = {}
        self._stopped = False
        bridge.state_changed.connect(self._on_state)
        bridge.ready.connect(self._on_ready)
        bridge.knowledge_reloaded.connect(self._on_reloaded)
        bridge.draft_started.connect(self._on_started)
        bridge.evidence_found.connect(self._on_evidence)
        bridge.text_released.connect(self._on_text)
        bridge.text_withdrawn.connect(self._on_withdrawn)
        bridge.draft_finished.connect(self._on_finished)
        bridge.request_failed.connect(self._on_request_failed)

    @property
    def current(self) -> Progress | None:
        """The draft that is being written."""
        return self._current

    @property
    def failures(self) -> frozenset[str]:
        """Conversations for which drafting failed and left nothing in the store."""
        return frozenset(self._failures)

    def failure(self, conversation: str) -> Failure | None:
        """Why there is no draft for a conversation's newest message."""
        return self._failures.get(conversation)

    def set_language(self, language: Language) -> None:
        """Say reasons in another language from now on."""
        self._language = language

    def set_as_of(self, as_of: str | None) -> None:
        """The day that the knowledge is asked for; None is today."""
        self._as_of = as_of

    def store_changed(self) -> None:
        """Another process wrote: the draft under way may be for a message that is answered."""
        current = self._current
        if current is None:
            self.poke()
            return
        conversation, message = current.conversation, current.message

        def still_due() -> bool:
            row = self._store.conversations.get(conversation)
            return row.newest_message == message and row.waiting_since is not None

        def settle(due: bool) -> None:
            if not due:
                self.message_arrived(conversation)

        self._run(still_due).done(settle)

    def set_open(self, conversation: str) -> None:
        """The agent reads this conversation ("" for none): it goes before all others."""
        self._open = conversation
        self.poke()

    def redraft(self, conversation: str) -> None:
        """Draft again, even if there is a draft, or drafting failed."""
        self._forget_failure(conversation)
        self._again[conversation] = None
        self._drop_if(conversation)
        self.poke()

    def message_arrived(self, conversation: str) -> None:
        """A customer wrote again: a draft under way for the message before is stale."""
        self._forget_failure(conversation)
        self._drop_if(conversation)
        self.poke()

    def give_up(self, conversation: str) -> None:
        """No draft is wanted any more: the agent decided, or the case is handed over."""
        self._again.pop(conversation, None)
        self._drop_if(conversation)
        self.poke()

    def poke(self) -> None:
        """Look for what is due, if the engine can draft."""
        if self._stopped or not self._bridge.state.drafts:
            return
        current = self._current
        if current is not None and current.conversation in ("", self._open):
            return
        if current is not None and not self._open:
            return
        if self._picking:
            self._pick_again = True
            return
        self._picking = True
        only_open = current is not None
        open_, again = self._open, tuple(self._again)
        skip = {key: failure.message for key, failure in self._failures.items()}
        self._run(lambda: self._pick(open_, again, skip, only_open)).done(self._picked).failed(
            self._pick_failed
        )

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopped = True
        self._current = None

    def _pick(
        self, open_: str, again: tuple[str, ...], skip: dict[str, str], only_open: bool
    ) -> Candidate | None:
        """On the store's thread: the most urgent conversation that lacks a draft."""
        conversations = self._store.conversations
        first = [open_] if open_ else []
        if not only_open:
            first += [other for other in again if other != open_]
        for identity in first:
            row = conversations.get(identity)
            forced = identity in again
            if _is_due(row, skip, forced=forced):
                return self._candidate(row, forced)
        offset = 0
        while not only_open:
            rows = conversations.page(filter="waiting", limit=_PAGE, offset=offset)
            for row in rows:
                if _is_due(row, skip):
                    return self._candidate(row)
            if len(rows) < _PAGE:
                break
            offset += _PAGE
        return None

    def _candidate(self, row: ConversationRow, forced: bool = False) -> Candidate:
        message = row.newest_message or ""
        turns = self._store.conversations.turns(row.id, until=message)
        return Candidate(row.id, message, turns, forced)

    def _picked(self, candidate: Candidate | None) -> None:
        self._picking = False
        if self._pick_again:
            # What was found may be stale by now; the next look decides.
            self._pick_again = False
            self.poke()
            return
        if candidate is None or self._stopped or not self._bridge.state.drafts:
            return
        if self._current is not None:
            if candidate.conversation == self._current.conversation:
                return
            if self._current.forced:
                self._again[self._current.conversation] = None
            self._drop()
        self._again.pop(candidate.conversation, None)
        request = self._bridge.draft(candidate.turns, as_of=self._as_of)
        self._current = Progress(
            candidate.conversation, candidate.message, request, forced=candidate.forced
        )
        self.changed.emit(candidate.conversation)
        self.started.emit(self._current)

    def _pick_failed(self, _error: object) -> None:
        # A conversation that is gone, or a busy file; the next poke tries again.
        self._picking = self._pick_again = False
        self._again.clear()

    def _drop_if(self, conversation: str) -> None:
        if self._current is not None and self._current.conversation == conversation:
            self._drop()
        if self._picking:
            self._pick_again = True

    def _drop(self) -> None:
        """Forget the request under way; its events bear an id that nobody waits for."""
        if self._current is not None:
            self._bridge.cancel(self._current.request)
            dropped, self._current = self._current.conversation, None
            self.changed.emit(dropped)

    def _mine(self, request: str) -> Progress | None:
        current = self._current
        return current if current is not None and current.request == request else None

    def _on_started(self, event: DraftStarted) -> None:
        current = self._mine(event.id)
        if current is not None and (current.text or current.evidence is not None):
            # The engine died and the request is repeated from the start.
            self._become(current, evidence=None, text="", withdrawn=None)
            self.started.emit(self._current)

    def _on_evidence(self, event: EvidenceFound) -> None:
        if current := self._mine(event.id):
            self._become(current, evidence=event.evidence)
            self.evidence.emit(self._current)

    def _on_text(self, event: TextReleased) -> None:
        if current := self._mine(event.id):
            self._become(current, text=current.text + event.text)
            self.released.emit(current.conversation, event.text)

    def _on_withdrawn(self, event: TextWithdrawn) -> None:
        if current := self._mine(event.id):
            self._become(current, text="", withdrawn=event.reason)
            self.withdrawn.emit(current.conversation, event.reason)

    def _become(self, progress: Progress, **changes: object) -> None:
        self._current = replace(progress, **changes)

    def _on_finished(self, event: DraftFinished) -> None:
        current = self._mine(event.id)
        if current is None:
            return
        self._current = None
        keep = partial(self._store.keep_draft, current.conversation, current.message, event.draft)
        self._run(keep).done(self._saved).failed(
            lambda error: self._not_saved(current, explain(error, self._language))
        )

    def _saved(self, saved: StoredDraft) -> None:
        self.changed.emit(saved.conversation)
        self.saved.emit(saved)
        self.poke()

    def _not_saved(self, progress: Progress, words: str) -> None:
        self._fail(progress, words)
        self.poke()

    def _on_request_failed(self, event: RequestFailed) -> None:
        current = self._mine(event.id)
        if current is None:
            return
        self._current = None
        if event.code == "cancelled":
            # Not called off by us, or it would not be ours: the engine was started anew.
            self.changed.emit(current.conversation)
        else:
            self._fail(current, event.message)
        self.poke()

    def _fail(self, progress: Progress, words: str) -> None:
        self._failures[progress.conversation] = Failure(progress.message, words)
        self.failures_changed.emit()
        self.changed.emit(progress.conversation)
        self.failed.emit(progress.conversation)

    def _forget_failure(self, conversation: str) -> None:
        if self._failures.pop(conversation, None) is not None:
            self.failures_changed.emit()

    def _on_state(self, state: EngineState) -> None:
        if state.phase == "failed" and self._current is not None:
            current, self._current = self._current, None
            words = (
                state.failed.message if state.failed else text("desk.engine.off", self._language)
            )
            self._fail(current, words)

    def _on_ready(self, _event: object) -> None:
        # With another model, or after a crash, what failed may succeed.
        if self._failures:
            self._failures.clear()
            self.failures_changed.emit()
        self.poke()

    def _on_reloaded(self, _event: KnowledgeReloaded) -> None:
        """Newer knowledge may answer what nothing answered before."""
        self._failures.clear()
        self.failures_changed.emit()

        def unanswered() -> list[str]:
            rows = self._store.conversations.page(filter="gaps", limit=_PAGE)
            return [
                row.id
                for row in rows
                if row.draft_status == "abstained" and row.waiting_since is not None
            ]

        self._run(unanswered).done(self._try_again)

    def _try_again(self, conversations: list[str]) -> None:
        self._again.update(dict.fromkeys(conversations))
        self.poke()


def _is_due(row: ConversationRow, skip: dict[str, str], *, forced: bool = False) -> bool:
    if row.waiting_since is None or row.handed_over or row.newest_message is None or row.pending:
        return False
    if row.id in skip and skip[row.id] == row.newest_message:
        return False
    return forced or (row.draft_status == "none" and not row.rejected)
