"""The steps that turn one order of ids into another, few enough to keep a list where it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct


class Remove(Struct, frozen=True):
    """Take out rows `first` to `last`."""

    first: int
    last: int


class Move(Struct, frozen=True):
    """Take row `source` out and put it in so that it comes to stand at `target`."""

    source: int
    target: int


class Insert(Struct, frozen=True):
    """Put in the ids of the new order from `first` to `last`, at those places."""

    first: int
    last: int


Step = Remove | Move | Insert


def steps(old: Sequence[str], new: Sequence[str]) -> list[Step]:
    """What to do, in order, to get from `old` to `new`; both without repetitions."""
    found: list[Step] = []
    wanted = {identity: place for place, identity in enumerate(new)}
    found.extend(_removals(old, wanted))
    kept = [identity for identity in old if identity in wanted]
    found.extend(_moves(kept, wanted))
    found.extend(_insertions(new, set(kept)))
    return found


def _removals(old: Sequence[str], wanted: dict[str, int]) -> list[Step]:
    runs: list[Step] = []
    last = len(old) - 1
    while last >= 0:
        if old[last] in wanted:
            last -= 1
            continue
        first = last
        while first > 0 and old[first - 1] not in wanted:
            first -= 1
        runs.append(Remove(first, last))
        last = first - 1
    return runs


def _moves(kept: list[str], wanted: dict[str, int]) -> list[Step]:
    """Move only those outside the longest run that is in order already."""
    still = _longest_rising([wanted[identity] for identity in kept])
    movers = sorted(
        (identity for place, identity in enumerate(kept) if place not in still),
        key=wanted.__getitem__,
    )
    if not movers:
        return []
    moves: list[Step] = []
    target_order = sorted(kept, key=wanted.__getitem__)
    before = {identity: at for at, identity in enumerate(target_order)}
    current = list(kept)
    for identity in movers:
        source = current.index(identity)
        del current[source]
        place = before[identity]
        target = current.index(target_order[place - 1]) + 1 if place else 0
        current.insert(target, identity)
        if source != target:
            moves.append(Move(source, target))
    return moves


def _insertions(new: Sequence[str], kept: set[str]) -> list[Step]:
    runs: list[Step] = []
    first = 0
    while first < len(new):
        if new[first] in kept:
            first += 1
            continue
        last = first
        while last + 1 < len(new) and new[last + 1] not in kept:
            last += 1
        runs.append(Insert(first, last))
        first = last + 1
    return runs


def _longest_rising(values: Sequence[int]) -> set[int]:
    """The places of a longest strictly rising subsequence."""
    tails: list[int] = []
    places: list[int] = []
    previous = [-1] * len(values)
    for place, value in enumerate(values):
        at = bisect_left(tails, value)
        previous[place] = places[at - 1] if at else -1
        if at == len(tails):
            tails.append(value)
            places.append(place)
        else:
            tails[at] = value
            places[at] = place
    found: set[int] = set()
    place = places[-1] if places else -1
    while place >= 0:
        found.add(place)
        place = previous[place]
    return found
