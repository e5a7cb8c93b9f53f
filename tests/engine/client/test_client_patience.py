"""An engine that hangs is ended and another takes over; one that is slow is left in peace."""

from __future__ import annotations

import os
from collections.abc import Callable

import psutil
import pytest
from listening import SECONDS, Listener, ask, failed, finished, lives

from engine.client import ATTEMPTS, EngineClient, Patience
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineRestarted,
    RequestFailed,
)

HASTY = Patience(beat=0.1, silence=2.0, step=1.0, loading=SECONDS)


def test_an_engine_that_is_deaf_and_dumb_is_ended_and_the_draft_comes_from_the_next(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("hangs_once", patience=HASTY)
    request = ask(client)
    heard.until(DraftStarted, request)
    pid = client.pid
    assert pid is not None
    assert finished(heard.until(DraftFinished, request)) == "hello (2)"
    (restarted,) = heard.of(EngineRestarted)
    assert isinstance(restarted, EngineRestarted)
    assert restarted.why == "it stopped answering"
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(os.name == "nt", reason="a pipe of Windows gives whole messages or none")
def test_an_engine_that_stops_in_the_middle_of_an_event_is_ended_too(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("stops_in_a_word", patience=HASTY)
    assert finished(heard.until(DraftFinished, ask(client))) == "hello (2)"
    (restarted,) = heard.of(EngineRestarted)
    assert isinstance(restarted, EngineRestarted)
    assert restarted.why == "it stopped answering"


def test_an_engine_that_lives_and_never_gets_on_is_ended_too(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("sticks_once", patience=HASTY)
    assert finished(heard.until(DraftFinished, ask(client))) == "hello (2)"
    (restarted,) = heard.of(EngineRestarted)
    assert isinstance(restarted, EngineRestarted)
    assert restarted.why == "it stopped answering"


def test_an_engine_that_is_only_slow_is_left_in_peace(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("is_slow", patience=HASTY)
    assert finished(heard.until(DraftFinished, ask(client))) == "hello (1)"
    assert heard.of(EngineRestarted) == []


def test_an_engine_that_hangs_again_and_again_is_given_up_in_words(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("hangs", patience=HASTY)
    request = ask(client)
    gone = heard.until(EngineFailed)
    assert isinstance(gone, EngineFailed)
    assert "it stopped answering" in gone.message
    assert failed(heard.until(RequestFailed, request)).code == "engine_restarted"
    assert lives(config) == ATTEMPTS
    assert client.pid is None
