"""The one way off the UI thread: ``run(op).done(f).failed(g)``. No widget ever sees a thread.

There are five lanes, each one thread that takes its operations in order: `store` for the database
(short calls only), `engine` for starting and stopping the engine, `rules` for editing and compiling
rules, `long` for jobs, and `knowledge` for looking into documents, which no job must hold up.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Generic, Literal, Protocol, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal
from shiboken6 import isValid

from desktop.garbage import WindowGarbage
from engine import logs
from engine.errors import ZuoxiError

T = TypeVar("T")
Lane = Literal["store", "engine", "rules", "knowledge", "long"]
# Seconds. Qt gives the interpreter up at every other call; to get it back from a lane that computes
# takes this long, a hundred times while a window is drawn. Python's own 5 ms were half a second.
_SWITCH = 0.0002
LANES: tuple[Lane, ...] = ("store", "engine", "rules", "knowledge", "long")


class _Lane:
    """One thread that runs what it is given in order. It starts with the first operation.

    An operation is let go by the thread that gave it: it may hold the last reference to a widget.
    """

    def __init__(self, name: Lane) -> None:
        self._given: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._held: deque[Callable[[], None]] = deque()
        self._submitted = 0
        self._finished = 0
        self._thread = Thread(target=self._work, name=f"zuoxi-{name}", daemon=True)

    def submit(self, op: Callable[[], None]) -> None:
        """Run `op`, which never raises, after all before it."""
        if self._thread.ident is None:
            self._thread.start()
        while len(self._held) > self._submitted - self._finished:
            self._held.popleft()
        self._held.append(op)
        self._submitted += 1
        self._given.put(op)

    def close(self) -> None:
        """Finish what was given and end the thread."""
        if self._thread.ident is not None:
            self._given.put(None)
            self._thread.join()
        self._held.clear()

    def _work(self) -> None:
        while (op := self._given.get()) is not None:
            op()
            del op
            self._finished += 1


class Task(Generic[T]):
    """An operation under way. Its callbacks run on the UI thread, unless their owner is gone."""

    def __init__(self, owner: QObject, unhandled: Callable[[ZuoxiError], None]) -> None:
        self._owner = owner
        self._unhandled = unhandled
        self._done: Callable[[T], None] | None = None
        self._failed: Callable[[ZuoxiError], None] | None = None
        self._progress: Callable[[Any], None] | None = None

    def done(self, callback: Callable[[T], None]) -> Task[T]:
        """Call `callback` with the result."""
        self._done = callback
        return self

    def failed(self, callback: Callable[[ZuoxiError], None]) -> Task[T]:
        """Call `callback` with the error; without one it goes to `Background.trouble`."""
        self._failed = callback
        return self

    def progress(self, callback: Callable[[Any], None]) -> Task[T]:
        """Call `callback` with everything that the operation reports."""
        self._progress = callback
        return self

    def _deliver(self, kind: str, value: Any) -> None:
        if not isValid(self._owner):
            return
        if kind == "progress":
            if self._progress is not None:
                self._progress(value)
        elif kind == "failed":
            (self._failed or self._unhandled)(value)
        elif self._done is not None:
            self._done(value)


class Run(Protocol):
    """What `Background.runner` returns."""

    def __call__(self, op: Callable[[], T]) -> Task[T]:
        """Run `op` in the store's lane."""


class Background(QObject):
    """The lanes. Made and closed on the UI thread; `trouble` tells of errors nobody asked for.

    Each turn of the event loop gets one result, so that keys and painting come between any two.
    """

    trouble = Signal(object)
    _arrived = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(_SWITCH)
        self.garbage = WindowGarbage(self)
        self._lanes = {lane: _Lane(lane) for lane in LANES}
        self._closed = False
        self._results: deque[tuple[Task[Any], str, Any]] = deque()
        # A timer waits for the next turn, which what is posted does not.
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._deliver)
        self._arrived.connect(self._take_in, Qt.ConnectionType.QueuedConnection)

    def runner(self, owner: QObject) -> Run:
        """``run(op)`` for one owner: what it started is forgotten when the owner is destroyed."""

        def run(op: Callable[[], T]) -> Task[T]:
            return self.run(owner, op)

        return run

    def run(self, owner: QObject, op: Callable[[], T], lane: Lane = "store") -> Task[T]:
        """Run `op` in `lane`; it may raise `ZuoxiError`. After `close` nothing is run."""
        return self.report(owner, lambda _: op(), lane)

    def report(
        self, owner: QObject, op: Callable[[Callable[[Any], None]], T], lane: Lane = "long"
    ) -> Task[T]:
        """Run `op` in `lane` with a function that sends values to `Task.progress`."""
        task: Task[T] = Task(owner, self.trouble.emit)
        if self._closed:
            return task

        def send(value: Any) -> None:
            self._send(task, "progress", value)

        def work() -> None:
            try:
                result = op(send)
            except ZuoxiError as error:
                self._send(task, "failed", error)
            except Exception as error:
                self._send(task, "failed", _unexpected(error))
            else:
                self._send(task, "done", result)

        self._lanes[lane].submit(work)
        return task

    def settle(self, seconds: float) -> None:
        """Wait for what the store's lane was given, at most so long, and deliver what has come.

        Before a window is shown: nobody waits for its thread, and two threads that take turns with
        the interpreter take three times as long.
        """
        over = Event()
        self._lanes["store"].submit(over.set)
        over.wait(seconds)
        QCoreApplication.sendPostedEvents(self)
        while self._results:
            self._deliver()

    def close(self) -> None:
        """Finish what was asked for, in every lane, and end the threads. Callbacks run no more."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close()
        self.garbage.stop()

    def _send(self, task: Task[Any], kind: str, value: Any) -> None:
        # The window may be gone while a lane still finishes its last operation.
        if isValid(self):
            self._arrived.emit(task, kind, value)

    def _take_in(self, task: Task[Any], kind: str, value: Any) -> None:
        self._results.append((task, kind, value))
        self._turn.start()

    def _deliver(self) -> None:
        if self._closed:
            self._results.clear()
        if not self._results:
            self._turn.stop()
            return
        task, kind, value = self._results.popleft()
        task._deliver(kind, value)


def _unexpected(error: Exception) -> ZuoxiError:
    """An error that no part foresaw, by its type only: its words may hold personal data."""
    kind = type(error).__name__
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else ""
    logs.error("background_failed", kind=kind, where=where)
    return ZuoxiError(
        f"An unexpected error ({kind}) stopped this step; nothing else is affected.",
        "internal",
        kind=kind,
    )
