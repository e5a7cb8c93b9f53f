"""A text with the very characters that were hit marked in it; plain text, whatever it contains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtGui import QTextCharFormat

from desktop.theme import Look
from desktop.widgets.bubble_layout import hit_format
from desktop.widgets.text_panel import Run, TextPanel
from engine.records import Hit

_AROUND: Final = 160
_LONG: Final = 4000


class HitText(TextPanel):
    """Shows a text with its hits; far from the first and the last hit it is cut with …"""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "body")
        self._source = ""
        self._marks: tuple[tuple[int, int, Hit], ...] = ()

    def show_hits(self, text: str, marks: Sequence[tuple[int, int, Hit]], *, whole: bool) -> None:
        """`marks` are (start, end, hit) in `text`; `whole` shows all of it, up to a limit."""
        start, end = 0, min(len(text), _LONG)
        if marks and not whole:
            start = max(0, min(mark[0] for mark in marks) - _AROUND)
            end = min(len(text), max(mark[1] for mark in marks) + _AROUND, start + _LONG)
        head, tail = "…" if start else "", "…" if end < len(text) else ""
        shift = start - len(head)
        self._source = f"{head}{text[start:end]}{tail}"
        limit = len(self._source)
        self._marks = tuple(
            (max(0, first - shift), min(limit, last - shift), hit)
            for first, last, hit in marks
            if last > first and first < end and last > start
        )
        self._dress()

    def marked(self) -> list[str]:
        """The characters that are marked, as they stand in the text."""
        return [self._source[first:last] for first, last, _ in self._marks]

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("review.text"))
        plain = self.plain_format()
        formats: list[QTextCharFormat] = [plain] * len(self._source)
        for first, last, hit in sorted(self._marks, key=lambda mark: mark[2].level):
            style = self.plain_format(bold=True)
            style.merge(hit_format(self._look, hit))
            formats[first:last] = [style] * (last - first)
        runs: list[Run] = []
        begin = 0
        for at in range(1, len(formats) + 1):
            if at == len(formats) or formats[at] is not formats[at - 1]:
                runs.append(Run(self._source[begin:at], formats[begin]))
                begin = at
        self.set_runs(runs)
