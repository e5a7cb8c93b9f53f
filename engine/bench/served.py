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
    ended: float = 0.0
    released: list[tuple[float, int]] = []
    """When more text came, and how many characters there were then."""
    draft: Draft | None = None
    failure: str = ""

    def reached(self, characters: int) -> float:
        """When there were `characters` or more; when it ended, if there never were."""
        times = (time for time, length in self.released if length >= characters)
        return next(times, self.ended)


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

    def ended(self, request: str, patience: float) -> None:
        """Wait until `request` has ended in whatever way. Raises `BenchError` after `patience`."""
        with self._changed:
            course = self._courses.setdefault(request, Course())
        self._await(lambda: bool(course.ended), patience)

    def memory(self) -> tuple[int, int]:
        """The process's resident memory in bytes, and how much of it are pages of files.

        Those the system can take back. Not every system tells them apart.
        """
        with contextlib.suppress(psutil.Error):
            if pid := self.client.pid:
                info = psutil.Process(pid).memory_info()
                return int(info.rss), int(getattr(info, "shared", 0))
        raise BenchError("The engine process has gone.", "bench_engine")

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
                    before = course.released[-1][1] if course.released else 0
                    course.released.append((now, before + len(event.text)))
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
