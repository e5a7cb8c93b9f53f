"""Measuring in turn, so that what else the machine does falls on all sides alike."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import TypeVar

Measurement = Callable[[], float]
Item = TypeVar("Item")


def interleaved(*calls: Measurement, rounds: int, seconds: float) -> list[list[float]]:
    """What each of `calls` returned in up to `rounds` rounds, one list for each call.

    Within a round they take turns, in one order and the next time in the other. No round begins
    after `seconds`; one is always made.
    """
    results: list[list[float]] = [[] for _ in calls]
    until = time.perf_counter() + seconds
    for number in range(rounds):
        if number and time.perf_counter() >= until:
            break
        order = range(len(calls)) if number % 2 == 0 else reversed(range(len(calls)))
        for place in order:
            results[place].append(calls[place]())
    return results


def medians(*calls: Measurement, rounds: int, seconds: float) -> list[float]:
    """The median of each list that `interleaved` returns."""
    return [median(values) for values in interleaved(*calls, rounds=rounds, seconds=seconds)]


def timed(call: Callable[[], object]) -> Measurement:
    """`call` as a measurement: the seconds it takes."""

    def measure() -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return measure


def over(items: Iterable[Item], call: Callable[[Item], object]) -> Measurement:
    """The seconds that `call` takes for the next of `items`, which are gone through in circles."""

    def seconds(item: Item) -> float:
        began = time.perf_counter()
        call(item)
        return time.perf_counter() - began

    return over_each(items, seconds)


def over_each(items: Iterable[Item], measure: Callable[[Item], float]) -> Measurement:
    """What `measure` returns for the next of `items`, which are gone through in circles."""
    following = itertools.cycle(items)
    return lambda: measure(next(following))
