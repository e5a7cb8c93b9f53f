"""Files become passages and grams: all of an import that needs no embedder.

Of many files it is done in a process beside the import's own, which embeds meanwhile. That process
loads no large library. It may be killed at any time: all it writes is copies, each in one step.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.errors import Cancelled, InputError, KnowledgeError, ZuoxiError
from engine.knowledge.catalogue import DocumentRow, Layout, list_documents
from engine.knowledge.copies import Copies
from engine.knowledge.documents import Document, Skipped, parse_document, read_bytes
from engine.knowledge.formats.confinement import Confinement
from engine.knowledge.grams import Counting, indexed_grams
from engine.knowledge.passages import passages, searched_text
from engine.records import Passage

# Of fewer files a process takes longer to start than to help.
_FOR_A_PROCESS = 200
# As many as are read here while the process starts.
_MEANWHILE = 64
_LENGTH = 4
_LOOK_SECONDS = 0.2

Asking = Callable[[], bool]


class Task(Struct, frozen=True):
    """Read `files`, names as bytes, then the stored copies `copies`, for the knowledge in `folder`.

    Of what is read from files copies are stored, for the version `number`.
    `known` are the digests of documents that need not be read again, `taken` the names that other
    files have already.
    """

    folder: str
    number: int
    files: tuple[bytes, ...] = ()
    known: dict[str, str] = {}
    copies: tuple[DocumentRow, ...] = ()
    taken: frozenset[str] = frozenset()


class Given(Struct, frozen=True, tag=True):
    """A document, its passages, and each one's grams with a space between them.

    A `copy` was made from the stored copy, not from a file that was given. `partly`: what of the
    file was left out.
    """

    document: DocumentRow
    passages: tuple[Passage, ...]
    words: tuple[str, ...]
    copy: bool = False
    partly: tuple[Skipped, ...] = ()


class Same(Struct, frozen=True, tag=True):
    """The file is the known document `doc`."""

    doc: str


class Left(Struct, frozen=True, tag=True):
    """A file that cannot be taken in."""

    skipped: Skipped


class Ready(Struct, frozen=True, tag=True):
    """The last one: all copies are on the disk. In how many of the passages each gram stands."""

    frequency: dict[str, int]


class _Refused(Struct, frozen=True, tag=True):
    """The disk refuses: the error's number."""

    number: int


Answer = Given | Same | Left | Ready
_answers = msgspec.msgpack.Decoder(Answer | _Refused)
_tasks = msgspec.msgpack.Decoder(Task)


def _never() -> bool:
    return False


@contextlib.contextmanager
def reading(task: Task, called_off: Asking = _never) -> Iterator[Iterator[Answer]]:
    """What becomes of each file, in order, and `Ready` at the end. Raises `OSError` on the way.

    While a file is read `called_off` is asked; then it raises `Cancelled`.
    """
    if len(task.files) + len(task.copies) < _FOR_A_PROCESS:
        with contextlib.closing(read(task, called_off)) as answers:
            yield answers
        return
    # Without what `site` does the process is there sooner; it needs to be told where things are.
    path = [str(Path(__file__).parents[2]), *sys.path]
    process = subprocess.Popen(
        [sys.executable, "-S", "-P", "-m", "engine.knowledge.reading"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        # Ctrl+C reaches whoever asked for the import, who decides what it means.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, called_off, over), daemon=True)
    watch.start()
    with process:
        try:
            with contextlib.closing(_shared(process, task, called_off)) as answers:
                yield answers
        finally:
            over.set()
            process.kill()


def _watch(process: subprocess.Popen[bytes], called_off: Asking, over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        if called_off():
            process.kill()
            return


def _shared(
    process: subprocess.Popen[bytes], task: Task, called_off: Asking
) -> Generator[Answer, None, None]:
    """What becomes of the first files, read here, and of the others."""
    taken: set[str] = set()
    frequency: Counter[str] = Counter()
    first = replace(task, files=task.files[:_MEANWHILE], copies=())
    for answer in read(first, called_off):
        if isinstance(answer, Ready):
            frequency.update(answer.frequency)
            continue
        if isinstance(answer, Given):
            taken.add(answer.document.doc)
        elif isinstance(answer, Same):
            taken.add(answer.doc)
        yield answer
    rest = replace(task, files=task.files[_MEANWHILE:], taken=frozenset(taken))
    for answer in _received(process, rest, called_off):
        if isinstance(answer, Ready):
            frequency.update(answer.frequency)
            yield Ready(frequency)
        else:
            yield answer


def _received(process: subprocess.Popen[bytes], task: Task, called_off: Asking) -> Iterator[Answer]:
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(msgspec.msgpack.encode(task))
    while length := int.from_bytes(process.stdout.read(_LENGTH)):
        data = process.stdout.read(length)
        if len(data) < length:
            # It was ended while it spoke.
            break
        answer = _answers.decode(data)
        if isinstance(answer, _Refused):
            raise OSError(answer.number, os.strerror(answer.number))
        yield answer
        if isinstance(answer, Ready):
            return
    if called_off():
        raise Cancelled("Reading was called off.", "import_cancelled")
    raise KnowledgeError(
        f"The process that reads documents ended unexpectedly ({process.wait()}). The former "
        "version of the knowledge is in use; import again.",
        "knowledge_crashed",
        exit=str(process.returncode),
    )


def _serve(given: BinaryIO, taken: BinaryIO) -> None:
    """What the process beside does: a task in, answers out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def send(answer: Answer | _Refused) -> None:
        data = msgspec.msgpack.encode(answer)
        taken.write(len(data).to_bytes(_LENGTH) + data)

    try:
        for answer in read(_tasks.decode(given.read())):
            send(answer)
    except BrokenPipeError:
        # Nobody listens any more.
        os._exit(1)
    except OSError as error:
        send(_Refused(error.errno or errno.EIO))
    taken.flush()


def read(task: Task, called_off: Asking = _never) -> Generator[Answer, None, None]:
    """What becomes of each file of `task`, in order, and `Ready` at the end. Raises `OSError`."""
    layout = Layout(Path(task.folder))
    names = set(task.taken)
    counting = Counting()
    with Copies() as copies, Confinement(called_off=called_off) as confinement:
        for name in task.files:
            path = Path(os.fsdecode(name))
            try:
                data = read_bytes(path)
                document = parse_document(path, data, confinement)
                if document.doc in names:
                    raise _twice(document.doc)
            except InputError as error:
                yield Left(_skipped(path, error))
                continue
            names.add(document.doc)
            if task.known.get(document.doc) == document.digest:
                yield Same(document.doc)
                continue
            given = _given(document, counting, time.time(), str(task.number))
            yield given
            copies.store(layout.copy(given.document), data)
    for row in task.copies:
        if row.doc in names:
            continue
        path = layout.copy(row)
        try:
            document = _of_copy(path, row, confinement)
        except InputError as error:
            yield Left(_skipped(path, error))
            continue
        yield _given(document, counting, row.imported or time.time(), row.place[0], copy=True)
    yield Ready(dict(counting.frequency))


def passages_of(folder: Path, doc: str, confinement: Confinement) -> tuple[Passage, ...]:
    """The passages of the document `doc` in the version in use, in order, as imports cut them.

    They are read from its stored copy, so that no index is opened. Raises `InputError` when there
    is no such document or its copy cannot be read, and `KnowledgeError`.
    """
    row = next((one for one in list_documents(folder) if one.doc == doc), None)
    if row is None:
        raise InputError(f"There is no document {doc}.", "document_unknown", doc=doc)
    return passages(_of_copy(Layout(folder).copy(row), row, confinement))


def _given(
    document: Document, counting: Counting, imported: float, folder: str, *, copy: bool = False
) -> Given:
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
        imported=imported,
        folder=folder,
        latest_start=max((one.valid_from for one in found if one.valid_from), default=""),
        earliest_end=min((one.valid_until for one in found if one.valid_until), default=""),
        partly_internal=any(one.internal for one in found),
    )
    words = [indexed_grams(searched_text(passage)) for passage in found]
    counting.add(words)
    return Given(row, found, tuple(map(" ".join, words)), copy, document.partly)


def _of_copy(path: Path, row: DocumentRow, confinement: Confinement) -> Document:
    data = read_bytes(path)
    if not hashlib.sha256(data).hexdigest().startswith(row.digest):
        raise InputError("Its stored copy is damaged; import the file again.", "document_damaged")
    return parse_document(path, data, confinement)


def _twice(doc: str) -> InputError:
    return InputError(
        f"Another file of the name {doc} was imported in the same go; a name can be used once.",
        "document_twice",
        doc=doc,
    )


def _skipped(path: Path, error: ZuoxiError) -> Skipped:
    shown = str(path).encode("utf-8", "replace").decode("utf-8")
    values = {key: str(value) for key, value in error.values.items()}
    return Skipped(shown, error.message, error.code, values)


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
