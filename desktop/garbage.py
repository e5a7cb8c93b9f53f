"""Python's collection of garbage, in the window's own thread only.

Python collects in whichever thread happens to make an object too many. In the thread of a lane or
of the engine's connection it would take apart what a closed page or window left behind, and Qt's
objects may only be taken apart in the thread they live in: the process ends on the spot.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

_LOOK_MS: Final = 500
# A full collection looks at all there is, 50 ms in a whole window. Python weighs it against what
# is new since the last one; this is the same thought in numbers that `gc` lets be seen.
_MIDDLE_PER_FULL: Final = 100


class WindowGarbage(QObject):
    """Until `stop`, garbage is collected by a timer of the thread that made this one."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._middle = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect what Python itself would have collected by now."""
        young, middle, _ = gc.get_threshold()
        counts = gc.get_count()
        if counts[0] < young:
            return
        if counts[1] < middle:
            gc.collect(0)
        elif self._middle < _MIDDLE_PER_FULL:
            self._middle += 1
            gc.collect(1)
        else:
            self._middle = 0
            gc.collect()

    def pass_over(self) -> None:
        """What stands now will hardly be garbage before `stop`: no collection looks at it."""
        gc.freeze()

    def stop(self) -> None:
        """Leave it to Python again, once no other thread is left."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
