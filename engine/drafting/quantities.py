"""Numbers as people write them, read as value and unit.

A *quantity* is a number with the unit behind it: 7天, ¥19.9, 5%, 11月30日, 22:00, three days.
Digits count always, Chinese and English number words only in front of a unit (一定 and "one of
us" are no quantities). Two quantities are the same when value and unit are, however written.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from msgspec import Struct

_UNITS = {
    "元": ("元", "块钱", "块", "圆", "rmb", "cny", "yuan"),
    "$": ("美元", "美金", "dollars", "dollar", "usd", "$"),
    "€": ("欧元", "euros", "euro", "eur", "€"),
    "£": ("英镑", "pounds", "pound", "gbp", "£"),
    "%": ("%", "percent", "per cent", "个百分点"),
    "‰": ("‰",),
    "折": ("折",),
    "工作日": (
        "个工作日",
        "工作日",
        "business days",
        "business day",
        "working days",
        "working day",
    ),
    "天": ("天", "日内", "个自然日", "自然日", "days", "day"),
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
    "岁": ("岁", "years old"),
    "人": ("人", "people", "persons", "guests"),
    "倍": ("倍",),
}
# Behind words they are articles (一个, 一份), behind digits they say of what.
COUNTED = (*"个個份张瓶盒包袋箱套双条只位层楼晚笔单寸度瓦片粒回斤升", "毫升", "厘米", "毫米")
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_UNIT = "|".join(re.escape(word) for word in sorted(_UNIT_OF, key=len, reverse=True))
_COUNTED_OF = {word: word.replace("個", "个") for word in COUNTED} | _UNIT_OF
_ANY_UNIT = "|".join(re.escape(word) for word in sorted(_COUNTED_OF, key=len, reverse=True))
_CURRENCY = {"¥": "元", "￥": "元", "rmb": "元", "cny": "元", "usd": "$", "eur": "€", "gbp": "£"}
_CURRENCY |= {"$": "$", "€": "€", "£": "£"}
_PER = {"百": "%", "千": "‰", "万": "‱"}

_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_HAN_DIGITS |= {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_HAN_SECTIONS = {"万": 10_000, "亿": 100_000_000}
_HAN = "".join([*_HAN_DIGITS, *_HAN_SCALES, *_HAN_SECTIONS])
_SCALES = {"百": 100, "千": 1000} | _HAN_SECTIONS
_SCALES |= {"hundred": 100, "thousand": 1000, "million": 1_000_000, "k": 1000}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH_VALUES = {word: value for value, word in enumerate(_ONES.split())}
_ENGLISH_VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
_ENGLISH_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORD = "|".join(sorted([*_ENGLISH_VALUES, *_ENGLISH_SCALES], key=len, reverse=True))
_YEAR = "january february march april may june july august september october november december"
_MONTHS = _YEAR.split()
_MONTH = "|".join([*_MONTHS, "sept", *(month[:3] for month in _MONTHS)])
_ORDINAL = "(?:st|nd|rd|th)?"
# Behind a unit in letters no letter follows; behind a Chinese one any may (7元VIP).
_WHOLE = "(?!(?<=[a-z])[a-z])"

_DIGITS = r"\d(?:[\d,]*\d)?(?:\.\d+)?"
# Every way to write a number begins with one of these, so that most places are passed over at once.
_BEGINNING = rf"(?=[\d\[¥￥$€£百千万半{_HAN}]|(?<![a-z])[a-z])"
# What begins a run of characters begins only once, or a long run would be read from each of them.
_QUANTITY = re.compile(
    rf"""
    {_BEGINNING}(?:
    (?P<citation>\[\d{{1,2}}(?:\]|$))
    | (?P<date>(?:\d{{4}}\s?[年./-]\s?)?\d{{1,2}}\s?(?:月|[./-])\s?\d{{1,2}}\s?[日号]
              |\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|(?:\d{{4}}年)?\d{{1,2}}月(?!\d))
    | (?<![{_HAN}])(?P<handate>[{_HAN}]{{1,3}}月[{_HAN}]{{1,3}}[日号])
    | (?P<named>(?<![a-z])(?:{_MONTH})\.?\s\d{{1,2}}{_ORDINAL}(?![a-z\d])(?:,?\s\d{{4}}(?!\d))?
              |(?<!\d)\d{{1,2}}{_ORDINAL}\s(?:of\s)?(?:{_MONTH})(?![a-z])(?:,?\s\d{{4}}(?!\d))?)
    | (?P<time>\d{{1,2}}[:：]\d{{2}})
    | (?P<code>(?<![a-z])(?!(?:rmb|cny|usd|eur|gbp)\d)[a-z]{{1,24}}-?\d[a-z0-9-]*|\d+(?:-\d+){{2,}})
    | (?P<currency>[¥￥$€£]\s?|(?<![a-z])(?:rmb|cny|usd|eur|gbp)\s?)?(?P<digits>{_DIGITS})
        (?:(?P<scale>[百千万亿]{{1,2}}(?![分克米]))|\s?(?P<big>hundred|thousand|million|k)(?![a-z]))?
        (?P<digithalf>个半|半)?(?:\s?(?P<unit>{_ANY_UNIT}){_WHOLE}|-(?P<dashed>{_UNIT}){_WHOLE})?
        (?P<andhalf>(?<=[年天周月时])半(?![价个年天小月夜]))?
    | (?P<per>[百千万])分之(?P<percent>[{_HAN}点]+|{_DIGITS})
    | (?<![第{_HAN}])(?P<han>[{_HAN}]+)(?P<half>个半|半)?(?P<hanunit>{_UNIT})
        (?P<hanhalf>(?<=[年天周月时])半(?![价个年天小月夜]))?
    | (?<![{_HAN}\d个多年天周月时])(?P<onlyhalf>半个?|(?<![a-z])half\s(?:an?\s)?)
        (?P<halfunit>年|月|天|日|小时|钟头|星期|years?|months?|days?|hours?|weeks?){_WHOLE}
    | (?<![a-z])(?P<word>(?:{_WORD})(?:[\s-](?:and\s)?(?:{_WORD})){{0,8}})
        [\s-](?P<wordunit>{_UNIT}){_WHOLE}
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
NUMERAL = rf"(?:\d+(?:\.\d+)?|(?:{_WORD})|(?<![第{_HAN}])[{_HAN}]{{1,3}})"
"""A number alone, whatever it is of."""
# Between two numbers it makes a range of them: the unit of the second is the first one's too.
RANGE = re.compile(r"\s?(?:[-–—~～至到]|to)\s?")
# A number at the very end of a text, with what may become its unit.
_UNFINISHED = re.compile(
    rf"{_BEGINNING}(?:[A-Za-z]+-?[A-Za-z0-9-]*?"
    r"|(?:[¥￥$€£]|(?<![a-z])(?:rmb|cny|usd|eur|gbp))\s?"
    rf"|\d[\d,.:：/年月日号-]*[百千万亿]{{0,2}}"
    rf"|[百千万]分之?[\d{_HAN}点.]*|(?<![{_HAN}])[{_HAN}]+|半)"
    r"[\s-]?(?P<unit>[^\d\s]{0,8}(?: [a-z]*)?)$",
    re.IGNORECASE,
)
_WORDS_TO_COME = (
    *_COUNTED_OF,
    *(f"{half}{word}" for half in ("个半", "半") for word in _UNIT_OF),
    *(f"{ending}{month}" for ending in ("", "st ", "nd ", "rd ", "th ") for month in _MONTHS),
    *(word for scale in _SCALES for word in (scale, f"{scale} ")),
)
_UNIT_BEGINNINGS = {word[:length] for word in _WORDS_TO_COME for length in range(len(word))}
# No number begins with any of these, nor is it cited with them. A word in letters may also be
# the beginning of a code (AB-12) or of a day (May 3), which the digit makes it.
_PLAIN = re.compile(
    rf"(?:(?![{_HAN}半])[\u3001-\u3002\u4e00-\u9fff！，：；？“”\n ,.;:?!'’]"
    rf"|(?!(?:{_WORD}|half)(?![a-z]))[a-z]++)*+",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"[A-Za-z]+$")
SETTLED = {True: 3, False: 40}
"""Characters; a number with so many plain ones behind it is complete, unless `unfinished_from` says
otherwise. In Chinese (True) one makes a range; in English a unit may be two words, and a month with
its year stand behind the day."""
# Idioms whose number says nothing.
_IDLE = re.compile(r"一(?:年到头|天到晚|次性|件事|人一)|万一")


class Quantity(Struct, frozen=True):
    """A number in a text: where it stands, its canonical value and unit ("" when it has none)."""

    start: int
    end: int
    value: str
    unit: str


def is_plain(text: str, before: str = "") -> bool:
    """Whether `text` behind `before`, which holds no number, surely holds none either."""
    last = before[-1:]
    if last.isascii() and last.isalpha() and text[:1].isascii():
        text = _LAST_WORD.findall(before[-16:])[0] + text
    return _PLAIN.fullmatch(text) is not None


def quantities(text: str) -> list[Quantity]:
    """All quantities in `text`, in order; citations ``[n]`` are none."""
    folded = folded_alike(text)
    found = []
    for match in _QUANTITY.finditer(folded):
        if match["citation"] or (match["han"] and _IDLE.match(folded, match.start())):
            continue
        value, unit = _canonical(match)
        found.append(Quantity(match.start(), match.end(), value, unit))
    for place in range(len(found) - 2, -1, -1):
        one, other = found[place : place + 2]
        if not one.unit and other.unit and RANGE.fullmatch(folded, one.end, other.start):
            found[place] = Quantity(one.start, one.end, one.value, other.unit)
    return found


def unfinished_from(folded: str) -> int:
    """Where a number begins that the end of the text may cut short; else the text's length."""
    # Only the end matters, and looking at little keeps every step of decoding cheap.
    base = max(0, len(folded) - 40)
    end = folded[base:]
    place = 0
    # What one number takes for its unit may hold the next (7。半日).
    while match := _UNFINISHED.search(end, place):
        if match["unit"].lower() in _UNIT_BEGINNINGS:
            return base + match.start()
        place = match.start() + 1
    return len(folded)


def digits_of(text: str) -> str:
    """The digits `text` is written with, without the zeros that end a fraction."""
    return re.sub(r"\D", "", re.sub(r"(\.\d*?)0+(?=\D*$)", r"\1", text))


def _canonical(match: re.Match[str]) -> tuple[str, str]:
    if date := match["date"]:
        parts = [str(int(part)) for part in re.findall(r"\d+", date)]
        return "-".join(parts), "date" if len(parts) > 1 else "月份"
    if date := match["handate"]:
        month, _, day = date[:-1].partition("月")
        return f"{_han_value(month)}-{_han_value(day)}", "date"
    if date := match["named"]:
        return _named_day(date.lower()), "date"
    if time := match["time"]:
        hour, minute = re.split("[:：]", time)
        return f"{int(hour)}:{minute}", "time"
    if code := match["code"]:
        return code.upper(), "code"
    if percent := match["percent"]:
        value = _decimal(percent) if percent[0].isdigit() else _han_value(percent)
        return value, _PER[match["per"]]
    if match["onlyhalf"]:
        unit = match["halfunit"].lower()
        return "0.5", _UNIT_OF.get(unit) or _UNIT_OF.get(f"个{unit}") or "天"
    if digits := match["digits"]:
        unit = _COUNTED_OF.get((match["unit"] or match["dashed"] or "").lower(), "")
        if not unit and match["currency"]:
            unit = _CURRENCY[match["currency"].strip().lower()]
        factor = Decimal(1)
        for scale in (match["scale"] or "", match["big"] or ""):
            for name in (scale.lower(),) if scale.isascii() else scale:
                factor *= _SCALES.get(name, 1)
        return _value(Decimal(digits.replace(",", "")) * factor, match, unit), unit
    if han := match["han"]:
        unit = _UNIT_OF[match["hanunit"].lower()]
        return _value(Decimal(_han_value(han)), match, unit), unit
    return str(_english_value(match["word"].lower())), _UNIT_OF[match["wordunit"].lower()]


def _value(number: Decimal, match: re.Match[str], unit: str) -> str:
    if any(match[half] for half in ("digithalf", "andhalf", "half", "hanhalf")):
        number += Decimal("0.5")
    if unit == "折" and number >= 10:
        number /= 10  # 八五折 and 85折 are 8.5折.
    return _decimal(f"{number:f}")


def _named_day(date: str) -> str:
    """The value of a day with an English month in it."""
    month = next(number for number, name in enumerate(_MONTHS, 1) if name[:3] in date)
    numbers = re.findall(r"\d+", date)
    year = f"{int(numbers[1])}-" if len(numbers) > 1 else ""
    return f"{year}{month}-{int(numbers[0])}"


def _decimal(digits: str) -> str:
    plain = digits.replace(",", "")
    whole, _, fraction = plain.partition(".")
    fraction = fraction.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _han_value(text: str) -> str:
    """The value of Chinese numerals: 二十五 → 25, 三点五 → 3.5, 一二三 → 123."""
    whole, _, fraction = text.partition("点")
    if all(c in _HAN_DIGITS for c in whole):
        value = "".join(str(_HAN_DIGITS[c]) for c in whole).lstrip("0") or "0"
    else:
        total = section = digit = 0
        for c in whole:
            if c in _HAN_DIGITS:
                digit = _HAN_DIGITS[c]
            elif c in _HAN_SECTIONS:
                total = (total + (section + digit or 1)) * _HAN_SECTIONS[c]
                section = digit = 0
            elif c in _HAN_SCALES:
                section += (digit or 1) * _HAN_SCALES[c]
                digit = 0
        value = str(total + section + digit)
    digits = "".join(str(_HAN_DIGITS[c]) for c in fraction if c in _HAN_DIGITS).rstrip("0")
    return f"{value}.{digits}" if digits else value


def _english_value(words: str) -> int:
    """The value of English number words: two hundred and fifty-five → 255."""
    total = section = 0
    for word in re.findall("[a-z]+", words):
        if word in _ENGLISH_VALUES:
            section += _ENGLISH_VALUES[word]
        elif word in _ENGLISH_SCALES and _ENGLISH_SCALES[word] < 1000:
            section = (section or 1) * _ENGLISH_SCALES[word]
        elif word in _ENGLISH_SCALES:
            total += (section or 1) * _ENGLISH_SCALES[word]
            section = 0
    return total + section


class _Folding(dict[int, str]):
    """Each character and the single compatible one that stands for it, found when first met."""

    def __missing__(self, code: int) -> str:
        folded = unicodedata.normalize("NFKC", chr(code)) if code > 0x2000 else chr(code)
        self[code] = single = folded if len(folded) == 1 else chr(code)
        return single


# Expressions that ignore case take these for i and s, which no table of units does.
_FOLDING = _Folding({0x130: "i", 0x131: "i", 0x17F: "s"})


def folded_alike(text: str) -> str:
    """`text` with every character replaced by a single compatible one, so that offsets stay."""
    return text if text.isascii() else text.translate(_FOLDING)
