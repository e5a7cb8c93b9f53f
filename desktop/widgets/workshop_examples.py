"""Examples that a rule must hit and must miss, one a line, each with how it fares right now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Chip, Dressed, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.workshop_editor import EditorFrame, LineMark, MarkedEditor
from desktop.widgets.workshop_values import ExampleMark

TURN: Final = " ⏎ "
"""Stands between the turns of an example that is a whole dialogue."""


class ExampleList(Dressed, QWidget):
    """`edited` when a person changed them. Marks stay with lines that still read the same."""

    edited = Signal()

    def __init__(self, look: Look, kind: str) -> None:
        super().__init__()
        self._look, self._kind = look, kind
        self._known: dict[str, ExampleMark] = {}
        self._title = Label(look, f"workshop.must_{kind}", bold=True)
        self._state = Chip(look)
        self.editor = MarkedEditor(look)
        self.editor.edited.connect(self._on_edited)
        self._title.setBuddy(self.editor)
        head = row(None, theme.S2)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._state)
        whole = column(self, theme.S1)
        whole.addLayout(head)
        whole.addWidget(EditorFrame(look, self.editor), 1)
        self.setFocusProxy(self.editor)
        self._dress()

    def set_examples(self, marks: Sequence[ExampleMark], *, load: bool = False) -> None:
        """Show examples with how they fare; `load`: those of another rule."""
        self._known = {_line(one.text): one for one in marks}
        words = "\n".join(_line(one.text) for one in marks)
        if load:
            self.editor.load(words)
        elif tuple(_line(one.text) for one in marks) != self.editor.lines():
            self.editor.set_text(words)
        self._mark()

    def examples(self) -> tuple[str, ...]:
        """What stands there, as the rule keeps it."""
        return tuple(line.replace(TURN, "\n").replace("⏎", "\n") for line in self.editor.lines())

    def failing(self) -> int:
        """How many do not fare as they should."""
        return sum(mark.wrong for mark in self.editor.marks().values())

    def state(self) -> str:
        """How they fare, in words."""
        return self._state.text()

    def _on_edited(self) -> None:
        self._mark()
        self.edited.emit()

    def _mark(self) -> None:
        """Ticks and crosses for the lines that were checked, an hourglass for the others."""
        look, made = self._look, {}
        good = bad = 0
        for number, line in enumerate(self.editor.toPlainText().split("\n")):
            if not line.strip():
                continue
            known = self._known.get(line.strip())
            if known is None:
                made[number] = LineMark("hourglass", "text_faint")
                continue
            good, bad = good + known.ok, bad + (not known.ok)
            shift = len(line) - len(line.lstrip())
            spans = tuple((s + shift, e + shift) for s, e in known.spans)
            tip = look.text(f"workshop.{self._kind}.{'ok' if known.ok else 'wrong'}")
            made[number] = LineMark(
                "check-circle" if known.ok else "x-circle",
                "accent_text" if known.ok else "red_text",
                tip,
                not known.ok,
                spans if "\n" not in known.text else (),
            )
        self.editor.set_marks(made)
        if bad:
            self._state.set_key("workshop.examples.wrong", "red", "x-circle", n=bad)
        elif good:
            self._state.set_key("workshop.examples.ok", "accent", "check-circle", n=good)
        else:
            self._state.set_key("workshop.examples.none", "neutral", "hourglass")

    def _dress(self) -> None:
        name = self._look.text(f"workshop.must_{self._kind}")
        self.editor.setAccessibleName(name)
        self.editor.setPlaceholderText(self._look.text(f"workshop.must_{self._kind}.hint"))
        self._mark()


def _line(example: str) -> str:
    return example.replace("\r", "").strip().replace("\n", TURN)
