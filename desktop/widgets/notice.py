"""A state told in place: an icon, what happened, what to do, and up to two buttons."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import column, row


class Notice(Dressed, QWidget):
    """An icon at the left, a title and a sentence beside it, buttons below."""

    chosen = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._icon = IconLabel(look, "info", "text_faint", theme.ICON_LARGE)
        self._title = Label(look, size="body", bold=True, wrap=True)
        self._body = Label(look, tone="soft", wrap=True)
        self._extra = Label(look, tone="soft", wrap=True)
        self._first = PushButton(look, "app")
        self._second = PushButton(look, "app", "quiet")
        self._names = ["", ""]
        self._first.clicked.connect(lambda: self.chosen.emit(self._names[0]))
        self._second.clicked.connect(lambda: self.chosen.emit(self._names[1]))
        layout = row(self, theme.S3)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        words = column(None, theme.S1)
        for label in (self._title, self._body, self._extra):
            words.addWidget(label)
        self._buttons = QWidget()
        buttons = row(self._buttons, theme.S2)
        buttons.setContentsMargins(0, theme.S2, 0, 0)
        buttons.addWidget(self._first)
        buttons.addWidget(self._second)
        buttons.addStretch(1)
        words.addWidget(self._buttons)
        layout.addLayout(words, 1)

    def set_state(self, icon: str, color: str, title: str, body: str = "") -> None:
        """Icon, its token, and the keys of the words; drops extra words and buttons."""
        self._icon.set_icon(icon, color)
        self._title.set_key(title)
        self._body.setVisible(bool(body))
        if body:
            self._body.set_key(body)
        self._extra.hide()
        self._buttons.hide()

    def set_extra(self, text: str) -> None:
        """One more sentence, as given."""
        self._extra.setVisible(bool(text))
        self._extra.set_text(text)

    def set_extra_key(self, key: str, **values: object) -> None:
        """One more sentence, by key."""
        self._extra.show()
        self._extra.set_key(key, **values)

    def set_buttons(
        self, first: tuple[str, str, str, str], second: tuple[str, str, str, str] | None = None
    ) -> None:
        """Buttons as (name for `chosen`, text key, icon, action whose key is shown)."""
        for at, (button, what) in enumerate(((self._first, first), (self._second, second))):
            button.setVisible(what is not None)
            if what is not None:
                self._names[at] = what[0]
                button.set_key(what[1])
                button.set_icon_name(what[2])
                button.set_action(what[3])
        self._buttons.show()


class Skeleton(Dressed, QWidget):
    """Grey lines where text is about to stand."""

    _SHARES = (1.0, 0.92, 0.6)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFixedHeight(len(self._SHARES) * painting.line_height("body"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.color("skeleton"))
        step = painting.line_height("body")
        for at, share in enumerate(self._SHARES):
            line = QRectF(0, at * step + theme.S1, self.width() * share, step - 2 * theme.S1)
            painter.drawRoundedRect(line, theme.RADIUS_SMALL, theme.RADIUS_SMALL)

    def _dress(self) -> None:
        self.update()
