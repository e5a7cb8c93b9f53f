"""Where a number or a sentence of a draft comes from, shown right under the draft."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.sentences import find, sentence_around
from desktop.widgets.text_panel import Run, TextPanel
from engine.records import Evidence, NumberSource


class SourceCallout(Dressed, Card):
    """The source in one line and, for evidence, the sentence with the number marked."""

    opened = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__("neutral")
        self._look = look
        self._number: NumberSource | None = None
        self._evidence: Evidence | None = None
        self._words = Label(look, bold=True, wrap=True)
        self._open = PushButton(look, "draft.source.open", "link", "arrow-down")
        self._open.clicked.connect(self._on_open)
        self._close = PushButton(look, "draft.source.close", "quiet", "x")
        self._close.set_compact(True)
        self._close.clicked.connect(self.hide)
        self._sentence = TextPanel(look, "small")
        head = row(None, theme.S2)
        head.addWidget(IconLabel(look, "quotes", "accent_text"))
        head.addWidget(self._words, 1)
        head.addWidget(self._close)
        layout = column(self, theme.S1, theme.S3)
        layout.addLayout(head)
        layout.addWidget(self._sentence)
        layout.addWidget(self._open, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_number(self, number: NumberSource, evidence: Evidence | None) -> None:
        """Say where `number` comes from; `evidence` is the passage it names, if any."""
        self._number, self._evidence = number, evidence
        self._dress()
        self.show()

    def _on_open(self) -> None:
        if self._evidence:
            self.opened.emit(self._evidence.n)

    def _dress(self) -> None:
        number, evidence = self._number, self._evidence
        if number is None:
            return
        title = " › ".join(filter(None, (evidence.title, evidence.section))) if evidence else ""
        key = f"draft.source.{number.source}"
        self._words.set_key(key, text=number.text, n=number.n, title=title)
        self._open.setVisible(evidence is not None)
        self._sentence.setVisible(evidence is not None)
        if evidence is None:
            return
        found = find(evidence.text, number.text)
        start, end = sentence_around(evidence.text, *(found or (0, 0)))
        plain = self._sentence.plain_format("text_soft")
        if found is None:
            self._sentence.set_runs([Run(evidence.text[start:end], plain)])
            return
        strong = self._sentence.plain_format("accent_text", bold=True)
        strong.setBackground(self._look.color("accent_soft"))
        parts = ((start, found[0], plain), (*found, strong), (found[1], end, plain))
        self._sentence.set_runs([Run(evidence.text[a:b], style) for a, b, style in parts])
