"""The window that opens when the desk cannot: what happened, what was kept, what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.banner import PlainButton
from desktop.widgets.blocks import IconLabel, Label, restyle
from desktop.widgets.boxes import column
from engine.errors import ZuoxiError
from engine.paths import DataFolder
from engine.texts import explain, text


class TroubleWindow(QWidget):
    """Says in words why the desk did not open, and where the data lie."""

    def __init__(self, look: Look, error: ZuoxiError, folder: DataFolder) -> None:
        super().__init__()
        language = look.language
        self.setObjectName("trouble")
        self.setWindowTitle(look.text("app"))
        restyle(self, kind="page")
        self._words = explain(error, language)
        layout = column(self, theme.S3, theme.S5 * 2)
        layout.addStretch(1)
        left = Qt.AlignmentFlag.AlignLeft
        layout.addWidget(IconLabel(look, "warning-circle", "red_text", theme.ICON_HERO), 0, left)
        title = Label(look, size="title", bold=True)
        title.set_text(text("desk.trouble.title", language))
        what = Label(look, size="body", wrap=True)
        what.set_text(self._words)
        where = Label(look, tone="soft", wrap=True)
        where.set_text(text("desk.trouble.folder", language, folder=folder.root))
        hint = Label(look, tone="soft", wrap=True)
        hint.set_text(text("desk.trouble.doctor", language))
        for label in (what, where, hint):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for widget in (title, what, where, hint):
            layout.addWidget(widget)
        layout.addSpacing(theme.S3)
        leave = PlainButton(look)
        leave.set_words(text("desk.trouble.quit", language))
        leave.clicked.connect(self.close)
        layout.addWidget(leave, 0, left)
        layout.addStretch(2)
        self.resize(theme.DIALOG_WIDTH, theme.DIALOG_HEIGHT)

    def words(self) -> str:
        """What it says."""
        return self._words
