"""What is deleted at a customer's request, what stays, and what is out of reach: asked once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.plain_text import one_line
from desktop.widgets.workshop_fields import Tick
from engine.store.forgetting import Held


class ForgetDialog(Dressed, QDialog):
    """`confirmed` tells whether all conversations under the name are meant, or the one alone.

    Nothing is confirmed by Enter; afterwards the same dialog says what became of it.
    """

    confirmed = Signal(bool)

    def __init__(
        self,
        look: Look,
        customer: str,
        one: Held,
        named: Held,
        outside: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        """`one` is what the conversation holds, `named` what all under the name hold; `outside` are
        the sentences on what no deletion reaches."""
        super().__init__(parent)
        self._look, self._one, self._named = look, one, named
        self._customer, self._outside = customer, tuple(outside)
        self._asking = True
        self._title = Label(look, size="title", bold=True, wrap=True)
        self._goes, self._stays, self._beyond = (
            Label(look, wrap=True),
            Label(look, "forget.stays", wrap=True),
            Label(look, tone="soft", wrap=True),
        )
        self._all = Tick(look)
        self._all.setChecked(named.conversations > one.conversations)
        self._all.setVisible(named.conversations > one.conversations)
        self._all.toggled.connect(lambda _: self._dress())
        self._sure = Tick(look)
        self._sure.toggled.connect(lambda _: self._dress())
        self._result = Label(look, wrap=True)
        self._result.hide()
        self._cancel = PushButton(look, "forget.cancel")
        self._cancel.clicked.connect(self.reject)
        self._delete = PushButton(look, "forget.confirm", "", "trash")
        self._delete.setAutoDefault(False)
        self._delete.clicked.connect(self._on_delete)
        self._cancel.setDefault(True)
        warning = Card("red")
        inside = row(warning, theme.S2, theme.S3)
        inside.addWidget(IconLabel(look, "warning-circle", "red_text"))
        inside.addWidget(self._goes, 1)
        self._warning = warning
        end = row(None, theme.S2)
        end.addStretch(1)
        end.addWidget(self._cancel)
        end.addWidget(self._delete)
        whole = column(self, theme.S3, theme.S5)
        for part in (self._title, warning, self._stays, self._beyond, self._all, self._sure):
            whole.addWidget(part)
        whole.addWidget(self._result)
        whole.addStretch(1)
        whole.addLayout(end)
        self.setMinimumWidth(theme.FORM_WIDTH)
        self._dress()

    def everything(self) -> bool:
        """Whether all conversations under the name are meant."""
        return self._all.isChecked()

    def tick(self, which: str) -> Tick:
        """The box "all" of the name, or "sure"."""
        return self._all if which == "all" else self._sure

    def button(self) -> PushButton:
        """What deletes."""
        return self._delete

    def show_result(self, lines: Sequence[str], *, done: bool) -> None:
        """It is done, or it failed: say so in place of the question."""
        self._asking = False
        self._title.set_key("forget.done" if done else "forget.failed")
        self.setWindowTitle(self._title.text())
        for part in (self._warning, self._stays, self._all, self._sure, self._delete, self._beyond):
            part.hide()
        self._result.set_text("\n".join(lines))
        self._result.show()
        self._cancel.set_key("forget.close")
        self.setAccessibleDescription(self._result.text())

    def result_words(self) -> str:
        """What was said of the outcome, "" before there is one."""
        return "" if self._result.isHidden() else self._result.text()

    def _on_delete(self) -> None:
        self._delete.block(self._look.text("forget.busy"))
        self.confirmed.emit(self.everything())

    def _dress(self) -> None:
        look = self._look
        if not self._asking:
            return
        held = self._named if self.everything() else self._one
        self._title.set_text(look.text("forget.title", name=one_line(self._customer)))
        self.setWindowTitle(self._title.text())
        counts = {"messages": held.messages, "drafts": held.drafts, "hits": held.hits}
        goes = look.text("forget.goes", conversations=held.conversations, **counts)
        unsent = look.text("forget.unsent", n=held.unsent) if held.unsent else ""
        self._goes.set_text("\n".join(part for part in (goes, unsent) if part))
        self._beyond.set_text(look.text("forget.beyond", list="\n".join(self._outside)))
        self._all.setText(look.text("forget.all", n=self._named.conversations))
        self._sure.setText(look.text("forget.sure"))
        sure = self._sure.isChecked()
        self._delete.block("" if sure else look.text("forget.unsure"))
