"""The window that opens when the desk cannot: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from desktop import theme
from desktop.session.opening import language_of, save_what_can_be_read
from desktop.theme import Look
from desktop.widgets.banner import PlainButton
from desktop.widgets.blocks import IconLabel, Label, restyle
from desktop.widgets.boxes import column
from engine.errors import ZuoxiError
from engine.paths import DataFolder
from engine.texts import explain, text


def offer_remedy(app: QApplication, error: ZuoxiError, folder: DataFolder) -> bool:
    """Say why the desk did not open; whether to try again, because it was mended."""
    language = language_of(folder)
    look = theme.look("system", language)
    theme.apply(app, look)
    damaged = error.code == "store_corrupt"
    remedy = partial(save_what_can_be_read, folder, language) if damaged else None
    trouble = TroubleWindow(look, error, folder, remedy)
    trouble.show()
    app.exec()
    return trouble.again


class TroubleWindow(QWidget):
    """Says in words why the desk did not open, and where the data lie.

    `remedy` does what can be done about it and returns words that say what was done; after that
    the desk may be opened again (`again`).
    """

    def __init__(
        self,
        look: Look,
        error: ZuoxiError,
        folder: DataFolder,
        remedy: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        language = look.language
        self.again = False
        self._look = look
        self._remedy = remedy
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
        self._what = what
        self.act = PlainButton(look)
        self.act.set_words(text("store.salvage.act", language))
        self.act.clicked.connect(self._act)
        self.act.setVisible(remedy is not None)
        layout.addWidget(self.act, 0, left)
        leave = PlainButton(look)
        leave.set_words(text("desk.trouble.quit", language))
        leave.clicked.connect(self.close)
        layout.addWidget(leave, 0, left)
        layout.addStretch(2)
        self.resize(theme.DIALOG_WIDTH, theme.DIALOG_HEIGHT)

    def _act(self) -> None:
        if self._remedy is None:
            self.again = True
            self.close()
            return
        try:
            self._words = self._remedy()
        except ZuoxiError as error:
            self._words = explain(error, self._look.language)
            self.act.setEnabled(False)
        else:
            self._remedy = None
            self.act.set_words(text("store.salvage.open", self._look.language))
        self._what.set_text(self._words)

    def words(self) -> str:
        """What it says."""
        return self._words
