"""The engine process as its owner sees it: started, asked, restarted when it dies or hangs.

Events arrive by a callback on the client's own threads, one at a time for each request. Drafts
that were under way when the process died are suspects: the next one gets them to do each alone,
and one that it dies of again fails in words. Requests that had only waited are simply sent again.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.client.life import (
    Life,
    Link,
    Patience,
    cause_of_death,
    complain,
    uninterrupted,
)
from engine.client.requests import Requests, Work
from engine.protocol import (
    CancelRequest,
    DraftRequest,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    ForgetConversations,
    ModelMemory,
    Ping,
    Pong,
    PrioritiseRequest,
    ReloadKnowledge,
    RequestFailed,
    SearchRequest,
    Shutdown,
    decode_request,
    encode,
)
from engine.records import DraftMode, Turn
from engine.texts import text

ATTEMPTS = 3
_GRACE = 2.0
_CLOSE = object()


class _Run:
    """What belongs together from one `start` to its `close`."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self.outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.process: BaseProcess | None = None
        self.link: Link | None = None
        self.failure: tuple[str, str] | None = None
        self.threads: list[threading.Thread] = []


def _serve(config: bytes, connection: Connection) -> None:
    """The process's main; what it takes is loaded there and not at its owner's."""
    from engine import worker

    worker.run(config, connection)


class EngineClient:
    """Owns one engine process at a time. All methods may be called from any thread.

    `on_event` is called on the client's threads; what it raises is logged. A process that tries
    `patience` is killed, which is a death like any other.
    """

    def __init__(
        self,
        config: EngineConfig,
        on_event: Callable[[Event], None],
        *,
        target: Callable[[bytes, Connection], None] = _serve,
        patience: Patience = Patience(),  # noqa: B008 (it cannot change)
    ) -> None:
        self._config = config
        self._on_event = on_event
        self._target = target
        self._patience = patience
        self._ids = itertools.count(1)
        self._numbers = itertools.count(1)
        self._requests = Requests()
        self._run: _Run | None = None
        self._closed = False
        self._pid: int | None = None
        self.model_memory = ModelMemory()
        """What the engine remembered of conversations when it last gave a sign of life."""

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._pid

    def start(self) -> None:
        """Start the process; `EngineStarting`, then `EngineReady` or `EngineFailed`, follow.

        Does nothing when it was started already.
        """
        with self._requests.lock:
            if self._run is not None:
                return
            run = self._run = _Run()
            self._closed = False
        run.threads = [
            threading.Thread(target=work, args=(run,), name=f"engine-{name}", daemon=True)
            for name, work in (("supervisor", self._supervise), ("writer", self._write))
        ]
        for thread in run.threads:
            thread.start()

    def restart(self, config: EngineConfig) -> None:
        """Start anew with `config`, after a change of settings or a failure. Open requests fail."""
        self.close()
        self._config = config
        self.start()

    def draft(
        self,
        turns: Sequence[Turn],
        *,
        as_of: str | None = None,
        mode: DraftMode = "auto",
        conversation: str = "",
        priority: int = 1,
    ) -> str:
        """Ask for a draft; the id that its events will bear. See `DraftRequest`."""
        return self._ask(
            DraftRequest(self._new_id(), tuple(turns), as_of, mode, conversation, priority)
        )

    def prioritise(self, request_id: str, priority: int) -> None:
        """Change a draft's place among the others; nothing happens when it is done."""
        with self._requests.lock:
            self._requests.prioritise(request_id, priority)
            if run := self._run:
                run.outbox.put(PrioritiseRequest(request_id, priority))

    def search(
        self, query: str, *, k: int = 5, as_of: str | None = None, turns: Sequence[Turn] = ()
    ) -> str:
        """Ask for passages; the id that the answer will bear."""
        return self._ask(SearchRequest(self._new_id(), query, k, as_of, tuple(turns)))

    def reload_knowledge(self) -> str:
        """Have the engine open the newest knowledge; the id of the answer."""
        return self._ask(ReloadKnowledge(self._new_id()))

    def forget(self, conversations: Sequence[str]) -> None:
        """Have the engine remember nothing of these conversations; drafts are called off."""
        for request_id in self._requests.drafts_for(conversations):
            self.cancel(request_id)
        with self._requests.lock:
            if run := self._run:
                run.outbox.put(ForgetConversations(tuple(conversations)))

    def cancel(self, request_id: str) -> None:
        """Give a request up: it ends with `RequestFailed` ``cancelled``, unless it is done."""
        with self._requests.lock:
            if run := self._run:
                run.outbox.put(CancelRequest(request_id))
                return
            waited = self._requests.drop(request_id)
        if waited:
            self._fail(request_id, "cancelled")

    def close(self) -> None:
        """End the process and the client's threads. Requests still open fail as ``cancelled``."""
        with self._requests.lock:
            run, self._run = self._run, None
            self._closed = True
        if run is not None:
            self._end(run)
        self._fail_all("cancelled", text("error.cancelled", self._config.language))

    def _end(self, run: _Run) -> None:
        run.closing.set()
        run.outbox.put(Shutdown())
        run.outbox.put(_CLOSE)
        supervisor, here = run.threads[0], threading.current_thread()
        if here is not supervisor:
            supervisor.join(_GRACE)
        # From a callback there is nobody to read what a peaceful end would still send.
        if run.process is not None and supervisor.is_alive():
            with contextlib.suppress(OSError, ValueError):
                run.process.kill()
        for thread in run.threads:
            if thread is not here:
                thread.join(5)

    def _new_id(self) -> str:
        return f"r{next(self._ids)}"

    def _ask(self, request: Work) -> str:
        # A request that the engine could not read would never be answered.
        decode_request(encode(request))
        with self._requests.lock:
            closed, run = self._closed, self._run
            if not closed:
                self._requests.add(request)
                if run is not None:
                    run.outbox.put(request.id)
        if closed:
            self._fail(request.id, "cancelled")
        return request.id

    def _write(self, run: _Run) -> None:
        """Send what is asked. A full pipe blocks this thread and nobody else."""
        while (message := run.outbox.get()) is not _CLOSE:
            if isinstance(message, str):
                self._send_request(run, message)
            elif isinstance(message, CancelRequest):
                self._send_cancel(run, message)
            elif link := run.link:
                link.send(encode(message))

    def _send_request(self, run: _Run, request_id: str) -> None:
        """Send it to the process there is, unless that one has it; fail it when there is none."""
        data = None
        with self._requests.lock:
            link, failure = run.link, run.failure
            if failure is not None:
                lost = self._requests.drop(request_id)
            elif link is not None:
                # Between two processes nothing is sent: the next one gets all that waits.
                data = self._requests.send_to(link.life, request_id)
        if failure is not None and lost:
            self._tell(RequestFailed(request_id, *failure))
        elif link is not None and data is not None:
            link.send(data)

    def _send_cancel(self, run: _Run, request: CancelRequest) -> None:
        """Tell the process that has the request; where none has it, it ends here."""
        with self._requests.lock:
            link = run.link
            under_way = self._requests.call_off(link.life if link else None, request.id)
            ends = not under_way and self._requests.drop(request.id)
        if link is not None and under_way:
            link.send(encode(request))
        elif ends:
            self._fail(request.id, "cancelled")

    def _supervise(self, run: _Run) -> None:
        try:
            self._keep_alive(run)
        except Exception as error:  # Nobody must wait for ever, whatever went wrong here.
            complain("supervision_failed", kind=type(error).__name__)
            self._give_up(run, 1, type(error).__name__)

    def _keep_alive(self, run: _Run) -> None:
        config = self._config
        deaths = 0
        while not run.closing.is_set():
            life = self._live(run, config)
            if run.closing.is_set():
                break
            if run.failure is not None:
                self._fail_all(*run.failure)
                break
            deaths = 1 if life.was_sound() else deaths + 1
            if deaths >= ATTEMPTS:
                self._give_up(run, deaths, life.why)
                break
            if deaths == ATTEMPTS - 1 and life.step == "model" and life.ready_at is None:
                # Twice this model took the process with it: what else there is still serves.
                config = replace(config, generator="none")
            self._tell(EngineRestarted(life.why, deaths, self._bury(life)))

    def _live(self, run: _Run, config: EngineConfig) -> Life:
        """Start a process and deliver its events until it ends."""
        life = Life(next(self._numbers))
        try:
            process, link = self._spawn(life, config)
        except Exception as error:  # No memory, no process, no pipe: as if it had died at once.
            life.why = getattr(error, "strerror", None) or type(error).__name__
            return life
        try:
            run.process, self._pid = process, process.pid
            with self._requests.lock:
                run.link = link
                for request_id in self._requests.ids():
                    run.outbox.put(request_id)
            if run.closing.is_set():
                process.kill()
            self._follow(run, life, link, process)
        finally:
            run.link = None
            link.close()
            process.join(_GRACE)
            if process.is_alive():
                process.kill()
                process.join()
            life.why = cause_of_death(process.exitcode) if life.why == "?" else life.why
            run.process = self._pid = None
            process.close()
        return life

    def _spawn(self, life: Life, config: EngineConfig) -> tuple[BaseProcess, Link]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        try:
            process = context.Process(
                target=self._target,
                args=(msgspec.msgpack.encode(config), theirs),
                name="zuoxi-engine",
                daemon=True,
            )
            # Ctrl+C is the desk's to handle, from the first moment on.
            with theirs, uninterrupted():
                process.start()
        except BaseException:
            ours.close()
            raise
        return process, Link(ours, life.number, self._patience)

    def _follow(self, run: _Run, life: Life, link: Link, process: BaseProcess) -> None:
        """Deliver the process's events until it ends; end it where it gives no sign of life."""
        hung = text("drafting.engine.hung", self._config.language)
        try:
            for event in link.events():
                if event is not None:
                    self._deliver(event, run, life)
                if not life.hears(event, self._patience) and life.why != hung:
                    life.why = hung
                    process.kill()
                if event is None:
                    if not process.is_alive():
                        return  # Somebody else still holds the pipe.
                    if not life.asked:
                        life.asked = True
                        run.outbox.put(Ping())
        except BlockingIOError:
            life.why = hung
            process.kill()

    def _deliver(self, event: Event, run: _Run, life: Life) -> None:
        if run.closing.is_set():
            return
        if isinstance(event, EngineStarting):
            life.step = event.step
        elif isinstance(event, EngineReady):
            life.ready_at = time.monotonic()
        elif isinstance(event, EngineFailed):
            run.failure = (event.code, event.message)
        elif isinstance(event, Pong):
            self.model_memory = event.memory
            return
        elif isinstance(event, EngineRestarted) or not self._requests.hear(event, life):
            return
        self._tell(event)

    def _bury(self, life: Life) -> int:
        """Settle what the dead process was doing; how many requests go to the next one."""
        burial = self._requests.bury(life)
        for key, code in burial.ended:
            self._fail(key, code)
        return burial.repeated

    def _give_up(self, run: _Run, deaths: int, why: str) -> None:
        message = text("error.engine_gone", self._config.language, attempts=deaths, why=why)
        run.failure = ("engine_gone", message)
        self._tell(EngineFailed(*run.failure))
        # Whoever heard that may have started anew already.
        if not run.closing.is_set():
            self._fail_all(*run.failure)

    def _fail(self, request_id: str, code: str) -> None:
        message = text(f"error.{code}", self._config.language)
        self._tell(RequestFailed(request_id, code, message))

    def _fail_all(self, code: str, message: str) -> None:
        for key in self._requests.clear():
            self._tell(RequestFailed(key, code, message))

    def _tell(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception as error:  # A listener that fails must not end the supervision.
            complain("listener_failed", kind=type(error).__name__)
