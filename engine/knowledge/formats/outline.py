"""Headings and what stands under them, as a document is read from its beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence

from engine.knowledge.formats.content import Part, block, line

_LONGEST = 120


class Outline:
    """Collects a document's parts: `heading`, `add` and `place` in the order of the text."""

    def __init__(self) -> None:
        self.first = ""
        self._parts: list[Part] = []
        self._path: list[tuple[int, str]] = []
        self._blocks: list[str] = []
        self._bare = False

    @property
    def path(self) -> tuple[str, ...]:
        """The headings above what is added next."""
        return tuple(name for _, name in self._path)

    def heading(self, level: int, text: str) -> None:
        """A heading; `level` 1 is the outermost."""
        name = line(text)[:_LONGEST]
        if not name:
            return
        self.first = self.first or name
        # A heading with nothing below it says what it has to say itself.
        if self._bare and not self._blocks and level <= self._path[-1][0]:
            self._blocks = [self._path[-1][1]]
        self._close()
        self._path = [*(above for above in self._path if above[0] < level), (level, name)]
        self._bare = True

    def add(self, text: str) -> None:
        """A paragraph; a list item begins with a bullet or a number."""
        words = block(text)
        if words:
            self._blocks.append(words)

    def place(self, parts: Sequence[Part]) -> None:
        """What a table made."""
        for part in parts:
            if part == Part(self.path, part.text):
                self.add(part.text)
            else:
                self._close()
                self._parts.append(part)
                self._bare = False

    def parts(self) -> tuple[Part, ...]:
        """All parts; no more can be added."""
        if self._bare and not self._blocks and self._path:
            self._blocks = [self._path[-1][1]]
        self._close()
        return tuple(self._parts)

    def _close(self) -> None:
        if self._blocks:
            # Items of a list stand under each other, paragraphs apart.
            text = self._blocks[0]
            for before, after in zip(self._blocks, self._blocks[1:], strict=False):
                gap = "\n" if before.startswith("- ") and after.startswith("- ") else "\n\n"
                text += gap + after
            self._parts.append(Part(self.path, text))
        self._blocks = []
        self._bare = False
