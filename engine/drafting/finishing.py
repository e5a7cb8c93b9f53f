"""The last touch on a draft's text: opening, closing, and amounts in bold, as the style says."""

from __future__ import annotations

import re

from engine.drafting.grounding import COUNTED, RANGE, quantities
from engine.drafting.style import StyleProfile
from engine.records import Language

_PLAIN = {"", "code", "件", "次", "台", "人", "月份", *COUNTED}
_BETWEEN = re.compile(rf"\*\*({RANGE.pattern})\*\*")


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
    parts = []
    end = 0
    for quantity in quantities(text):
        if quantity.unit in _PLAIN:
            continue
        parts += [text[end : quantity.start], "**", text[quantity.start : quantity.end], "**"]
        end = quantity.end
    bold = "".join([*parts, text[end:]]).replace("****", "")
    # Two amounts side by side, or the two of a range, are one stretch of bold.
    return _BETWEEN.sub(r"\1", bold)
