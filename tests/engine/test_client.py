"""The engine's owner against engines that die, hang, babble and refuse: nothing is lost unsaid."""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import psutil
import pytest

from engine.client import ATTEMPTS, EngineClient, Patience
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    Event,
    RequestFailed,
    SearchFinished,
)
from engine.records import Turn

SECONDS = 60
HASTY = Patience(beat=0.1, silence=2.0, step=1.0, loading=SECONDS)


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


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # The spawned process gets this process's path, so it finds the module as well.
    monkeypatch.syspath_prepend(Path(__file__).parent / "odd_engines")
    return importlib.import_module("odd_engines")


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    notes = tmp_path / "notes"
    notes.mkdir()
    return EngineConfig(str(notes), "", "", "", "", language="en")


@pytest.fixture
def heard() -> Listener:
    return Listener()


@pytest.fixture
def start(
    odd: ModuleType, config: EngineConfig, heard: Listener
) -> Iterator[Callable[..., EngineClient]]:
    clients: list[EngineClient] = []

    def begin(target: str, **options: Any) -> EngineClient:
        client = EngineClient(config, heard, target=getattr(odd, target), **options)
        clients.append(client)
        client.start()
        return client

    yield begin
    for client in clients:
        client.close()


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
