"""A file or folder: typed, chosen, or the starter that ships."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, PushButton
from desktop.widgets.boxes import row


class PathField(Dressed, QWidget):
    """A path; empty means the starter. `chosen` is emitted when the person settles on one."""

    chosen = Signal(str)

    def __init__(self, look: Look, folder: bool, key: str) -> None:
        super().__init__()
        self._look = look
        self._folder, self._key = folder, key
        self._edit = QLineEdit()
        self._edit.setFont(theme.font("small"))
        self._edit.setMinimumHeight(theme.CONTROL)
        self._edit.editingFinished.connect(self._settle)
        self.setFocusProxy(self._edit)
        self._browse = PushButton(look, "settings.browse", "", "folder-open")
        self._browse.clicked.connect(self._on_browse)
        self._starter = PushButton(look, "settings.use_starter", "quiet", "arrow-counter-clockwise")
        self._starter.set_compact(True)
        self._starter.clicked.connect(lambda: self._take(""))
        layout = row(self, theme.S1)
        layout.addWidget(self._edit, 1)
        layout.addWidget(self._starter)
        layout.addWidget(self._browse)
        self._last = ""
        self._dress()

    def set_path(self, path: str) -> None:
        """Show a path, without a signal."""
        self._last = path
        self._edit.setText(path)
        self._starter.setVisible(bool(path))

    def path(self) -> str:
        """What is typed."""
        return self._edit.text().strip()

    def line(self) -> QLineEdit:
        """The control itself."""
        return self._edit

    def _settle(self) -> None:
        if self.path() != self._last:
            self._take(self.path())

    def _take(self, path: str) -> None:
        self.set_path(path)
        self.chosen.emit(path)

    def _on_browse(self) -> None:
        title = self._look.text(self._key)
        if self._folder:
            path = QFileDialog.getExistingDirectory(self, title, self.path())
        else:
            path, _ = QFileDialog.getOpenFileName(self, title, self.path(), "GGUF (*.gguf)")
        if path:
            self._take(path)

    def _dress(self) -> None:
        self._edit.setPlaceholderText(self._look.text("settings.starter"))
        self._edit.setAccessibleName(self._look.text(self._key))
