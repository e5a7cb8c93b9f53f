"""A text tried on the rules in force and on the changed ones, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.bubble_layout import hit_tone
from desktop.widgets.filter_chips import FilterChip, filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import LEVEL_ICONS
from desktop.widgets.review_text import HitText
from desktop.widgets.workshop_editor import EditorFrame, MarkedEditor
from desktop.widgets.workshop_values import Tried
from engine.records import Hit, Side

_SIDES: Final[tuple[Side, ...]] = get_args(Side)
_MOST: Final = 6


class Found(Dressed, QWidget):
    """What one set of rules says of the text: the text with its hits, and the rules."""

    def __init__(self, look: Look, key: str) -> None:
        super().__init__()
        self._look, self._key = look, key
        self._hits: tuple[Hit, ...] = ()
        self._text = HitText(look)
        self._none = Label(look, "workshop.try.nothing", tone="faint")
        self._chips: list[Chip] = []
        self._flow = FlowBox()
        frame = Card("well")
        inside = column(frame, theme.S2, theme.S3)
        inside.addWidget(self._text)
        inside.addWidget(self._flow)
        inside.addWidget(self._none)
        whole = column(self, theme.S1)
        whole.addWidget(Label(look, key, tone="soft"))
        whole.addWidget(frame)

    def show_hits(self, text: str, hits: Sequence[Hit]) -> None:
        """Mark these in the text, and name the rules."""
        self._hits = tuple(hits)
        self._text.show_hits(text, [(hit.start, hit.end, hit) for hit in hits], whole=True)
        self._text.setVisible(bool(text))
        self._none.setVisible(not hits)
        self._flow.setVisible(bool(hits))
        named = list({hit.rule: hit for hit in hits}.values())[:_MOST]
        while len(self._chips) < len(named):
            chip = Chip(self._look)
            self._flow.add(chip)
            self._chips.append(chip)
        for at, chip in enumerate(self._chips):
            chip.setVisible(at < len(named))
            if at < len(named):
                hit = named[at]
                action = self._look.text(f"workshop.action.{hit.action}")
                words = f"{one_line(hit.name or hit.rule)} · {action}"
                chip.set_text(words, hit_tone(hit), LEVEL_ICONS[hit.level])

    def marked(self) -> list[str]:
        """The characters that are marked."""
        return self._text.marked()

    def rules(self) -> list[str]:
        """What the chips say."""
        return [chip.text() for chip in self._chips if not chip.isHidden()]


class TryCard(Dressed, Card):
    """`tried` brings the text and the side, each time a person changed either."""

    tried = Signal(str, str)

    def __init__(self, look: Look) -> None:
        super().__init__("card")
        self._look = look
        self._tried = Tried("")
        sides = row(None, theme.S1)
        self._sides = filter_chips(
            self, look, "workshop.side", _SIDES, sides.addWidget, lambda _: self._ask()
        )
        self._sides["agent"].setChecked(True)
        sides.addStretch(1)
        self.editor = MarkedEditor(look, gutter=False)
        self.editor.edited.connect(self._ask)
        frame = EditorFrame(look, self.editor)
        frame.setFixedHeight(3 * self.editor.fontMetrics().lineSpacing() + theme.S4)
        self.in_force = Found(look, "workshop.try.in_force")
        self.changed = Found(look, "workshop.try.changed")
        self._same = Label(look, "workshop.try.same", tone="faint", wrap=True)
        self._problem = Label(look, "workshop.try.broken", tone="amber", wrap=True)
        inside = column(self, theme.S2, theme.S3)
        inside.addWidget(Label(look, "workshop.try", bold=True))
        inside.addLayout(sides)
        inside.addWidget(frame)
        for part in (self.in_force, self.changed, self._same, self._problem):
            inside.addWidget(part)
            part.hide()
        self._dress()

    def side(self) -> Side:
        """Whose text it is said to be."""
        return next(side for side, chip in self._sides.items() if chip.isChecked())

    def put(self, text: str, side: Side) -> None:
        """Try another text."""
        self._sides[side].setChecked(True)
        self.editor.load(text)
        self._ask()

    def again(self) -> None:
        """The rules changed: try the text once more."""
        if self.editor.toPlainText().strip():
            self._ask()

    def chip(self, side: Side) -> FilterChip:
        """The button of a side."""
        return self._sides[side]

    def show_tried(self, tried: Tried) -> None:
        """What came of it."""
        self._tried = tried
        shown = bool(tried.text.strip())
        same = _seen(tried.in_force) == _seen(tried.changed)
        for part, hits in ((self.in_force, tried.in_force), (self.changed, tried.changed)):
            seen = shown and not (tried.broken and part is self.changed)
            part.setVisible(seen)
            if seen:
                part.show_hits(tried.text, hits)
        self._same.setVisible(shown and same and not tried.broken)
        self._problem.setVisible(shown and tried.broken)

    def _ask(self) -> None:
        words = self.editor.toPlainText()
        if not words.strip():
            self.show_tried(Tried(""))
        self.tried.emit(words, self.side())

    def _dress(self) -> None:
        words = self._look.text("workshop.try.text")
        self.editor.setAccessibleName(words)
        self.editor.setPlaceholderText(words)
        self.show_tried(self._tried)


def _seen(hits: Sequence[Hit]) -> list[tuple[object, ...]]:
    return [(hit.rule, hit.start, hit.end, hit.level, hit.action) for hit in hits]
