"""One life of the engine process: what was sent to it, the way to it, and how it ended."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

import msgspec
from msgspec import Struct

from engine.protocol import EngineStep, Event, decode_event

# An engine that served for this long was sound: its death does not count with those before.
_SOUND_SECONDS = 60.0


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A process started in here never sees Ctrl+C, not even before it can decline it.

    Nor does the starting of it: a Ctrl+C that comes meanwhile is felt when it is done.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Where it must be started first it unblocks the signal, whoever had blocked it.
    resource_tracker.ensure_running()
    came: list[int] = []
    # The mask is one thread's. The signal may come by a library's thread and be handled here.
    here = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if here else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if here:
            signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
        if came:
            signal.raise_signal(signal.SIGINT)


class Pending(Struct):
    """A request that waits for its answer; `life` is the process it was sent to, `order` when."""

    data: bytes
    life: int = 0
    order: int = 0
    repeated: bool = False
    cancelled: bool = False


class Life(Struct):
    """One process from its start to its death."""

    number: int
    why: str = "?"
    step: EngineStep = "process"
    ready_at: float | None = None
    answered: bool = False

    def was_sound(self) -> bool:
        """Whether it did what it is there for, so that its death is a new misfortune."""
        return self.answered or time.monotonic() - (self.ready_at or math.inf) > _SOUND_SECONDS


class Link:
    """The way to one process. A send that finds it dead is lost: the next process is asked."""

    def __init__(self, connection: Connection, life: int) -> None:
        self.life = life
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, data: bytes) -> None:
        """Send `data`; nothing happens when the other end is gone."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._connection.send_bytes(data)

    def receive(self) -> Event | None:
        """The next event that can be read; None when the other end is closed."""
        while True:
            try:
                return decode_event(self._connection.recv_bytes())
            except (EOFError, OSError):
                return None
            except msgspec.DecodeError:
                import structlog  # Here: the window waits for what loads above.

                structlog.get_logger(__name__).error("event_unreadable")

    def close(self) -> None:
        """Let go of the pipe."""
        # Under the lock, so that no send meets a file number that is someone else's by then.
        with self._lock:
            self._connection.close()


def cause_of_death(code: int | None) -> str:
    """How a process ended, in few words: the signal's name or the exit code."""
    try:
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"
    except ValueError:
        return f"exit {code}"
