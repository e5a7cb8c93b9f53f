"""The undo window: what was decided leaves when its time has come, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.background import Background
from engine.errors import ZuoxiError
from engine.store.rows import StoredDecision, StoredMessage
from engine.store.store import Store

_LONGEST_MS: Final = 60_000
_RETRY_MS: Final = 1_000


class Outgoing(QObject):
    """Pending messages, from before this start too. `sent` tells of each one that left."""

    sent = Signal(object)
    undone = Signal(object, bool)
    pending_changed = Signal()

    def __init__(
        self,
        background: Background,
        store: Store,
        *,
        clock: Callable[[], float],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._clock = clock
        self._pending: dict[str, tuple[str, float]] = {}
        self._flushing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._flush)

    def start(self) -> None:
        """Take up what was pending when the program ended; what is due leaves at once."""
        self._run(self._store.outbox.pending).done(self._restore)

    def add(self, decision: StoredDecision) -> None:
        """A decision was taken: its message, if any, leaves when it is due."""
        if decision.outgoing is not None and decision.due is not None:
            self._pending[decision.id] = (decision.conversation, decision.due)
            self.pending_changed.emit()
            self._schedule()

    def undo(self, decision: str) -> None:
        """Take a decision back if its message has not left; `undone` tells whether it worked."""

        def take_back() -> tuple[StoredDecision, bool]:
            worked = self._store.decisions.undo(decision)
            return self._store.decisions.get(decision), worked

        self._run(take_back).done(self._taken_back)

    def newest(self, conversation: str = "") -> str:
        """The decision that an undo means: the newest pending one, in `conversation` if it has
        one; "" when nothing can be taken back."""
        found = list(self._pending.items())
        here = [key for key, (place, _) in found if place == conversation]
        return here[-1] if here else (found[-1][0] if found else "")

    def refresh(self) -> None:
        """Another process may have decided something: look what is pending."""
        self.start()

    def stop(self) -> None:
        """Send nothing more; what is pending is taken up at the next start."""
        self._timer.stop()
        self._pending.clear()

    def _restore(self, messages: list[StoredMessage]) -> None:
        self._pending = {
            message.decision: (message.conversation, message.due or 0.0)
            for message in messages
            if message.decision is not None
        }
        self.pending_changed.emit()
        self._schedule()

    def _schedule(self) -> None:
        if not self._pending or self._flushing:
            return
        first = min(due for _, due in self._pending.values())
        wait = max(0, round((first - self._clock()) * 1000))
        self._timer.start(min(wait, _LONGEST_MS))

    def _flush(self) -> None:
        now = self._clock()
        if not any(due <= now for _, due in self._pending.values()):
            self._schedule()
            return
        self._flushing = True

        def leave() -> list[StoredMessage]:
            outbox = self._store.outbox
            return [message for message in outbox.due(now) if outbox.mark_sent(message.id, now)]

        self._run(leave).done(lambda messages: self._left(messages, now)).failed(self._not_left)

    def _left(self, messages: list[StoredMessage], now: float) -> None:
        self._flushing = False
        self._pending = {key: item for key, item in self._pending.items() if item[1] > now}
        self.pending_changed.emit()
        for message in messages:
            self.sent.emit(message)
        self._schedule()

    def _not_left(self, _error: ZuoxiError) -> None:
        # Nothing was sent and nothing is lost: the file was busy, say. Try again soon.
        self._flushing = False
        self._timer.start(_RETRY_MS)

    def _taken_back(self, outcome: tuple[StoredDecision, bool]) -> None:
        decision, worked = outcome
        self._pending.pop(decision.id, None)
        self.pending_changed.emit()
        self.undone.emit(decision, worked)
        self._schedule()
