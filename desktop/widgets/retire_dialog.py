"""Asks before a document is taken out of use: what that means, and how it comes back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.documents_values import DocumentView
from desktop.widgets.plain_text import one_line


class RetireDialog(Dressed, QDialog):
    """`confirmed` brings the document. Enter alone confirms nothing, Escape goes back."""

    confirmed = Signal(object)

    def __init__(self, look: Look, document: DocumentView, parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._document = look, document
        name = {"title": one_line(document.title), "doc": one_line(document.doc)}
        self._title = Label(look, size="title", bold=True, wrap=True)
        self._title.set_key("documents.retire.title", **name)
        body = Label(look, size="body", wrap=True)
        body.set_key("documents.retire.body", n=f"{document.passages:,}", **name)
        back = Label(look, tone="soft", wrap=True)
        back.set_key("documents.retire.back", **name)
        file = Label(look, tone="soft", wrap=True)
        file.set_text(one_line(document.doc))
        file.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cancel_button = PushButton(look, "documents.retire.cancel")
        self.cancel_button.clicked.connect(self.reject)
        self.cancel_button.setDefault(True)
        self.ok_button = PushButton(look, "documents.retire.confirm", "primary", "archive")
        self.ok_button.setAutoDefault(False)
        self.ok_button.clicked.connect(self._on_ok)
        end = row(None, theme.S2)
        end.addStretch(1)
        end.addWidget(self.cancel_button)
        end.addWidget(self.ok_button)
        whole = column(self, theme.S3, theme.S5)
        for part in (self._title, file, body, back):
            whole.addWidget(part)
        whole.addLayout(end)
        self.setMinimumWidth(theme.QUEUE_WIDTH + theme.FIELD_WIDTH)
        self._dress()

    def _on_ok(self) -> None:
        self.accept()
        self.confirmed.emit(self._document)

    def _dress(self) -> None:
        self.setWindowTitle(self._title.text())
