"""Numbers in Han numerals, digit by digit (幺三八零零一三八零零零), also with signs between."""

from __future__ import annotations

import re

from engine.redline.characters import NUMERALS

_NUMBER = re.compile(r"(?:[0-9零一二三四五六七八九幺][ *_~/-]{0,2}){2,}[0-9零一二三四五六七八九幺]")
_OF_NUMBERS = frozenset("0123456789 *_~/-").union(NUMERALS)


def of_number(first: str, second: str) -> bool:
    """Whether two characters side by side may stand in such a number."""
    return (
        first in _OF_NUMBERS and second in _OF_NUMBERS and (first in NUMERALS or second in NUMERALS)
    )


def numbers(folded: str) -> list[tuple[int, int]]:
    """Where such numbers of three digits and more stand in a folded text."""
    return [
        match.span()
        for match in _NUMBER.finditer(folded)
        if not match.group().isascii() and sum(c.isalnum() for c in match.group()) >= 3
    ]
