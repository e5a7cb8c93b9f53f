"""Latin words of a text: whether they are restored as they are, which most are."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from engine.redline.characters import syllables
from engine.redline.expressions import Text
from engine.redline.restoring import HAN_ONE, TOKEN, Restorer
from engine.redline.spelling import unleeted

_LATIN = re.compile("[a-z0-9@$']+")
_LETTER_OR_DIGIT = re.compile("[a-z0-9]")
_MOST, _LONG = 1 << 14, 24
_SPELLS, _JOINS, _ALONE, _TURNS, _FOREIGN = 1, 2, 4, 8, 16
"""A Latin word may be pinyin, begin one in fragments, be one letter, be another; or is foreign."""


class LatinWords:
    """Tells which Latin words a `Restorer` leaves as they are, where nothing is tricky."""

    def __init__(self, restorer: Restorer) -> None:
        self._kinds = _Kinds(restorer)
        self._fragments = restorer.fragments

    def doubtful(self, folded: str) -> list[int]:
        """Where Latin words stand that may be restored as something else, ascending."""
        found: list[int] = []
        former = end = 0
        for match in _LATIN.finditer(folded):
            word = match[0]
            kinds = self._kinds[word]
            # A letter or digit alone joins no longer word that follows.
            joins = former & _JOINS or (former & _ALONE and len(word) == 1)
            if kinds & (_TURNS | _SPELLS) or (
                joins and HAN_ONE.search(folded, end, match.start()) is None
            ):
                found.append(match.start())
            former = kinds
            end = match.end()
        return found

    def gaps(self, text: Text, doubtful: Sequence[int]) -> list[tuple[int, int]] | None:
        """What is left out to join the Latin words at some places of a sentence.

        None where one of them becomes something else.
        """
        clauses = text.borders.clauses
        found: list[tuple[int, int]] = []
        end = -1
        for place in doubtful:
            if place > end:
                number = bisect_right(clauses, place)
                begin = clauses[number - 1] if number else 0
                end = clauses[number] - 1 if number < len(clauses) else len(text.folded)
                there = self._gaps_in(text.folded, begin, end)
                if there is None:
                    return None
                found += there
        return found

    def _gaps_in(self, folded: str, begin: int, end: int) -> list[tuple[int, int]] | None:
        words = _LATIN.findall(folded, begin, end)
        kinds = 0
        for word in words:
            kinds |= self._kinds[word]
        if kinds & _TURNS:
            return None
        if kinds & _SPELLS and (
            not kinds & _FOREIGN or HAN_ONE.search(folded, begin, end) is not None
        ):
            return None
        if len(words) == 1 or not (kinds & _JOINS or [len(word) for word in words].count(1) > 1):
            return []
        tokens = [match.span() for match in TOKEN.finditer(folded, begin, end)]
        latin = [folded[start] < "\u3400" for start, _ in tokens]
        found: list[tuple[int, int]] = []
        past = 0
        for at, (this, following) in enumerate(pairwise(latin)):
            if at >= past and this and following:
                past = at + self._fragments.joined(folded, tokens, at)
                found += [(tokens[n][1], tokens[n + 1][0]) for n in range(at, past - 1)]
        return found


class _Kinds(dict[str, int]):
    """Latin word → what it may be, kept for the latest thousands."""

    def __init__(self, restorer: Restorer) -> None:
        super().__init__()
        self._restorer = restorer

    def __missing__(self, word: str) -> int:
        kinds = self._judged(word)
        if len(word) <= _LONG:
            if len(self) >= _MOST:
                self.clear()
            self[word] = kinds
        return kinds

    def _judged(self, word: str) -> int:
        fragments, known = self._restorer.fragments, self._restorer.initials
        if _LETTER_OR_DIGIT.search(word) is None or word in known or word in ("v", "w"):
            return _TURNS
        if not word.isalpha() and unleeted(word, fragments.words) is not None:
            return _TURNS
        kinds = 0
        spelled = syllables(word)
        if not spelled and not word.isdigit():
            kinds |= _FOREIGN
        if (
            len(word) > 1
            and word[0].isalpha()
            and (spelled or syllables(word.rstrip("0123456789")))
        ):
            kinds |= _SPELLS
        if fragments.may_begin(word):
            kinds |= _JOINS
        if len(word) == 1:
            kinds |= _ALONE
        return kinds
