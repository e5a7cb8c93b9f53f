"""What an expression cannot do without: literals of which a text must hold one to match at all.

Most texts hold none of them, so that most expressions need not be tried.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from msgspec import Struct

from engine import compiled
from engine.paths import RULES

_MOST = 96
_MOST_PAIRS = 4000
LONGEST = 8
"""The most characters of a literal."""
_SETS = 2
_KEPT = "expressions"
_PROPERTY = re.compile(r"(?<!\\)((?:\\\\)*)\\[pP](?:\{\^?\w+\}|[A-Z])")
_POSIX = re.compile(r"\[:\^?\w+:\]")


class _Need(Struct, frozen=True):
    """`exact`: all that a part can match, where that is few; else it holds one of `some`, and one
    of each of `also`.
    """

    exact: frozenset[str] | None = None
    some: frozenset[str] | None = None
    also: tuple[frozenset[str], ...] = ()


class Traits(Struct, frozen=True, array_like=True):
    """What is known of an expression without trying it.

    `needs`: sets of literals of each of which every match holds one, the strongest first; none at
    all when none are known. `literals`: the characters that stand for themselves in it, or more.
    `pairs`: the characters that may stand side by side in a match, one pair behind the other.
    """

    needs: tuple[frozenset[str], ...]
    literals: str
    pairs: str


@lru_cache(8192)
def traits(expression: str) -> Traits:
    """What is known of `expression`, worked out once; for those that ship it was kept."""
    return _kept().get(expression) or _worked_out(expression)


def keep_traits(expressions: Iterable[str]) -> None:
    """Keep what is known of the expressions that ship, beside their packs."""
    known = {expression: traits(expression) for expression in expressions}
    compiled.keep(RULES, _KEPT, _sources(), known)


def required(expression: str) -> tuple[frozenset[str], ...]:
    """Sets of literals: every match of `expression` holds one of each. The strongest first."""
    return traits(expression).needs


def literals(expression: str) -> frozenset[str]:
    """All characters that stand for themselves in `expression`; more where it cannot be read."""
    return frozenset(traits(expression).literals)


def pairs(expression: str) -> frozenset[str]:
    """The pairs of characters that may stand side by side in a match; none where it is too much."""
    found = traits(expression).pairs
    return frozenset(map(str.__add__, found[::2], found[1::2]))


@lru_cache(1)
def _kept() -> dict[str, Traits]:
    return compiled.recall(RULES, _KEPT, _sources(), dict[str, Traits]) or {}


def _sources() -> list[bytes]:
    """What the outcome rests on, beside the expression: this program."""
    return [sys.version.encode(), Path(__file__).read_bytes()]


def _worked_out(expression: str) -> Traits:
    try:
        parsed = _parsed(expression)
        found: set[str] = set()
        _follow(parsed, found)
        beside = "".join(sorted(found))
        letters = "".join(sorted(set(_characters(parsed))))
        # "{,3}" is no repetition in RE2, but these very characters.
        odd = parsed.state.flags & re.IGNORECASE or "{," in expression
        need = _Need() if odd else _of(parsed)
    except (re.error, RecursionError, OverflowError, AssertionError):
        # RE2 knows forms that the standard library does not.
        return Traits((), "".join(sorted(set(expression))), "")
    best = _best(need)
    needs = () if best is None else tuple(map(_shortest, (best, *need.also[:_SETS])))
    return Traits(needs, letters, beside)


def _parsed(expression: str) -> Any:
    """What the standard library makes of it, which knows neither properties of Unicode nor named
    classes: each is some kind of character."""
    return _parser.parse(_POSIX.sub(r"\\w", _PROPERTY.sub(r"\1\\w", expression)))


def _follow(nodes: Iterable[Any], found: set[str]) -> tuple[set[str], set[str], bool]:
    """The first and last characters of a sequence, and whether it may be empty."""
    first: set[str] = set()
    last: set[str] = set()
    empty = True
    for node in nodes:
        starts, ends, may = _follow_node(node, found)
        if len(last) * len(starts) <= _MOST_PAIRS:
            found.update(one + other for one in last for other in starts)
        first |= starts if empty else set()
        last = last | ends if may else ends
        empty = empty and may
    return first, last, empty


def _follow_node(node: Any, found: set[str]) -> tuple[set[str], set[str], bool]:
    kind, value = str(node[0]), node[1]
    if kind == "LITERAL":
        return {chr(value)}, {chr(value)}, False
    if kind == "IN":
        some = set(_set_of(value) or ())
        return some, some, False
    if kind == "AT":
        return set(), set(), True
    if kind == "SUBPATTERN":
        return _follow(value[3], found)
    if kind == "BRANCH":
        parts = [_follow(branch, found) for branch in value[1]]
        first = {one for part in parts for one in part[0]}
        last = {one for part in parts for one in part[1]}
        return first, last, any(part[2] for part in parts)
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        first, last, empty = _follow(value[2], found)
        if value[1] > 1 and len(last) * len(first) <= _MOST_PAIRS:
            found.update(one + other for one in last for other in first)
        return first, last, empty or value[0] == 0
    return set(), set(), False


def _of(nodes: Iterable[Any]) -> _Need:
    """The need of a sequence."""
    exact: frozenset[str] | None = frozenset(("",))
    candidates: list[frozenset[str]] = []
    for node in nodes:
        need = _node(node)
        if need.exact is not None and exact is not None:
            longer = (
                frozenset(left + right for left in exact for right in need.exact)
                if len(exact) * len(need.exact) <= _MOST
                else None
            )
            if longer is not None:
                exact = longer
                continue
        if exact is not None:
            candidates.append(exact)
        exact = need.exact
        if need.exact is None:
            if need.some is not None:
                candidates += [need.some, *need.also]
            candidates.append(frozenset(("",)))
            exact = frozenset(("",))
    if exact is not None and not candidates:
        return _Need(exact, _useful(exact))
    if exact is not None:
        candidates.append(exact)
    useful = [found for c in candidates if (found := _useful(c)) is not None]
    useful.sort(key=_weakness)
    return _Need(None, useful[0] if useful else None, tuple(useful[1:]))


def _node(node: Any) -> _Need:
    kind, value = str(node[0]), node[1]
    if kind == "LITERAL":
        return _Need(frozenset((chr(value),)))
    if kind == "IN":
        return _Need(_set_of(value))
    if kind == "AT":
        return _Need(frozenset(("",)))
    if kind == "SUBPATTERN":
        return _Need() if value[1] & re.IGNORECASE else _of(value[3])
    if kind == "BRANCH":
        needs = [_of(branch) for branch in value[1]]
        exacts = [need.exact for need in needs]
        if all(exact is not None for exact in exacts):
            union = frozenset(one for exact in exacts if exact is not None for one in exact)
            if len(union) <= _MOST * 2:
                return _Need(union)
        found = [one for need in needs if (one := _best(need)) is not None]
        if len(found) < len(needs):
            return _Need()
        # A branch that needs nothing else needs the same once more.
        others = [
            need.also[0] if need.also else one for need, one in zip(needs, found, strict=True)
        ]
        also = (frozenset().union(*others),) if any(need.also for need in needs) else ()
        return _Need(None, frozenset().union(*found), also)
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        need = _of(inner)
        if least == 0:
            if most == 1 and need.exact is not None and len(need.exact) < _MOST:
                return _Need(need.exact | {""})
            return _Need()
        if least == most == 1:
            return need
        return _Need(None, _best(need), need.also)
    return _Need()


def _set_of(items: Any) -> frozenset[str] | None:
    found: set[str] = set()
    for item in items:
        if str(item[0]) == "LITERAL":
            found.add(chr(item[1]))
        elif str(item[0]) == "RANGE" and item[1][1] - item[1][0] < 12:
            found.update(chr(point) for point in range(item[1][0], item[1][1] + 1))
        else:
            return None
    return frozenset(found)


def _useful(words: frozenset[str]) -> frozenset[str] | None:
    return words if words and "" not in words else None


def _best(need: _Need) -> frozenset[str] | None:
    options = [need.some, _useful(need.exact) if need.exact is not None else None]
    return min((one for one in options if one is not None), key=_weakness, default=None)


def _shortest(words: frozenset[str]) -> frozenset[str]:
    """The beginnings of `words`, without those that hold another: where they stand it does, too."""
    cut = {word[:LONGEST] for word in words}
    return frozenset(
        word
        for word in cut
        if not any(
            word[start:end] in cut
            for start in range(len(word))
            for end in range(start + 1, len(word) + 1)
            if end - start < len(word)
        )
    )


def _weakness(words: frozenset[str]) -> tuple[int, int]:
    return -min(4, *(len(word) for word in words)), len(words)


def _characters(nodes: Iterable[Any]) -> Iterable[str]:
    for node in nodes:
        kind, value = str(node[0]), node[1]
        if kind == "LITERAL":
            yield chr(value)
        elif kind == "IN":
            yield from (chr(item[1]) for item in value if str(item[0]) == "LITERAL")
        elif kind == "SUBPATTERN":
            yield from _characters(value[3])
        elif kind == "BRANCH":
            for branch in value[1]:
                yield from _characters(branch)
        elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
            yield from _characters(value[2])
