"""Work of the window's own thread in pieces, so that keys and painting come between any two."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal


class InTurns(QObject):
    """Takes one step of an iterator in each turn of the event loop; `done` follows the last one."""

    done = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: Iterator[None] = iter(())
        self._turn = QTimer(self)
        # Not 0: the loop must come to rest between two steps, or keys may wait for all of them.
        self._turn.setInterval(1)
        self._turn.timeout.connect(self._step)

    @property
    def running(self) -> bool:
        """Whether there is a step to come."""
        return self._turn.isActive()

    def start(self, steps: Iterator[None]) -> None:
        """Take these steps; what is left of former ones is dropped."""
        self._steps = steps
        self._turn.start()

    def finish(self) -> None:
        """Take all steps that are left, now."""
        while self.running:
            self._step()

    def _step(self) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self._turn.stop()
            self.done.emit()
