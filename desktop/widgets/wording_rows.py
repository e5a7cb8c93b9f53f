"""One line each: a proposed wording, a pair of the own table, and the place for a new pair."""

from __future__ import annotations

import time

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, Elided, IconLabel, Label, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.plain_text import one_line
from desktop.widgets.values import OwnWording, WordingView


class PairFields(Dressed, QWidget):
    """What customers say, an arrow, what the documents call it; Enter in either is `entered`."""

    changed = Signal()
    entered = Signal()
    left = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._said, self._policy = QLineEdit(), QLineEdit()
        for line in (self._said, self._policy):
            line.setFont(theme.font("small"))
            line.setMinimumHeight(theme.CONTROL)
            line.textChanged.connect(self.changed)
            line.returnPressed.connect(self.entered)
            line.editingFinished.connect(self.left)
        layout = row(self, theme.S2)
        layout.addWidget(self._said, 1)
        layout.addWidget(IconLabel(look, "arrow-right", "text_faint"))
        layout.addWidget(self._policy, 1)
        self.setFocusProxy(self._policy)
        self._dress()

    def set_pair(self, said: str, policy: str) -> None:
        """Show a pair, without a signal."""
        for line, words in ((self._said, said), (self._policy, policy)):
            line.blockSignals(True)
            line.setText(one_line(words))
            line.setCursorPosition(0)
            line.blockSignals(False)

    def pair(self) -> tuple[str, str]:
        """What stands in the two fields."""
        return self._said.text().strip(), self._policy.text().strip()

    def filled(self) -> bool:
        """Whether something stands in both."""
        return all(self.pair())

    def lines(self) -> tuple[QLineEdit, QLineEdit]:
        """The two fields."""
        return self._said, self._policy

    def set_invalid(self, invalid: bool) -> None:
        """Frame both in red."""
        for line in self.lines():
            restyle(line, invalid=invalid)

    def _dress(self) -> None:
        for line, key in zip(self.lines(), ("wordings.said", "wordings.policy"), strict=True):
            line.setPlaceholderText(self._look.text(key))
            line.setAccessibleName(self._look.text(key))


class _Row(Dressed, QWidget):
    """Two fields with buttons behind them, a hairline above and room for a problem below."""

    def __init__(self, look: Look, *buttons: PushButton) -> None:
        super().__init__()
        self._look = look
        self.fields = PairFields(look)
        self._rule = Rule()
        self._problem = Label(look, tone="red", wrap=True)
        self._problem.hide()
        above = row(None, theme.S2)
        above.addWidget(self.fields, 1)
        for button in buttons:
            above.addWidget(button)
        self._inside = column(None, theme.S1)
        self._inside.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S3)
        self._inside.addLayout(above)
        layout = column(self, 0)
        layout.addWidget(self._rule)
        layout.addLayout(self._inside)

    def set_first(self, first: bool) -> None:
        """The first of a card has no line above it."""
        self._rule.setVisible(not first)

    def set_problem(self, message: str) -> None:
        """Show why what stands in the fields was not taken; "" clears it."""
        self._problem.set_text(message)
        self._problem.setVisible(bool(message))
        self.fields.set_invalid(bool(message))

    def problem(self) -> str:
        """The problem that is shown, "" if none."""
        return "" if self._problem.isHidden() else self._problem.text()


class ProposalRow(_Row):
    """A wording with what it may stand for: both can be changed before it is accepted."""

    accepted = Signal(str, str, str)
    dismissed = Signal(str)

    def __init__(self, look: Look, wording: WordingView) -> None:
        self.wording = wording
        self.accept_button = PushButton(look, "wordings.accept", "primary", "check")
        self.dismiss_button = PushButton(look, "wordings.dismiss", "quiet", "x")
        super().__init__(look, self.accept_button, self.dismiss_button)
        self._others = QWidget()
        self._met = Label(look, tone="faint")
        self._example = Elided(look, tone="soft")
        below = row(None, theme.S3)
        below.addWidget(self._met)
        below.addWidget(self._example, 1)
        below.addWidget(self._others)
        self._inside.addLayout(below)
        self._inside.addWidget(self._problem)
        self._offer_others()
        self.fields.set_pair(wording.said, wording.policies[0] if wording.policies else "")
        self.fields.changed.connect(self._on_changed)
        self.fields.entered.connect(self._accept)
        self.accept_button.clicked.connect(self._accept)
        self.dismiss_button.clicked.connect(lambda: self.dismissed.emit(wording.said))
        self._dress()

    def _offer_others(self) -> None:
        layout = row(self._others, theme.S1)
        others = self.wording.policies[1:]
        if others:
            layout.addWidget(Label(self._look, "wordings.or", tone="faint"))
        for policy in others:
            button = WordButton(self._look, policy)
            button.clicked.connect(lambda _=False, policy=policy: self._take(policy))
            layout.addWidget(button)
        self._others.setVisible(bool(others))

    def _take(self, policy: str) -> None:
        self.fields.lines()[1].setText(policy)
        self.fields.setFocus()

    def _on_changed(self) -> None:
        self.set_problem("")
        self._block()

    def _block(self) -> None:
        empty = not self.fields.filled()
        self.accept_button.block(self._look.text("wordings.why.empty") if empty else "")

    def _accept(self) -> None:
        if self.fields.filled():
            self.accepted.emit(self.wording.said, *self.fields.pair())

    def _dress(self) -> None:
        one = self.wording
        day = time.strftime("%Y-%m-%d", time.localtime(one.last_at))
        self._met.set_key("wordings.met", n=one.count, day=day)
        self._example.set_text(self._look.text("wordings.example", text=one.example))
        self._example.setVisible(bool(one.example))
        self.accept_button.setAccessibleName(self._look.text("wordings.accept.of", said=one.said))
        self.dismiss_button.setAccessibleName(self._look.text("wordings.dismiss.of", said=one.said))
        self._block()


class WordButton(PushButton):
    """A word to choose."""

    def __init__(self, look: Look, word: str) -> None:
        self._word = one_line(word)
        super().__init__(look, "", "link")

    def _caption(self) -> str:
        return self._word


class OwnRow(_Row):
    """A pair of the own table. What is typed counts as soon as the fields are left."""

    changed = Signal(str, str)
    removed = Signal()

    def __init__(self, look: Look, wording: OwnWording) -> None:
        self.wording = wording
        self.remove_button = PushButton(look, "wordings.remove", "quiet", "trash")
        self.remove_button.set_compact(True)
        super().__init__(look, self.remove_button)
        self._asked = (wording.said, wording.policy)
        self._unused = Label(look, "wordings.unused", tone="amber")
        self._inside.addWidget(self._unused)
        self._inside.addWidget(self._problem)
        self.fields.set_pair(wording.said, wording.policy)
        self.fields.left.connect(self._settle)
        self.remove_button.clicked.connect(self.removed)
        self.set_in_use(wording.in_use)
        self._dress()

    def set_in_use(self, in_use: bool) -> None:
        """Whether some document says the word; said where it is not so."""
        self._unused.setVisible(not in_use)

    def _settle(self) -> None:
        pair = self.fields.pair()
        if not self.fields.filled():
            # An emptied field is no pair; taking it out has a button of its own.
            self.fields.set_pair(self.wording.said, self.wording.policy)
        elif pair != self._asked:
            # Enter is followed by leaving: one change is asked for once.
            self._asked = pair
            self.set_problem("")
            if pair != (self.wording.said, self.wording.policy):
                self.changed.emit(*pair)

    def _dress(self) -> None:
        name = self._look.text("wordings.remove.of", said=self.wording.said)
        self.remove_button.setAccessibleName(name)


class NewPair(_Row):
    """Two empty fields; `added` once both are filled and Enter or the button is pressed."""

    added = Signal(str, str)

    def __init__(self, look: Look) -> None:
        self.add_button = PushButton(look, "wordings.add", "", "plus")
        super().__init__(look, self.add_button)
        self.fields.setFocusProxy(self.fields.lines()[0])
        self._inside.addWidget(self._problem)
        self.set_first(True)
        self.fields.changed.connect(self._on_changed)
        self.fields.entered.connect(self._add)
        self.add_button.clicked.connect(self._add)
        self._dress()

    def clear(self) -> None:
        """Empty the fields for the next pair."""
        self.fields.set_pair("", "")
        self._on_changed()

    def _on_changed(self) -> None:
        self.set_problem("")
        self._dress()

    def _add(self) -> None:
        if self.fields.filled():
            self.added.emit(*self.fields.pair())

    def _dress(self) -> None:
        empty = not self.fields.filled()
        self.add_button.block(self._look.text("wordings.why.empty") if empty else "")
