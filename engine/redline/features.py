"""What the hand-over classifier sees of a folded text: hashed n-grams of tokens and classes.

A token is a Han character, a Latin word, a number or a border between clauses. N-grams are taken as
they are, and with kin, parts of the body, authorities and the like each replaced by their class
(`assets/rules/classifier/classes.txt`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.redline.ngrams import FIRST_CLASS, PAST_CLASSES, add_ngrams, class_pair_bucket
from engine.redline.normalise import fold

if TYPE_CHECKING:
    import ahocorasick_rs

PASSAGE = 44
"""The most tokens that are classified at once."""
CLASS_SALT = 0x5851F42D4C957F2D
"""The hash salt of n-grams that hold a class."""
_STEP = 20
_REACH = 14
_TOKEN = re.compile(r"([\u3400-\u9fff]+)|([a-z]+(?:'[a-z]+)?)|([0-9]+)|[^\sa-z0-9\u3400-\u9fff]")
_HAN_GROUP, _WORD_GROUP, _NUMBER_GROUP = 1, 2, 3
_BORDER = 1
_NUMBER = 2
_HOTLINE = 1 << 40
_LONG_WORD = 24
_IN_A_ROW = re.compile(r"([^\s\d][^\d]{0,3}?)\1{2,}")
_SHORT = 100


class Features(Struct, frozen=True):
    """The features of a text: for each its hash bucket, and the token that it begins with."""

    buckets: list[int]
    begins: list[int]
    tokens: list[tuple[int, int]]


class Tokens(Struct, frozen=True):
    """The tokens of a folded text: as numbers, between two borders; where they start and end; which
    of them are borders."""

    ids: list[int]
    starts: list[int]
    ends: list[int]
    borders: list[int]


class WordClasses:
    """Wordings of one class are taken for one and the same."""

    def __init__(self, lines: str) -> None:
        """`lines`: a class, a colon, its wordings; ``_`` stands for a space in one."""
        import ahocorasick_rs

        names: dict[str, int] = {}
        self._of: dict[str, int] = {}
        for line in lines.splitlines():
            name, colon, words = line.partition(":")
            if colon and not line.startswith("#"):
                number = names.setdefault(name, FIRST_CLASS + len(names))
                for word in words.split():
                    self._of.setdefault(fold(word.replace("_", " ")).text, number)
        self._numbers = list(self._of.values())
        self._automaton: ahocorasick_rs.AhoCorasick = ahocorasick_rs.AhoCorasick(
            list(self._of), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )

    def find(self, folded: str) -> Iterator[tuple[int, int, int]]:
        """Where a wording stands in a folded text, and its class."""
        for number, start, end in self._automaton.find_matches_as_indexes(folded):
            if folded[start].isascii() and (
                (start and _latin(folded[start - 1])) or _latin(folded[end : end + 1])
            ):
                continue
            yield start, end, self._numbers[number]


def features(folded: str, classes: WordClasses) -> Features:
    """The features of a folded text: n-grams of up to three tokens, as they are and with classes
    for words, and pairs of classes that stand near each other."""
    folded = said_once(folded)
    read = tokenise(folded)
    buckets: list[int] = []
    begins: list[int] = []
    size = len(read.starts)
    last = max(size - 1, 0)
    add_ngrams(read.ids, range(-1, len(read.ids) - 1), last, 0, buckets, begins)
    general, places = with_classes(read, folded, classes)
    add_ngrams(general, places, last, CLASS_SALT, buckets, begins)
    for at, first, near in class_pairs(general):
        buckets += [class_pair_bucket(first, second) for second in near]
        begins += [min(max(places[at], 0), last)] * len(near)
    clauses = clauses_of(0, size, read.borders) if size else []
    again = {place for one in repeated(folded, read, clauses) for place in range(*one)}
    if again:
        kept = [number for number, begin in enumerate(begins) if begin not in again]
        buckets, begins = [buckets[one] for one in kept], [begins[one] for one in kept]
    return Features(buckets, begins, list(zip(read.starts, read.ends, strict=True)))


def said_once(folded: str) -> str:
    """`folded`, where it is mostly one thing said three times or more in a row, with blanks in the
    place of the copies: 喂喂喂喂 calls for no more than 喂 does.
    """
    # A look at the characters alone: other messages are not searched for it.
    few = 3 if len(folded) <= _SHORT else 12
    if few * len(set(folded)) > len(folded):
        return folded
    return _IN_A_ROW.sub(lambda found: found[1].ljust(len(found[0])), folded)


def tokenise(folded: str) -> Tokens:
    """The tokens of a folded text."""
    ids: list[int] = [_BORDER]
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(folded):
        kind = match.lastindex
        start, end = match.span()
        if kind == _HAN_GROUP:
            ids += map(ord, match[0])
            starts += range(start, end)
            ends += range(start + 1, end + 1)
            continue
        token = match[0]
        if kind == _WORD_GROUP:
            ids.append(_known_word(token) if end - start <= _LONG_WORD else _word(token))
        elif kind == _NUMBER_GROUP:
            ids.append(int(token) + _HOTLINE if end - start in (3, 5) else _NUMBER)
        elif token.isdigit():
            ids.append(_NUMBER)
        elif token >= "\u3400":
            ids.append(ord(token))
        elif token.isalpha():
            ids.append(_word(token))
        elif ids[-1] == _BORDER:
            continue
        else:
            ids.append(_BORDER)
        starts.append(start)
        ends.append(end)
    if starts and ids[-1] == _BORDER:
        starts.pop()
        ends.pop()
    else:
        ids.append(_BORDER)
    borders = [place for place, number in enumerate(ids[1:-1]) if number == _BORDER]
    return Tokens(ids, starts, ends, borders)


def class_pairs(ids: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
    """The classes that have others near behind them: where each stands, itself, and those."""
    places = [at for at, number in enumerate(ids) if FIRST_CLASS <= number < PAST_CLASSES]
    classes = [ids[at] for at in places]
    last = 0
    for number, at in enumerate(places):
        while last < len(places) and places[last] - at <= _REACH:
            last += 1
        if number + 1 < last:
            yield at, classes[number], classes[number + 1 : last]


def with_classes(read: Tokens, folded: str, classes: WordClasses) -> tuple[list[int], list[int]]:
    """The tokens with classes in the place of words, and where each stood."""
    general: list[int] = []
    places: list[int] = []
    ids, starts = read.ids, read.starts
    done = -1
    for start, end, number in classes.find(folded):
        first = bisect_left(starts, start, max(done, 0))
        general += ids[done + 1 : first + 1]
        places += range(done, first)
        general.append(number)
        places.append(first)
        done = bisect_left(starts, end, first)
    general += ids[done + 1 :]
    places += range(done, len(starts) + 1)
    return general, places


def passages_of(
    size: int, borders: Sequence[int], most: int = PASSAGE, step: int = _STEP
) -> Iterator[tuple[int, int]]:
    """The passages of so many tokens, of at most `most` each: some clauses, every clause in one
    with what follows."""
    if size <= most:
        yield 0, size
        return
    done = 0
    first = 0
    while first < size:
        last = min(first + most, size)
        if last < size:
            at = bisect_left(borders, last)
            if at and borders[at - 1] > first:
                last = borders[at - 1] + 1
        if last > done:
            yield first, last
            done = last
        if last >= size:
            return
        at = bisect_left(borders, first + 1)
        following = borders[at] + 1 if at < len(borders) else size
        first = min(following, first + step) if following - first > most else following


def clauses_of(first: int, last: int, borders: Sequence[int]) -> list[tuple[int, int]]:
    """The clauses of a passage, without the signs between them."""
    found: list[tuple[int, int]] = []
    begin = first
    for border in (*borders[bisect_left(borders, first) : bisect_left(borders, last)], last):
        if border > begin:
            found.append((begin, border))
        begin = border + 1
    return found or [(first, last)]


def repeated(
    folded: str, read: Tokens, clauses: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The clauses that stood shortly before, within what is classified at once."""
    counted: dict[str, int] = {}
    for begin, end in clauses:
        said = folded[read.starts[begin] : read.ends[end - 1]]
        if begin - counted.get(said, -PASSAGE) < PASSAGE:
            yield begin, end
        else:
            counted[said] = begin


def _word(token: str) -> int:
    """A number for a Latin word, its ending left out."""
    for ending in ("ing", "ed", "es", "s"):
        if token.endswith(ending) and len(token) - len(ending) > 2:
            token = token[: -len(ending)]
            break
    return int.from_bytes(token.encode()[:24], "little") % ((1 << 59) - 55) | 1 << 59


_known_word = lru_cache(1 << 13)(_word)


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
