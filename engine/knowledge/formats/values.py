"""Single values of tables: figures, days, yes and no, as they are written out."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from engine.knowledge.formats.table_words import table_words

_PERCENT: Final = re.compile(r"0?(?:\.(0+))?%")
_PLACE: Final = re.compile(r"\[\$([^\]\-]{0,8})[^\]]{0,40}\]")
_BRACKETS: Final = re.compile(r"\[[^\]]{0,40}\]")
_SIGN: Final = re.compile(r"[¥￥$€£]")


def is_internal(value: str, *, public: bool = False) -> bool:
    """Whether `value` keeps what it stands at from customers; an empty one does not.

    It answers whether that is internal, or with `public` whether it is public. Raises `ValueError`
    when it cannot be understood: guessing could publish what is internal.
    """
    word = value.strip().lower()
    words = table_words()
    if not word or word in words.everybody:
        return False
    if word in words.insiders_only:
        return True
    if word in words.yes:
        return not public
    if word in words.no:
        return public
    raise ValueError(value)


def written(value: object, look: str = "") -> str:
    """A cell's value as a person reads it there; `look` is its number format."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        whole = value.time() == time()
        return value.date().isoformat() if whole else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    if isinstance(value, (int, float)):
        return _figure(value, look)
    return str(value)


def _figure(value: int | float, look: str) -> str:
    # [$¥-804] is the sign of a place, [Red] and the like are no text.
    main = _BRACKETS.sub("", _PLACE.sub(r"\1", look.partition(";")[0]))
    if percent := _PERCENT.search(main):
        return f"{_plain(round(value * 100, 6))}%" if percent else ""
    plain = _plain(value)
    quoted = re.sub(r"\\(.)", r"\1", main.replace('"', ""))
    if sign := _SIGN.search(quoted):
        return f"{sign[0]}{plain}"
    ending = re.search(r"[0#]([^0#.,;\[\]_*@?/ ]{1,4})$", quoted)
    return f"{plain}{ending[1]}" if ending and ending[1] in table_words().units else plain


def _plain(value: int | float) -> str:
    """Without what only the machine's way to keep figures brings in: 99.0, 0.30000000000000004."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    short = f"{value:.12g}"
    return f"{value:.12f}".rstrip("0").rstrip(".") if "e-" in short else short
