"""How often rules fire where they must, and where they must not, on sentences written by hand.

The sentences lie beside the packs, in two halves. The rules are worked on with `development` before
one's eyes; `held_out` is looked at by nobody who changes a rule, and is what the figures are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.records import Side
from engine.redline.gate import STOPPING, Gate

Half = Literal["development", "held_out"]
HALVES: tuple[Half, ...] = ("development", "held_out")


class Share(Struct, frozen=True):
    """`found` of `all` sentences, and those where it went wrong."""

    found: int
    all: int
    wrong: tuple[str, ...] = ()

    @property
    def percent(self) -> float:
        """How many per cent were found; 0 of none."""
        return 100 * self.found / self.all if self.all else 0.0

    def __add__(self, other: Share) -> Share:
        return Share(self.found + other.found, self.all + other.all, self.wrong + other.wrong)


class Quality(Struct, frozen=True):
    """What rules do on one half.

    `false_alarms`: ordinary sentences of both sides, those that only look bad (`lookalikes`)
    among them, that are kept back or handed over. `handovers`: what must be handed over and is.
    `wrong_handovers`: near misses that are handed over. `blocks`, `wrong_blocks`: the same of
    replies that must not leave, and of those that only sound like one.
    """

    false_alarms: Share
    lookalikes: Share
    handovers: Share
    wrong_handovers: Share
    blocks: Share
    wrong_blocks: Share


def quality(gate: Gate, folder: Path, half: Half) -> Quality:
    """How the rules do on the sentences of `half` in `folder`. Raises `OSError`, `RuleError`.

    A file that is not there counts for nothing.
    """

    def stops(sentence: str, side: Side) -> bool:
        return gate.screen(sentence, side).action in STOPPING

    return quality_of(stops, folder / half)


def quality_of(stops: Callable[[str, Side], bool], folder: Path) -> Quality:
    """The same for anything that says of a sentence and its side whether to stop it."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)

    def stopped(side: Side, *names: str) -> Share:
        every = _all_of(folder, names)
        wrong = tuple(one for one in every if stops(one, side))
        return Share(len(wrong), len(every), wrong)

    def found(side: Side, *names: str) -> Share:
        every = _all_of(folder, names)
        missed = tuple(one for one in every if not stops(one, side))
        return Share(len(every) - len(missed), len(every), missed)

    asked, answered = stopped("customer", "customers"), stopped("agent", "replies")
    alike = stopped("customer", "lookalikes") + stopped("agent", "reply_lookalikes")
    return Quality(
        asked + answered + alike,
        alike,
        found("customer", "handover"),
        stopped("customer", "near_misses"),
        found("agent", "replies_bad", "agent/[!n]*"),
        stopped("agent", "reply_near_misses", "agent/nothing_*"),
    )


def sentences(path: Path) -> list[str]:
    """The sentences of a file, one a line."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _all_of(folder: Path, names: Sequence[str]) -> list[str]:
    files = (path for name in names for path in sorted(folder.glob(f"{name}.txt")))
    return [sentence for path in files for sentence in sentences(path)]
