"""Starting, refusing and closing: nothing is left behind, nobody is left waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType

import psutil
from listening import Listener, ask, failed, finished, lives

from engine.client import EngineClient
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    Event,
    RequestFailed,
)


def test_a_process_that_cannot_even_be_started_is_given_up_and_leaves_nothing(
    config: EngineConfig, heard: Listener
) -> None:
    process = psutil.Process()
    EngineClient(config, heard, target=lambda *_: None).close()
    files = process.num_fds()
    # A function without a name cannot be sent to a new process.
    client = EngineClient(config, heard, target=lambda *_: None)
    client.start()
    waiting = ask(client)
    gone = heard.until(EngineFailed)
    assert getattr(gone, "code", "") == "engine_gone"
    assert failed(heard.until(RequestFailed, waiting)).code == "engine_gone"
    client.close()
    assert process.num_fds() <= files + 1  # Python's resource tracker, started once.


def test_a_listener_may_restart_and_close_from_its_callback(
    odd: ModuleType, config: EngineConfig
) -> None:
    told = Listener()
    client: EngineClient

    def listen(event: Event) -> None:
        if isinstance(event, EngineFailed):
            client._target = odd.plain
            client.restart(config)
        told(event)

    client = EngineClient(config, listen, target=odd.aborts_at_once)
    client.start()
    told.until(EngineReady)
    assert finished(told.until(DraftFinished, ask(client))).startswith("hello")
    client.close()
    assert failed(told.until(RequestFailed, ask(client))).code == "cancelled"


def test_an_engine_that_refuses_to_start_is_not_started_again(
    start: Callable[..., EngineClient], heard: Listener, config: EngineConfig
) -> None:
    client = start("refuses")
    waiting = ask(client)
    refusal = heard.until(EngineFailed)
    assert refusal == EngineFailed("rules_invalid", "bad rules")
    failure = failed(heard.until(RequestFailed, waiting))
    assert (failure.code, failure.message) == ("rules_invalid", "bad rules")
    assert failed(heard.until(RequestFailed, ask(client))).code == "rules_invalid"
    assert lives(config) == 1
    assert heard.of(EngineRestarted) == []


def test_closing_ends_an_engine_that_is_deaf_and_fails_what_is_open(
    start: Callable[..., EngineClient], heard: Listener
) -> None:
    client = start("hangs")
    request = ask(client)
    waiting = ask(client)
    heard.until(DraftStarted, request)
    pid = client.pid
    assert pid is not None
    client.close()
    assert not psutil.pid_exists(pid)
    assert {one: failed(heard.until(RequestFailed, one)).code for one in (request, waiting)} == {
        request: "cancelled",
        waiting: "cancelled",
    }
    client.close()
    assert failed(heard.until(RequestFailed, ask(client))).code == "cancelled"


def test_closing_at_once_after_the_start_leaves_nothing(
    odd: ModuleType, config: EngineConfig, heard: Listener
) -> None:
    before = {process.pid for process in psutil.Process().children()}
    threads = set(threading.enumerate())
    for _ in range(5):
        client = EngineClient(config, heard, target=odd.plain)
        client.start()
        client.close()
    left = [p for p in psutil.Process().children() if p.pid not in before]
    assert [p for p in left if "resource_tracker" not in " ".join(p.cmdline())] == []
    assert set(threading.enumerate()) - threads == set()


def test_starting_and_closing_leaks_no_threads_no_processes_and_no_files(
    odd: ModuleType, config: EngineConfig
) -> None:
    def cycle() -> None:
        told = Listener()
        client = EngineClient(config, told, target=odd.plain)
        client.start()
        told.until(DraftFinished, ask(client))
        client.close()

    cycle()  # What Python starts once, its resource tracker, is there from now on.
    process = psutil.Process()
    children, files = len(process.children()), process.num_fds()
    threads = set(threading.enumerate())
    for _ in range(10):
        cycle()
    assert len(process.children()) == children
    assert process.num_fds() == files
    assert set(threading.enumerate()) == threads
