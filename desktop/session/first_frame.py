"""The window's first frame: with its rows in it, and when it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance

from desktop.background import Background
from desktop.session.queue_model import QueueModel

_ROWS_S: Final = 0.05
_FRAME_MS: Final = 500


class FirstFrame(QObject):
    """Reads the first rows. `over` comes once: the rows were drawn, or there is nothing to draw.

    Nothing is begun before that the first frame does without.
    """

    over = Signal()

    def __init__(
        self,
        background: Background,
        queue: QueueModel,
        drawn: SignalInstance,
        shown: Callable[[], bool],
        parent: QObject,
    ) -> None:
        """`drawn` comes in the painting of the first row, `shown` tells whether there will be a
        painting."""
        super().__init__(parent)
        self._queue = queue
        self._shown = shown
        self._over = False
        drawn.connect(self._end, Qt.ConnectionType.QueuedConnection)
        queue.refreshed.connect(self._on_rows)
        queue.refresh()
        # A window that is shown with its rows is painted once.
        background.settle(_ROWS_S)
        # Should the store not answer at first, the rest begins all the same.
        QTimer.singleShot(_FRAME_MS, self, self._end)

    def _on_rows(self) -> None:
        self._queue.refreshed.disconnect(self._on_rows)
        # By the next turn the window is shown, if it is shown at all.
        QTimer.singleShot(0, self, self._look)

    def _look(self) -> None:
        if not (self._queue.rows() and self._shown()):
            # No row will be drawn that could be waited for.
            self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self.over.emit()
