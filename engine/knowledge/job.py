"""An import in a process of its own: progress out, cancel in, and no crash that takes others along.

The parent loads neither lancedb nor torch; what crosses the pipe are msgspec messages.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine import errors
from engine.errors import KnowledgeError, ZuoxiError
from engine.knowledge.reports import ImportProgress, ImportReport

if TYPE_CHECKING:
    from engine.knowledge.embedding import Embedder


_NICE = 10


class ImportTask(Struct, frozen=True, tag=True):
    """Import `paths`."""

    folder: str
    paths: tuple[bytes, ...]
    embedder: str


class RemoveTask(Struct, frozen=True, tag=True):
    """Retire `doc`."""

    folder: str
    doc: str


class RebuildTask(Struct, frozen=True, tag=True):
    """Make the index anew."""

    folder: str
    embedder: str


Task = ImportTask | RemoveTask | RebuildTask


class JobFailed(Struct, frozen=True, tag=True):
    """The job ended with an error: `kind` is its class."""

    kind: str
    message: str
    code: str
    values: dict[str, str] = {}


_Event = ImportProgress | ImportReport | JobFailed
_events = msgspec.msgpack.Decoder(_Event)
_tasks = msgspec.msgpack.Decoder(Task)


class Job:
    """A task in a process of its own: `start`, `poll` or go through `events`, then `result`."""

    def __init__(self, task: Task) -> None:
        self._task = task
        context = get_context("spawn")
        self._connection, self._far_end = context.Pipe(duplex=False)
        self._cancelled = context.Event()
        self._process = context.Process(
            target=_work,
            args=(self._far_end, self._cancelled, msgspec.msgpack.encode(task)),
            name="zuoxi-import",
            daemon=True,
        )
        self._report: ImportReport | None = None
        self._error: ZuoxiError | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None before the start."""
        return self._process.pid

    @property
    def finished(self) -> bool:
        """Whether `result` would answer at once."""
        return self._report is not None or self._error is not None

    def start(self) -> None:
        """Start the process. It never sees Ctrl+C, not even before it can decline it."""
        with _interrupts_blocked():
            self._process.start()
        self._far_end.close()

    def poll(self, seconds: float = 0.0) -> list[ImportProgress]:
        """What happened since the last call; waits up to `seconds` for the first of it."""
        events: list[ImportProgress] = []
        while not self.finished and self._connection.poll(0 if events else seconds):
            try:
                event = _events.decode(self._connection.recv_bytes())
            except (EOFError, OSError):
                self._died()
                break
            if isinstance(event, ImportProgress):
                events.append(event)
            elif isinstance(event, ImportReport):
                self._report = event
                self._end()
            else:
                self._error = _error(event)
                self._end()
        return events

    def events(self) -> Iterator[ImportProgress]:
        """Progress as it comes, until the job has ended."""
        while not self.finished:
            yield from self.poll(0.2)

    def cancel(self) -> None:
        """Ask the job to stop; it ends with `Cancelled` at its next step."""
        self._cancelled.set()

    def result(self) -> ImportReport:
        """Wait for the end; raises what the import raised, `KnowledgeError` when it crashed."""
        for _ in self.events():
            pass
        if self._error is not None:
            raise self._error
        assert self._report is not None
        return self._report

    def _end(self) -> None:
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _died(self) -> None:
        self._process.join(10)
        code = self._process.exitcode
        self._end()
        self._error = KnowledgeError(
            f"The import process ended unexpectedly ({code}). The former version of the knowledge "
            "is in use; import again.",
            "knowledge_crashed",
            exit=str(code),
        )


class ImportJob(Job):
    """Imports files and folders into the knowledge."""

    def __init__(self, folder: Path, paths: Sequence[Path], embedder_folder: Path) -> None:
        names = tuple(os.fsencode(path.absolute()) for path in paths)
        super().__init__(ImportTask(str(folder), names, str(embedder_folder)))


class RemoveJob(Job):
    """Retires one document."""

    def __init__(self, folder: Path, doc: str) -> None:
        super().__init__(RemoveTask(str(folder), doc))


class RebuildJob(Job):
    """Makes the index anew from the stored copies."""

    def __init__(self, folder: Path, embedder_folder: Path) -> None:
        super().__init__(RebuildTask(str(folder), str(embedder_folder)))


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl+C in this thread, and so in a process that it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Where it must be started first it unblocks the signal, whoever had blocked it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _yield_to_others() -> None:
    """Take the processor only where nobody else wants it."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import psutil

            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(_NICE)


def _work(connection: Connection, cancelled: Event, data: bytes) -> None:
    """What the child process does."""
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _yield_to_others()
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Threads that spin while they wait cost an import four times what embedding does.
    os.environ["OMP_WAIT_POLICY"] = "passive"

    def send(event: _Event) -> None:
        # Nobody listens any more: `stop` ends the work at its next step.
        with contextlib.suppress(OSError):
            connection.send_bytes(msgspec.msgpack.encode(event))

    def stop() -> bool:
        parent = parent_process()
        return cancelled.is_set() or (parent is not None and not parent.is_alive())

    try:
        send(_run(_tasks.decode(data), send, stop))
    except ZuoxiError as error:
        values = {key: str(value) for key, value in error.values.items()}
        send(JobFailed(type(error).__name__, error.message, error.code, values))
    except Exception as error:
        why = type(error).__name__
        message = f"The import failed ({why}). The former version of the knowledge is in use."
        send(JobFailed("KnowledgeError", message, "knowledge_failed", {"why": why}))
    finally:
        connection.close()


def _run(
    task: Task, send: Callable[[ImportProgress], None], stop: Callable[[], bool]
) -> ImportReport:
    from engine.knowledge import index

    folder = Path(task.folder)
    if isinstance(task, RemoveTask):
        return index.remove_document(folder, task.doc, progress=send, cancelled=stop)
    embedder = _embedder(Path(task.embedder))
    if isinstance(task, RebuildTask):
        return index.rebuild(folder, embedder, progress=send, cancelled=stop)
    paths = [Path(os.fsdecode(path)) for path in task.paths]
    return index.import_documents(folder, paths, embedder, progress=send, cancelled=stop)


def _embedder(folder: Path) -> Embedder:
    from engine.knowledge.embedding import load_embedder

    return load_embedder(folder)


def _error(event: JobFailed) -> ZuoxiError:
    kind = getattr(errors, event.kind, KnowledgeError)
    error: ZuoxiError = kind(event.message, event.code, **event.values)
    return error
