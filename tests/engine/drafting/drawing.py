"""A draft as a test asks for it, and what a window makes of its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.drafting.pipeline import Drafter, Worked
from engine.protocol import DraftFinished, DraftRequest, Event, TextReleased, TextWithdrawn
from engine.records import Draft, Turn

DAY = "2026-11-22"


def customer(*messages: str) -> tuple[Turn, ...]:
    return tuple(Turn("customer", message) for message in messages)


def draw(
    drafter: Drafter,
    message: str | Sequence[Turn],
    *,
    mode: Any = "verbatim",
    as_of: str = DAY,
) -> list[Event]:
    turns = customer(message) if isinstance(message, str) else tuple(message)
    events = drafter.draft(DraftRequest("r1", turns, as_of, mode))
    return [event for event in events if not isinstance(event, Worked)]


def outcome(events: Sequence[Event]) -> Draft:
    assert isinstance(events[-1], DraftFinished)
    assert sum(isinstance(event, DraftFinished) for event in events) == 1
    return events[-1].draft


def released(events: Sequence[Event]) -> str:
    """What a window shows in the end: all that was released since the last withdrawal."""
    shown = ""
    for event in events:
        if isinstance(event, TextReleased):
            shown += event.text
        elif isinstance(event, TextWithdrawn):
            shown = ""
    return shown


def ever_released(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextReleased))
