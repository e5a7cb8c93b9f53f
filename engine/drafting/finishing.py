"""The last touch on a draft's text: opening, closing, and amounts in bold, as the style says."""

from __future__ import annotations

import re

from engine.drafting.grounding import GroundedNumbers
from engine.drafting.quantities import COUNTED, NUMERAL, RANGE, quantities
from engine.drafting.style import StyleProfile
from engine.records import Language

_PLAIN = {"", "code", "件", "次", "台", "人", "月份", *COUNTED}
_SENTENCE_END = re.compile(r"(?:[。！？!?\n]|\.(?=\s))(?:\s?\[\d{1,2}\])*")
_OPEN_END = re.compile(r"；(?=\[\d{1,2}\])")
# A quotation without any mark at its end: an item of a list, a cell of a table.
_NO_END = re.compile(
    r"(?<=[\w%)）」”\"°])(?<![。！？!?.][)）」”\"])(?=(?:\[\d{1,2}\])+\s*(?:$|[^\W\d_]))"
)
# The first of two numbers, of what both are being said behind the second only.
_FIRST_OF_TWO = re.compile(
    rf"(?<![\w.])(?:{NUMERAL}(?:\sor\s|{RANGE.pattern})|(?<=between\s){NUMERAL}\sand\s)$",
    re.IGNORECASE,
)
_REACH = 24
_BOLD = re.compile(r"(?<!\*)\*\*(?!\*).+?(?<!\*)\*\*(?!\*)")


def frame(style: StyleProfile, message: str, language: Language, said: str = "") -> tuple[str, str]:
    """What stands before and after the body of a reply to `message`, the agent having `said`."""
    opening = style.opening(message, language, said)
    closing = style.closing.of(language)
    if language == "en":
        opening = f"{opening.rstrip()} " if opening.strip() else ""
        closing = f" {closing.strip()}" if closing.strip() else ""
    return opening, closing


def without_ungrounded_end(text: str, numbers: GroundedNumbers) -> str:
    """`text` up to the last sentence before the first number that stands nowhere.

    Decoding lets none stand, but a model may stop, or be stopped, in the middle of a number.
    """
    wrong = numbers.violation(text, final=True)
    if wrong is None:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, wrong.start)]
    return text[: ends[-1]].rstrip() if ends else ""


def sentences_closed(text: str, language: Language) -> str:
    """`text`, made of quotations, with a full stop behind each that ends with none.

    A semicolon before a source becomes one as well.
    """
    return _NO_END.sub("。" if language == "zh" else ".", _OPEN_END.sub("。", text))


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
        elif first := _FIRST_OF_TWO.search(text, max(0, start - _REACH), start):
            start = first.start()
        spans.append((start, quantity.end))
    parts = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], "**", text[start:stop], "**"]
        end = stop
    return "".join([*parts, text[end:]])
