"""Headings and what stands under them, as a document is read from its beginning to its end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.knowledge.formats.content import ANSWERED, ASKED, Part, block, line

QUESTION = 7
"""The level of a question above its answer: below all headings."""
_NUMBERED = (
    (1, re.compile(r"第[一二三四五六七八九十百\d]{1,4}[章节篇部编条][ \t:：、]?[^。！？；]{0,30}")),
    (1, re.compile(r"【[^】]{1,40}】")),
    (2, re.compile(r"[一二三四五六七八九十]{1,3}、[^。！？；，,!?:：]{1,30}")),
    (3, re.compile(r"[（(][一二三四五六七八九十]{1,3}[）)][^。！？；，,!?:：]{1,30}")),
)
_LONGEST = 120
_LONGEST_QUESTION = 200


class Outline:
    """Collects a document's parts: `heading`, `add` and `place` in the order of the text."""

    def __init__(self) -> None:
        self.first = ""
        self._parts: list[Part] = []
        self._path: list[tuple[int, str]] = []
        self._blocks: list[str] = []
        self._bare = False
        self._asked = ""
        self._as_asked = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The headings above what is added next."""
        return tuple(name for _, name in self._path)

    def heading(self, level: int, text: str) -> None:
        """A heading; `level` 1 is the outermost."""
        name = line(text)[:_LONGEST]
        if not name:
            return
        self._unanswered()
        if level < QUESTION:
            self.first = self.first or name
        if self._path and level <= self._path[-1][0]:
            self._speak_for_itself()
        self._close()
        self._path = [*(above for above in self._path if above[0] < level), (level, name)]
        self._bare = True

    def add(self, text: str) -> None:
        """A paragraph; a list item begins with a bullet or a number.

        One marked as a question becomes the heading of the answer below it, where there is one:
        an answer is told to customers, and their own question is not.
        """
        words = block(text)
        bare = words.removeprefix("- ")
        if asked := ASKED.match(bare):
            question, _, rest = bare[asked.end() :].partition("\n")
            self._unanswered()
            if question and len(question) <= _LONGEST_QUESTION:
                self._asked, self._as_asked = question, words.partition("\n")[0]
                words = bare = rest
        if self._asked and (answered := ANSWERED.match(bare)):
            question, self._asked = self._asked, ""
            self.heading(QUESTION, question)
            words = bare[answered.end() :]
        if words:
            self._unanswered()
            self._blocks.append(words)

    def leave(self, level: int) -> None:
        """What comes next stands no longer under headings of that level or below it."""
        self._unanswered()
        if any(above[0] >= level for above in self._path):
            self._speak_for_itself()
            self._close()
            self._path = [above for above in self._path if above[0] < level]

    def place(self, parts: Sequence[Part]) -> None:
        """What a table made."""
        self._unanswered()
        for part in parts:
            if part == Part(self.path, part.text):
                self.add(part.text)
            else:
                self._close()
                self._parts.append(part)
                self._bare = False

    def parts(self) -> tuple[Part, ...]:
        """All parts; no more can be added."""
        self._unanswered()
        self._speak_for_itself()
        self._close()
        return tuple(self._parts)

    def _unanswered(self) -> None:
        """A question that no answer follows is text like any other."""
        if self._asked:
            self._blocks.append(self._as_asked)
            self._asked = ""

    def _speak_for_itself(self) -> None:
        """A heading with nothing below it says what it has to say itself."""
        if self._bare and not self._blocks:
            self._blocks = [self._path[-1][1]]

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


def numbered_heading(text: str) -> tuple[int, str] | None:
    """The level and the name of a heading, where a line is one by how it is numbered."""
    words = line(text)
    for level, pattern in _NUMBERED:
        if pattern.fullmatch(words):
            return level, words.strip("【】")
    return None
