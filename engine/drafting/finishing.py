"""The last touch on a draft's text: opening, closing, and amounts in bold, as the style says."""

from __future__ import annotations

import re

from engine.drafting.grounding import COUNTED, RANGE, quantities
from engine.drafting.style import StyleProfile
from engine.records import Language

_PLAIN = {"", "code", "件", "次", "台", "人", "月份", *COUNTED}
_BOLD = re.compile(r"(?<!\*)\*\*(?!\*).+?(?<!\*)\*\*(?!\*)")


def frame(style: StyleProfile, message: str, language: Language) -> tuple[str, str]:
    """What stands before and after the body of a reply to `message`."""
    opening = style.opening(message, language)
    closing = style.closing.of(language)
    if language == "en":
        opening = f"{opening.rstrip()} " if opening.strip() else ""
        closing = f" {closing.strip()}" if closing.strip() else ""
    return opening, closing


def emphasise(text: str) -> str:
    """`text` with every amount, percentage, date and duration between ``**``."""
    spans: list[tuple[int, int]] = []
    bold = [match.span() for match in _BOLD.finditer(text)]
    for quantity in quantities(text):
        if quantity.unit in _PLAIN or any(a < quantity.start < b for a, b in bold):
            continue
        start = quantity.start
        # Two amounts side by side, or the two of a range, are one stretch of bold.
        if spans and (spans[-1][1] == start or RANGE.fullmatch(text, spans[-1][1], start)):
            start = spans.pop()[0]
        spans.append((start, quantity.end))
    parts = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], "**", text[start:stop], "**"]
        end = stop
    return "".join([*parts, text[end:]])
