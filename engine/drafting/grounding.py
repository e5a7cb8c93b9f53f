"""Numbers in a draft come from the evidence, the conversation or the style, or not at all.

A *quantity* is a number with the unit behind it: 7天, ¥19.9, 5%, 11月30日, 22:00, three days.
Digits count always, Chinese and English number words only in front of a unit (一定 and "one of
us" are no quantities). Two quantities are the same when value and unit are, however written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from engine.records import Evidence, NumberSource, Span

Source = Literal["evidence", "conversation", "style"]

_UNITS = {
    "元": ("元", "块钱", "块", "圆", "rmb", "cny", "yuan"),
    "$": ("美元", "美金", "dollars", "dollar", "usd", "$"),
    "€": ("欧元", "euros", "euro", "eur", "€"),
    "£": ("英镑", "pounds", "pound", "gbp", "£"),
    "%": ("%", "percent", "per cent", "个百分点"),
    "折": ("折",),
    "工作日": (
        "个工作日",
        "工作日",
        "business days",
        "business day",
        "working days",
        "working day",
    ),
    "天": ("天", "日内", "days", "day"),
    "周": ("个星期", "星期", "周", "weeks", "week"),
    "月": ("个月", "months", "month"),
    "年": ("年", "years", "year"),
    "小时": ("个小时", "小时", "个钟头", "hours", "hour", "hrs", "hr"),
    "分钟": ("分钟", "minutes", "minute", "mins", "min"),
    "秒": ("秒钟", "秒", "seconds", "second"),
    "期": ("期",),
    "次": ("次", "times"),
    "件": ("件", "items", "item"),
    "台": ("台",),
    "公里": ("公里", "千米", "kilometres", "kilometers", "km"),
    "米": ("米", "metres", "meters", "metre", "meter", "m"),
    "kg": ("公斤", "千克", "kilograms", "kilogram", "kilos", "kg"),
    "克": ("克", "grams", "gram", "g"),
    "分": ("积分", "points", "point"),
    "万元": ("万元", "万块"),
    "岁": ("岁", "years old"),
    "人": ("人", "people", "persons", "guests"),
    "倍": ("倍",),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_UNIT = "|".join(re.escape(word) for word in sorted(_UNIT_OF, key=len, reverse=True))
_CURRENCY = {"¥": "元", "￥": "元", "$": "$", "€": "€", "£": "£"}

_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_ENGLISH_VALUES = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8},
    **{"nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "fifteen": 15},
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90},
}

_DIGITS = r"\d(?:[\d,]*\d)?(?:\.\d+)?"
_QUANTITY = re.compile(
    rf"""
    (?P<citation>\[\d{{1,2}}(?:\]|$))
    | (?P<date>(?:\d{{4}}\s?[年./-]\s?)?\d{{1,2}}\s?(?:月|[./-])\s?\d{{1,2}}\s?[日号]
              |\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|(?:\d{{4}}年)?\d{{1,2}}月(?!\d))
    | (?P<time>\d{{1,2}}[:：]\d{{2}})
    | (?P<code>[A-Za-z]+-?\d[A-Za-z0-9-]*|\d+(?:-\d+){{2,}})
    | (?P<currency>[¥￥$€£]\s?)?(?P<digits>{_DIGITS})(?:\s?(?P<unit>{_UNIT})(?![a-z]))?
    | 百分之(?P<percent>[零〇一二两三四五六七八九十百点]+|{_DIGITS})
    | (?<!第)(?P<han>[零〇一二两俩三四五六七八九十百千万]+)(?P<half>半)?(?P<hanunit>{_UNIT})
    | (?<![a-z])(?P<word>{"|".join(sorted(_ENGLISH_VALUES, key=len, reverse=True))})
        [\s-](?P<wordunit>{_UNIT})(?![a-z])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A number at the very end of a text, with what may become its unit.
_UNFINISHED = re.compile(
    r"(?:[¥￥$€£]\s?|\d[\d,.:：/年月日号-]*|百分之?[\d零〇一二两三四五六七八九十百点.]*"
    r"|[零〇一二两俩三四五六七八九十百千万]+半?|[A-Za-z]+-?[A-Za-z0-9-]*?)"
    r"[\s-]?(?P<unit>[^\d\s]{0,8}(?: [a-z]*)?)$",
    re.IGNORECASE,
)
_UNIT_BEGINNINGS = {word[:length] for word in _UNIT_OF for length in range(len(word))}
# Idioms whose number says nothing.
_IDLE = re.compile(r"一(?:年到头|天到晚|次性|件事|人一)")


class Quantity(Struct, frozen=True):
    """A number in a text: where it stands, its canonical value and unit ("" when it has none)."""

    start: int
    end: int
    value: str
    unit: str


def quantities(text: str) -> list[Quantity]:
    """All quantities in `text`, in order; citations ``[n]`` are none."""
    folded = _folded(text)
    found = []
    for match in _QUANTITY.finditer(folded):
        if match["citation"] or (match["han"] and _IDLE.match(folded, match.start())):
            continue
        value, unit = _canonical(match)
        found.append(Quantity(match.start(), match.end(), value, unit))
    return found


class GroundedNumbers:
    """The quantities a draft may contain, gathered from all it may rest on."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        conversation: Iterable[str],
        style: Iterable[str] = (),
    ) -> None:
        self._citations = {str(item.n) for item in evidence}
        self._sources: dict[tuple[str, str], tuple[Source, int]] = {}
        self._bare: dict[str, tuple[Source, int]] = {}
        self._beginnings: set[str] = set()
        for sentence in style:
            self._learn(sentence, "style", 0)
        for text in conversation:
            self._learn(text, "conversation", 0)
        # Where several hold the same number the best passage is named, so it is learned last.
        for item in reversed(evidence):
            # A heading or a date of validity is knowledge too.
            around = (
                f"{item.title}。{item.section}。{item.valid_from or ''}。{item.valid_until or ''}"
            )
            self._learn(around, "evidence", item.n)
            self._learn(item.text, "evidence", item.n)

    def _learn(self, text: str, source: Source, n: int) -> None:
        for quantity in quantities(text):
            self._sources[quantity.value, quantity.unit] = (source, n)
            self._bare[quantity.value] = (source, n)
            written = _folded(text[quantity.start : quantity.end])
            # Of 2026年11月30日, 11月30日 may be said alone.
            for form in (quantity.value, written, written.partition("年")[2]):
                self._beginnings.add(re.sub(r"\D", "", form))
            if quantity.unit == "date" and quantity.value.count("-") == 2:
                short = quantity.value.split("-", 1)[1]
                self._sources[short, "date"] = (source, n)

    def source(self, quantity: Quantity) -> tuple[Source, int] | None:
        """Where `quantity` stands (evidence with its number), or None when nowhere."""
        if quantity.unit:
            return self._sources.get((quantity.value, quantity.unit))
        return self._bare.get(quantity.value)

    def violation(self, text: str, *, final: bool) -> Span | None:
        """The first quantity in `text` that stands nowhere.

        With `final` false, a number at the very end that more text may still complete is let
        pass only as long as some allowed number begins like it.
        """
        folded = _folded(text)
        open_from = len(text) if final else _unfinished_from(folded)
        for quantity in quantities(text):
            if quantity.end > open_from:
                if not self._may_grow(folded[quantity.start :]):
                    return Span(quantity.start, quantity.end, text[quantity.start : quantity.end])
            elif self.source(quantity) is None:
                return Span(quantity.start, quantity.end, text[quantity.start : quantity.end])
        for citation in re.finditer(r"\[(\d{1,2})(\]|$)", folded):
            complete = final or citation[2]
            if not any(
                n == citation[1] if complete else n.startswith(citation[1]) for n in self._citations
            ):
                return Span(citation.start(), citation.end(), citation[0])
        return None

    def _may_grow(self, begun: str) -> bool:
        digits = re.sub(r"\D", "", begun)
        return not digits or any(form.startswith(digits) for form in self._beginnings)

    def trace(self, text: str) -> tuple[NumberSource, ...]:
        """Every quantity of `text` that has a source, with it."""
        traced = []
        for quantity in quantities(text):
            if found := self.source(quantity):
                start, end = quantity.start, quantity.end
                traced.append(NumberSource(start, end, text[start:end], found[0], found[1]))
        return tuple(traced)

    def unsupported(self, text: str) -> tuple[Span, ...]:
        """Every quantity of the finished `text` that stands nowhere."""
        return tuple(
            Span(item.start, item.end, text[item.start : item.end])
            for item in quantities(text)
            if self.source(item) is None
        )


def _unfinished_from(folded: str) -> int:
    """Where a number begins that the end of the text may cut short; else the text's length."""
    # Only the end matters, and looking at little keeps every step of decoding cheap.
    base = max(0, len(folded) - 40)
    for match in _UNFINISHED.finditer(folded[base:]):
        if match["unit"].lower() in _UNIT_BEGINNINGS:
            return base + match.start()
    return len(folded)


def _canonical(match: re.Match[str]) -> tuple[str, str]:
    if date := match["date"]:
        parts = [str(int(part)) for part in re.findall(r"\d+", date)]
        return "-".join(parts), "date" if len(parts) > 1 else "月份"
    if time := match["time"]:
        hour, minute = re.split("[:：]", time)
        return f"{int(hour)}:{minute}", "time"
    if code := match["code"]:
        return code.upper(), "code"
    if percent := match["percent"]:
        return _decimal(percent) if percent[0].isdigit() else _han_value(percent), "%"
    if digits := match["digits"]:
        unit = _UNIT_OF.get((match["unit"] or "").lower(), "")
        if not unit and match["currency"]:
            unit = _CURRENCY[match["currency"].strip()]
        return _decimal(digits), unit
    if han := match["han"]:
        value = _han_value(han)
        return (f"{value}.5" if match["half"] else value), _UNIT_OF[match["hanunit"].lower()]
    return str(_ENGLISH_VALUES[match["word"].lower()]), _UNIT_OF[match["wordunit"].lower()]


def _decimal(digits: str) -> str:
    plain = digits.replace(",", "")
    whole, _, fraction = plain.partition(".")
    fraction = fraction.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _han_value(text: str) -> str:
    """The value of Chinese numerals: 二十五 → 25, 三点五 → 3.5, 一二三 → 123."""
    whole, _, fraction = text.partition("点")
    if not any(c in _HAN_SCALES for c in whole):
        value = "".join(str(_HAN_DIGITS[c]) for c in whole).lstrip("0") or "0"
    else:
        total = section = digit = 0
        for c in whole:
            if c in _HAN_DIGITS:
                digit = _HAN_DIGITS[c]
            elif c == "万":
                total += (section + digit or 1) * 10000
                section = digit = 0
            else:
                section += (digit or 1) * _HAN_SCALES[c]
                digit = 0
        value = str(total + section + digit)
    digits = "".join(str(_HAN_DIGITS[c]) for c in fraction if c in _HAN_DIGITS).rstrip("0")
    return f"{value}.{digits}" if digits else value


def _folded(text: str) -> str:
    """`text` with every character replaced by a single compatible one, so that offsets stay."""
    if text.isascii():
        return text
    folded = (unicodedata.normalize("NFKC", c) if ord(c) > 0x2000 else c for c in text)
    return "".join(f if len(f) == 1 else c for f, c in zip(folded, text, strict=True))
