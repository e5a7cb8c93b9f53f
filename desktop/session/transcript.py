"""What was said in the open conversation, as bubbles, changed piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
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

PAGE: Final = 200
# Seconds; less is the time that reading took.
_CLOCK_SLACK: Final = 1.0


class Window(Struct, frozen=True):
    """What part of a conversation is read: from message `since` on, and `earlier` before it.

    Without `since`, the newest `earlier` messages.
    """

    since: str = ""
    earlier: int = PAGE


def read_bubbles(
    store: Store, conversation: str, window: Window | None = None, *, trial: bool = False
) -> tuple[tuple[Bubble, ...], bool]:
    """A part of a conversation as bubbles, and whether it begins with the first message.

    `trial`: with the hits of rules on trial, which no agent is shown. For the store's thread.
    """
    window = window or Window()
    messages, more = store.conversations.newest_messages(
        conversation, window.earlier, since=window.since
    )
    made = store.decisions.some([one.decision for one in messages if one.decision])
    decisions = {decision.id: decision for decision in made}
    hits: dict[str, list[Hit]] = {}
    for stored in store.hits.of(conversation, messages=[one.id for one in messages]):
        if trial or not stored.hit.trial:
            _collect(hits, stored)
    bubbles = tuple(
        bubble(message, decisions.get(message.decision or ""), tuple(hits.get(message.id, ())))
        for message in messages
    )
    return bubbles, not more


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
    """The bubbles of one conversation. `reset` replaces all; else only what is new is told.

    `wanted` asks for another reading, of an earlier part of the conversation.
    """

    reset = Signal(object)
    prepended = Signal(object)
    appended = Signal(object)
    updated = Signal(object)
    wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bubbles: tuple[Bubble, ...] = ()
        self._conversation = ""
        self._whole = True
        self._wants_earlier = False

    @property
    def bubbles(self) -> tuple[Bubble, ...]:
        """The bubbles that are loaded, in the order they came."""
        return self._bubbles

    def window(self, conversation: str) -> Window:
        """What to read of a conversation, so that what is shown of it stays."""
        if conversation != self._conversation or not self._bubbles:
            return Window()
        return Window(self._bubbles[0].id, PAGE if self._wants_earlier else 0)

    def read_earlier(self) -> None:
        """Load what was said before, if anything was."""
        if not self._whole and not self._wants_earlier:
            self._wants_earlier = True
            self.wanted.emit()

    def show(self, conversation: str, bubbles: Sequence[Bubble], *, whole: bool = True) -> None:
        """Show these; what is shown already of the same conversation stays.

        `whole`: nothing was said before them.
        """
        old, new = self._bubbles, tuple(bubbles)
        same = conversation == self._conversation
        self._conversation, self._bubbles, self._whole = conversation, new, whole
        known, ids = [one.id for one in old], [one.id for one in new]
        start = ids.index(known[0]) if same and known and known[0] in ids else 0
        if not same or known != ids[start : start + len(old)]:
            self._wants_earlier = False
            self.reset.emit(new)
            return
        if start or whole:
            self._wants_earlier = False
        if start:
            self.prepended.emit(new[:start])
        for before, now in zip(old, new[start:], strict=False):
            if before != now:
                self.updated.emit(now)
        for now in new[start + len(old) :]:
            self.appended.emit(now)
