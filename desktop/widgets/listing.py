"""What a sifted list is filled with: a frozen value, no store and no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct


class Listing(Struct, frozen=True):
    """All rows of a list, the newest first, and how many each of its filters lets through.

    `kinds` are the endings of the files that can be imported, with their dots.
    """

    rows: tuple[Any, ...] = ()
    counts: dict[str, int] = {}
    kinds: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[Any], sieve: Any, kinds: Iterable[str] = ()) -> Listing:
        """The listing of these rows in their order, counted by what the class `sieve` can show
        alone."""
        ordered = tuple(rows)
        counts = {one: sum(map(sieve(only=one).lets, ordered)) for one in sieve.onlys()}
        return cls(ordered, counts, tuple(kinds))
