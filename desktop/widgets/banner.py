"""One line across the page about the engine or an error, with details on demand."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.values import BannerKind

_LOOKS: Final[dict[BannerKind, tuple[str, str]]] = {
    "info": ("neutral", "info"),
    "warning": ("amber", "warning"),
    "error": ("red", "warning-circle"),
}


class Banner(Dressed, Card):
    """Hidden until `show_message`; it never goes away by itself."""

    action_requested = Signal()
    dismissed = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("neutral")
        self._look = look
        self._kind: BannerKind = "info"
        self._open = False
        self._icon = IconLabel(look, "info", "text_soft")
        self._line = Elided(look)
        self._details = Label(look, tone="soft", wrap=True)
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._more = PushButton(look, "banner.details", "quiet")
        self._more.clicked.connect(self._toggle)
        self._action = PlainButton(look)
        self._action.clicked.connect(self.action_requested)
        self._close = PushButton(look, "banner.dismiss", "quiet", "x")
        self._close.set_compact(True)
        self._close.clicked.connect(self._on_close)
        top = row(None, theme.S2)
        top.addWidget(self._icon)
        top.addWidget(self._line, 1)
        for button in (self._more, self._action, self._close):
            top.addWidget(button)
        layout = column(self, theme.S1)
        layout.setContentsMargins(theme.S3, theme.S1, theme.S2, theme.S1)
        layout.addLayout(top)
        self._details.setContentsMargins(theme.ICON + theme.S2, 0, 0, theme.S1)
        layout.addWidget(self._details)
        self.hide()

    def show_message(
        self, kind: BannerKind, text: str, details: str = "", action: str = ""
    ) -> None:
        """Show one line in the person's language; `action` is what its button says."""
        self._kind, self._open = kind, False
        self._line.set_text(text)
        self._details.set_text(details)
        self._more.setVisible(bool(details))
        self._action.set_words(action)
        self._dress()
        self.show()

    def dismiss(self) -> None:
        """Go away without a signal."""
        self.hide()

    def message(self) -> str:
        """The line that is shown, "" when hidden."""
        return "" if self.isHidden() else self._line.text()

    def _toggle(self) -> None:
        self._open = not self._open
        self._dress()

    def _on_close(self) -> None:
        self.hide()
        self.dismissed.emit()

    def _dress(self) -> None:
        tone, icon = _LOOKS[self._kind]
        restyle(self, kind=tone)
        self._icon.set_icon(icon, f"{tone}_text")
        self._details.setVisible(self._open)
        self._more.set_key("banner.hide" if self._open else "banner.details")
        words = self._look.text(f"banner.{self._kind}")
        self.setAccessibleName(f"{words}: {self._line.text()}")


class PlainButton(PushButton):
    """A button whose words are given, not looked up."""

    def __init__(self, look: Look) -> None:
        self._words = ""
        super().__init__(look, "app")

    def set_words(self, words: str) -> None:
        """What the button says; "" hides it."""
        self._words = words
        self.setVisible(bool(words))
        self._dress()

    def _dress(self) -> None:
        super()._dress()
        self.setText(self._words)
        self.setAccessibleName(self._words)
        self.setToolTip("")
        self.updateGeometry()
