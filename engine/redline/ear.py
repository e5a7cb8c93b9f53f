"""The second ear: how likely a customer's words call for a hand-over, and for which.

Wordings are endless, rules are not. Beside the rules stands a linear classifier over runs of words:
as they are, and with kin, parts of the body, authorities and the like each taken for one
(`assets/rules/ear/classes.txt`). It is learnt by ``python -m engine.learning.ear`` from the
sentences beside the rules. It hears a passage of some clauses at a time, so that a long text
dilutes nothing and takes linear time.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.errors import RuleError
from engine.paths import EAR
from engine.redline.normalise import fold
from engine.redline.runs import BUCKETS as BUCKETS
from engine.redline.runs import FIRST_CLASS, PAST_CLASSES, Apart, Runs, add_runs, apart

if TYPE_CHECKING:
    import ahocorasick_rs

WEIGHTS = "ear.safetensors"
CLASSES = "classes.txt"
KIND_BUCKETS = 1 << 13
PER_KIND = BUCKETS // KIND_BUCKETS
DAMPING = -0.35
"""The power of the number of features that weights are multiplied by."""
PASSAGE = 44
"""The most tokens that are heard at once."""
_STEP = 20
_REACH = 14
_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[\u3400-\u9fff]+|[^\sa-z0-9\u3400-\u9fff]")
_BORDER = 1
_NUMBER = 2
_HOTLINE = 1 << 40
_GENERAL = 0x5851F42D4C957F2D


class Passage(Struct, frozen=True):
    """Some clauses of a folded text: where they stand, and how likely they call for a hand-over.

    `heaviest` is the clause that weighs most.
    """

    start: int
    end: int
    chance: float
    heaviest: tuple[int, int]


class Heard(Struct, frozen=True):
    """The features of a text: for each its bucket, and the token that it begins with."""

    buckets: list[int]
    begins: list[int]
    tokens: list[tuple[int, int]]
    borders: list[int]


class Hearing(Struct, frozen=True):
    """What was learnt: a weight for each bucket, the bias, and weights of each kind."""

    weights: Sequence[int]
    scale: float
    bias: float
    kinds: tuple[str, ...] = ()
    of_kinds: tuple[Sequence[int], ...] = ()
    kind_bias: tuple[float, ...] = ()


class Ear:
    """The classifier; hearing is pure and may be done from any thread."""

    def __init__(self, classes: Classes, learnt: Hearing) -> None:
        self._classes = classes
        self._learnt = learnt
        self._plain = Runs(learnt.weights, 0)
        self._general = Runs(learnt.weights, _GENERAL)
        self._apart = Apart(learnt.weights)

    def passages(self, folded: str) -> list[Passage]:
        """The passages of a folded text, each with its chance, in order."""
        ids, tokens, borders = _read(folded)
        if not tokens:
            return []
        size = len(tokens)
        weights, numbers = self._plain.weighed(ids)
        sums, counts = [0, *weights[1:-1]], [0, *numbers[1:-1]]
        for at, end in ((1, 0), (size, -1)):  # What begins at the text's own ends.
            sums[at] += weights[end]
            counts[at] += numbers[end]
        general, places = _generalised(ids, tokens, folded, self._classes)
        for begin, more, number in zip(places, *self._general.weighed(general), strict=True):
            if number:
                at = min(max(begin, 0), size - 1) + 1
                sums[at] += more
                counts[at] += number
        for begin, pairs in _pairs(general, places, size - 1):
            sums[begin + 1] += sum(map(self._apart.__getitem__, pairs))
            counts[begin + 1] += len(pairs)
        # Who says the same again, in a passage or all along, means no more by it.
        for begin, end in _repeated(folded, tokens, _clauses(0, size, borders)):
            sums[begin + 1 : end + 1] = counts[begin + 1 : end + 1] = [0] * (end - begin)
        sums = list(accumulate(sums))
        counts = list(accumulate(counts))
        found: list[Passage] = []
        for first, last in _passages(len(tokens), borders):
            count = counts[last] - counts[first]
            weight = (
                (sums[last] - sums[first]) * self._learnt.scale * math.pow(max(count, 1), DAMPING)
            )
            chance = 1 / (1 + math.exp(-max(min(weight + self._learnt.bias, 30), -30)))
            clauses = _clauses(first, last, borders)
            one, other = max(clauses, key=lambda clause: sums[clause[1]] - sums[clause[0]])
            place = tokens[one][0], tokens[other - 1][1]
            start, end = tokens[first][0], tokens[last - 1][1]
            found.append(Passage(start, end, chance, place))
        return found

    def kind(self, folded: str, passage: Passage) -> str:
        """Which hand-over a passage of a folded text calls for, if it calls for one."""
        learnt = self._learnt
        heard = features(folded[passage.start : passage.end], self._classes).buckets
        buckets = [bucket // PER_KIND for bucket in heard]
        damping = math.pow(max(len(buckets), 1), DAMPING)

        def weight(number: int) -> float:
            weights = learnt.of_kinds[number]
            return sum(map(weights.__getitem__, buckets)) * damping + learnt.kind_bias[number]

        return learnt.kinds[max(range(len(learnt.kinds)), key=weight)]


class Classes:
    """Wordings that are taken for one and the same."""

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


def ear_files() -> tuple[Path, ...]:
    """The files that make the ear that ships."""
    return EAR / CLASSES, EAR / WEIGHTS


@cache
def shipped() -> Ear:
    """The ear that ships. Raises `RuleError` where its files are damaged."""
    try:
        return Ear(shipped_classes(), read(EAR / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuleError(
            f"the second ear cannot be loaded ({type(error).__name__})",
            code="rules_failed",
            kind=type(error).__name__,
        ) from error


@cache
def shipped_classes() -> Classes:
    """The classes that ship."""
    return Classes((EAR / CLASSES).read_text(encoding="utf-8"))


def read(path: Path) -> Hearing:
    """What was learnt, from its safetensors file; read by hand, as that needs no library."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + size])
    about = json.loads(head["__metadata__"]["ear"])

    def tensor(name: str) -> memoryview:
        start, end = head[name]["data_offsets"]
        return memoryview(data)[8 + size + start : 8 + size + end].cast("b")

    weights, kinds = tensor("weights"), tensor("kinds")
    names = tuple(about["kinds"])
    if len(weights) != BUCKETS or len(kinds) != len(names) * KIND_BUCKETS:
        raise ValueError("the ear's weights have another size")
    parts = tuple(kinds[n * KIND_BUCKETS : (n + 1) * KIND_BUCKETS] for n in range(len(names)))
    return Hearing(weights, about["scale"], about["bias"], names, parts, tuple(about["kind_bias"]))


def features(folded: str, classes: Classes) -> Heard:
    """What the ear hears of a folded text: runs of up to three tokens, as they are and with
    classes for words, and pairs of classes that stand near each other."""
    ids, tokens, borders = _read(folded)
    buckets: list[int] = []
    begins: list[int] = []
    last = max(len(tokens) - 1, 0)
    add_runs(ids, range(-1, len(ids) - 1), last, 0, buckets, begins)
    general, places = _generalised(ids, tokens, folded, classes)
    add_runs(general, places, last, _GENERAL, buckets, begins)
    for begin, pairs in _pairs(general, places, last):
        buckets += map(apart, pairs)
        begins += [begin] * len(pairs)
    clauses = _clauses(0, len(tokens), borders) if tokens else []
    again = {place for one in _repeated(folded, tokens, clauses) for place in range(*one)}
    if again:
        kept = [number for number, begin in enumerate(begins) if begin not in again]
        buckets, begins = [buckets[one] for one in kept], [begins[one] for one in kept]
    return Heard(buckets, begins, tokens, borders)


def _read(folded: str) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """The tokens of a folded text as numbers, between borders; where they stand; the borders."""
    ids: list[int] = [_BORDER]
    tokens: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(folded):
        token = match[0]
        start, end = match.span()
        if "\u3400" <= token[0] <= "\u9fff":
            ids += map(ord, token)
            tokens += zip(range(start, end), range(start + 1, end + 1), strict=True)
            continue
        if token[0].isdigit():
            ids.append(int(token) + _HOTLINE if len(token) in (3, 5) else _NUMBER)
        elif token[0] >= "\u3400":
            ids.append(ord(token))
        elif token[0].isalpha():
            ids.append(_word(token))
        elif ids[-1] == _BORDER:
            continue
        else:
            ids.append(_BORDER)
        tokens.append((start, end))
    if tokens and ids[-1] == _BORDER:
        tokens.pop()
    else:
        ids.append(_BORDER)
    borders = [place for place, number in enumerate(ids[1:-1]) if number == _BORDER]
    return ids, tokens, borders


def _pairs(
    ids: Sequence[int], places: Sequence[int], last: int
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The pairs of classes, in their order, by the token that they begin with."""
    held = [(at, number) for at, number in enumerate(ids) if FIRST_CLASS <= number < PAST_CLASSES]
    for place, (at, number) in enumerate(held):
        near = held[place + 1 : place + 1 + _REACH]
        if near:
            begin = min(max(places[at], 0), last)
            yield begin, [(number, after) for other, after in near if other - at <= _REACH]


def _generalised(
    ids: Sequence[int], tokens: Sequence[tuple[int, int]], folded: str, classes: Classes
) -> tuple[list[int], list[int]]:
    """The tokens with classes in the place of words, and where each stood."""
    general: list[int] = []
    places: list[int] = []
    starts = [start for start, _ in tokens]
    done = -1
    for start, end, number in classes.find(folded):
        first = bisect_left(starts, start)
        general += ids[done + 1 : first + 1]
        places += range(done, first)
        general.append(number)
        places.append(first)
        done = bisect_left(starts, end, first)
    general += ids[done + 1 :]
    places += range(done, len(tokens) + 1)
    return general, places


def _passages(size: int, borders: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The passages of so many tokens: some clauses each, every clause in one with what follows."""
    if size <= PASSAGE:
        yield 0, size
        return
    done = 0
    first = 0
    while first < size:
        last = min(first + PASSAGE, size)
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
        first = min(following, first + _STEP) if following - first > PASSAGE else following


def _clauses(first: int, last: int, borders: Sequence[int]) -> list[tuple[int, int]]:
    """The clauses of a passage, without the signs between them."""
    found: list[tuple[int, int]] = []
    begin = first
    for border in (*borders[bisect_left(borders, first) : bisect_left(borders, last)], last):
        if border > begin:
            found.append((begin, border))
        begin = border + 1
    return found or [(first, last)]


def _repeated(
    folded: str, tokens: Sequence[tuple[int, int]], clauses: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The clauses that stood shortly before, within what is heard at once."""
    counted: dict[str, int] = {}
    for begin, end in clauses:
        said = folded[tokens[begin][0] : tokens[end - 1][1]]
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


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
