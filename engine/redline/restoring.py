"""Restoring what was disguised: a second reading of a text, with the way back to the first.

Inserted signs go, characters written as their parts or as look-alikes become whole and plain again,
digits are gathered, broken Latin words joined, initials spelled out, and pinyin becomes codes of
its syllables. The result is searched beside the text itself and never instead of it, so that
nothing is lost where a guess is wrong. Every clause is restored by itself, so a text that is
released clause by clause reads the same as the whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.redline.characters import NUMERALS, characters, is_code, syllables
from engine.redline.normalise import Borders
from engine.redline.spelling import initials, unleeted
from engine.redline.view import Trick, View

if TYPE_CHECKING:
    import ahocorasick_rs

MAX_GAP = 6
_FRAGMENTS = 16
_LETTERS = 24
_HAN = "\u3400-\u9fff"
_TOKEN = re.compile(rf"[a-z0-9@$']+|[{_HAN}]+")
_BROKEN = re.compile(
    rf"[{_HAN}]|(?<![a-z0-9'])[a-z0-9][^a-z0-9]{{1,6}}[a-z0-9](?![a-z0-9'])"
    r"|[a-z][^a-z0-9\s']{1,6}[a-z]|[0-9@$][a-z]|[a-z][0-9@$]"
)
_TRICKS = re.compile(rf"[a-z0-9]|[{_HAN}][^{_HAN},。!?;\n]{{1,4}}[{_HAN}]")
_NUMBER = re.compile(r"(?:[0-9零一二三四五六七八九幺][ *_~/-]{0,2}){2,}[0-9零一二三四五六七八九幺]")
_FIXED = frozenset(",。!?;\n")


class Restorer:
    """Restores texts, with what some rules need to know: their letters, words and abbreviations."""

    def __init__(
        self, alphabet: Iterable[str], words: Iterable[str], abbreviated: Iterable[str] = ()
    ) -> None:
        """`alphabet`: the Han characters of the rules; `words`: their Latin words; `abbreviated`:
        wordings that may be written as their initials."""
        import ahocorasick_rs

        known = frozenset(alphabet)
        tables = characters()
        self.words = frozenset(words)
        self.beginnings = frozenset(
            word[:size] for word in self.words for size in range(1, len(word) + 1)
        )
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
        patterns = [*self.whole, *self.plain]
        self.patterns = patterns
        self._parts: ahocorasick_rs.AhoCorasick | None = (
            ahocorasick_rs.AhoCorasick(patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
            if patterns
            else None
        )
        self.signs = re.compile("[" + "".join(re.escape(sign) for sign in tables.signs) + "]")

    def restore(self, folded: str, borders: Borders) -> View | None:
        """The restored text, or None when nothing in it calls for restoring."""
        parts = self._parts.find_matches_as_indexes(folded) if self._parts is not None else []
        numbers = [
            match
            for match in _NUMBER.finditer(folded)
            if not match.group().isascii() and sum(c.isalnum() for c in match.group()) >= 3
        ]
        if (
            not parts
            and not numbers
            and _TRICKS.search(folded) is None
            and self.signs.search(folded) is None
        ):
            return None
        return _Restoring(self, folded, borders, parts, numbers).view()


class _Restoring:
    """One text being restored."""

    def __init__(
        self,
        restorer: Restorer,
        folded: str,
        borders: Borders,
        parts: Sequence[tuple[int, int, int]],
        numbers: Sequence[re.Match[str]],
    ) -> None:
        self._by = restorer
        self._borders = borders
        self._ends_at = list(range(1, len(folded) + 1))
        self._tricks = [0] * len(folded)
        self._known = characters()
        # A sign that comes again and again stands between characters and for none.
        self._seldom: Counter[str] = Counter()
        changed = list(folded)
        for number, start, end in parts:
            pattern = restorer.patterns[number]
            if end - start == 2:
                changed[start], changed[start + 1] = restorer.whole[pattern], "\0"
                self._tricks[start] = Trick.SPLIT
                self._ends_at[start] = end
            else:
                changed[start] = restorer.plain[pattern]
                self._tricks[start] = Trick.LOOKALIKE
        for match in numbers:
            for place in range(*match.span()):
                if changed[place] in NUMERALS:
                    changed[place] = NUMERALS[changed[place]]
                    self._tricks[place] = Trick.DIGITS
        self._text = "".join(changed)
        signs = restorer.signs.finditer(folded)
        self._tricky = sorted(
            (
                *(start for _, start, _ in parts),
                *(match.start() for match in numbers),
                *(match.start() for match in signs),
            )
        )
        self._next = 0
        self._out: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._marks: list[int] = []

    def view(self) -> View:
        clauses: list[int] = []
        sentences: list[int] = []
        of_sentences = frozenset(self._borders.sentences)
        begin = 0
        for end in self._borders.clauses:
            self._clause(begin, end - 1)
            self._put(self._text[end - 1], end - 1, end, 0)
            clauses.append(len(self._out))
            if end in of_sentences:
                sentences.append(len(self._out))
            begin = end
        self._clause(begin, len(self._text))
        borders = Borders(tuple(clauses), tuple(sentences))
        return View("".join(self._out), self._starts, self._ends, self._marks, borders)

    def _put(self, character: str, start: int, end: int, trick: int) -> None:
        self._out.append(character)
        self._starts.append(start)
        self._ends.append(end)
        self._marks.append(trick)

    def _clause(self, begin: int, end: int) -> None:
        text = self._text
        tricky = self._tricky
        while self._next < len(tricky) and tricky[self._next] < begin:
            self._next += 1
        changed = self._next < len(tricky) and tricky[self._next] < end
        if not changed and _TRICKS.search(text, begin, end) is None:
            self._copy(begin, end)
            return
        tokens = [match.span() for match in _TOKEN.finditer(text, begin, end)]
        sounds = self._is_pinyin(tokens)
        plain = not changed and not sounds and _BROKEN.search(text, begin, end) is None
        if plain and not any(text[start:stop] in self._by.initials for start, stop in tokens):
            self._copy(begin, end)
            return
        self._seldom = Counter(self._by.signs.findall(text, begin, end))
        place = begin
        last = ""  # the kind of the token before: Han (or a syllable), or Latin
        number = 0
        while number < len(tokens):
            start, stop = tokens[number]
            han = text[start] >= "\u3400"
            before = len(self._out)
            if self._between(place, start, last, "h" if han else "w"):
                last = "h"
            gap = last != "" and self._is_gap(place, start)
            first = len(self._out)
            taken = 1
            if han:
                self._copy(start, stop)
                last = "h"
            else:
                taken, last = self._latin(tokens, number, sounds)
                stop = tokens[number + taken - 1][1]
            if gap and first < len(self._out) and before == first:
                self._marks[first] |= Trick.SQUEEZE
            place = stop
            number += taken
        self._between(place, end, last, "")

    def _copy(self, start: int, end: int) -> None:
        """Put what stands at ``start:end`` as it is; the second halves of characters are none."""
        text = self._text[start:end]
        if "\0" in text:
            for place in range(start, end):
                if self._text[place] != "\0":
                    self._put(self._text[place], place, self._ends_at[place], self._tricks[place])
            return
        self._out += text
        self._starts += range(start, end)
        self._ends += self._ends_at[start:end]
        self._marks += self._tricks[start:end]

    def _is_gap(self, start: int, end: int) -> bool:
        """Whether something stands between two tokens that may be left out."""
        length = end - start - self._text.count("\0", start, end)
        return 0 < length <= MAX_GAP and _FIXED.isdisjoint(self._text[start:end])

    def _between(self, start: int, end: int, left: str, right: str) -> bool:
        """Put what stands between two tokens; whether a sign in it was read as a character."""
        if start == end:
            return False
        signs = self._known.signs
        found = [
            place
            for place in range(start, end)
            if self._text[place] in signs and self._seldom.get(self._text[place], 0) < 2
        ]
        if found and (left == "h" or right):
            for place in found:
                if self._text[place] == "+" and (left == "w" or not right):
                    self._put("+", place, place + 1, 0)
                    continue
                self._put(signs[self._text[place]], place, place + 1, Trick.MIXED)
            return True
        if self._is_gap(start, end) and left and right and "h" in left + right:
            return False
        gap = self._text[start:end]
        if " " in gap and len(gap) > 1 and left and right and _FIXED.isdisjoint(gap):
            sign = gap.strip()
            blank = gap.startswith("  ") or gap.endswith("  ") or not sign
            for at, character in enumerate(sign, start + gap.find(sign[:1])):
                self._put(character, at, at + 1, Trick.SQUEEZE)
            if blank:
                self._put(" ", end - 1, end, Trick.SQUEEZE)
            return False
        self._copy(start, end)
        return False

    def _is_pinyin(self, tokens: Sequence[tuple[int, int]]) -> bool:
        """Whether the Latin words of a clause may be pinyin: beside Han, or all of them are."""
        if any(self._text[start] >= "\u3400" for start, _ in tokens):
            return True
        return all(
            syllables(self._text[start:end])
            for start, end in tokens
            if not self._text[start:end].isdigit()
        )

    def _latin(
        self, tokens: Sequence[tuple[int, int]], number: int, sounds: bool
    ) -> tuple[int, str]:
        """Put the Latin word at `number`; how many tokens it took, and what kind came out."""
        start, end = tokens[number]
        word = self._text[start:end]
        joined = self._joined(tokens, number)
        if joined > 1:
            for place in range(number, number + joined):
                for at in range(*tokens[place]):
                    trick = Trick.SQUEEZE if at == tokens[place][0] and place > number else 0
                    self._put(self._text[at], at, at + 1, trick)
            return joined, "w"
        if word in self._by.initials:
            for character in self._by.initials[word]:
                self._put(character, start, end, Trick.INITIALS)
            return 1, "h"
        if word in ("v", "w") and self._beside_han(start, end):
            self._put(self._by.wei, start, end, Trick.MIXED)
            return 1, "h"
        if sounds and self._spelled(start, word):
            return 1, "h"
        plain = unleeted(word, self._by.words)
        for at, letter in enumerate(plain or word, start):
            changed = plain is not None and letter != self._text[at]
            self._put(letter, at, at + 1, Trick.LOOKALIKE if changed else self._tricks[at])
        return 1, "w"

    def _spelled(self, start: int, word: str) -> bool:
        """Put a word as the syllables it spells, and the number behind it; whether it does."""
        if not word[0].isalpha() or (len(word) == 1 and not self._after_code()):
            return False
        found = syllables(word)
        size = len(word)
        if found is None:
            size = len(word.rstrip("0123456789"))
            found = syllables(word[:size])
        for one in found or ():
            self._put(one.code, start + one.start, start + one.end, Trick.PINYIN)
        if found:
            for at in range(start + size, start + len(word)):
                self._put(self._text[at], at, at + 1, 0)
        return bool(found)

    def _after_code(self) -> bool:
        return bool(self._out) and is_code(self._out[-1])

    def _beside_han(self, start: int, end: int) -> bool:
        signs = self._known.signs
        before, after = self._text[start - 1 : start], self._text[end : end + 1]
        return any(
            side and (side >= "\u3400" or is_code(side) or side in signs)
            for side in (before, after)
        )

    def _joined(self, tokens: Sequence[tuple[int, int]], number: int) -> int:
        """How many fragments from `number` on make up a Latin word; one when none do.

        Letters that stand apart are one word up to where they stand farther apart; where they never
        do, and for longer fragments, it is the longest word of the rules.
        """
        apart = self._letters_apart(tokens, number)
        if apart > 2 or apart < 0 or (apart == 2 and self._text[tokens[number][0]].isdigit()):
            return max(apart, 1)
        best = 0
        word = blank = ""
        for count, (start, end) in enumerate(tokens[number : number + _FRAGMENTS], 1):
            if count > 1:
                last = tokens[number + count - 2][1]
                gap = self._text[last:start]
                blank = blank or gap
                spaced = " " if " " in blank else ""
                if not self._is_gap(last, start) or (gap if " " in gap else "") != spaced:
                    if best == count - 1 and spaced and " " not in gap:
                        best = 0  # The last letter belongs to what follows.
                    break
            word += self._text[start:end]
            if word not in self._by.beginnings:
                break
            if word in self._by.words:
                best = count
        return best

    def _letters_apart(self, tokens: Sequence[tuple[int, int]], number: int) -> int:
        """How many single letters from `number` on are one word by how far apart they stand.

        Less than none: the first is a word by itself.
        """
        count = 1
        first = ""
        ended = False
        while number + count < len(tokens):
            before, (start, end) = tokens[number + count - 1], tokens[number + count]
            gap = self._text[before[1] : start]
            if before[1] - before[0] != 1:
                return 0
            first = first or gap
            if " " in first and first != " ":
                return 0
            if not gap or self._text[start] >= "\u3400":
                ended = True
                break
            if (" " in gap) != (first == " ") or (first == " " and gap != " "):
                ended = " " in gap
                break
            if end - start != 1:
                ended = True
                break
            if len(gap) > MAX_GAP or count == _LETTERS:
                return 0
            count += 1
        else:
            ended = " " not in first
        word = "".join(self._text[start] for start, _ in tokens[number : number + count])
        if word[0] in "ia" and word not in self._by.words and word[1:] in self._by.words:
            return -1  # "I", and a word behind it.
        if word.isdigit():
            return count
        numbered = count > 4 and any(character.isdigit() for character in word)
        return count if ended or numbered or word in self._by.words else 0
