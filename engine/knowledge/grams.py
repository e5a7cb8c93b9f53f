"""The units that words are compared by: character 1- and 2-grams for Chinese, words for English."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from opencc import OpenCC

MAX_WORD = 40
_PAIR = "_"

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]"
)
_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\W_\u3400-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

# Grammar and politeness. They say nothing about the subject, yet are rare in formal knowledge,
# where plain inverse document frequency would take them for important.
_FUNCTION_CHARS = frozenset(
    "的了吗呢吧啊呀哦嗯哈嘛么啦着过得地之其与及和或而但且也都就还又再很太更最把被让给对向从"
    "我你您他她它们咱俺这那哪啥谁怎咋请问想要能会可以是有在没不个下些点样好"
)
_ENGLISH = (
    "a an the of to in on at for by with from as and or but if so than then that this these those "
    "it its is are was were be been being am do does did done have has had can could will would "
    "shall should may might must i you he she we they me my your our their us them please hi "
    "hello hey just really very what which who whom how when where why there here not no yes any "
    "some about into out up get got im ive id dont cant s t m re ve ll"
)
_FUNCTION_WORDS = frozenset(_ENGLISH.split())
_FUNCTION_WEIGHT = 0.1
_UNSEEN_PAIR_WEIGHT = 0.3
# Traditional only beside some others: 一坏土, 藉口, 答覆, 沈重, 英哩, 甦醒, 瞭解, 衹得.
_IN_PHRASES = "坏藉覆沈哩甦瞭衹"
# Punctuation of both languages and forms of full width.
_MARKS = ((0x2000, 0x206F), (0x3000, 0x303F), (0xFF00, 0xFFEF))


def clean(text: str) -> str:
    """`text` without control, zero-width and direction characters and without lone surrogates."""
    return _CONTROL.sub(" ", text)


def fold(text: str) -> str:
    """`text` as it is compared: width, case and traditional forms made one."""
    folded = unicodedata.normalize("NFKC", clean(text)).lower()
    return _simplifier().convert(folded) if _HAN.search(folded) else folded


def grams(text: str) -> list[str]:
    """All grams of `text`, with repetitions. None holds a space."""
    return _grams(text, _stem_alone)


def indexed_grams(text: str) -> list[str]:
    """What `with_pairs` makes of the grams of `text`, in another order."""
    return _grams(text, _stem_with_pairs)


def with_pairs(found: Iterable[str]) -> list[str]:
    """`found`, and of words and numbers their pairs of characters, marked as such.

    By these the full text finds related forms of a word, and what was cut otherwise.
    """
    every = list(found)
    # None of Chinese is longer than two.
    for gram in [gram for gram in every if len(gram) > 2 and gram.isascii()]:
        every.extend(_PAIR + one + other for one, other in pairwise(gram))
    return every


def is_function(gram: str) -> bool:
    """Whether `gram` is grammar rather than matter."""
    if gram in _FUNCTION_WORDS:
        return True
    return all(char in _FUNCTION_CHARS for char in gram)


class Counting:
    """Counts in how many `passages` each gram stands: their `frequency`."""

    def __init__(self) -> None:
        self.passages = 0
        self.frequency: Counter[str] = Counter()

    def add(self, passages: Iterable[Iterable[str]]) -> None:
        """Count passages, given the grams of each."""
        for found in passages:
            self.passages += 1
            self.frequency.update(set(found))


class Weights(Struct, frozen=True):
    """In how many of `passages` each gram stands: what a knowledge version finds remarkable."""

    passages: int
    frequency: dict[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Weights:
        """Count the grams of `texts`."""
        return cls.counted(grams(text) for text in texts)

    @classmethod
    def counted(cls, passages: Iterable[Iterable[str]]) -> Weights:
        """Count grams, given those of each passage."""
        counting = Counting()
        counting.add(passages)
        return cls(counting.passages, counting.frequency)

    def weight(self, gram: str) -> float:
        """How much `gram` says: its inverse document frequency, less for grammar."""
        seen = self.frequency.get(gram, 0)
        idf = math.log(1 + (self.passages - seen + 0.5) / (seen + 0.5))
        if is_function(gram):
            return _FUNCTION_WEIGHT * idf
        if len(gram) == 2 and _HAN.match(gram):
            # A pair that no passage has is mostly the end of one word and the start of another.
            return idf * (1.5 if seen else _UNSEEN_PAIR_WEIGHT)
        return idf

    def says(self, wording: str) -> bool:
        """Whether some passage uses `wording`, as far as its grams tell."""
        found = grams(wording)
        telling = [gram for gram in found if len(gram) > 1] or found
        return all(gram in self.frequency for gram in telling)

    def telling(self, query: Iterable[str], most: int) -> list[str]:
        """Those of `query`'s grams that some passage has; of many the `most` that say most."""
        there = [gram for gram in dict.fromkeys(query) if gram in self.frequency]
        return sorted(there, key=self.weight, reverse=True)[:most]


def _grams(text: str, of_word: Callable[[str], tuple[str, ...]]) -> list[str]:
    found: list[str] = []
    han: list[str] = []
    for run in _RUN.findall(fold(text) if _folding().search(text) else text.lower()):
        # Most words are told by their first character alone.
        if run >= "\u3400" and _HAN.match(run):
            han.append(run)
        else:
            found += of_word(run)
    found += "".join(han)
    apart = " ".join(han)
    found += [pair for pair in map(add, apart, apart[1:]) if " " not in pair]
    return found


@lru_cache(20_000)
def _stem_alone(run: str) -> tuple[str, ...]:
    return (_stem(run[:MAX_WORD]),)


@lru_cache(20_000)
def _stem_with_pairs(run: str) -> tuple[str, ...]:
    return tuple(with_pairs(_stem_alone(run)))


def forget_words() -> None:
    """Keep no words and numbers of the texts that were read."""
    _stem_alone.cache_clear()
    _stem_with_pairs.cache_clear()


def _stem(word: str) -> str:
    if len(word) > 4 and word.isascii() and word.isalpha():
        if word.endswith("ies"):
            return word[:-3] + "y"
        if word.endswith("ing") and len(word) > 6:
            return word[:-3]
        if word.endswith("ed") and len(word) > 5:
            return word[:-2]
        if word.endswith("es") and word[-3] in "sxzh":
            return word[:-2]
        if word.endswith("s") and word[-2] not in "sui":
            return word[:-1]
    elif len(word) == 4 and word.isascii() and word.endswith("s") and word[-2] not in "sui":
        return word[:-1]
    return word


@cache
def _folding() -> re.Pattern[str]:
    """Finds where folding is needed: without that, lower case makes the same grams.

    Folding a text takes longer than all else that is done with its grams.
    """
    marks = [chr(code) for first, last in _MARKS for code in range(first, last + 1)]
    found = [mark for mark in marks if _changed(mark)]
    han = [chr(code) for code in range(0x3400, 0xA000)]
    folded = _simplifier().convert("\n".join(han)).split("\n")
    found += [one for one, other in zip(han, folded, strict=True) if one != other]
    found += _IN_PHRASES
    others = "\x80-\u1fff\u2070-\u2fff\u3040-\u33ff\ua000-\ufeff\ufff0-\U0010ffff"
    return re.compile(f"[{others}{''.join(found)}]")


def _changed(mark: str) -> bool:
    return bool(unicodedata.combining(mark)) or _RUN.findall(mark) != _RUN.findall(fold(mark))


@cache
def _simplifier() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
