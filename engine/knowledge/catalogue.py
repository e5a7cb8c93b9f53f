"""What lies in the knowledge folder, readable without lancedb: versions, documents, who writes.

::

    current.json                 the version in use; replaced in one step
    documents/<n>/<name>         the imported files themselves, by the version they came with;
                                 once it was documents/<digest>/<name>
    versions/<n>/                lance data, catalogue.jsonl, weights.json, and files.json, the seal
    import.lock                  held by the one that writes
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import KnowledgeError

# Raised when the cutting of passages or the table's columns change: older versions are re-indexed.
LAYOUT = 2
# The codes of errors that making the index anew from the stored copies mends.
MENDABLE = frozenset({"knowledge_corrupt", "knowledge_layout", "embedder_mismatch"})


class DocumentRow(Struct, frozen=True):
    """One document. `characters` is its text's length, `imported` in epoch seconds.

    `folder` is that of its stored copy; "" stands for the beginning of its digest. Of passages with
    dates or access of their own, `latest_start` and `earliest_end` are the narrowest dates, and
    `partly_internal` tells whether some are internal.
    """

    doc: str
    title: str
    valid_from: str | None = None
    valid_until: str | None = None
    tags: tuple[str, ...] = ()
    internal: bool = False
    digest: str = ""
    passages: int = 0
    characters: int = 0
    imported: float = 0.0
    folder: str = ""
    latest_start: str = ""
    earliest_end: str = ""
    partly_internal: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Where among the stored copies its own file is kept: folder and name."""
        return self.folder or self.digest[:32], self.doc


class Reach(Struct, frozen=True):
    """From when (`starts`, the latest) to when (`ends`, the earliest) all documents are valid, as
    far as they say, and whether some are internal."""

    starts: str = ""
    ends: str = "9999"
    internal: bool = False

    @classmethod
    def of(cls, documents: Iterable[DocumentRow]) -> Reach:
        """The reach of `documents`."""
        rows = list(documents)
        starts = (day for row in rows for day in (row.valid_from, row.latest_start) if day)
        ends = (day for row in rows for day in (row.valid_until, row.earliest_end) if day)
        return cls(
            max(starts, default=""),
            min(ends, default="9999"),
            any(row.internal or row.partly_internal for row in rows),
        )

    def leaves_out(self, day: str) -> bool:
        """Whether some document is not valid on `day`, an ISO date."""
        return self.starts > day or self.ends < day


class Current(Struct, frozen=True):
    """The version in use and the embedder whose vectors it holds. `created` is in epoch seconds.

    `seal` is the digest of the version's list of files, `check` that of all other fields here.
    """

    version: int
    embedder: str
    embedder_digest: str
    dimension: int
    documents: int
    passages: int
    created: float
    layout: int = LAYOUT
    seal: str = ""
    check: str = ""

    def checked(self) -> Current:
        """The same with the `check` that belongs to it."""
        bare = msgspec.structs.replace(self, check="")
        digest = hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
        return msgspec.structs.replace(bare, check=digest)


class Layout(Struct, frozen=True):
    """The places in one knowledge folder."""

    folder: Path

    @property
    def pointer(self) -> Path:
        """The file that names the version in use."""
        return self.folder / "current.json"

    @property
    def documents(self) -> Path:
        """The stored copies."""
        return self.folder / "documents"

    @property
    def versions(self) -> Path:
        """All versions."""
        return self.folder / "versions"

    def version(self, number: int) -> Path:
        """One version's folder."""
        return self.versions / str(number)

    def copy(self, row: DocumentRow) -> Path:
        """Where the document's own file is kept."""
        return self.documents.joinpath(*row.place)

    def numbers(self) -> list[int]:
        """The versions that lie there, whole or not."""
        if not self.versions.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.versions.iterdir() if entry.name.isdigit())


def current(folder: Path) -> Current | None:
    """The version in use, None before the first import. Raises `KnowledgeError` when unreadable."""
    pointer = Layout(folder).pointer
    try:
        if pointer.exists() and not pointer.is_file():
            # To read a pipe would be to wait for ever.
            raise ValueError(pointer.name)
        now = msgspec.json.decode(pointer.read_bytes(), type=Current)
        # One of another layout is refused by whoever reads more of it.
        if now.layout == LAYOUT and now != now.checked():
            raise ValueError(pointer.name)
        return now
    except FileNotFoundError:
        if _versions_without_pointer(Layout(folder)):
            raise corrupt(LookupError(pointer.name)) from None
        return None
    except (OSError, ValueError) as error:
        raise corrupt(error) from error


def switch(layout: Layout, now: Current) -> None:
    """Make `now` the version in use, in one step."""
    replace(layout.pointer, msgspec.json.encode(now.checked()))


def _versions_without_pointer(layout: Layout) -> bool:
    """Whether a finished version lies there: the pointer was lost, not never written."""
    return any((layout.version(number) / "files.json").exists() for number in layout.numbers())


def list_documents(folder: Path) -> list[DocumentRow]:
    """The documents of the version in use, by name. Raises `KnowledgeError` when unreadable."""
    now = current(folder)
    return read_catalogue(Layout(folder).version(now.version)) if now else []


def read_catalogue(version: Path) -> list[DocumentRow]:
    """The documents of the version in that folder."""
    try:
        lines = (version / "catalogue.jsonl").read_bytes()
        return msgspec.json.Decoder(DocumentRow).decode_lines(lines)
    except (OSError, msgspec.DecodeError) as error:
        raise corrupt(error) from error


def write_catalogue(version: Path, rows: Iterable[DocumentRow]) -> None:
    """Write the documents of a version that is being made."""
    lines = msgspec.json.Encoder().encode_lines(sorted(rows, key=lambda row: row.doc))
    replace(version / "catalogue.jsonl", lines)


def replace(path: Path, data: bytes) -> None:
    """Put `data` in `path` in one step: a crash leaves the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not made of the file's own name, which may be as long as a name can be.
    scratch = path.with_name(f".{os.getpid()}.tmp")
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if path.is_dir():
        # Nothing of ours is one here: whatever put it there, a file cannot take its place.
        shutil.rmtree(path)
    scratch.replace(path)


def sweep(layout: Layout, keep: Iterable[int]) -> None:
    """Delete the versions that are not in `keep`; what cannot be deleted now goes another time."""
    kept = set(keep)
    for number in layout.numbers():
        if number not in kept:
            shutil.rmtree(layout.version(number), ignore_errors=True)
    for scratch in layout.folder.glob(".*.tmp"):
        scratch.unlink(missing_ok=True)


def sweep_copies(layout: Layout, rows: Iterable[DocumentRow]) -> None:
    """Delete the stored copies that none of `rows` names."""
    wanted = {row.place for row in rows}
    with contextlib.suppress(FileNotFoundError):
        for folder in os.scandir(layout.documents):
            if folder.is_dir():
                _sweep_folder(folder, wanted)


def _sweep_folder(folder: os.DirEntry[str], wanted: set[tuple[str, str]]) -> None:
    kept = False
    for entry in os.scandir(folder):
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif (folder.name, entry.name) in wanted:
            kept = True
        else:
            Path(entry).unlink(missing_ok=True)
    if not kept:
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def corrupt(error: Exception) -> KnowledgeError:
    """The index cannot be read."""
    why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return KnowledgeError(
        f"The knowledge index is damaged ({why}). The imported documents are kept, and the index "
        "is made anew from them: the window does so by itself, or run zuoxi kb rebuild.",
        "knowledge_corrupt",
        why=why,
    )


@contextlib.contextmanager
def writing(layout: Layout) -> Iterator[None]:
    """Be the one that writes; raises `KnowledgeError` while another process is.

    The system drops the lock when its holder dies, however that happens; the process id in the
    file only tells people who it is.
    """
    try:
        layout.folder.mkdir(parents=True, exist_ok=True)
        file = (layout.folder / "import.lock").open("a+b")
    except OSError as error:
        raise not_written(error) from error
    with file:
        try:
            _lock(file.fileno())
        except OSError:
            file.seek(0)
            holder = file.read(64).decode("ascii", "replace").split(" ")[0].strip()
            raise KnowledgeError(
                f"Another import is running (process {holder or '?'}). Nothing was changed; try "
                "again when it has ended.",
                "knowledge_busy",
                pid=holder or "?",
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} {time.time():.0f}\n".encode())
        file.flush()
        yield


def not_written(error: OSError) -> KnowledgeError:
    """The disk refuses."""
    why = error.strerror or type(error).__name__
    return KnowledgeError(
        f"The knowledge folder cannot be written ({why}). The former version stays in use.",
        "knowledge_write",
        why=why,
    )


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # Far behind the text, so that others can read who holds it.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
