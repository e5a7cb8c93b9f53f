"""One life of the engine process: what was sent to it, the way to it, and how it ended."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

import msgspec
from msgspec import Struct

from engine import logs
from engine.protocol import EngineStep, Event, Pong, decode_event

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


class Patience(Struct, frozen=True):
    """How long a process may give no sign of life before it is taken for dead, in seconds.

    After `beat` of silence it is asked whether it lives. `silence` is how long it may say nothing
    at all, `step` how long it may be at one step of work (a chunk of a prompt on a slow computer),
    `loading` at one step of its start.
    """

    beat: float = 5.0
    silence: float = 60.0
    step: float = 240.0
    loading: float = 900.0


class Life(Struct):
    """One process from its start to its death."""

    number: int
    why: str = "?"
    step: EngineStep = "process"
    ready_at: float | None = None
    answered: bool = False
    heard: bool = False
    asked: bool = False
    silent_beats: int = 0

    def was_sound(self) -> bool:
        """Whether it did what it is there for, so that its death is a new misfortune."""
        return self.answered or time.monotonic() - (self.ready_at or math.inf) > _SOUND_SECONDS

    def hears(self, event: Event | None, patience: Patience) -> bool:
        """Note a sign of life, or None for a beat without one; False when it must be hung.

        Beats are counted and no clock is read, so that a computer may sleep meanwhile.
        """
        if event is None:
            self.silent_beats += 1
            limit = patience.silence if self.heard else max(patience.silence, patience.loading)
            return self.silent_beats * patience.beat < limit
        self.heard, self.silent_beats = True, 0
        if not isinstance(event, Pong):
            return True
        self.asked = False
        limit = patience.loading if self.ready_at is None else patience.step
        return event.beats * patience.beat < limit


class Link:
    """The way to one process. A send that finds it dead is lost: the next process is asked."""

    def __init__(self, connection: Connection, life: int, patience: Patience) -> None:
        self.life = life
        self._connection = connection
        self._beat = patience.beat
        self._lock = threading.Lock()
        if sys.platform != "win32":
            # Or a process that is stopped in the middle of an event would be waited for for ever.
            with socket.socket(fileno=os.dup(connection.fileno())) as end:
                limit = struct.pack("ll", max(1, round(patience.silence)), 0)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)

    def send(self, data: bytes) -> None:
        """Send `data`; nothing happens when the other end is gone."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._connection.send_bytes(data)

    def events(self) -> Iterator[Event | None]:
        """The events as they come, None for each beat without one, until the other end is closed.

        Raises `BlockingIOError` when an event that was begun does not go on.
        """
        while True:
            try:
                yield (
                    decode_event(self._connection.recv_bytes())
                    if self._connection.poll(self._beat)
                    else None
                )
            except BlockingIOError:
                raise
            except (EOFError, OSError):
                return
            except msgspec.DecodeError:
                complain("event_unreadable")

    def close(self) -> None:
        """Let go of the pipe."""
        # Under the lock, so that no send meets a file number that is someone else's by then.
        with self._lock:
            self._connection.close()


def complain(what: str, **values: str) -> None:
    """Log `what` went wrong."""
    logs.error(what, **values)


def cause_of_death(code: int | None) -> str:
    """How a process ended, in few words: the signal's name or the exit code."""
    try:
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"
    except ValueError:
        return f"exit {code}"
