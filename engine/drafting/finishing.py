"""The last touch on a draft's text: opening, closing, and amounts in bold, as the style says."""

from __future__ import annotations

from engine.drafting.grounding import quantities
from engine.drafting.style import StyleProfile
from engine.records import Language

_PLAIN = {"", "code", "件", "次", "台", "人", "月份"}


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
    # Two amounts side by side are one stretch of bold.
    return "".join([*parts, text[end:]]).replace("****", "")
