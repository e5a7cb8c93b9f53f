"""A desk that says when it stands, for `zuoxi bench`, or one that says how it responds."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QListView

from desktop.app import build_desk
from desktop.session.desk_session import DeskSession
from engine.paths import DataFolder


class _FirstRows(QObject):
    """Says when the list was painted with conversations in it, and when one of them was open;
    then ends the program."""

    _painted = Signal()
    _opened = Signal()

    def __init__(self, view: QListView, session: DeskSession) -> None:
        super().__init__()
        self._view: QListView | None = view
        view.viewport().installEventFilter(self)
        # After the painting, not in it.
        queued = Qt.ConnectionType.QueuedConnection
        self._painted.connect(self._stand, queued)
        session.opened.connect(lambda _: self._opened.emit())
        self._opened.connect(self._end, queued)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        view = self._view
        if event.type() == QEvent.Type.Paint and view is not None and view.model().rowCount():
            self._view = None
            self._painted.emit()
        return super().eventFilter(watched, event)

    def _stand(self) -> None:
        print(flush=True)

    def _end(self) -> None:
        print(flush=True)
        # Whoever measures reads the memory of this process before it answers.
        sys.stdin.readline()
        QApplication.quit()


def main(kind: str, folder: str) -> int:
    """Open the desk on the data folder `folder`, which holds conversations, and end by itself.

    "standing": an empty line goes to stdout once its first conversations were painted, another
    once the first of them is open, and a line from stdin ends it.
    "responding": see `desktop.responding.run`.
    """
    if kind == "responding":
        from desktop import responding

        return responding.run(Path(folder))
    app = QApplication([])
    desk = build_desk(DataFolder(Path(folder)), start_engine=False)
    list_view = desk.page.queue.findChild(QListView)
    assert isinstance(list_view, QListView)
    watch = _FirstRows(list_view, desk.session)
    desk.window.show()
    try:
        return app.exec()
    finally:
        watch.deleteLater()
        desk.close()
