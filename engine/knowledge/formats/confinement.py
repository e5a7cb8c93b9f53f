"""Readers of office formats run in a process of their own, with an end to time and memory.

Their libraries are made for files that somebody meant well with. What takes too long, swallows
memory or crashes ends that process, costs one file, and the next file gets a new one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final

import msgspec
from msgspec import Struct

from engine.errors import Cancelled, InputError, ZuoxiError
from engine.knowledge.formats.content import Content, broken, inflated
from engine.knowledge.formats.kinds import KINDS

SECONDS: Final = 60.0
"""How long a small file may take; one of ten megabytes may take twice as long."""
MEGABYTES: Final = 2_048
"""How much memory reading may take."""
_TWICE_AS_LONG: Final = 10 << 20
_LENGTH: Final = 8
_TOO_LARGE: Final = 77
_LOOK_SECONDS: Final = 0.1


class Asked(Struct, frozen=True):
    """A file to read: its ending, its bytes, and how many seconds that may take."""

    ending: str
    data: bytes
    seconds: float


class Refusal(Struct, frozen=True, tag=True):
    """Why a file cannot be read, as its error says."""

    message: str
    code: str
    values: dict[str, str] = {}


_asked = msgspec.msgpack.Decoder(Asked)
_answers = msgspec.msgpack.Decoder(Content | Refusal)


class Confinement:
    """Use it in a ``with``. The process starts with the first file that needs it.

    While a file is read `called_off` is asked whether it is still wanted.
    """

    def __init__(
        self,
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
        called_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._seconds = seconds
        self._megabytes = megabytes
        self._called_off = called_off
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = False

    def __enter__(self) -> Confinement:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def give_up(self) -> None:
        """From any thread: end what is being read, with an error, and read nothing more."""
        self._given_up = True
        process = self._process
        if process is not None:
            process.kill()

    def read(self, path: PurePath, data: bytes) -> Content:
        """What `data`, the content of `path`, holds. Raises `InputError`."""
        ending = path.suffix.lower()
        if not KINDS[ending].confined:
            return KINDS[ending].read(data)
        seconds = self._seconds * (1 + len(data) / _TWICE_AS_LONG)
        sent = msgspec.msgpack.encode(Asked(ending, data, seconds))
        process = self._process or self._started()
        began = time.monotonic()
        answers: SimpleQueue[bytes] = SimpleQueue()
        # A pipe cannot be waited for with an end on every system; a thread can.
        threading.Thread(target=_exchange, args=(process, sent, answers), daemon=True).start()
        while True:
            with contextlib.suppress(Empty):
                answer = answers.get(timeout=_LOOK_SECONDS)
                break
            if self._called_off():
                process.kill()
                self._end()
                raise Cancelled("Reading was called off.", "import_cancelled")
        if not answer:
            code = self._end()
            raise _ended(ending.lstrip("."), code, time.monotonic() - began >= seconds)
        read: Content | Refusal = _answers.decode(answer)
        if isinstance(read, Refusal):
            raise InputError(read.message, read.code, **read.values)
        return read

    def _started(self) -> subprocess.Popen[bytes]:
        # Without what `site` does it is there sooner; it needs to be told where things are.
        path = [str(Path(__file__).parents[3]), *sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", __name__, str(self._megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            # Ctrl+C reaches whoever asked for the import, who decides what it means.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        if self._given_up:
            self._process.kill()
        return self._process

    def _end(self) -> int:
        """Its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                # It may be ending by itself, for a reason that its exit code tells.
                assert process.stdin is not None
                process.stdin.close()
                process.wait(1)
            process.kill()
        return process.returncode


def _exchange(process: subprocess.Popen[bytes], sent: bytes, answers: SimpleQueue[bytes]) -> None:
    """Put what `process` answers to what is `sent` into `answers`; nothing when it ends."""
    assert process.stdin is not None and process.stdout is not None
    answer = b""
    try:
        process.stdin.write(len(sent).to_bytes(_LENGTH) + sent)
        process.stdin.flush()
        length = int.from_bytes(process.stdout.read(_LENGTH))
        answer = process.stdout.read(length)
        answer = answer if len(answer) == length else b""
    except (OSError, ValueError):
        # It ended, or was ended, on the way.
        answer = b""
    answers.put(answer)


def _ended(kind: str, code: int, late: bool) -> InputError:
    if code == _TOO_LARGE:
        return inflated(kind)
    if late:
        return InputError(
            f"Reading the {kind} file took too long; split it, or save it anew.",
            "document_slow",
            kind=kind,
        )
    return broken(kind)


def _serve(megabytes: int) -> None:
    """What the process does: files in, answers out, until nobody asks any more."""
    import faulthandler

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    given = sys.stdin.buffer
    taken = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not end up among the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit(megabytes)
    with Path(os.devnull).open("w") as nowhere:
        for asked in _questions(given):
            # It needs no turn of the interpreter, which a library may never give.
            faulthandler.dump_traceback_later(asked.seconds, exit=True, file=nowhere)
            answer = msgspec.msgpack.encode(_answer(asked))
            faulthandler.cancel_dump_traceback_later()
            taken.write(len(answer).to_bytes(_LENGTH) + answer)
            taken.flush()


def _questions(given: object) -> Iterator[Asked]:
    read = getattr(given, "read")  # noqa: B009
    while length := read(_LENGTH):
        yield _asked.decode(read(int.from_bytes(length)))


def _answer(asked: Asked) -> Content | Refusal:
    kind = asked.ending.lstrip(".")
    try:
        return KINDS[asked.ending].read(asked.data)
    except ZuoxiError as error:
        refused = error
    except MemoryError:
        refused = inflated(kind)
    except Exception:  # A reader has not thought of it: that costs one file, not the import.
        refused = broken(kind)
    values = {key: str(value) for key, value in refused.values.items()}
    return Refusal(refused.message, refused.code, values)


def _limit(megabytes: int) -> None:
    """End this process when it has more than so much memory, or nobody waits for it any more."""
    import psutil

    if sys.platform == "linux":
        import resource

        # What is only reserved counts as well.
        most = megabytes + 1024 << 20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    own = psutil.Process()
    # Whoever asked may be killed while a file is read, and cannot end this one then.
    parent = os.getppid()

    def watch() -> None:
        while own.memory_info().rss < megabytes << 20 and os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(_TOO_LARGE)

    threading.Thread(target=watch, name="memory", daemon=True).start()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
