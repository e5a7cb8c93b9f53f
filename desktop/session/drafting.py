"""Drafts before they are asked for: the open conversation's before all others, a few at once.

The engine is asked for the open conversation's draft and for those of the most urgent others; it
advances them by their priority. A draft is stored before anyone is told that it is ready. What
answers a request that nobody waits for any more is dropped.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.bridge import EngineBridge, EngineState
from desktop.session.due import Candidate, Wanted, pick, stale
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EvidenceFound,
    KnowledgeReloaded,
    RequestFailed,
    TextReleased,
    TextWithdrawn,
)
from engine.records import Evidence, Language
from engine.store.rows import StoredDraft
from engine.store.store import Store
from engine.texts import explain, text

_AT_ONCE: Final = 4
_PAGE: Final = 200


class Progress(Struct, frozen=True):
    """A draft as far as it is written; `text` only holds what the screen has passed.

    `since` is how long the customer waits, `priority` its place among the drafts under way.
    """

    conversation: str
    message: str
    request: str
    since: float
    priority: int
    evidence: tuple[Evidence, ...] | None = None
    text: str = ""
    withdrawn: str | None = None


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
        self._under_way: dict[str, Progress] = {}
        self._picking = self._pick_again = False
        self._touched: set[str] = set()
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
    def under_way(self) -> frozenset[str]:
        """The conversations whose drafts were asked for and are not finished."""
        return frozenset(self._under_way)

    def progress(self, conversation: str) -> Progress | None:
        """The draft that is being written for a conversation."""
        return self._under_way.get(conversation)

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

    def today(self) -> str:
        """The ISO date that the knowledge is asked for."""
        return self._as_of or date.today().isoformat()

    def set_as_of(self, as_of: str | None) -> None:
        """The day that the knowledge is asked for; None is today."""
        self._as_of = as_of

    def store_changed(self) -> None:
        """Another process wrote: the drafts under way may be for messages that are answered."""
        asked = self._asked()
        if not asked:
            self.poke()
            return

        def settle(conversations: list[str]) -> None:
            for conversation in conversations:
                current = self.progress(conversation)
                if current is not None and current.message == asked[conversation]:
                    self.message_arrived(conversation)
            self.poke()

        self._run(lambda: stale(self._store.conversations, asked)).done(settle)

    def set_open(self, conversation: str) -> None:
        """The agent reads this conversation ("" for none): it goes before all others."""
        self._open = conversation
        self._rank()
        self.poke()

    def redraft(self, conversation: str) -> None:
        """Draft again, even if there is a draft, or drafting failed."""
        self._forget_failure(conversation)
        self._again[conversation] = None
        self._drop(conversation)
        self.poke()

    def message_arrived(self, conversation: str) -> None:
        """A customer wrote again: a draft under way for the message before is stale."""
        self._forget_failure(conversation)
        self._drop(conversation)
        self.poke()

    def give_up(self, conversation: str) -> None:
        """No draft is wanted any more: the agent decided, or the case is handed over."""
        self._again.pop(conversation, None)
        self._drop(conversation)
        self.poke()

    def poke(self) -> None:
        """Look for what is due, if the engine can draft."""
        if self._stopped or not self._bridge.state.drafts:
            return
        room = _AT_ONCE - len(self._under_way)
        if room <= 0 and (not self._open or self._open in self._under_way):
            return
        if self._picking:
            self._pick_again = True
            return
        self._picking = True
        wanted = Wanted(
            self._open,
            max(0, room),
            tuple(self._again),
            {key: failure.message for key, failure in self._failures.items()},
            self._asked(),
        )
        self._run(lambda: pick(self._store.conversations, wanted)).done(self._picked).failed(
            self._pick_failed
        )

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopped = True
        self._under_way.clear()

    def _asked(self) -> dict[str, str]:
        return {one.conversation: one.message for one in self._under_way.values()}

    def _picked(self, candidates: list[Candidate]) -> None:
        self._picking = False
        # What happened to a conversation meanwhile makes what was read of it stale.
        touched, look_again = self._touched, self._pick_again or bool(self._touched)
        self._touched, self._pick_again = set(), False
        if self._stopped or not self._bridge.state.drafts:
            return
        for candidate in candidates:
            if candidate.conversation not in touched:
                self._ask(candidate)
        self._rank()
        if look_again:
            self.poke()

    def _ask(self, candidate: Candidate) -> None:
        conversation = candidate.conversation
        self._again.pop(conversation, None)
        priority = self._place(conversation, candidate.since)
        request = self._bridge.draft(
            candidate.turns, as_of=self._as_of, conversation=conversation, priority=priority
        )
        progress = Progress(conversation, candidate.message, request, candidate.since, priority)
        self._under_way[conversation] = progress
        self.changed.emit(conversation)
        self.started.emit(progress)

    def _pick_failed(self, _error: object) -> None:
        # A conversation that is gone, or a busy file; the next poke tries again.
        self._picking = self._pick_again = False
        self._touched.clear()
        self._again.clear()

    def _place(self, conversation: str, since: float) -> int:
        """0 for the open conversation; of the others the longer one waits the lower."""
        if conversation == self._open:
            return 0
        return 1 + sum(
            (one.since, one.conversation) < (since, conversation)
            for one in self._under_way.values()
            if one.conversation != self._open
        )

    def _rank(self) -> None:
        """Tell the engine of the drafts whose places have changed."""
        for one in list(self._under_way.values()):
            place = self._place(one.conversation, one.since)
            if place != one.priority:
                self._bridge.prioritise(one.request, place)
                self._become(one, priority=place)

    def _drop(self, conversation: str) -> None:
        """Forget the request for a conversation; its events bear an id that nobody waits for."""
        if self._picking:
            self._touched.add(conversation)
        dropped = self._under_way.pop(conversation, None)
        if dropped is not None:
            self._bridge.cancel(dropped.request)
            self.changed.emit(conversation)

    def _mine(self, request: str) -> Progress | None:
        asked = self._under_way.values()
        return next((one for one in asked if one.request == request), None)

    def _become(self, progress: Progress, **changes: object) -> Progress:
        changed = self._under_way[progress.conversation] = replace(progress, **changes)
        return changed

    def _on_started(self, event: DraftStarted) -> None:
        current = self._mine(event.id)
        if current is not None and (current.text or current.evidence is not None):
            # The engine died and the request is repeated from the start.
            self.started.emit(self._become(current, evidence=None, text="", withdrawn=None))

    def _on_evidence(self, event: EvidenceFound) -> None:
        if current := self._mine(event.id):
            self.evidence.emit(self._become(current, evidence=event.evidence))

    def _on_text(self, event: TextReleased) -> None:
        if current := self._mine(event.id):
            self._become(current, text=current.text + event.text)
            self.released.emit(current.conversation, event.text)

    def _on_withdrawn(self, event: TextWithdrawn) -> None:
        if current := self._mine(event.id):
            self._become(current, text="", withdrawn=event.reason)
            self.withdrawn.emit(current.conversation, event.reason)

    def _on_finished(self, event: DraftFinished) -> None:
        current = self._mine(event.id)
        if current is None:
            return
        del self._under_way[current.conversation]
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
        del self._under_way[current.conversation]
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
        if state.phase == "failed":
            words = (
                state.failed.message if state.failed else text("desk.engine.off", self._language)
            )
            lost, self._under_way = self._under_way, {}
            for progress in lost.values():
                self._fail(progress, words)

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
