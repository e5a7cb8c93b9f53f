"""Changes of the knowledge, one at a time, in a process of their own: imports and removals."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from engine.errors import Cancelled, ZuoxiError
from engine.records import Language
from engine.texts import text

if TYPE_CHECKING:
    from engine.knowledge.job import Job
    from engine.knowledge.reports import ImportProgress, ImportReport

_POLL_SECONDS: Final = 0.2
_GRACE_POLLS: Final = 10
_SOON_S: Final = 2

Work = Literal["import", "rebuild", "remove"]


class Importing(QObject):
    """`progress`, then `finished` or `failed`; `failed` with ``import_cancelled`` when called off.

    `mending` comes before an indexing that nobody asked for, `stopping` when the program ends.
    `work` is what was begun last, `doc` the document that it concerns, if it is one.
    """

    started = Signal()
    mending = Signal()
    progress = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    stopping = Signal()

    def __init__(
        self, background: Background, folder: Path, embedder: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._folder = folder
        self._embedder = embedder
        self.work: Work = "import"
        self.doc = ""
        self._running = False
        self._mended = False
        self._step: ImportProgress | None = None
        self._began = 0.0
        self._cancelled = threading.Event()
        self._closing = threading.Event()

    @property
    def running(self) -> bool:
        """Whether an import is under way."""
        return self._running

    @property
    def share(self) -> float | None:
        """How much of the present step is done, 0 to 1; None when that is not known yet."""
        step = self._step
        return step.done / step.total if step is not None and step.total else None

    def words(self, language: Language) -> str:
        """What is being done, how far it is, and how long this step may still take."""
        step = self._step
        if step is None:
            return text(f"desk.{self.work}.start", language, doc=self.doc)
        words = text(f"desk.import.{step.step}", language, done=step.done, total=step.total)
        spent = monotonic() - self._began
        if step.done and step.total > step.done and spent > _SOON_S:
            left = max(1, round(spent / step.done * (step.total - step.done)))
            return text("desk.import.left", language, what=words, seconds=left)
        return words

    def set_embedder(self, embedder: Path) -> None:
        """Index with another embedder from now on."""
        self._embedder = embedder

    def import_paths(self, paths: Sequence[Path]) -> bool:
        """Import files and folders. While something is under way this does nothing: False."""
        from engine.knowledge.job import ImportJob

        folder, embedder, chosen = self._folder, self._embedder, tuple(paths)
        return self._begin("import", lambda: ImportJob(folder, chosen, embedder))

    def remove(self, doc: str) -> bool:
        """Retire a document. While something is under way this does nothing: False."""
        from engine.knowledge.job import RemoveJob

        folder = self._folder
        return self._begin("remove", lambda: RemoveJob(folder, doc), doc)

    def rebuild(self) -> bool:
        """Index all documents anew, with the embedder in use; False as above."""
        from engine.knowledge.job import RebuildJob

        folder, embedder = self._folder, self._embedder
        return self._begin("rebuild", lambda: RebuildJob(folder, embedder))

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
        self.stopping.emit()

    def _begin(self, work: Work, make: Callable[[], Job], doc: str = "") -> bool:
        if self._running or self._closing.is_set():
            return False
        self._running = True
        self.work, self.doc, self._step = work, doc, None
        self._cancelled.clear()
        self.started.emit()
        self._background.report(self, lambda report: self._work(make, report)).progress(
            self._on_step
        ).done(self._finished).failed(self._failed)
        return True

    def _on_step(self, step: ImportProgress) -> None:
        if self._step is None or self._step.step != step.step:
            self._began = monotonic()
        self._step = step
        self.progress.emit(step)

    def _work(
        self, make: Callable[[], Job], report: Callable[[ImportProgress], None]
    ) -> ImportReport:
        """On the long lane: follow the job to its end."""
        if self._cancelled.is_set():
            raise Cancelled("The import was called off before it began.", "import_cancelled")
        job = make()
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
            # Of many small files the last one says how far it is.
            for step in job.poll(_POLL_SECONDS)[-1:]:
                report(step)
        return job.result()

    def _finished(self, report: ImportReport) -> None:
        self._running = False
        self.finished.emit(report)

    def _failed(self, error: ZuoxiError) -> None:
        self._running = False
        self.failed.emit(error)
