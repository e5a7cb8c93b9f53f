"""How often rules fire where they must, and where they must not, on sentences written by hand.

The sentences lie beside the packs, in two halves. The rules are worked on with `development` before
one's eyes; `held_out` is looked at by nobody who changes a rule, and is what the figures are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.records import Side
from engine.redline.gate import STOPPING, Gate

Half = Literal["development", "held_out"]
HALVES: tuple[Half, ...] = ("development", "held_out")
_ORDINARY: tuple[tuple[str, Side], ...] = (
    ("customers", "customer"),
    ("replies", "agent"),
)
_LOOKALIKES: tuple[tuple[str, Side], ...] = (
    ("lookalikes", "customer"),
    ("reply_lookalikes", "agent"),
)


class Share(Struct, frozen=True):
    """`found` of `all` sentences, and those where it went wrong."""

    found: int
    all: int
    wrong: tuple[str, ...] = ()

    @property
    def percent(self) -> float:
        """How many per cent were found; 0 of none."""
        return 100 * self.found / self.all if self.all else 0.0


class Quality(Struct, frozen=True):
    """What rules do on one half.

    `false_alarms`: ordinary sentences of both sides, those that only look bad (`lookalikes`)
    among them, that are kept back or handed over. `handovers`: what must be handed over and is.
    `wrong_handovers`: near misses that are handed over.
    """

    false_alarms: Share
    lookalikes: Share
    handovers: Share
    wrong_handovers: Share


def quality(gate: Gate, folder: Path, half: Half) -> Quality:
    """How the rules do on the sentences of `half` in `folder`. Raises `OSError`, `RuleError`."""

    def stops(sentence: str, side: Side) -> bool:
        return gate.screen(sentence, side).action in STOPPING

    return quality_of(stops, folder / half)


def quality_of(stops: Callable[[str, Side], bool], folder: Path) -> Quality:
    """The same for anything that says of a sentence and its side whether to stop it."""
    plain = _stopped(stops, folder, _ORDINARY)
    alike = _stopped(stops, folder, _LOOKALIKES)
    near = _stopped(stops, folder, (("near_misses", "customer"),))
    due = sentences(folder / "handover.txt")
    missed = tuple(sentence for sentence in due if not stops(sentence, "customer"))
    return Quality(
        Share(plain.found + alike.found, plain.all + alike.all, plain.wrong + alike.wrong),
        alike,
        Share(len(due) - len(missed), len(due), missed),
        near,
    )


def sentences(path: Path) -> list[str]:
    """The sentences of a file, one a line."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _stopped(
    stops: Callable[[str, Side], bool], folder: Path, files: tuple[tuple[str, Side], ...]
) -> Share:
    every = [(one, side) for name, side in files for one in sentences(folder / f"{name}.txt")]
    wrong = tuple(one for one, side in every if stops(one, side))
    return Share(len(wrong), len(every), wrong)
