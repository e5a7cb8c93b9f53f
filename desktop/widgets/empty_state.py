"""What stands where there is nothing yet: an icon, what it means and what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import column


class EmptyState(Dressed, QWidget):
    """An icon, a title, one sentence and perhaps a button, in the middle of its room."""

    action_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._icon = IconLabel(look, "tray", "text_faint", theme.ICON_HERO)
        self._title = Label(look, size="body", bold=True, wrap=True)
        self._body = Label(look, tone="soft", wrap=True)
        for label in (self._title, self._body):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._button = PushButton(look, "app")
        self._button.clicked.connect(self.action_requested)
        middle = Qt.AlignmentFlag.AlignHCenter
        layout = column(self, theme.S2, theme.S5)
        layout.addStretch(2)
        layout.addWidget(self._icon, 0, middle)
        layout.addSpacing(theme.S1)
        layout.addWidget(self._title)
        layout.addWidget(self._body)
        layout.addSpacing(theme.S2)
        layout.addWidget(self._button, 0, middle)
        layout.addStretch(3)
        self._button.hide()

    def set_content(self, icon: str, title: str, body: str = "", action: str = "") -> None:
        """Fill by text keys (without ``desktop.``); no button without `action`."""
        self._icon.set_icon(icon, "text_faint")
        self._title.set_key(title)
        self._body.setVisible(bool(body))
        if body:
            self._body.set_key(body)
        self._button.setVisible(bool(action))
        if action:
            self._button.set_key(action)

    def set_body(self, text: str) -> None:
        """Replace the sentence by given words."""
        self._body.setVisible(bool(text))
        self._body.set_text(text)
