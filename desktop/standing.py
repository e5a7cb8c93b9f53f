"""A window that says when it stands, for `zuoxi bench`: the desk, or an empty one beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget


class _FirstPaint(QObject):
    """Calls `then` once, when what it watches has been painted for the first time."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then: Callable[[], None] | None = then

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._then is not None:
            # After the painting, not in it.
            QTimer.singleShot(0, self._then)
            self._then = None
        return super().eventFilter(watched, event)


def main(kind: str, folder: str) -> int:
    """Show a window and end: `kind` is "desk" (on the data folder `folder`) or "empty".

    Once it was painted, a line of JSON goes to stdout: ``{"memory": resident bytes}``.
    """
    app = QApplication([])
    window, close = _desk(Path(folder)) if kind == "desk" else _empty()

    def tell() -> None:
        import psutil

        print(json.dumps({"memory": psutil.Process().memory_info().rss}), flush=True)
        app.quit()

    watch = _FirstPaint(tell)
    window.installEventFilter(watch)
    window.show()
    try:
        return app.exec()
    finally:
        close()


def _desk(folder: Path) -> tuple[QWidget, Callable[[], None]]:
    # Imported here so that the empty window is free of it.
    from desktop.app import build_desk
    from engine.paths import DataFolder

    desk = build_desk(DataFolder(folder), start_engine=False)
    return desk.window, desk.close


def _empty() -> tuple[QWidget, Callable[[], None]]:
    window = QMainWindow()
    return window, lambda: None
