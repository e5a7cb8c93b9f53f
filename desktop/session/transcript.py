"""What was said in the open conversation, as bubbles, changed piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from desktop.widgets.values import Bubble, Origin
from engine.records import DecisionAction, Hit
from engine.store.rows import StoredDecision, StoredHit, StoredMessage
from engine.store.store import Store

_ORIGINS: Final[dict[DecisionAction, Origin]] = {
    "accepted": "accepted",
    "edited": "edited",
    "rewritten": "rewritten",
}

# Seconds; less is the time that reading took.
_CLOCK_SLACK: Final = 1.0


def read_bubbles(store: Store, conversation: str) -> tuple[Bubble, ...]:
    """All messages of a conversation as bubbles. For the store's thread."""
    decisions = {decision.id: decision for decision in store.decisions.of(conversation)}
    hits: dict[str, list[Hit]] = {}
    for stored in store.hits.of(conversation):
        _collect(hits, stored)
    return tuple(
        bubble(message, decisions.get(message.decision or ""), tuple(hits.get(message.id, ())))
        for message in store.conversations.messages(conversation)
    )


def _collect(hits: dict[str, list[Hit]], stored: StoredHit) -> None:
    if stored.message is not None:
        hits.setdefault(stored.message, []).append(stored.hit)


def bubble(
    message: StoredMessage, decision: StoredDecision | None = None, hits: tuple[Hit, ...] = ()
) -> Bubble:
    """One stored message as it is shown."""
    origin: Origin = ""
    if message.state == "pending":
        origin = "sending"
    elif message.state == "undone":
        origin = "withdrawn"
    elif decision is not None:
        origin = _ORIGINS.get(decision.action, "")
    return Bubble(
        id=message.id,
        role=message.role,
        text=message.text,
        at=message.at,
        origin=origin,
        hits=hits,
        decision_id=message.decision or "",
        undo_until=(message.due or 0.0) if message.state == "pending" else 0.0,
    )


def by_this_clock(
    bubbles: Sequence[Bubble], until: Callable[[str], float | None]
) -> tuple[Bubble, ...]:
    """Pending replies with the end of their undo window as the clock stands now.

    The clock may have been set since they were decided on. `until` tells it of a decision.
    """
    return tuple(_by_this_clock(one, until) if one.origin == "sending" else one for one in bubbles)


def _by_this_clock(bubble: Bubble, until: Callable[[str], float | None]) -> Bubble:
    end = until(bubble.decision_id)
    if end is None or abs(end - bubble.undo_until) <= _CLOCK_SLACK:
        return bubble
    return replace(bubble, undo_until=end)


class TranscriptModel(QObject):
    """The bubbles of one conversation. `reset` replaces all; else only what is new is told."""

    reset = Signal(object)
    appended = Signal(object)
    updated = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bubbles: tuple[Bubble, ...] = ()
        self._conversation = ""

    @property
    def bubbles(self) -> tuple[Bubble, ...]:
        """All bubbles in the order they came."""
        return self._bubbles

    def show(self, conversation: str, bubbles: Sequence[Bubble]) -> None:
        """Show these; what is shown already of the same conversation stays."""
        old, new = self._bubbles, tuple(bubbles)
        same = conversation == self._conversation
        self._conversation, self._bubbles = conversation, new
        known = [one.id for one in old]
        if not same or known != [one.id for one in new[: len(old)]]:
            self.reset.emit(new)
            return
        for before, now in zip(old, new, strict=False):
            if before != now:
                self.updated.emit(now)
        for now in new[len(old) :]:
            self.appended.emit(now)
