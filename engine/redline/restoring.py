"""Restoring what was disguised: a second reading of a text, with the way back to the first.

Inserted signs go, characters written as their parts or as look-alikes become whole and plain again,
digits are gathered, broken Latin words joined, initials spelled out, and pinyin becomes codes of
its syllables. The result is searched beside the text itself and never instead of it, so that
nothing is lost where a guess is wrong. Every clause is restored by itself, so a text that is
released clause by clause reads the same as the whole.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from engine.redline.characters import NUMERALS, Syllable, characters, is_code, syllables
from engine.redline.expressions import Text
from engine.redline.fragments import Fragments, is_gap
from engine.redline.normalise import Borders
from engine.redline.numerals import numbers, of_number
from engine.redline.sentence_builder import SentenceBuilder
from engine.redline.spelling import initials, unleeted
from engine.redline.suspicion import (
    CHANGED_OR_MORE,
    HOMOPHONE,
    HOMOPHONE_OR_MORE,
    NUMBER,
    PARTS,
    SEAM,
    TRICKY,
    Cause,
    Suspicion,
)
from engine.redline.view import Restored, Source, Trick

_HAN = "\u3400-\u9fff"
HAN_ONE = re.compile(f"[{_HAN}]")
TOKEN = re.compile(rf"[a-z0-9@$']+|[{_HAN}]+")
_BROKEN = re.compile(
    rf"[{_HAN}]|(?<![a-z0-9'])[a-z0-9][^a-z0-9]{{1,6}}[a-z0-9](?![a-z0-9'])"
    r"|[a-z][^a-z0-9\s']{1,6}[a-z]|[0-9@$][a-z]|[a-z][0-9@$]"
)
_TRICKS = re.compile(rf"[a-z0-9]|[{_HAN}][^{_HAN},。!?;\n]{{1,4}}[{_HAN}]")
FIXED = frozenset(",。!?;\n")
_DIGITS = frozenset("0123456789")


class Restorer:
    """Restores texts, with what some rules need to know: their letters, words and abbreviations."""

    def __init__(
        self, alphabet: Iterable[str], words: Iterable[str], abbreviated: Iterable[str] = ()
    ) -> None:
        """`alphabet`: the Han characters of the rules; `words`: their Latin words; `abbreviated`:
        wordings that may be written as their initials."""
        known = frozenset(alphabet)
        tables = characters()
        self.fragments = Fragments(words)
        self.whole = tables.whole
        self.plain = {
            shape: next(one for one in plain if one in known)
            for shape, plain in tables.plain.items()
            if shape not in known and not known.isdisjoint(plain)
        }
        self.initials: dict[str, str] = {}
        for word in abbreviated:
            for letters in initials(word):
                self.initials.setdefault(letters, word)
        self.wei = tables.codes["wei"]
        self.signs = re.compile("[" + "".join(re.escape(sign) for sign in tables.signs) + "]")

    def causes(self, first: str, second: str) -> int:
        """What two characters side by side give cause to restore."""
        found = 0
        if first in characters().signs:
            found |= Cause.SIGN
        if first in self.plain:
            found |= Cause.PLAIN
        if first + second in self.whole:
            found |= Cause.WHOLE
        if of_number(first, second):
            found |= Cause.NUMBER
        if not ("\u3400" <= first <= "\u9fff" or first in FIXED or first in _DIGITS):
            found |= Cause.RESTORE
        elif first == "," and second in _DIGITS:
            found |= Cause.RESTORE  # Digits apart, with nothing but what never is left out.
        return found

    def restore(
        self, text: Text, causes: bytes, suspicion: Suspicion, worth: Container[int]
    ) -> list[Restored]:
        """The sentences of a folded text in which something is undone, or a homophone may be.

        `causes` are those of its characters. Only sentences are looked at whose numbers are `worth`
        it.
        """
        restoring = _Restoring(self, text.folded, text.borders, causes)
        return list(restoring.sentences(suspicion, worth))


class _Restoring:
    """One text being restored."""

    def __init__(self, restorer: Restorer, folded: str, borders: Borders, causes: bytes) -> None:
        self._by = restorer
        self._borders = borders
        self._causes: bytes | bytearray = causes
        self._text = folded
        self._holed = False
        self._source = Source(range(1, len(folded) + 1), bytes(len(folded)))
        self._known = characters()
        # A sign that comes again and again stands between characters and for none.
        self._seldom: Mapping[str, int] = {}
        self._latest: tuple[str, Sequence[Syllable] | None] = "", None
        written = numbers(folded) if NUMBER.search(causes) is not None else []
        if written or PARTS.search(causes) is not None:
            self._change(folded, written)
        self._out: SentenceBuilder

    def _change(self, folded: str, written: Sequence[tuple[int, int]]) -> None:
        """Put whole and plain characters in place, and digits for numerals."""
        changed = list(folded)
        ends = list(self._source.ends)
        tricks = bytearray(self._source.tricks)
        done = 0
        for match in PARTS.finditer(self._causes):
            place = match.start()
            if place < done:
                continue
            if self._causes[place] & Cause.WHOLE:
                done = place + 2
                changed[place], changed[place + 1] = self._by.whole[folded[place:done]], "\0"
                tricks[place] = Trick.SPLIT
                ends[place] = done
                self._holed = True
            else:
                done = place + 1
                changed[place] = self._by.plain[folded[place]]
                tricks[place] = Trick.LOOKALIKE
        causes = bytearray(self._causes)
        for start, end in written:
            causes[start] |= Cause.SIGN
            for place in range(start, end):
                if changed[place] in NUMERALS:
                    changed[place] = NUMERALS[changed[place]]
                    tricks[place] = Trick.DIGITS
        for match in HOMOPHONE_OR_MORE.finditer(tricks):
            place = match.start()
            causes[place] |= Cause.SEAM
            if place and folded[place - 1] >= "\u3400":
                causes[place - 1] |= Cause.SEAM
        self._causes = causes
        self._source = Source(ends, tricks)
        self._text = "".join(changed)

    def sentences(self, suspicion: Suspicion, worth: Container[int]) -> Iterator[Restored]:
        """Those that give cause, and in which something was undone or a homophone may be."""
        ends = self._borders.sentences
        end = 0
        while (cause := HOMOPHONE_OR_MORE.search(self._causes, end)) is not None:
            at = bisect_right(ends, cause.start())
            end = ends[at] if at < len(ends) else len(self._text)
            if at not in worth:
                continue
            clauses = self._sentence(ends[at - 1] if at else 0, end)
            text = "".join(self._out.out)
            pairs = self._out.pairs
            seams: list[int] = []
            for match in SEAM.finditer(pairs):
                first, last = match.span()
                pairs[first:last] = suspicion.causes(text[first:last], text[last : last + 1])
                seams += range(first, last)
            suspected = [match.start() for match in HOMOPHONE.finditer(pairs)]
            tricked, pieces = self._out.tricked, self._out.pieces
            if tricked or suspected:
                ended, source = at < len(ends), self._source
                yield Restored(text, clauses, ended, tricked, pieces, source, at, seams, suspected)

    def _builder(self, begin: int) -> SentenceBuilder:
        return SentenceBuilder(self._text, self._causes, self._source, self._holed, begin)

    def _sentence(self, begin: int, end: int) -> list[int]:
        """Put one sentence; where its clauses end."""
        self._out = self._builder(begin)
        clauses: list[int] = []
        ends = self._borders.clauses
        first = bisect_right(ends, begin)
        while begin < end:
            stop = ends[first] - 1 if first < len(ends) else end
            if CHANGED_OR_MORE.search(self._causes, begin, stop) is None:
                self._out.copy(begin, stop)
            else:
                self._clause(begin, stop)
            if first < len(ends):
                clauses.append(self._out.ended(stop))
            begin = stop + 1
            first += 1
        self._out.copied()
        return clauses

    def _clause(self, begin: int, end: int) -> None:
        text = self._text
        changed = TRICKY.search(self._causes, begin, end) is not None
        if not changed and _TRICKS.search(text, begin, end) is None:
            self._out.copy(begin, end)
            return
        tokens = [match.span() for match in TOKEN.finditer(text, begin, end)]
        pinyin = self._is_pinyin(tokens, begin, end)
        plain = not changed and not pinyin and _BROKEN.search(text, begin, end) is None
        if plain and not any(text[start:stop] in self._by.initials for start, stop in tokens):
            self._out.copy(begin, end)
            return
        self._seldom = Counter(self._by.signs.findall(text, begin, end)) if changed else {}
        place = begin
        last = ""  # the kind of the token before: Han (or a syllable), or Latin
        number = 0
        while number < len(tokens):
            start, stop = tokens[number]
            han = text[start] >= "\u3400"
            if place + 1 == start and last == "w" and not han and not self._seldom:
                self._out.copy(place, start)
            elif place < start:
                gap = is_gap(text, place, start)
                if gap and last and not self._seldom and (han or last == "h"):
                    self._out.leave_out()
                else:
                    before = self._out.state
                    if self._between(place, start, last, "h" if han else "w", gap):
                        last = "h"
                    if gap and last and before == self._out.state:
                        self._out.leave_out()
            if han:
                self._out.copy(start, stop)
                last = "h"
                number += 1
            else:
                taken, last = self._latin(tokens, number, pinyin)
                stop = tokens[number + taken - 1][1]
                number += taken
            place = stop
        if place < end:
            self._between(place, end, last, "", False)

    def _syllables(self, word: str) -> Sequence[Syllable] | None:
        """`syllables`; those of the latest word are kept, as it is asked about again and again."""
        if word != self._latest[0]:
            self._latest = word, syllables(word)
        return self._latest[1]

    def _between(self, start: int, end: int, left: str, right: str, gap: bool) -> bool:
        """Put what stands between two tokens; whether a sign in it was read as a character.

        `gap`: it may be left out.
        """
        signs = self._known.signs
        found = self._seldom and [
            place
            for place in range(start, end)
            if self._text[place] in signs and self._seldom.get(self._text[place], 0) < 2
        ]
        if found and (left == "h" or right):
            for place in found:
                if self._text[place] == "+" and (left == "w" or not right):
                    self._out.put("+", place, place + 1, 0)
                    continue
                self._out.put(signs[self._text[place]], place, place + 1, Trick.MIXED)
            return True
        if gap and left and right and "h" in left + right:
            return False
        there = self._text[start:end]
        if " " in there and len(there) > 1 and left and right and FIXED.isdisjoint(there):
            sign = there.strip()
            blank = there.startswith("  ") or there.endswith("  ") or not sign
            for at, character in enumerate(sign, start + there.find(sign[:1])):
                self._out.put(character, at, at + 1, Trick.SQUEEZE)
            if blank:
                self._out.put(" ", end - 1, end, Trick.SQUEEZE)
            return False
        self._out.copy(start, end)
        return False

    def _is_pinyin(self, tokens: Sequence[tuple[int, int]], begin: int, end: int) -> bool:
        """Whether the Latin words of a clause may be pinyin: beside Han, or all of them are."""
        if HAN_ONE.search(self._text, begin, end) is not None:
            return True
        return all(
            self._syllables(self._text[start:end])
            for start, end in tokens
            if not self._text[start:end].isdigit()
        )

    def _latin(
        self, tokens: Sequence[tuple[int, int]], number: int, pinyin: bool
    ) -> tuple[int, str]:
        """Put the Latin word at `number`; how many tokens it took, and what kind came out."""
        start, end = tokens[number]
        word = self._text[start:end]
        joined = 1
        if number + 1 < len(tokens) and self._text[tokens[number + 1][0]] < "\u3400":
            joined = self._by.fragments.joined(self._text, tokens, number)
        plain = joined <= 1 < end - start and word.isalpha() and word not in self._by.initials
        if plain and not (pinyin and self._syllables(word)):
            self._out.copy(start, end)
            return 1, "w"
        if joined > 1:
            for place in range(number, number + joined):
                for at in range(*tokens[place]):
                    trick = Trick.SQUEEZE if at == tokens[place][0] and place > number else 0
                    self._out.put(self._text[at], at, at + 1, trick)
            return joined, "w"
        if word in self._by.initials:
            for character in self._by.initials[word]:
                self._out.put(character, start, end, Trick.INITIALS)
            return 1, "h"
        if word in ("v", "w") and self._beside_han(start, end):
            self._out.put(self._by.wei, start, end, Trick.MIXED)
            return 1, "h"
        if pinyin and self._spelled(start, word):
            return 1, "h"
        unleet = None if word.isalpha() else unleeted(word, self._by.fragments.words)
        if unleet is None:
            self._out.copy(start, end)
            return 1, "w"
        for at, letter in enumerate(unleet, start):
            trick = Trick.LOOKALIKE if letter != self._text[at] else self._source.tricks[at]
            self._out.put(letter, at, at + 1, trick)
        return 1, "w"

    def _spelled(self, start: int, word: str) -> bool:
        """Put a word as the syllables it spells, and the number behind it; whether it does."""
        if not word[0].isalpha() or (len(word) == 1 and not self._out.after_code()):
            return False
        found = self._syllables(word)
        size = len(word)
        if found is None:
            size = len(word.rstrip("0123456789"))
            found = self._syllables(word[:size])
        if not found:
            return False
        self._out.put_all(found, start)
        for at in range(start + size, start + len(word)):
            self._out.put(self._text[at], at, at + 1, 0)
        return True

    def _beside_han(self, start: int, end: int) -> bool:
        signs = self._known.signs
        before, after = self._text[start - 1 : start], self._text[end : end + 1]
        return any(
            side and (side >= "\u3400" or is_code(side) or side in signs)
            for side in (before, after)
        )
