"""Covers a page while files are held over it, and says what letting go does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.empty_state import EmptyState


class DropVeil(Dressed, QWidget):
    """Watches its parent. `dropped` brings the local files and folders that were let go on it."""

    dropped = Signal(object)

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._busy = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._words = EmptyState(look)
        column(self, 0, theme.S5).addWidget(self._words)
        parent.setAcceptDrops(True)
        parent.installEventFilter(self)
        self.hide()

    def set_busy(self, busy: bool) -> None:
        """Whether what is let go would be refused."""
        self._busy = busy

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Files come, go, or are let go."""
        if isinstance(event, QDragEnterEvent):
            if any(local_paths(event.mimeData())) and _taken(event):
                self._cover()
                return True
        elif isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self.hide()
            paths = list(local_paths(event.mimeData()))
            if paths and _taken(event):
                self.dropped.emit(paths)
                return True
        elif isinstance(event, QDragLeaveEvent):
            self.hide()
        elif event.type() == QEvent.Type.Resize and self.isVisible():
            self._cover()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground that lets nothing through, in a dashed frame."""
        look = self._look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), look.color("canvas"))
        painter.setPen(QPen(look.color("accent"), theme.FOCUS, Qt.PenStyle.DashLine))
        painter.setBrush(look.color("accent_soft"))
        inside = self.rect().adjusted(theme.S4, theme.S4, -theme.S4, -theme.S4)
        painter.drawRoundedRect(inside, theme.RADIUS, theme.RADIUS)

    def _cover(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        key = "documents.drop.busy" if self._busy else "documents.drop"
        self._words.set_content("file-arrow-up", key, "" if self._busy else "documents.drop.body")
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()


def local_paths(data: QMimeData) -> Iterator[Path]:
    """The files and folders of this machine among what is dragged, of which there may be many."""
    paths = (Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile())
    # Any other would be looked for below the folder that the program was started in.
    return (path for path in paths if path.is_absolute())


def _taken(event: QDropEvent) -> bool:
    """Accept as a copy: of what was moved, the program it came from deletes its own."""
    if not event.possibleActions() & Qt.DropAction.CopyAction:
        return False
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    return True
