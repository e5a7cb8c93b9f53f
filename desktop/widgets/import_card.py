"""An import under way, and what came of the last one: in words, to be read and to be copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Final, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QProgressBar, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.plain_text import safe

Outcome = Literal["done", "partly", "failed", "called_off"]
Told = tuple[str, list[tuple[str, str]]]
"""A sentence, and the files that were left out, each with the reason."""

_LOOKS: Final[dict[Outcome, tuple[str, str, str]]] = {
    "done": ("accent", "check-circle", "accent_text"),
    "partly": ("amber", "warning", "amber_text"),
    "failed": ("red", "warning-circle", "red_text"),
    "called_off": ("neutral", "info", "text_soft"),
}
MOST_SHOWN: Final = 100
"""So many lines are shown; all of them are copied."""
_LINES: Final = 5
_WHOLE: Final = 1000


class ImportCard(Dressed, QWidget):
    """Hidden until `begin`. `cancel_requested` calls off what is under way."""

    cancel_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._told: Callable[[Look], Told] | None = None
        self._lines: list[tuple[str, str]] = []
        self._card = Card("neutral")
        self._icon = IconLabel(look, "info", "text_soft")
        self._words = Label(look, size="body", wrap=True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note = Label(look, tone="amber", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(theme.S2)
        self.cancel_button = PushButton(look, "documents.cancel", "", "x")
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.copy_button = PushButton(look, "documents.copy", "", "copy")
        self.copy_button.clicked.connect(self._on_copy)
        self.close_button = PushButton(look, "documents.dismiss", "quiet", "x")
        self.close_button.set_compact(True)
        self.close_button.clicked.connect(self.hide)
        self.list = QPlainTextEdit()
        self.list.setReadOnly(True)
        self.list.setTabChangesFocus(True)
        self.list.setFont(theme.font("small"))
        restyle(self.list, kind="code")
        self.list.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.list.viewport().setAutoFillBackground(False)
        self.list.document().setDocumentMargin(0)
        self.list.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._make()
        self.hide()

    def _make(self) -> None:
        top = row(None, theme.S2)
        top.addWidget(self._icon)
        top.addWidget(self._words, 1)
        for button in (self.cancel_button, self.copy_button, self.close_button):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        inside = column(self._card, theme.S2)
        inside.setContentsMargins(theme.S4, theme.S2, theme.S3, theme.S2)
        inside.addLayout(top)
        inside.addWidget(self._bar)
        inside.addWidget(self._note)
        inside.addWidget(self.list)
        outer = column(self, 0)
        outer.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S3)
        outer.addWidget(self._card)

    def begin(self, words: str, *, can_cancel: bool) -> None:
        """Something is under way."""
        self._told = None
        self._put("neutral", "arrows-clockwise", "text_soft")
        self.step(words, None)
        self._bar.show()
        self._note.hide()
        self.list.hide()
        self.copy_button.hide()
        self.close_button.hide()
        self.cancel_button.setVisible(can_cancel)
        self.cancel_button.block("")
        self.show()

    def step(self, words: str, share: float | None) -> None:
        """How far it is, 0 to 1; None when that is not known."""
        self._words.set_text(words)
        self._bar.setRange(0, 0 if share is None else _WHOLE)
        if share is not None:
            self._bar.setValue(round(share * _WHOLE))
        self._bar.setAccessibleName(self._words.text())

    def calling_off(self) -> None:
        """It was asked to stop, and has not stopped yet."""
        self.cancel_button.block(self._look.text("documents.cancelling"))
        self.note("documents.cancelling")

    def note(self, key: str) -> None:
        """One more sentence about what is under way."""
        self._note.set_key(key)
        self._note.show()

    def end(self, outcome: Outcome, told: Callable[[Look], Told]) -> None:
        """It is over; `told` gives the sentence and what is listed below it, in a look's words."""
        self._told = told
        self._put(*_LOOKS[outcome])
        self._bar.hide()
        self._note.hide()
        self.cancel_button.hide()
        self.close_button.show()
        self._dress()
        self.show()

    def told(self) -> str:
        """All that is said now, with whole paths, "" when nothing is."""
        if self.isHidden():
            return ""
        lines = [f"{path}: {why}" for path, why in self._lines]
        return safe("\n".join([self._words.text(), *lines]))

    def noted(self) -> str:
        """The sentence that `note` shows."""
        return "" if self._note.isHidden() else self._note.text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is listed may take more lines, or fewer."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # In lines, wrapped ones too: so a plain-text document counts once it is laid out.
        lines = round(self.list.document().size().height())
        step = self.list.fontMetrics().lineSpacing()
        self.list.setFixedHeight(max(1, min(lines, _LINES)) * step + theme.S1)

    def _put(self, kind: str, icon: str, color: str) -> None:
        restyle(self._card, kind=kind)
        self._icon.set_icon(icon, color)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.told())

    def _dress(self) -> None:
        look = self._look
        self.list.setAccessibleName(look.text("documents.result.list"))
        if self._told is None:
            return
        words, self._lines = self._told(look)
        self._words.set_text(words)
        shown = [f"{PurePath(path).name}: {why}" for path, why in self._lines[:MOST_SHOWN]]
        if len(self._lines) > MOST_SHOWN:
            more = len(self._lines) - MOST_SHOWN
            shown.append(look.text("documents.result.more", n=f"{more:,}"))
        self.list.setPlainText(safe("\n".join(shown)))
        self.list.setVisible(bool(shown))
        self._fit()
        self.copy_button.setVisible(bool(shown))
