"""What in a customer's message may be personal: starred out before anything is learned from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from engine.knowledge.grams import clean

_HAN = r"\u3400-\u9fff"
# The family names that begin most names; a wording of two or three characters that begins with one
# may be a name as long as only one person used it.
SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董萧肖程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛"
    "叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊陆郝孔崔康毛邱秦顾侯邵孟龙段钱汤尹黎易常武乔贺赖龚文"
)
_FAMILY = f"[{''.join(sorted(SURNAMES))}]"
_TITLES = (
    "先生|女士|小姐|太太|老师|师傅|经理|主任|阿姨|叔叔|大姐|大哥|大爷|大妈|总|医生|律师|工|哥|姐"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\S+@\S+|https?://\S+|www\.\S+",
        r"[零〇一二两三四五六七八九十百千万幺]{4,}",
        rf"(?:我叫|叫做|姓名|名字|收件人|收货人|联系人|户名|我姓)[:：是叫\s]{{0,3}}[{_HAN}]{{1,4}}",
        rf"(?:我是|本人|我){_FAMILY}[{_HAN}]{{1,2}}(?![{_HAN}])",
        rf"[老小]?{_FAMILY}[{_HAN}]?(?:{_TITLES})",
        rf"[{_HAN}]{{2,8}}(?:省|自治区)[{_HAN}]{{0,20}}",
        rf"[{_HAN}]{{2,4}}市[{_HAN}]{{1,6}}[区县镇]",
        rf"[{_HAN}]{{1,10}}(?:路|街|巷|弄|大道|小区|村|苑|花园|大厦|公寓|广场)\s*\d[{_HAN}\w\-]*",
        r"\b(?:[Mm]y name is|[Tt]his is|I am|I'm|[Nn]ame|Mr|Mrs|Ms|Dr)\b[:.]?\s+"
        r"(?:[A-Z][\w'’-]*\s?){1,3}",
        # Whatever holds a figure: numbers, amounts, dates, orders, number plates.
        r"[A-Za-z0-9_*#+.\-]*\d[A-Za-z0-9_*#.\-]*",
    )
)
# In the middle of an English sentence, capitals begin names: of people, places, brands.
_CAPITAL = re.compile(r"(?<=[a-z0-9,;'’] )[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")
_STAR = "*"


def without_personal(message: str, customer: str = "") -> str:
    """`message` with numbers, addresses and names, that of its `customer` too, put as ``*``.

    For some hundreds of characters: the time it takes grows with the square of them.
    """
    text = unicodedata.normalize("NFKC", clean(message))
    # A message all in capitals tells no name by them.
    shouted = sum(map(str.isupper, text)) > sum(map(str.islower, text))
    patterns = [*_PATTERNS] if shouted else [*_PATTERNS, _CAPITAL]
    for pattern in (*patterns, *_names(customer)):
        text = pattern.sub(_STAR, text)
    return text


def may_be_a_name(wording: str) -> bool:
    """Whether `wording` looks like a person's Chinese name."""
    return len(wording) in (2, 3) and wording[0] in SURNAMES


def _names(customer: str) -> Iterator[re.Pattern[str]]:
    name = unicodedata.normalize("NFKC", clean(customer[:60])).strip()
    for part in sorted({name, *re.split(r"[\s._·-]+", name)}, key=len, reverse=True):
        if len(part) > 1:
            latin = part.isascii()
            words = rf"\b{re.escape(part)}\b" if latin else re.escape(part)
            yield re.compile(words, re.IGNORECASE)
            if not latin and len(part) == 3 and part[0] in SURNAMES:
                yield re.compile(re.escape(part[1:]))
