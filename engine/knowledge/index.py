"""Importing: a new version is written beside the one in use, and switched to at the very end."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from engine.errors import Cancelled, InputError, KnowledgeError, ZuoxiError
from engine.knowledge import catalogue
from engine.knowledge.catalogue import LAYOUT, Current, DocumentRow, Layout
from engine.knowledge.documents import Skipped, collect, parse_document, read_bytes
from engine.knowledge.embedding import Embedder, Vectors
from engine.knowledge.grams import Weights
from engine.knowledge.passages import passages
from engine.knowledge.reports import ImportProgress, ImportReport
from engine.knowledge.table import PassageTable, create, searched_text
from engine.records import Passage

__all__ = ["ImportProgress", "ImportReport", "import_documents", "rebuild", "remove_document"]

_BATCH = 32


Progress = Callable[[ImportProgress], None]
Asking = Callable[[], bool]


class _Kept(Struct):
    """What the version in use lends to the next one; not `whole`: only its documents' names."""

    current: Current | None = None
    whole: bool = False
    rows: dict[str, DocumentRow] = {}
    passages: dict[str, list[Passage]] = {}
    vectors: dict[tuple[str, str], Any] = {}


class _Made(Struct):
    """A document of the version that is being made; `data` is its file, when it is new."""

    row: DocumentRow
    passages: Sequence[Passage]
    data: bytes | None = None


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
        files, skipped = collect(paths)
        made: dict[str, _Made] = {}
        for number, path in enumerate(files):
            _check(cancelled)
            progress(ImportProgress("reading", number, len(files), path.name))
            try:
                document = _new(path, kept)
                if document.row.doc in made:
                    raise InputError(
                        f"Another file of the name {document.row.doc} was imported in the same "
                        "go; a name can be used once.",
                        "document_twice",
                        doc=document.row.doc,
                    )
                made[document.row.doc] = document
            except InputError as error:
                skipped.append(_skipped(path, error))
        return _write(layout, kept, made, skipped, embedder, progress, cancelled)


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
        rows = {row.doc: row for row in catalogue.list_documents(folder)}
        if now is None or doc not in rows:
            raise InputError(f"There is no document {doc}.", "document_unknown", doc=doc)
        catalogue.sweep(layout, [now.version])
        kept = _read(layout, now)
        del kept.rows[doc]
        _check(cancelled)
        return _write(layout, kept, {}, [], None, progress, cancelled, changed=True)


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
        report = _write(layout, kept, {}, [], embedder, progress, cancelled, changed=True)
        return msgspec.structs.replace(
            report, documents=report.total_documents, passages=report.total_passages
        )


def _take_over(layout: Layout, embedder: Embedder) -> _Kept:
    try:
        now = catalogue.current(layout.folder)
        if now is None or now.embedder_digest != embedder.digest or now.layout != LAYOUT:
            return _from_copies(layout)
        catalogue.sweep(layout, [now.version])
        kept = _read(layout, now)
    except KnowledgeError:
        return _from_copies(layout)
    catalogue.sweep_copies(layout, kept.rows.values())
    return kept


def _read(layout: Layout, now: Current) -> _Kept:
    """Everything of the version in use."""
    version = layout.version(now.version)
    kept = _Kept(now, True, {row.doc: row for row in catalogue.read_catalogue(version)})
    if now.passages:
        for row in PassageTable(version).all_rows():
            kept.passages.setdefault(row.passage.doc, []).append(row.passage)
            kept.vectors[row.passage.doc, searched_text(row.passage)] = row.vector
    for found in kept.passages.values():
        found.sort(key=lambda passage: passage.ordinal)
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
    kept.rows = {row.doc: row for row in rows}
    catalogue.sweep(layout, [kept.current.version] if kept.current else [])
    return kept


def _new(path: Path, kept: _Kept) -> _Made:
    data = read_bytes(path)
    document = parse_document(path, data)
    old = kept.rows.get(document.doc)
    if old and kept.whole and old.digest == document.digest:
        return _Made(old, kept.passages.get(document.doc, []))
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
    return _Made(row, found, data)


def _write(
    layout: Layout,
    kept: _Kept,
    made: Mapping[str, _Made],
    skipped: list[Skipped],
    embedder: Embedder | None,
    progress: Progress,
    cancelled: Asking,
    *,
    changed: bool = False,
) -> ImportReport:
    everything = _with_others(layout, kept, made, skipped)
    found = [passage for doc in sorted(everything) for passage in everything[doc].passages]
    taken = ImportReport(
        documents=len(made),
        passages=sum(len(document.passages) for document in made.values()),
        skipped=tuple(skipped),
        version=str(kept.current.version) if kept.current else "",
        total_documents=len(everything),
        total_passages=len(found),
    )
    same = kept.whole and all(document.data is None for document in made.values())
    if not changed and (same or not everything):
        return taken
    former = kept.current
    number = max([*layout.numbers(), former.version if former else 0]) + 1
    version = layout.version(number)
    try:
        version.mkdir(parents=True)
        for document in everything.values():
            if document.data is not None:
                catalogue.replace(layout.copy(document.row.digest, document.row.doc), document.data)
        vectors = _vectors(found, kept, embedder, progress, cancelled)
        progress(ImportProgress("indexing", 0, len(found)))
        if found:
            create(version, found, vectors)
        weights = Weights.of(searched_text(passage) for passage in found)
        catalogue.replace(version / "weights.json", msgspec.json.encode(weights))
        catalogue.write_catalogue(version, (document.row for document in everything.values()))
        _check(cancelled)
        now = Current(
            version=number,
            embedder=embedder.name if embedder else former.embedder if former else "",
            embedder_digest=embedder.digest
            if embedder
            else former.embedder_digest
            if former
            else "",
            dimension=int(vectors.shape[1]),
            documents=len(everything),
            passages=len(found),
            created=time.time(),
        )
        catalogue.replace(layout.pointer, msgspec.json.encode(now))
    except BaseException:
        shutil.rmtree(version, ignore_errors=True)
        raise
    # The former version stays for those who have it open; copies are only read by imports.
    catalogue.sweep_copies(layout, (document.row for document in everything.values()))
    progress(ImportProgress("indexing", len(found), len(found)))
    return msgspec.structs.replace(taken, version=str(number))


def _with_others(
    layout: Layout, kept: _Kept, made: Mapping[str, _Made], skipped: list[Skipped]
) -> dict[str, _Made]:
    """The documents of the new version: those given now and those that were there."""
    everything = dict(made)
    for doc, row in kept.rows.items():
        if doc in everything:
            continue
        if kept.whole:
            everything[doc] = _Made(row, kept.passages.get(doc, []))
            continue
        copy = layout.copy(row.digest, doc)
        try:
            document = _new(copy, kept)
        except InputError as error:
            skipped.append(_skipped(copy, error))
            continue
        imported = row.imported or document.row.imported
        document.row = msgspec.structs.replace(document.row, imported=imported)
        everything[doc] = document
    return everything


def _vectors(
    found: Sequence[Passage],
    kept: _Kept,
    embedder: Embedder | None,
    progress: Progress,
    cancelled: Asking,
) -> Vectors:
    texts = [searched_text(passage) for passage in found]
    known = [
        kept.vectors.get((passage.doc, text)) for passage, text in zip(found, texts, strict=True)
    ]
    missing = [place for place, vector in enumerate(known) if vector is None]
    dimension = embedder.dimension if embedder else kept.current.dimension if kept.current else 0
    vectors = np.zeros((len(found), dimension), dtype=np.float32)
    for place, vector in enumerate(known):
        if vector is not None:
            vectors[place] = vector
    if missing and embedder is None:
        raise catalogue.corrupt(LookupError("vectors are missing"))
    for first in range(0, len(missing), _BATCH):
        _check(cancelled)
        places = missing[first : first + _BATCH]
        progress(ImportProgress("embedding", first, len(missing), found[places[0]].doc))
        assert embedder is not None
        vectors[places] = embedder.passages([texts[place] for place in places])
    return vectors


def _check(cancelled: Asking) -> None:
    if cancelled():
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
