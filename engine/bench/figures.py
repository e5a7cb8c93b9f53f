"""What a measurement comes to: a value, its peer's, their ratio, and whether the target holds."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct


class Target(Struct, frozen=True):
    """What a figure should be: its `of` (value or ratio) at least or at most `bound`."""

    of: Literal["value", "ratio"]
    sense: Literal["≥", "≤"]
    bound: float

    def holds(self, value: float | None, ratio: float | None) -> bool | None:
        """Whether it is met; None when there is nothing to judge."""
        measured = value if self.of == "value" else ratio
        if measured is None:
            return None
        return measured >= self.bound if self.sense == "≥" else measured <= self.bound

    def __str__(self) -> str:
        return f"{self.of} {self.sense} {self.bound:g}"


class Figure(Struct, frozen=True):
    """One line of the benchmark. `ratio` is `value` ÷ `peer_value`.

    `note` says what a reader must know of it, `error` why it could not be measured. A figure with
    neither a value nor an error was left out, for the reason in `note`.
    """

    name: str
    value: float | None = None
    unit: str = ""
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    target: str | None = None
    holds: bool | None = None
    note: str = ""
    error: str | None = None


def measured(
    name: str,
    value: float,
    unit: str,
    *,
    peer: str | None = None,
    peer_value: float | None = None,
    target: Target | None = None,
    note: str = "",
) -> Figure:
    """The figure for a `value` beside its peer's. What is judged is what was measured, unrounded.

    Without a `peer_value` there is no ratio; a value that is no finite number is an error.
    """
    if not math.isfinite(value) or (peer_value is not None and not math.isfinite(peer_value)):
        raise ValueError(f"{name} is no number: {value}, {peer_value}")
    ratio = value / peer_value if peer_value else None
    return Figure(
        name,
        rounded(value),
        unit,
        peer,
        rounded(peer_value),
        rounded(ratio),
        str(target) if target else None,
        target.holds(value, ratio) if target else None,
        note,
    )


def rounded(value: float | None) -> float | None:
    """`value` with four significant digits."""
    return None if value is None else float(f"{value:.4g}")
