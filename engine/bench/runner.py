"""Runs measures in a process of their own: one that crashes or hangs takes no other along."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import psutil

from engine.bench.figures import Figure
from engine.bench.suite import Measure
from engine.bench.workbench import BenchError, Workbench
from engine.errors import ZuoxiError
from engine.protocol import EngineConfig
from engine.records import Language
from engine.texts import explain

SECONDS = 270.0
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",
    # As in the engine process: threads that spin while they wait take the cores from the others.
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "1000",
    # A peer's threads must not spin on into the measurement beside it.
    "OPENBLAS_NUM_THREADS": "1",
    # As there and in an import: what a text is cut into is cut in one thread.
    "TOKENIZERS_PARALLELISM": "false",
}


def measure_all(
    measures: Sequence[Measure],
    config: EngineConfig,
    language: Language,
    *,
    seconds: float = SECONDS,
    started: Callable[[Measure], None] = lambda _: None,
) -> Iterator[Figure]:
    """The figures of `measures`, in order, in at most about `seconds`.

    What could not be measured comes as a figure with an `error` in `language`. All that is written
    lies in a temporary folder that is gone afterwards.
    """
    until = time.monotonic() + seconds
    child: _Child | None = None
    with (
        tempfile.TemporaryDirectory(prefix="zuoxi-bench-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as stack,
    ):
        for place, measure in enumerate(measures):
            left = until - time.monotonic()
            if left <= 0:
                yield from _failed(measure, BenchError("No time was left.", "bench_late"), language)
                continue
            started(measure)
            if child is None:
                child = _Child(measures, config, language, Path(folder) / str(place))
                stack.callback(child.end)
            try:
                yield from _wanted(measure, child.ask(place, min(left, measure.seconds)))
            except BenchError as error:
                child.end(patience=0)
                child = None
                yield from _failed(measure, error, language)


class _Child:
    """The measuring process as its owner sees it."""

    def __init__(
        self, measures: Sequence[Measure], config: EngineConfig, language: Language, folder: Path
    ) -> None:
        # Some libraries look at it when they are first imported, which is before anything is asked.
        os.environ.update(_ENVIRONMENT)
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(tuple(measures), msgspec.msgpack.encode(config), language, str(folder), theirs),
            name="zuoxi-bench",
        )
        self._process.start()
        theirs.close()

    def ask(self, place: int, seconds: float) -> list[Figure]:
        """The figures of the measure at `place`. Raises `BenchError` when none come."""
        try:
            self._connection.send_bytes(msgspec.msgpack.encode(place))
            if not self._connection.poll(seconds):
                raise BenchError(
                    f"It took more than {seconds:.0f} s and was stopped.",
                    "bench_slow",
                    seconds=round(seconds),
                )
            return msgspec.msgpack.decode(self._connection.recv_bytes(), type=list[Figure])
        except (EOFError, OSError):
            self._process.join(5)
            why = _cause(self._process.exitcode)
            raise BenchError(f"The process ended ({why}).", "bench_died", why=why) from None

    def end(self, patience: float = 15.0) -> None:
        """End the process, by force after `patience` seconds, and whatever it started.

        The libraries' own threads take some seconds to end. Ending twice does nothing.
        """
        self._connection.close()
        self._process.join(patience)
        if self._process.is_alive() and self._process.pid is not None:
            with contextlib.suppress(psutil.Error):
                for process in psutil.Process(self._process.pid).children(recursive=True):
                    process.kill()
            self._process.kill()
            self._process.join(5)


def _serve(
    measures: Sequence[Measure],
    config: bytes,
    language: Language,
    folder: str,
    connection: Connection,
) -> None:
    """The measuring process's main: the place of a measure in, its figures out, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the owner's to handle.
    # What a library prints must not fall between the lines of a result.
    os.dup2(2, 1)
    bench = Workbench(msgspec.msgpack.decode(config, type=EngineConfig), Path(folder), language)
    while True:
        try:
            place = msgspec.msgpack.decode(connection.recv_bytes(), type=int)
            figures = _attempt(measures[place], bench)
            connection.send_bytes(msgspec.msgpack.encode(figures))
        except (EOFError, OSError):
            break
    bench.close()


def _attempt(measure: Measure, bench: Workbench) -> list[Figure]:
    try:
        return list(measure.run(bench))
    except ZuoxiError as error:
        return _failed(measure, error, bench.language)
    except Exception as error:  # Any library may raise anything; the other figures go on.
        why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _failed(measure, BenchError(why, "bench_failed", why=why), bench.language)


def _wanted(measure: Measure, figures: Sequence[Figure]) -> list[Figure]:
    """Those of `figures` that were asked for."""
    return [figure for figure in figures if figure.name in measure.figures]


def _failed(measure: Measure, error: ZuoxiError, language: Language) -> list[Figure]:
    line = " ".join(explain(error, language).split())
    return [Figure(name, error=line) for name in measure.figures]


def _cause(code: int | None) -> str:
    if code is None:
        return "?"
    try:
        return signal.Signals(-code).name if code < 0 else f"exit {code}"
    except ValueError:
        return f"exit {code}"
