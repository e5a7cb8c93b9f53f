"""Folding: one plain form for many disguises, with the way back to the very characters.

Folding is decided character by character, so that ``fold(a + b)`` is ``fold(a)`` followed by
``fold(b)``: a text that arrives in pieces folds to the same as the whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec import Struct

# Invisible though Unicode calls them letters or symbols: Hangul fillers, braille blank.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"
_ENCLOSED = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
_ODD = {
    **dict.fromkeys("\u2018\u2019\u201b\u2032\u00b4`\u02bc\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201f\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-"),
    **dict.fromkeys("\t\u00a0\u3000\u2028\u2029\x0b\x0c\x85", " "),
    **dict.fromkeys(_BLANK, ""),
    "\n": "\n",
    "\r": "\n",
    **dict(
        zip("壹贰叁肆伍陆柒捌玖拾佰仟貳參陸〇", "一二三四五六七八九十百千二三六零", strict=True)
    ),
    "徵": "征",
    "妳": "你",
    "祂": "他",
    "牠": "它",
    "ı": "i",
    # Letters of other scripts that look like Latin ones.
    **dict(zip("авеѕіјкмнорстухԁԛԝһӏьгпԍ", "abesijkmhopctyxdqwhlbrng", strict=True)),
    **dict(zip("АВЕЅІЈКМНОРСТУХԌԚԜҺӀЬЗ", "abesijkmhopctyxgqwhlb3", strict=True)),
    **dict(zip("αβγδεζηικλνορτυχωϲϳ", "abydezniklvoptuxwcj", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ", "abezhikmnoptyxcj", strict=True)),
    **dict(zip("ɑɡɩʟʀɴʙɢʜɪᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱɾɯ", "agilrnbghiacdejkmoptuvwzsrw", strict=True)),
    **dict(zip("øđłħŧƅɓɗəɛ", "odlhtbbdee", strict=True)),
    # Letters in circles, squares and flags, which Unicode does not take for letters.
    **{chr(first + n): chr(97 + n) for first in _ENCLOSED for n in range(26)},
    **{chr(first + n): chr(97 + n) for first in (0x249C, 0x1F110) for n in range(26)},
    **{chr(0x2474 + n): str(n + 1) for n in range(9)},
    **{chr(0x2488 + n): str(n + 1) for n in range(9)},
}
_DROPPED = frozenset(("Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me"))


class _Table(dict[int, str]):
    """Code point → folded form, worked out on first sight of a character."""

    @cached_property
    def _simplify(self) -> Callable[[str], str]:
        import opencc

        return opencc.OpenCC("t2s").convert  # type: ignore[no-any-return]

    def __missing__(self, point: int) -> str:
        folded = self[point] = self._fold(chr(point))
        return folded

    def _fold(self, character: str) -> str:
        if character in _ODD:
            return _ODD[character]
        if unicodedata.category(character) in _DROPPED:
            return ""
        out = []
        for part in unicodedata.normalize("NFKD", character):
            if part in _ODD:
                out.append(_ODD[part])
                continue
            kind = unicodedata.category(part)
            if kind in _DROPPED:
                continue
            digit = unicodedata.digit(part, -1)
            if digit >= 0 and not part.isascii():
                out.append(str(digit))
            elif "\u3400" <= part <= "\U0003ffff":
                simple = self._simplify(part)
                out.append(_ODD.get(simple, simple))
            else:
                out.append(part.casefold())
        return unicodedata.normalize("NFC", "".join(out))


class _Even(dict[int, str]):
    """The same, with a mark for each character that folds to none or to several."""

    def __missing__(self, point: int) -> str:
        folded = _TABLE[point]
        even = self[point] = folded if len(folded) == 1 else _UNEVEN
        return even


_UNEVEN = "\ue000"  # Folding drops it, so that it never comes out of it.
_TABLE = _Table()
_EVEN = _Even()


class Folded(Struct, frozen=True):
    """A folded text. ``offsets[i]`` is where folded character `i` stands in the original.

    `size` is the original's length.
    """

    text: str
    offsets: Sequence[int]
    size: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's half-open span for the folded span; what lies inside is included."""
        if start >= end:
            at = self.offsets[start] if start < len(self.offsets) else self.size
            return at, at
        return self.offsets[start], self.offsets[end - 1] + 1


def fold(text: str) -> Folded:
    """The folded form of `text`; never fails, whatever the characters, and takes linear time."""
    plain = text.translate(_EVEN)
    if _UNEVEN not in plain:
        return Folded(plain, range(len(text)), len(text))
    offsets: list[int] = []
    for place, character in enumerate(text):
        offsets.extend([place] * len(_TABLE[ord(character)]))
    return Folded(text.translate(_TABLE), offsets, len(text))


class Borders(Struct, frozen=True):
    """Where clauses end in a folded text: the places after their last character, ascending.

    `sentences` are those of them that end a sentence as well. The text's own end is not counted.
    """

    clauses: tuple[int, ...]
    sentences: tuple[int, ...]


SENTENCE_ENDS = frozenset("。!?;\n")
CLAUSE_ENDS = SENTENCE_ENDS | {","}
LONG_SENTENCE = 300
_ENDS = re.compile(r"[,.。!?;\n]")


def borders(text: str) -> Borders:
    """Where the clauses and sentences of a folded text end.

    A comma after a digit and a full stop without a following space end nothing (1,000; 2.5). A
    sentence longer than 300 characters is taken to end with its next clause.
    """
    clauses: list[int] = []
    sentences: list[int] = []
    begun = 0
    for match in _ENDS.finditer(text):
        place = match.end()
        character = match[0]
        if character == ",":
            if place > 1 and text[place - 2].isdigit():
                continue
            clauses.append(place)
            if place - begun > LONG_SENTENCE:
                sentences.append(place)
                begun = place
        else:
            if character == ".":
                if text[place : place + 1] != " ":
                    continue
                place += 1
            clauses.append(place)
            sentences.append(place)
            begun = place
    return Borders(tuple(clauses), tuple(sentences))


def may_end_clause(text: str) -> bool:
    """Whether a piece of folded text holds a character that may end a clause."""
    return " " in text or not CLAUSE_ENDS.isdisjoint(text)
