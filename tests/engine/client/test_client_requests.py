"""Every request gets its own answer, once, or is called off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType

import msgspec
import pytest
from listening import Listener, ask, asked, failed, finished, lives

from engine.client import EngineClient
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineReady,
    Event,
    RequestFailed,
    SearchFinished,
)
from engine.records import Turn


def test_a_request_is_answered_with_its_own_id(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("plain")
    ids = [ask(client, f"question {number}") for number in range(5)]
    search = client.search("运费")
    reload = client.reload_knowledge()
    assert [finished(heard.until(DraftFinished, one)) for one in ids] == [
        f"question {number} (1)" for number in range(5)
    ]
    assert getattr(heard.until(SearchFinished, search), "query", "") == "运费"
    assert len({*ids, search, reload}) == 7


def test_what_is_asked_before_the_start_is_answered_after_it(
    odd: ModuleType, config: EngineConfig, heard: Listener
) -> None:
    client = EngineClient(config, heard, target=odd.plain)
    early = ask(client)
    client.start()
    client.start()
    try:
        assert finished(heard.until(DraftFinished, early)) == "hello (1)"
        assert lives(config) == 1
    finally:
        client.close()


def test_a_request_called_off_before_the_start_is_never_begun(
    odd: ModuleType, config: EngineConfig, heard: Listener
) -> None:
    client = EngineClient(config, heard, target=odd.writes_several)
    request = ask(client)
    client.cancel(request)
    assert failed(heard.until(RequestFailed, request)).code == "cancelled"
    client.cancel(request)
    client.start()
    heard.until(SearchFinished, client.search("x"))
    client.close()
    assert asked(config) == []
    assert len(heard.of(RequestFailed)) == 1


def test_a_listener_that_raises_does_not_stop_the_engine(
    odd: ModuleType, config: EngineConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Listener()

    def listen(event: Event) -> None:
        told(event)
        raise RuntimeError("the window is gone")

    client = EngineClient(config, listen, target=odd.plain)
    client.start()
    try:
        assert finished(told.until(DraftFinished, ask(client))) == "hello (1)"
        assert finished(told.until(DraftFinished, ask(client))) == "hello (1)"
    finally:
        client.close()


def test_garbage_and_stale_answers_are_dropped(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("babbles")
    for number in range(3):
        assert finished(heard.until(DraftFinished, ask(client))) == "hello (1)", number
    assert len(heard.of(DraftFinished)) == len(heard.of(DraftStarted)) == 3
    assert "r999" not in {getattr(event, "id", "") for event in heard.events}


def test_nothing_of_a_cancelled_request_is_told_after_its_end(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("waits_for_cancel")
    called_off = ask(client)
    heard.until(DraftStarted, called_off)
    client.cancel(called_off)
    assert failed(heard.until(RequestFailed, called_off)).code == "cancelled"
    client.cancel(called_off)
    client.cancel("r12345")
    heard.until(SearchFinished, client.search("after"))
    of_it = [event for event in heard.events if getattr(event, "id", "") == called_off]
    assert [type(event) for event in of_it] == [DraftStarted, RequestFailed]


def test_a_request_that_was_never_sent_can_be_called_off(
    start: Callable[..., EngineClient], heard: Listener, odd: ModuleType, config: EngineConfig
) -> None:
    client = EngineClient(config, heard, target=odd.plain)
    request = ask(client)
    client.start()
    client.cancel(request)
    try:
        ended = heard.until((RequestFailed, DraftFinished), request)  # type: ignore[arg-type]
        assert len([e for e in heard.events if type(e) is type(ended)]) == 1
        heard.until(SearchFinished, client.search("after"))
        assert len(heard.of(RequestFailed)) + len(heard.of(DraftFinished)) == 1
    finally:
        client.close()


def test_a_request_that_no_engine_could_read_is_refused_to_the_caller(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("plain")
    with pytest.raises(msgspec.ValidationError):
        client.search("运费", k="many")  # type: ignore[arg-type]
    with pytest.raises(msgspec.ValidationError):
        client.draft([Turn("ghost", "boo")])  # type: ignore[arg-type]
    assert finished(heard.until(DraftFinished, ask(client, "\ud800 ok"))) == "? ok (1)"


def test_a_message_larger_than_any_pipe_is_answered(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("plain")
    text = "壶" * 1_000_000
    assert len(finished(heard.until(DraftFinished, ask(client, text)))) > 1_000_000


def test_many_threads_may_ask_at_once(start: Callable[..., EngineClient], heard: Listener) -> None:
    client = start("plain")
    heard.until(EngineReady)
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.extend(ask(client) for _ in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 80
    left = set(ids)
    while left:
        left.discard(getattr(heard.until(DraftFinished), "id", ""))
