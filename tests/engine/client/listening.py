"""What a client of an engine tells, and short ways to ask it."""

from __future__ import annotations

import queue
from pathlib import Path

from engine.client import EngineClient
from engine.protocol import DraftFinished, EngineConfig, Event, RequestFailed
from engine.records import Turn

SECONDS = 60


class Listener:
    """Collects what a client tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._passed: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._queue.put(event)

    def until(self, kind: type, request: str | None = None) -> Event:
        """The first event of `kind` (and of `request`) that was not asked for before."""

        def fits(event: Event) -> bool:
            return isinstance(event, kind) and request in (None, getattr(event, "id", None))

        found = next((event for event in self._passed if fits(event)), None)
        if found is not None:
            self._passed.remove(found)
            return found
        while not fits(event := self._queue.get(timeout=SECONDS)):
            self._passed.append(event)
        return event

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def ask(client: EngineClient, question: str = "hello") -> str:
    return client.draft([Turn("customer", question)])


def asked(config: EngineConfig) -> list[str]:
    path = Path(config.model) / "asked"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def lives(config: EngineConfig) -> int:
    return len(list(Path(config.model).glob("life-*")))


def finished(event: Event) -> str:
    assert isinstance(event, DraftFinished)
    return event.draft.text


def failed(event: Event) -> RequestFailed:
    assert isinstance(event, RequestFailed)
    return event
