"""Where a sentence ends, in Chinese and in English: spans that are exact slices of the text."""

from __future__ import annotations

import re

from engine.records import Span

BULLET = re.compile(r"[ \t>]*(?:[-*+•·●▪◦–][ \t]+|>[ \t]*)?(?:\[[ xX]\][ \t]+)?")
ITEM = re.compile(
    r"[ \t>]*(?:[-*+•·●▪◦–][ \t]+|\d{1,3}[.)、．][ \t]*(?!\d)"
    r"|[(（]?[一二三四五六七八九十]{1,3}[)）、.．]|[(（]\d{1,3}[)）]|[①-⑳]|\||>)"
)
_END = re.compile(r"(?:[。！？；…]|[!?]|\.)+")
_CLOSING = "\"'”’」』）)】》*_]"
# What is quoted is not taken apart: half of it may say the opposite of the whole.
_PAIRS = tuple(zip("“「『（(《【", "”」』）)》】", strict=True))
_QUOTED = 200
_LATIN = re.compile(r"[A-Za-z0-9]")
# These stand before a name, a number or an example: a dot after them never ends a sentence.
_BEFORE_NAMES = "mr mrs ms dr prof no nos fig vs e.g i.e cf approx st tel ext art sec"
_LEADING = frozenset(_BEFORE_NAMES.split())
# These may also be the last word: a capital letter after them begins a new sentence.
_SHORTENED = "etc inc ltd co corp jr sr a.m p.m u.s u.k am pm jan feb mar apr jun jul aug sep sept"
_EITHER = frozenset(_SHORTENED.split())


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences of `text` in order; list items and lines are sentences, bullets are left out.

    Each span is an exact slice; between them stand only white space and bullets.
    """
    spans: list[Span] = []
    for start, end in _lines(text):
        begin = BULLET.match(text, start, end)
        place = begin.end() if begin else start
        for border in [*_borders(text, place, end), end]:
            _add(spans, text, place, border)
            place = border
    return tuple(spans)


def _add(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append(Span(start, end, text[start:end]))


def _lines(text: str) -> list[tuple[int, int]]:
    """Lines, with those joined that only wrap a running English sentence or a Chinese list."""
    lines: list[tuple[int, int]] = []
    place = 0
    before = ""
    for line in text.splitlines(keepends=True):
        end = place + len(line)
        if lines and _wraps(before, line):
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((place, end))
        place, before = end, line
    return lines


def _wraps(before: str, after: str) -> bool:
    before, after = before.rstrip(" \t\r\n"), after.strip()
    if not before or not after or ITEM.match(after):
        return False
    if before[-1] in "，、,":
        return True
    return bool(_LATIN.match(before[-1])) and after[0].isascii() and after[0].islower()


def _borders(text: str, start: int, end: int) -> list[int]:
    borders = []
    begun = start
    for match in _END.finditer(text, start, end):
        after = match.end()
        while after < end and text[after] in _CLOSING:
            after += 1
        if (
            after < end
            and _ends(text, start, match.start(), match.end(), after)
            and not _inside(text, begun, after, end)
        ):
            borders.append(after)
            begun = after
    return borders


def _inside(text: str, begun: int, place: int, end: int) -> bool:
    """Whether `place` lies in a quotation or bracket of 200 characters at the most, either way."""
    before = text[max(begun, place - _QUOTED) : place]
    rest = text[place : min(end, place + _QUOTED)]
    for left, right in _PAIRS:
        opened = before.rfind(left)
        if opened >= 0 and opened > before.rfind(right) and right in rest:
            return True
    return False


def _ends(text: str, line: int, mark: int, mark_end: int, after: int) -> bool:
    """Whether the marks at `mark`…`mark_end` end a sentence; text goes on at `after`."""
    marks = text[mark:mark_end]
    following = text[after]
    if any(char in "。！？；…" for char in marks):
        # A run of dots or a pause inside a clause ("嗯……好") goes on after a comma.
        return following not in "，,、；;：:"
    if following.isascii() and not following.isspace():
        return False
    if marks != ".":
        return True
    word = _word_before(text, line, mark)
    if not word:
        return False
    if mark - line <= 4 and text[line:mark].strip().isdigit():
        return False
    if word.isdigit():
        return following.isspace()
    lowered = word.lower()
    if lowered in _LEADING or (len(word) == 1 and word.isupper()):
        return False
    rest = text[after : after + 20].lstrip()[:1]
    if lowered in _EITHER:
        return not rest or not rest.isascii() or rest.isupper()
    return not rest.islower()


def _word_before(text: str, line: int, mark: int) -> str:
    start = mark
    while start > max(line, mark - 20) and (text[start - 1].isalnum() or text[start - 1] in ".%"):
        start -= 1
    return text[start:mark] or text[mark - 1 : mark] if mark > line else ""
