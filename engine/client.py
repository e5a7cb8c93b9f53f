"""The engine process as its owner sees it: started, asked, restarted when it dies.

Events arrive by a callback on the client's own thread. A request that was under way when the
process died is sent once more to the next one; after that it fails in words.
"""

from __future__ import annotations

import itertools
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import msgspec
from msgspec import Struct

from engine import worker
from engine.protocol import (
    CancelRequest,
    DraftFinished,
    DraftRequest,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    KnowledgeReloaded,
    ReloadKnowledge,
    Request,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    Shutdown,
    decode_event,
    encode,
)
from engine.records import DraftMode, Turn
from engine.texts import text

ATTEMPTS = 3
_ANSWERS = (DraftFinished, SearchFinished, KnowledgeReloaded, RequestFailed)
_OF_ENGINE = (EngineStarting, EngineReady, EngineFailed, EngineRestarted)
_CLOSE = object()


class _Pending(Struct):
    """A request that waits for its answer."""

    request: DraftRequest | SearchRequest | ReloadKnowledge
    repeated: bool = False
    sent_to: int | None = None


class EngineClient:
    """Owns one engine process at a time. All methods may be called from any thread."""

    def __init__(
        self,
        config: EngineConfig,
        on_event: Callable[[Event], None],
        *,
        target: Callable[[bytes, Connection], None] = worker.run,
    ) -> None:
        self._config = config
        self._on_event = on_event
        self._target = target
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._process: BaseProcess | None = None
        self._closing = False
        self._supervisor: threading.Thread | None = None
        self._writer: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; `EngineStarting`, then `EngineReady` or `EngineFailed`, follow."""
        self._closing = False
        self._supervisor = threading.Thread(
            target=self._supervise, name="engine-supervisor", daemon=True
        )
        self._writer = threading.Thread(target=self._write, name="engine-writer", daemon=True)
        self._supervisor.start()
        self._writer.start()

    def restart(self, config: EngineConfig) -> None:
        """Start anew with `config`, after a change of settings or a failure. Open requests fail."""
        self.close()
        self._config = config
        self.start()

    def draft(
        self, turns: Sequence[Turn], *, as_of: str | None = None, mode: DraftMode = "auto"
    ) -> str:
        """Ask for a draft; the id that its events will bear."""
        request = DraftRequest(self._new_id(), tuple(turns), as_of, mode)
        return self._ask(request)

    def search(
        self, query: str, *, k: int = 5, as_of: str | None = None, turns: Sequence[Turn] = ()
    ) -> str:
        """Ask for passages; the id that the answer will bear."""
        return self._ask(SearchRequest(self._new_id(), query, k, as_of, tuple(turns)))

    def reload_knowledge(self) -> str:
        """Have the engine open the newest knowledge; the id of the answer."""
        return self._ask(ReloadKnowledge(self._new_id()))

    def cancel(self, request_id: str) -> None:
        """Give a request up: it ends with `RequestFailed` ``cancelled``, unless it is done."""
        self._outbox.put(CancelRequest(request_id))

    def close(self) -> None:
        """End the process and the client's threads. Requests still open fail as ``cancelled``."""
        self._closing = True
        self._outbox.put(Shutdown())
        self._outbox.put(_CLOSE)
        process = self._process
        if process is not None:
            process.join(2)
            if process.is_alive():
                process.kill()
        for thread in (self._supervisor, self._writer):
            if thread is not None and thread is not threading.current_thread():
                thread.join(5)
        self._fail_all("cancelled")

    def _new_id(self) -> str:
        return f"r{next(self._ids)}"

    def _ask(self, request: DraftRequest | SearchRequest | ReloadKnowledge) -> str:
        with self._lock:
            self._pending[request.id] = _Pending(request)
        self._outbox.put(request)
        return request.id

    def _write(self) -> None:
        """Send what is asked. A full pipe blocks this thread and nobody else."""
        while (message := self._outbox.get()) is not _CLOSE:
            connection = self._connection
            # Between two processes nothing is sent: what is pending goes to the next one.
            if connection is None or not self._is_due(message):
                continue
            try:
                connection.send_bytes(encode(message))
            except (OSError, ValueError):
                continue

    def _is_due(self, message: Request) -> bool:
        """Whether this process should get `message`: no request goes to the same one twice."""
        if isinstance(message, (CancelRequest, Shutdown)):
            return True
        with self._lock:
            pending = self._pending.get(message.id)
            if pending is None or pending.sent_to == self.pid:
                return False
            pending.sent_to = self.pid
        return True

    def _supervise(self) -> None:
        deaths = 0
        while not self._closing:
            refused = False
            for event in self._one_life():
                if isinstance(event, EngineReady):
                    deaths = 0
                refused |= isinstance(event, EngineFailed)
                self._deliver(event)
            if self._closing or refused:
                break
            deaths += 1
            why = self._cause_of_death()
            if deaths >= ATTEMPTS:
                message = text("error.engine_gone", self._config.language, attempts=deaths, why=why)
                self._on_event(EngineFailed("engine_gone", message))
                break
            self._on_event(EngineRestarted(why, deaths, self._repeat_pending()))
        if not self._closing:
            self._fail_all("engine_gone", attempts=deaths, why=self._cause_of_death())

    def _one_life(self) -> Iterator[Event]:
        """Start a process and yield its events until it ends."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=self._target,
            args=(msgspec.msgpack.encode(self._config), theirs),
            name="zuoxi-engine",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        with self._lock:
            waiting = [pending.request for pending in self._pending.values()]
            self._connection = ours
        for request in waiting:
            self._outbox.put(request)
        while True:
            try:
                yield decode_event(ours.recv_bytes())
            except (EOFError, OSError):
                break
            except msgspec.DecodeError:
                continue
        self._connection = None
        ours.close()
        self._process.join()

    def _deliver(self, event: Event) -> None:
        if not isinstance(event, _OF_ENGINE):
            with self._lock:
                if event.id not in self._pending:
                    return
                if isinstance(event, _ANSWERS):
                    del self._pending[event.id]
        self._on_event(event)

    def _repeat_pending(self) -> int:
        """Mark what was under way for its one repetition; fail what had it already."""
        with self._lock:
            lost = [key for key, pending in self._pending.items() if pending.repeated]
            for key in lost:
                del self._pending[key]
            for pending in self._pending.values():
                pending.repeated = True
            kept = len(self._pending)
        for key in lost:
            self._fail(key, "engine_restarted")
        return kept

    def _fail_all(self, code: str, **values: object) -> None:
        with self._lock:
            lost = list(self._pending)
            self._pending.clear()
        for key in lost:
            self._fail(key, code, **values)

    def _fail(self, request_id: str, code: str, **values: object) -> None:
        message = text(f"error.{code}", self._config.language, **values)
        self._on_event(RequestFailed(request_id, code, message))

    def _cause_of_death(self) -> str:
        code = self._process.exitcode if self._process else None
        if code is None:
            return "?"
        try:
            return signal.Signals(-code).name if code < 0 else f"exit {code}"
        except ValueError:
            return f"exit {code}"
