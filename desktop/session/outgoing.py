"""The undo window: what was decided leaves when its time has come, exactly once.

How long is left is counted by the monotonic clock, so that a clock that is set neither shortens
nor lengthens it; what was pending at the last end has at most its whole window again.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from msgspec import Struct
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.background import Background
from engine.errors import InputError, StoreError, ZuoxiError
from engine.records import Language
from engine.store.rows import StoredDecision, StoredMessage
from engine.store.store import Store
from engine.texts import explain

_LONGEST_MS: Final = 60_000
_RETRY_MS: Final = 1_000


class _Pending(Struct, frozen=True):
    """A message on its way out; `leaves` is a `time.monotonic` value."""

    conversation: str
    message: str
    leaves: float


class Outgoing(QObject):
    """Pending messages, from before this start too. `sent` tells of each one that left.

    `trouble` is told once for as long as the same thing fails.
    """

    sent = Signal(object)
    undone = Signal(object, bool)
    pending_changed = Signal()
    trouble = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        *,
        clock: Callable[[], float],
        language: Language = "zh",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._clock = clock
        self._language: Language = language
        self._pending: dict[str, _Pending] = {}
        self._recalled: set[str] = set()
        self._told: set[str] = set()
        self._flushing = self._stopped = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._flush)

    def set_language(self, language: Language) -> None:
        """Speak another language from now on."""
        self._language = language

    @property
    def pending(self) -> frozenset[str]:
        """The decisions that can still be taken back."""
        return frozenset(self._pending)

    def until(self, decision: str) -> float | None:
        """When the decision's message leaves, by the desk's clock as it is now; None if it has."""
        found = self._pending.get(decision)
        return None if found is None else self._clock() + max(0.0, found.leaves - monotonic())

    def start(self) -> None:
        """Take up what was pending when the program ended; what is due leaves at once."""
        self._run(self._store.outbox.pending).done(self._restore)

    def add(self, decision: StoredDecision) -> None:
        """A decision was taken: its message, if any, leaves when it is due."""
        if decision.outgoing is not None and decision.due is not None:
            window = max(0.0, decision.due - decision.at)
            self._pending[decision.id] = _Pending(
                decision.conversation, decision.outgoing, monotonic() + window
            )
            self.pending_changed.emit()
            self._schedule()

    def undo(self, decision: str) -> None:
        """Take a decision back if its message has not left; `undone` tells whether it worked.

        What was typed for it becomes the conversation's unsent text again, unless there is one.
        When that cannot be stored now, the message stays here and it is tried again.
        """
        self._recalled.add(decision)

        def take_back() -> tuple[StoredDecision, bool]:
            store = self._store
            with store.transaction():
                worked = store.decisions.undo(decision)
                taken = store.decisions.get(decision)
                typed = taken.action in ("edited", "rewritten")
                if worked and typed and not store.composers.get(taken.conversation):
                    store.composers.put(taken.conversation, taken.text)
            return taken, worked

        self._run(take_back).done(self._taken_back).failed(
            lambda error: self._not_taken_back(decision, error)
        )

    def newest(self, conversation: str = "") -> str:
        """The decision that an undo means: the newest pending one, in `conversation` if it has
        one; "" when nothing can be taken back."""
        found = list(self._pending.items())
        here = [key for key, item in found if item.conversation == conversation]
        return here[-1] if here else (found[-1][0] if found else "")

    def refresh(self) -> None:
        """Another process may have decided something: look what is pending."""
        self.start()

    def stop(self) -> None:
        """Send nothing more; what is pending is taken up at the next start."""
        self._stopped = True
        self._timer.stop()
        self._pending.clear()

    def _restore(self, messages: list[StoredMessage]) -> None:
        now = self._clock()
        known, self._pending = self._pending, {}
        for message in messages:
            if message.decision is None:
                continue
            due = message.at if message.due is None else message.due
            left = min(max(0.0, due - now), max(0.0, due - message.at))
            self._pending[message.decision] = known.get(
                message.decision, _Pending(message.conversation, message.id, monotonic() + left)
            )
        self.pending_changed.emit()
        self._schedule()

    def _schedule(self, at_least_ms: int = 0) -> None:
        if self._stopped or self._flushing:
            return
        leaving = [item.leaves for key, item in self._pending.items() if key not in self._recalled]
        if leaving:
            wait = max(at_least_ms, round((min(leaving) - monotonic()) * 1000))
            self._timer.start(min(wait, _LONGEST_MS))

    def _recall(self, decision: str) -> None:
        if not self._stopped and decision in self._recalled:
            self.undo(decision)

    def _flush(self) -> None:
        now, clock = monotonic(), self._clock()
        due = {
            key: item.message
            for key, item in self._pending.items()
            if item.leaves <= now and key not in self._recalled
        }
        if not due:
            self._schedule()
            return
        self._flushing = True

        def leave() -> list[StoredMessage]:
            store = self._store
            with store.transaction():
                left = [one for one in due.values() if store.outbox.mark_sent(one, clock)]
                return [store.conversations.message(one) for one in left]

        self._run(leave).done(lambda messages: self._left(messages, due)).failed(self._not_left)

    def _left(self, messages: list[StoredMessage], due: dict[str, str]) -> None:
        self._flushing = False
        self._told.discard("replies_waiting")
        self._pending = {key: item for key, item in self._pending.items() if key not in due}
        self.pending_changed.emit()
        for message in messages:
            self.sent.emit(message)
        self._schedule()

    def _not_left(self, error: ZuoxiError) -> None:
        # Nothing was sent and nothing is lost: the disk is full, say. Try again soon.
        self._flushing = False
        if error.code != "store_busy":
            self._tell("replies_waiting", error)
        self._schedule(_RETRY_MS)

    def _taken_back(self, outcome: tuple[StoredDecision, bool]) -> None:
        decision, worked = outcome
        self._recalled.discard(decision.id)
        self._told.discard("undo_waiting")
        self._pending.pop(decision.id, None)
        self.pending_changed.emit()
        self.undone.emit(decision, worked)
        self._schedule()

    def _not_taken_back(self, decision: str, error: ZuoxiError) -> None:
        if isinstance(error, InputError):
            self._recalled.discard(decision)
            self.trouble.emit(error)
            return
        self._tell("undo_waiting", error)
        QTimer.singleShot(_RETRY_MS, self, lambda: self._recall(decision))

    def _tell(self, code: str, error: ZuoxiError) -> None:
        if code not in self._told:
            self._told.add(code)
            why = explain(error, self._language)
            self.trouble.emit(StoreError(f"{code}: {error.message}", code, why=why))
