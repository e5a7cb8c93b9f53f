"""Importing: a new version is written beside the one in use, and switched to at the very end."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import Cancelled, InputError, KnowledgeError, ZuoxiError
from engine.knowledge import catalogue
from engine.knowledge.ahead import Ahead
from engine.knowledge.catalogue import LAYOUT, Current, DocumentRow, Layout
from engine.knowledge.documents import Skipped, collect, parse_document, read_bytes
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import grams, with_pairs
from engine.knowledge.passages import passages
from engine.knowledge.reports import ImportProgress, ImportReport
from engine.knowledge.seal import verify
from engine.knowledge.table import PassageTable, Row, searched_text
from engine.knowledge.version import write_version
from engine.records import Passage

__all__ = ["ImportProgress", "ImportReport", "import_documents", "rebuild", "remove_document"]

Progress = Callable[[ImportProgress], None]
Asking = Callable[[], bool]


class _Kept(Struct):
    """What the version in use lends to the next one; not `whole`: only its documents' names."""

    current: Current | None = None
    whole: bool = False
    documents: dict[str, DocumentRow] = {}
    rows: dict[str, list[Row]] = {}


class _Made(Struct):
    """A document of the version that is being made. Of a `new` one the vectors are on their way."""

    document: DocumentRow
    passages: Sequence[Passage]
    words: Sequence[str]
    new: bool = False


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
        with Ahead(embedder) as ahead:
            making = _Making(layout, kept, embedder, ahead, progress, cancelled)
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
        with Ahead(None) as ahead:
            making = _Making(layout, kept, None, ahead, progress, cancelled)
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
    with catalogue.writing(layout), _on_disk(), Ahead(embedder) as ahead:
        kept = _from_copies(layout)
        making = _Making(layout, kept, embedder, ahead, progress, cancelled)
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
        copies = sorted(layout.documents.glob("*/*"), key=lambda path: path.stat().st_mtime)
        rows = [DocumentRow(path.name, path.name, digest=path.parent.name) for path in copies]
    kept.documents = {row.doc: row for row in rows}
    catalogue.sweep(layout, [kept.current.version] if kept.current else [])
    return kept


class _Making:
    """A version that is being made: read documents into it, then `finish`."""

    def __init__(
        self,
        layout: Layout,
        kept: _Kept,
        embedder: Embedder | None,
        ahead: Ahead,
        progress: Progress,
        cancelled: Asking,
    ) -> None:
        self._layout = layout
        self._kept = kept
        self._embedder = embedder
        self._ahead = ahead
        self._progress = progress
        self._cancelled = cancelled
        self._made: dict[str, _Made] = {}
        ahead.know(row for rows in kept.rows.values() for row in rows)
        self._skipped: list[Skipped] = []

    def read(self, paths: Sequence[Path]) -> None:
        """Take in the files in `paths`; what cannot be taken in is told in the report."""
        files, self._skipped = collect(paths)
        for number, path in enumerate(files):
            self._check()
            self._progress(ImportProgress("reading", number, len(files), path.name))
            try:
                data = read_bytes(path)
                document = self._document(path, data)
            except InputError as error:
                self._skipped.append(_skipped(path, error))
                continue
            if document.new:
                row = document.document
                self._ahead.store(self._layout.copy(row.digest, row.doc), data)

    def finish(self, *, changed: bool = False) -> ImportReport:
        """Write the version and switch to it, when anything is new in it or is `changed`."""
        given = list(self._made.values())
        self._take_others()
        made = [self._made[doc] for doc in sorted(self._made)]
        former = self._kept.current
        report = ImportReport(
            documents=len(given),
            passages=sum(len(document.passages) for document in given),
            skipped=tuple(self._skipped),
            version=str(former.version) if former else "",
            total_documents=len(made),
            total_passages=sum(len(document.passages) for document in made),
        )
        same = self._kept.whole and not any(document.new for document in given)
        if not changed and (same or not made):
            return report
        number = max([*self._layout.numbers(), former.version if former else 0]) + 1
        version = self._layout.version(number)
        try:
            version.mkdir(parents=True)
            self._switch(self._write(version, number, made))
        except BaseException:
            shutil.rmtree(version, ignore_errors=True)
            raise
        # The former version stays for those who have it open; copies are only read by imports.
        catalogue.sweep_copies(self._layout, (document.document for document in made))
        self._progress(ImportProgress("indexing", report.total_passages, report.total_passages))
        return msgspec.structs.replace(report, version=str(number))

    def _write(self, version: Path, number: int, made: Sequence[_Made]) -> Current:
        found = [passage for document in made for passage in document.passages]
        former = self._kept.current
        by = self._embedder
        dimension = by.dimension if by else former.dimension if former else 0
        vectors = self._ahead.vectors(found, dimension, self._embedded)
        self._progress(ImportProgress("indexing", 0, len(found)))
        now = write_version(
            version,
            number,
            [document.document for document in made],
            found,
            [line for document in made for line in document.words],
            vectors,
            embedder=by.name if by else former.embedder if former else "",
            digest=by.digest if by else former.embedder_digest if former else "",
        )
        self._ahead.stored()
        return now

    def _switch(self, now: Current) -> None:
        self._check()
        catalogue.switch(self._layout, now)

    def _embedded(self, done: int, total: int, doc: str) -> None:
        self._check()
        self._progress(ImportProgress("embedding", done, total, doc))

    def _document(self, path: Path, data: bytes) -> _Made:
        """The document in `data`; what of it is new is given away to be embedded."""
        document = parse_document(path, data)
        if document.doc in self._made:
            raise InputError(
                f"Another file of the name {document.doc} was imported in the same go; a name can "
                "be used once.",
                "document_twice",
                doc=document.doc,
            )
        old = self._kept.documents.get(document.doc)
        if old and self._kept.whole and old.digest == document.digest:
            made = self._made[document.doc] = self._as_it_was(old)
            return made
        found = passages(document)
        row = DocumentRow(
            doc=document.doc,
            title=document.title,
            valid_from=document.valid_from,
            valid_until=document.valid_until,
            tags=document.tags,
            internal=document.internal,
            digest=document.digest,
            passages=len(found),
            characters=len(document.text),
            imported=time.time(),
        )
        texts = [searched_text(passage) for passage in found]
        self._ahead.embed(texts)
        made = _Made(row, found, [" ".join(with_pairs(grams(text))) for text in texts], new=True)
        self._made[document.doc] = made
        return made

    def _as_it_was(self, document: DocumentRow) -> _Made:
        rows = self._kept.rows.get(document.doc, [])
        return _Made(document, [row.passage for row in rows], [row.words for row in rows])

    def _take_others(self) -> None:
        """The documents that were there and are not given now."""
        for doc, row in self._kept.documents.items():
            if doc in self._made:
                continue
            if self._kept.whole:
                self._made[doc] = self._as_it_was(row)
                continue
            self._check()
            copy = self._layout.copy(row.digest, doc)
            try:
                document = self._from_copy(copy, row)
            except InputError as error:
                self._skipped.append(_skipped(copy, error))
                continue
            imported = row.imported or document.document.imported
            document.document = msgspec.structs.replace(document.document, imported=imported)

    def _from_copy(self, copy: Path, row: DocumentRow) -> _Made:
        data = read_bytes(copy)
        if not hashlib.sha256(data).hexdigest().startswith(row.digest):
            raise InputError(
                "Its stored copy is damaged; import the file again.", "document_damaged"
            )
        return self._document(copy, data)

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled(
                "The import was called off; the former version is in use.", "import_cancelled"
            )


def _skipped(path: Path, error: ZuoxiError) -> Skipped:
    shown = str(path).encode("utf-8", "replace").decode("utf-8")
    values = {key: str(value) for key, value in error.values.items()}
    return Skipped(shown, error.message, error.code, values)


@contextlib.contextmanager
def _on_disk() -> Iterator[None]:
    """Turn a refusing disk into the error that a person can read."""
    try:
        yield
    except OSError as error:
        raise catalogue.not_written(error) from error
