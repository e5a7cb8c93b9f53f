"""Untrusted text made fit to draw, and offsets between Python and Qt.

Python counts code points, Qt counts UTF-16 units: an emoji is one here and two there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate

# Control characters, direction overrides (which can make a text read as another) and lone
# surrogates. The replacement is as long as what it replaces, so that offsets stay true.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0]")

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "<br>"})


def safe(text: str) -> str:
    """`text` with unsafe characters shown as U+FFFD, and as many code points as before."""
    return _UNSAFE.sub(lambda match: " " if match[0] == "\r" else "\ufffd", text)


def one_line(text: str) -> str:
    """`text`, safe, with every run of white space as one space; for previews and names."""
    return " ".join(safe(text[:400]).split())


def tooltip(text: str) -> str:
    """`text` for a tool tip, which would otherwise be taken for HTML when it looks like it."""
    if not text:
        return ""
    return f"<span>{safe(text[:2000]).translate(_MARKUP)}</span>"


class Offsets:
    """Translates offsets in one text from code points to UTF-16 units and back."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._units: list[int] | None = None
        if text and max(text) > "\uffff":
            self._units = [0, *accumulate(2 if char > "\uffff" else 1 for char in text)]

    def to_qt(self, index: int) -> int:
        """The UTF-16 offset of code point `index`, kept within the text."""
        index = max(0, min(index, self._length))
        return index if self._units is None else self._units[index]

    def from_qt(self, unit: int) -> int:
        """The code point at UTF-16 offset `unit`."""
        return unit if self._units is None else bisect_left(self._units, unit)


def unstopped(sentence: str) -> str:
    """A sentence without its full stop, to stand inside another one."""
    return sentence.strip().rstrip("。.")
