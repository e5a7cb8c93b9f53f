"""All keys on one page, taken from the actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QScrollArea, QWidget

from desktop import theme
from desktop.actions import REJECT_REASONS, WHERE, Where, in_place, keys_text, readable
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, KeyHint, Label, PushButton, restyle
from desktop.widgets.boxes import column, row


class KeysDialog(Dressed, QDialog):
    """What each key does, by the place where it works."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._outer = column(self, theme.S3, theme.S5)
        self._title = Label(look, "keys", size="title", bold=True)
        self._outer.addWidget(self._title)
        note = row(None, theme.S2)
        note.addWidget(IconLabel(look, "keyboard", "accent_text"))
        note.addWidget(Label(look, "keys.ime", tone="soft", wrap=True), 1)
        self._outer.addLayout(note)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._outer.addWidget(self._scroll, 1)
        close = PushButton(look, "keys.close", "primary")
        close.clicked.connect(self.accept)
        close.setDefault(True)
        end = row()
        end.addStretch(1)
        end.addWidget(close)
        self._outer.addLayout(end)
        self.resize(theme.DIALOG_WIDTH, theme.DIALOG_HEIGHT)
        self._dress()

    def _dress(self) -> None:
        self.setWindowTitle(self._look.text("keys"))
        body = QWidget()
        restyle(body, kind="transparent")
        layout = row(body, theme.S4)
        left, right = column(None, theme.S3), column(None, theme.S3)
        for side, places in ((left, WHERE[:1]), (right, WHERE[1:2] + WHERE[3:])):
            for where in places:
                side.addWidget(self._card(where))
            layout.addLayout(side, 1)
        left.addWidget(self._reasons())
        left.addWidget(self._card(WHERE[2]))
        left.addStretch(1)
        right.addStretch(1)
        self._scroll.setWidget(body)

    def _frame(self, title: str) -> tuple[Card, QGridLayout]:
        card = Card()
        inside = column(card, theme.S2, theme.S3)
        inside.addWidget(Label(self._look, title, tone="accent", bold=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.S3)
        grid.setVerticalSpacing(theme.S1)
        grid.setColumnStretch(0, 1)
        inside.addLayout(grid)
        return card, grid

    def _card(self, where: Where) -> Card:
        look = self._look
        card, grid = self._frame(f"where.{where}")
        for at, action in enumerate(in_place(where)):
            words = Label(look, f"action.{action.id}", wrap=True)
            words.setToolTip(action.help(look.language))
            shown = readable(action.keys[0], look.language)
            grid.addWidget(words, at, 0)
            grid.addWidget(KeyHint(look, keys=shown), at, 1, Qt.AlignmentFlag.AlignRight)
        return card

    def _reasons(self) -> Card:
        look = self._look
        card, grid = self._frame("keys.reasons")
        for at, reason in enumerate(REJECT_REASONS):
            line, side = at // 2, at % 2 * 2
            grid.addWidget(KeyHint(look, keys=str(at + 1)), line, side)
            grid.addWidget(Label(look, f"reason.{reason}"), line, side + 1)
        for side in (1, 3):
            grid.setColumnStretch(side, 1)
        grid.setColumnStretch(0, 0)
        keys = look.text("keys.then", keys=keys_text("reject", look.language), n="1–8")
        note = Label(look, tone="faint")
        note.set_text(keys)
        grid.addWidget(note, len(REJECT_REASONS) // 2, 0, 1, 4)
        return card
