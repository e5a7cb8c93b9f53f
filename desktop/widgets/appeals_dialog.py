"""What an agent said against red-line hits, and what a lead answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QDialog, QScrollArea, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Label, PushButton, restyle
from desktop.widgets.boxes import column, row, scroll_down_only
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line
from engine.store.rows import Appealed


class AppealsDialog(Dressed, QDialog):
    """One card for each appeal, the newest first; it is filled with `show_appeals`."""

    def __init__(
        self, look: Look, clock: Callable[[], float], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._look, self._clock = look, clock
        self._none = Label(look, "appeals.none", tone="soft", wrap=True)
        self._none.hide()
        body = QWidget()
        restyle(body, kind="transparent")
        self._cards = column(body, theme.S3)
        self._cards.addStretch(1)
        scroll = QScrollArea()
        scroll_down_only(scroll)
        scroll.setWidget(body)
        close = PushButton(look, "appeals.close", "primary")
        close.clicked.connect(self.accept)
        close.setDefault(True)
        end = row()
        end.addStretch(1)
        end.addWidget(close)
        whole = column(self, theme.S3, theme.S5)
        whole.addWidget(Label(look, "appeals", size="title", bold=True))
        whole.addWidget(self._none)
        whole.addWidget(scroll, 1)
        whole.addLayout(end)
        self.resize(theme.FORM_WIDTH, theme.DIALOG_HEIGHT)
        self._dress()

    def show_appeals(self, found: Sequence[Appealed]) -> None:
        """Show these, in place of what was shown."""
        while self._cards.count() > 1:
            item = self._cards.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._none.setVisible(not found)
        for at, one in enumerate(found):
            self._cards.insertWidget(at, self._card(one))

    def words(self) -> str:
        """All that is shown, for screen readers and tests."""
        labels = self.findChildren(Label)
        return "\n".join(label.text() for label in labels if not label.isHidden())

    def _card(self, one: Appealed) -> Card:
        look, appeal, hit = self._look, one.appeal, one.hit.hit
        card = Card("card")
        inside = column(card, theme.S1, theme.S3)
        head = row(None, theme.S2)
        title = Label(look, bold=True, wrap=True)
        title.set_text(look.text("appeals.rule", name=one_line(hit.name or hit.rule)))
        head.addWidget(title, 1)
        when = Label(look, tone="faint")
        when.set_text(moment_words(appeal.at, self._clock()))
        head.addWidget(when)
        state = Chip(look)
        if appeal.upheld is None:
            # Of an appeal that went with the customer's data, no word is left.
            key = "open" if appeal.answered_at is None else "deleted"
        else:
            key = "upheld" if appeal.upheld else "dismissed"
        state.set_key(f"appeals.{key}", "accent" if key == "upheld" else "neutral")
        head.addWidget(state)
        inside.addLayout(head)
        lines = []
        if appeal.text:
            lines.append(look.text("appeals.words", text=one_line(hit.text)))
            lines.append(look.text("appeals.own", words=one_line(appeal.text)))
        for words in lines:
            label = Label(look, tone="soft", wrap=True)
            label.set_text(words)
            inside.addWidget(label)
        if appeal.answer:
            answer = Label(look, wrap=True)
            said = one_line(appeal.answer)
            answer.set_text(look.text("appeals.answer", who=appeal.answered_by, words=said))
            inside.addWidget(answer)
        return card

    def _dress(self) -> None:
        self.setWindowTitle(self._look.text("appeals"))
