"""A deletion reaches the engine process: nothing of the conversations stays in its memory."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator

import pytest

from engine import paths
from engine.client import EngineClient, Patience
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineReady,
    Event,
    RequestFailed,
)
from engine.records import Draft, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules

SECONDS = 90
ASKED = (Turn("customer", "热水壶保修期多久？我叫孔雀石，电话一三八零零一三八零零零。"),)


class Engine:
    """A client and what it told, read one by one."""

    def __init__(self, config: EngineConfig) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.client = EngineClient(config, self._events.put, patience=Patience(beat=0.1))
        self.client.start()
        self.until(EngineReady)

    def until(self, *kinds: type) -> Event:
        while not isinstance(event := self._events.get(timeout=SECONDS), kinds):
            pass
        return event

    def draft(self, conversation: str) -> Draft:
        self.client.draft(ASKED, conversation=conversation)
        finished = self.until(DraftFinished)
        assert isinstance(finished, DraftFinished)
        return finished.draft

    def knows(self, conversations: int) -> bool:
        """Whether it comes to remember so many conversations, by what it says while idle."""
        until = time.monotonic() + SECONDS
        while self.client.model_memory.conversations != conversations:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture
def engine(make_config: Callable[..., EngineConfig]) -> Iterator[Engine]:
    opened = Engine(make_config())
    yield opened
    opened.client.close()


def test_what_was_read_of_a_deleted_conversation_is_read_anew(engine: Engine) -> None:
    begun = engine.draft("a").tokens
    engine.draft("b")
    again = engine.draft("a").tokens
    assert again.reused > begun.reused
    # These two, and what all prompts begin with.
    assert engine.knows(3)
    engine.client.forget(["a", "never seen"])
    assert engine.knows(2)
    # As a conversation that nobody has heard of; the other one is still known.
    assert engine.draft("c").tokens == begun
    assert engine.draft("a").tokens == begun
    assert engine.draft("b").tokens.reused == again.reused


def test_the_gate_keeps_no_turn_that_it_was_asked_about() -> None:
    gate = Gate(load_rules(paths.RULES), lazy=True)
    gate.screen("您好", "agent", turns=ASKED)
    remembered = gate.current.dialogue()._remembered.cache_info
    assert remembered().currsize > 0
    gate.forget_texts()
    assert remembered().currsize == 0


def test_a_draft_for_a_deleted_conversation_is_called_off(engine: Engine) -> None:
    engine.client.draft(ASKED, mode="free", conversation="a")
    engine.until(DraftStarted)
    engine.client.forget(["a"])
    ended = engine.until(DraftFinished, RequestFailed)
    assert isinstance(ended, RequestFailed)
    assert ended.code == "cancelled"


def test_before_the_start_and_after_the_end_there_is_nothing_to_forget(
    make_config: Callable[..., EngineConfig],
) -> None:
    told: list[Event] = []
    client = EngineClient(make_config(), told.append)
    waiting = client.draft(ASKED, conversation="a")
    client.forget(["a"])
    client.close()
    client.forget(["a"])
    assert [(type(one), getattr(one, "id", "")) for one in told] == [(RequestFailed, waiting)]
