"""Importing: a new version is written beside the one in use, and switched to at the very end."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from engine.errors import Cancelled, InputError, KnowledgeError
from engine.knowledge import catalogue
from engine.knowledge.ahead import Ahead
from engine.knowledge.catalogue import LAYOUT, Current, DocumentRow, Layout
from engine.knowledge.documents import Skipped, collect
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import Counting
from engine.knowledge.reading import Answer, Given, Left, Same, Task, reading
from engine.knowledge.reports import ImportProgress, ImportReport, Step
from engine.knowledge.seal import verify
from engine.knowledge.table import PassageTable, Row
from engine.knowledge.version import finish_version

__all__ = ["ImportProgress", "ImportReport", "import_documents", "rebuild", "remove_document"]

Progress = Callable[[ImportProgress], None]
Asking = Callable[[], bool]


class _Kept(Struct):
    """What the version in use lends to the next one; not `whole`: only its documents' names."""

    current: Current | None = None
    whole: bool = False
    documents: dict[str, DocumentRow] = {}
    rows: dict[str, list[Row]] = {}


def _no_progress(_: ImportProgress) -> None:
    return None


def _never() -> bool:
    return False


def import_documents(
    folder: Path,
    paths: Sequence[Path],
    embedder: Embedder,
    *,
    progress: Progress = _no_progress,
    cancelled: Asking = _never,
) -> ImportReport:
    """Add the files in `paths` (folders are walked), or replace those of the same name.

    Other documents stay. Vectors of text that did not change are kept; with another embedder, or
    when the index is damaged, everything is made anew from the stored copies. Raises `Cancelled`
    and `KnowledgeError`; then the former version is in use.
    """
    layout = Layout(folder)
    with catalogue.writing(layout), _on_disk():
        kept = _take_over(layout, embedder)
        with _Making(layout, kept, embedder, progress, cancelled) as making:
            making.read(paths)
            return making.finish()


def remove_document(
    folder: Path,
    doc: str,
    *,
    progress: Progress = _no_progress,
    cancelled: Asking = _never,
) -> ImportReport:
    """Retire the document `doc`, its stored copy included. Raises `InputError` when unknown."""
    layout = Layout(folder)
    with catalogue.writing(layout), _on_disk():
        now = catalogue.current(folder)
        documents = {row.doc: row for row in catalogue.list_documents(folder)}
        if now is None or doc not in documents:
            raise InputError(f"There is no document {doc}.", "document_unknown", doc=doc)
        kept = _read(layout, now)
        catalogue.sweep(layout, [now.version])
        del kept.documents[doc]
        with _Making(layout, kept, None, progress, cancelled) as making:
            return making.finish(changed=True)


def rebuild(
    folder: Path,
    embedder: Embedder,
    *,
    progress: Progress = _no_progress,
    cancelled: Asking = _never,
) -> ImportReport:
    """Make the whole index anew from the stored copies, with `embedder`."""
    layout = Layout(folder)
    with catalogue.writing(layout), _on_disk():
        kept = _from_copies(layout)
        with _Making(layout, kept, embedder, progress, cancelled) as making:
            making.read(())
            report = making.finish(changed=True)
    return msgspec.structs.replace(
        report, documents=report.total_documents, passages=report.total_passages
    )


def _take_over(layout: Layout, embedder: Embedder) -> _Kept:
    try:
        now = catalogue.current(layout.folder)
        if now is None or now.embedder_digest != embedder.digest or now.layout != LAYOUT:
            return _from_copies(layout)
        kept = _read(layout, now)
    except KnowledgeError:
        return _from_copies(layout)
    catalogue.sweep(layout, [now.version])
    catalogue.sweep_copies(layout, kept.documents.values())
    return kept


def _read(layout: Layout, now: Current) -> _Kept:
    """Everything of the version in use."""
    version = layout.version(now.version)
    verify(version, now.seal)
    kept = _Kept(now, True, {row.doc: row for row in catalogue.read_catalogue(version)})
    if now.passages:
        for row in PassageTable(version).all_rows():
            kept.rows.setdefault(row.passage.doc, []).append(row)
    for found in kept.rows.values():
        found.sort(key=lambda row: row.passage.ordinal)
    return kept


def _from_copies(layout: Layout) -> _Kept:
    """Only the catalogue, or, where that is lost, what lies in the folder of copies."""
    kept = _Kept()
    try:
        kept.current = catalogue.current(layout.folder)
        rows = catalogue.list_documents(layout.folder)
    except KnowledgeError:
        copies = sorted(
            layout.documents.glob("*/*"), key=lambda path: (path.stat().st_mtime, path.name)
        )
        rows = [DocumentRow(path.name, path.name, folder=path.parent.name) for path in copies]
    kept.documents = {row.doc: row for row in rows}
    catalogue.sweep(layout, [kept.current.version] if kept.current else [])
    return kept


class _Making:
    """A version that is being made: `read` documents into it, then `finish`. Use it in a ``with``.

    Without an `embedder` only what the version in use has can be taken over.
    """

    def __init__(
        self,
        layout: Layout,
        kept: _Kept,
        embedder: Embedder | None,
        progress: Progress,
        cancelled: Asking,
    ) -> None:
        self._layout = layout
        self._kept = kept
        self._progress = progress
        self._cancelled = cancelled
        former = kept.current
        self._number = max([*layout.numbers(), former.version if former else 0]) + 1
        self._version = layout.version(self._number)
        self._name = embedder.name if embedder else former.embedder if former else ""
        self._digest = embedder.digest if embedder else former.embedder_digest if former else ""
        by = embedder or former
        self._dimension = by.dimension if by else 0
        self._in_use = False
        self._ahead = Ahead(self._version, embedder, self._dimension)
        self._ahead.know(row for rows in kept.rows.values() for row in rows)
        self._documents: dict[str, DocumentRow] = {}
        self._new: set[str] = set()
        self._given = 0
        self._counting = Counting()
        self._skipped: list[Skipped] = []
        self._partly: list[Skipped] = []

    def __enter__(self) -> _Making:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ahead.__exit__(kind, error, trace)
        if not self._in_use:
            shutil.rmtree(self._version, ignore_errors=True)

    def read(self, paths: Sequence[Path]) -> None:
        """Take in the files in `paths`, and the copies where the version in use is not whole.

        What cannot be taken in is told in the report.
        """
        kept = self._kept
        files, self._skipped = collect(paths)
        rows = list(kept.documents.values())
        task = Task(
            str(self._layout.folder),
            self._number,
            tuple(os.fsencode(path) for path in files),
            {row.doc: row.digest for row in rows} if kept.whole else {},
            () if kept.whole else tuple(rows),
        )
        with reading(task, self._cancelled) as answers:
            for number, answer in enumerate(answers):
                self._check()
                shown = files[number].name if number < len(files) else ""
                self._progress(
                    ImportProgress("reading", min(number, len(files)), len(files), shown)
                )
                self._take(answer)

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Given):
            row = answer.document
            self._documents[row.doc] = row
            self._new.add(row.doc)
            self._given += not answer.copy
            if not answer.copy:
                self._partly.extend(answer.partly)
            self._ahead.add(answer.passages, answer.words)
        elif isinstance(answer, Same):
            self._documents[answer.doc] = self._kept.documents[answer.doc]
            self._given += 1
        elif isinstance(answer, Left):
            self._skipped.append(answer.skipped)
        else:
            self._counting.frequency.update(answer.frequency)

    def finish(self, *, changed: bool = False) -> ImportReport:
        """Write the version and switch to it, when anything is new in it or is `changed`."""
        given = list(self._documents.values())[: self._given]
        if self._kept.whole:
            self._documents = self._kept.documents | self._documents
        former = self._kept.current
        report = ImportReport(
            documents=len(given),
            passages=sum(row.passages for row in given),
            skipped=tuple(self._skipped),
            partly=tuple(self._partly),
            version=str(former.version if former else ""),
            total_documents=len(self._documents),
            total_passages=sum(row.passages for row in self._documents.values()),
        )
        same = self._kept.whole and not self._new
        if not changed and (same or not self._documents):
            return report
        catalogue.switch(self._layout, self._written(report.total_passages))
        self._in_use = True
        # The former version stays for those who have it open; copies are only read by imports.
        catalogue.sweep_copies(self._layout, self._documents.values())
        self._progress(ImportProgress("indexing", report.total_passages, report.total_passages))
        return msgspec.structs.replace(report, version=str(self._number))

    def _written(self, passages: int) -> Current:
        self._version.mkdir(parents=True, exist_ok=True)
        for doc in (doc for doc in self._documents if doc not in self._new):
            rows = self._kept.rows.get(doc, [])
            words = [row.words for row in rows]
            self._ahead.add([row.passage for row in rows], words)
            self._counting.add(line.split() for line in words)
        self._ahead.finish(self._told)
        now = finish_version(
            self._version,
            self._number,
            list(self._documents.values()),
            passages,
            self._counting.frequency,
            embedder=self._name,
            digest=self._digest,
            dimension=self._dimension,
        )
        self._check()
        return now

    def _told(self, step: Step, done: int, total: int) -> None:
        self._check()
        self._progress(ImportProgress(step, done, total))

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled(
                "The import was called off; the former version is in use.", "import_cancelled"
            )


@contextlib.contextmanager
def _on_disk() -> Iterator[None]:
    """Turn a refusing disk into the error that a person can read."""
    try:
        yield
    except OSError as error:
        raise catalogue.not_written(error) from error
