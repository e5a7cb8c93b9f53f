"""Imports into the knowledge, one at a time, in a process of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from engine.errors import ZuoxiError

if TYPE_CHECKING:
    from engine.knowledge.job import Job
    from engine.knowledge.reports import ImportProgress, ImportReport

_POLL_SECONDS: Final = 0.2
_GRACE_POLLS: Final = 10


class Importing(QObject):
    """`progress`, then `finished` or `failed`; `failed` with ``cancelled`` when called off.

    `mending` comes before an indexing that nobody asked for.
    """

    started = Signal()
    mending = Signal()
    progress = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self, background: Background, folder: Path, embedder: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._folder = folder
        self._embedder = embedder
        self._running = False
        self._mended = False
        self._cancelled = threading.Event()
        self._closing = threading.Event()

    @property
    def running(self) -> bool:
        """Whether an import is under way."""
        return self._running

    def set_embedder(self, embedder: Path) -> None:
        """Index with another embedder from now on."""
        self._embedder = embedder

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import files and folders. While an import is under way this does nothing."""
        from engine.knowledge.job import ImportJob

        folder, embedder, chosen = self._folder, self._embedder, tuple(paths)
        self._begin(lambda: ImportJob(folder, chosen, embedder))

    def rebuild(self) -> None:
        """Index all documents anew, with the embedder in use."""
        from engine.knowledge.job import RebuildJob

        folder, embedder = self._folder, self._embedder
        self._begin(lambda: RebuildJob(folder, embedder))

    def mend(self, code: str) -> None:
        """Index anew when the error `code` of the knowledge is one that this mends.

        Once only: what comes again after it is for the person to decide about.
        """
        from engine.knowledge.catalogue import MENDABLE

        if code in MENDABLE and not self._mended and not self._running:
            self._mended = True
            self.mending.emit()
            self.rebuild()

    def cancel(self) -> None:
        """Call the import off; the former version of the knowledge stays in use."""
        self._cancelled.set()

    def stop(self) -> None:
        """Call it off for good, because the program ends."""
        self._closing.set()
        self._cancelled.set()

    def _begin(self, make: Callable[[], Job]) -> None:
        if self._running or self._closing.is_set():
            return
        self._running = True
        self._cancelled.clear()
        self.started.emit()
        self._background.report(self, lambda report: self._work(make(), report)).progress(
            self.progress.emit
        ).done(self._finished).failed(self._failed)

    def _work(self, job: Job, report: Callable[[ImportProgress], None]) -> ImportReport:
        """On the long lane: follow the job to its end."""
        job.start()
        polls = 0
        while not job.finished:
            if self._cancelled.is_set():
                job.cancel()
            if self._closing.is_set():
                polls += 1
                if polls > _GRACE_POLLS and job.pid is not None:
                    # It is loading something and does not look up; its work is thrown away anyway.
                    with contextlib.suppress(OSError):
                        os.kill(job.pid, signal.SIGTERM)
            for step in job.poll(_POLL_SECONDS):
                report(step)
        return job.result()

    def _finished(self, report: ImportReport) -> None:
        self._running = False
        self.finished.emit(report)

    def _failed(self, error: ZuoxiError) -> None:
        self._running = False
        self.failed.emit(error)
