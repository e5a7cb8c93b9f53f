"""Where something stands in a passage: lenient search, and the sentence around it."""

from __future__ import annotations

import re

_END = re.compile("(?:[。！？!?；;\n]|\\.(?=\\s|$))+[”’」』）)\"']*")


def find(text: str, needle: str) -> tuple[int, int] | None:
    """Where `needle` stands in `text`, white space aside; its digits alone if need be."""
    wanted = [re.escape(char) for char in needle if not char.isspace()]
    if not wanted:
        return None
    if match := re.search(r"\s*".join(wanted), text):
        return match.span()
    digits = re.search(r"\d+(?:\.\d+)?", needle)
    if digits is None:
        return None
    found = re.search(rf"(?<![\d.]){re.escape(digits[0])}(?!\d)", text)
    return found.span() if found else None


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the sentence (or sentences) of `text` that hold ``text[start:end]``."""
    left = 0
    right = len(text)
    for match in _END.finditer(text):
        if match.end() <= start:
            left = match.end()
        elif match.end() >= end:
            right = match.end()
            break
    while left < start and text[left].isspace():
        left += 1
    return left, max(right, end)
