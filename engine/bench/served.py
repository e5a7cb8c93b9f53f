"""A real engine process, asked and listened to, with the times at which it answered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psutil
from msgspec import Struct

from engine.bench.workbench import BenchError
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
    TextReleased,
)
from engine.records import Draft


class Course(Struct):
    """What became of one draft, in seconds on `time.perf_counter`; 0 for what was not yet."""

    started: float = 0.0
    first_text: float = 0.0
    ended: float = 0.0
    draft: Draft | None = None
    failure: str = ""


class Served:
    """One engine process. `client` asks it; what it answers is found here by the request's id."""

    def __init__(self, config: EngineConfig) -> None:
        self._courses: dict[str, Course] = {}
        self._changed = threading.Condition()
        self._ready = False
        self._failure = ""
        self.client = EngineClient(config, self._take)

    def start(self, patience: float) -> None:
        """Start it; raises `BenchError` when it cannot draft within `patience` seconds."""
        self.client.start()
        self._await(lambda: self._ready, patience)

    def course(self, request: str, reached: Callable[[Course], bool], patience: float) -> Course:
        """What became of `request`, once that has `reached` what is waited for, or ended.

        Raises `BenchError` when it failed, or when nothing came within `patience` seconds.
        """
        with self._changed:
            course = self._courses.setdefault(request, Course())
        self._await(lambda: bool(course.ended) or reached(course), patience)
        if course.failure:
            raise BenchError(course.failure, "bench_engine_refused", why=course.failure)
        return course

    def memory(self) -> int:
        """The process's resident memory in bytes; 0 when there is none."""
        with contextlib.suppress(psutil.Error):
            if pid := self.client.pid:
                return int(psutil.Process(pid).memory_info().rss)
        return 0

    def _await(self, met: Callable[[], bool], patience: float) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: bool(self._failure) or met(), patience)
        if self._failure:
            raise BenchError(self._failure, "bench_engine_refused", why=self._failure)
        if not came:
            raise BenchError("The engine did not answer in time.", "bench_engine")

    def _take(self, event: Event) -> None:
        now = time.perf_counter()
        with self._changed:
            if isinstance(event, EngineReady):
                self._ready = True
                self._failure = event.model_error or event.knowledge_error
            elif isinstance(event, EngineFailed):
                self._failure = event.message
            elif isinstance(event, EngineRestarted):
                self._failure = event.why
            elif isinstance(event, (DraftStarted, TextReleased, DraftFinished, RequestFailed)):
                course = self._courses.setdefault(event.id, Course())
                if isinstance(event, DraftStarted):
                    course.started = now
                elif isinstance(event, TextReleased):
                    course.first_text = course.first_text or now
                else:
                    course.ended = now
                    if isinstance(event, DraftFinished):
                        course.draft = event.draft
                    else:
                        course.failure = event.code
            self._changed.notify_all()


@contextlib.contextmanager
def served(config: EngineConfig, *, patience: float = 90.0) -> Iterator[Served]:
    """An engine of `config` that is ready, ended afterwards. Raises `BenchError`."""
    engine = Served(config)
    try:
        engine.start(patience)
        yield engine
    finally:
        engine.client.close()
