"""An engine that dies: what was asked is asked again, and what kills is found."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import ModuleType

import msgspec
from listening import Listener, ask, asked, failed, finished, lives

from engine.client import ATTEMPTS, EngineClient
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    RequestFailed,
    SearchFinished,
)
from engine.records import Turn


def test_a_request_that_met_a_death_is_repeated_once_and_answered(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("dies_of_poison")
    ids = [ask(client, question) for question in ("poison once", "second", "third")]
    assert [finished(heard.until(DraftFinished, one)) for one in ids] == [
        "poison once (2)",
        "second (2)",
        "third (2)",
    ]
    (restarted,) = heard.of(EngineRestarted)
    assert isinstance(restarted, EngineRestarted)
    assert (restarted.why, restarted.attempt) == ("SIGKILL", 1)
    assert len(heard.of(EngineReady)) == 2
    assert asked(config).count("2:poison once alone") == 1


def test_a_request_that_kills_twice_fails_in_words_and_those_behind_it_are_answered(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("dies_of_poison")
    poison, second, third = (ask(client, one) for one in ("poison", "second", "third"))
    failure = failed(heard.until(RequestFailed, poison))
    assert failure.code == "engine_restarted"
    assert "Draft again" in failure.message
    assert finished(heard.until(DraftFinished, second)) == "second (3)"
    assert finished(heard.until(DraftFinished, third)) == "third (3)"
    assert [line for line in asked(config) if "poison" in line] == ["1:poison", "2:poison alone"]
    assert heard.of(EngineFailed) == []


def test_of_several_under_way_the_one_that_kills_is_found_and_the_others_are_answered(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("writes_several")
    first, poison, third = (ask(client, one) for one in ("first", "poison", "third"))
    assert failed(heard.until(RequestFailed, poison)).code == "engine_restarted"
    assert finished(heard.until(DraftFinished, first)) == "first (2)"
    assert finished(heard.until(DraftFinished, third)) == "third (3)"
    assert asked(config)[:5] == [
        "1:first",
        "1:poison",
        "1:third",
        "2:first alone",
        "2:poison alone",
    ]
    assert len(heard.of(EngineRestarted)) == 2
    assert len(heard.of(RequestFailed)) == 1
    # Those that come later are innocent and need not be alone.
    others = [ask(client, name) for name in "abc"]
    assert [finished(heard.until(DraftFinished, one))[0] for one in others] == ["a", "b", "c"]


def test_a_search_that_kills_twice_fails_and_no_draft_is_blamed(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("dies_of_a_search")
    heard.until(EngineReady)
    search = client.search("poison")
    draft, other = ask(client), client.search("运费")
    assert failed(heard.until(RequestFailed, search)).code == "engine_restarted"
    assert finished(heard.until(DraftFinished, draft)) == "hello (3)"
    assert heard.until(SearchFinished, other)
    assert len(heard.of(RequestFailed)) == 1


def test_a_draft_keeps_its_new_priority_over_a_death(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("tells_priorities")
    heard.until(EngineReady)
    one = client.draft([Turn("customer", "one")], priority=3, conversation="c")
    other = client.draft([Turn("customer", "other")], priority=4)
    client.prioritise(one, 0)
    client.search("now")
    assert finished(heard.until(DraftFinished, one)) == "0"
    assert finished(heard.until(DraftFinished, other)) == "4"
    one = client.draft([Turn("customer", "one")], priority=3)
    client.prioritise(one, 9)
    heard.until(EngineReady)
    client.prioritise("r999", 1)
    heard.until(DraftStarted, one)
    heard.until(DraftStarted, one)
    client.search("now")
    assert finished(heard.until(DraftFinished, one)) == "9"


def test_an_engine_that_aborts_at_each_start_is_given_up_in_words(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("aborts_at_once")
    waiting = ask(client)
    gone = heard.until(EngineFailed)
    assert isinstance(gone, EngineFailed)
    assert gone.code == "engine_gone"
    assert "SIGABRT" in gone.message
    assert str(ATTEMPTS) in gone.message
    assert failed(heard.until(RequestFailed, waiting)).message == gone.message
    assert lives(config) == ATTEMPTS
    assert [getattr(event, "attempt", 0) for event in heard.of(EngineRestarted)] == [1, 2]
    # What is asked of an engine that is gone fails at once, and does not wait for ever.
    assert failed(heard.until(RequestFailed, ask(client))).code == "engine_gone"
    assert client.pid is None


def test_an_idle_engine_that_is_killed_again_and_again_is_given_up(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("plain")
    for _ in range(ATTEMPTS):
        heard.until(EngineReady)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
    assert getattr(heard.until(EngineFailed), "code", "") == "engine_gone"
    assert lives(config) == ATTEMPTS


def test_a_death_after_an_answer_counts_anew(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("plain")
    for number in range(ATTEMPTS + 1):
        assert finished(heard.until(DraftFinished, ask(client))) == f"hello ({number + 1})"
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        assert getattr(heard.until(EngineRestarted), "attempt", 0) == 1
    assert heard.of(EngineFailed) == []


def test_a_restart_recovers_an_engine_that_was_given_up(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig, odd: ModuleType
) -> None:
    client = start("aborts_at_once")
    heard.until(EngineFailed)
    client._target = odd.plain
    client.restart(msgspec.structs.replace(config, language="zh"))
    heard.until(EngineReady)
    assert finished(heard.until(DraftFinished, ask(client))).startswith("hello")


def test_a_model_that_ends_the_process_is_left_out_and_the_search_goes_on(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("loses_its_model")
    ready = heard.until(EngineReady)
    assert isinstance(ready, EngineReady)
    assert ready.model_error == "left out"
    assert lives(config) == 3
    assert heard.of(EngineFailed) == []
    assert heard.until(SearchFinished, client.search("运费"))


def test_a_cancelled_request_is_not_repeated_when_the_engine_dies(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("dies_when_called_off")
    request = ask(client)
    heard.until(DraftStarted, request)
    client.cancel(request)
    assert failed(heard.until(RequestFailed, request)).code == "cancelled"
    heard.until(EngineReady)
    assert finished(heard.until(DraftFinished, ask(client, "next"))) == "next (2)"
    assert asked(config) == ["1:hello"]
