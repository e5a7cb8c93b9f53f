"""Verbatim or free: both modes over the same cases, and which of them the figures speak for."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.evaluation.figures import (
    ANSWERABLE,
    Interval,
    Share,
    broken,
    chosen_slices,
    paired_interval,
    share,
)
from engine.evaluation.results import Result
from engine.model_card import Mode, ModeEvidence

MODES: tuple[Mode, ...] = ("verbatim", "free")


class ModeFigure(Struct, frozen=True):
    """The share of the cases `name` that each mode solves, `gain` being free − verbatim.

    `broken` are the drafts whose text is not whole, `unfounded` those with a stretch that stands
    in no evidence; of all drafts of the mode.
    """

    name: str
    n: int
    solved: dict[Mode, float]
    gain: Interval
    broken: dict[Mode, Share]
    unfounded: dict[Mode, Share]


def of_mode(results: Sequence[Result], mode: Mode) -> list[Result]:
    """The results in that mode."""
    return [result for result in results if result.mode == mode]


def compared(results: Sequence[Result]) -> list[ModeFigure]:
    """Both modes side by side, in all slices; none where only one of them was run."""
    both = {mode: of_mode(results, mode) for mode in MODES}
    if not all(both.values()):
        return []
    parts = {mode: dict(chosen_slices(both[mode])) for mode in MODES}
    return [
        _figure(name, {mode: parts[mode][name] for mode in MODES}) for name in parts["verbatim"]
    ]


def favoured(results: Sequence[Result]) -> Mode | None:
    """The mode that the cases with an answer speak for; None when there are none in both modes.

    Free only where it solves more of them by a margin whose interval leaves out nought: else each
    sentence had better be one that somebody approved.
    """
    figures = {figure.name: figure for figure in compared(results)}
    if ANSWERABLE not in figures:
        return None
    return "free" if figures[ANSWERABLE].gain.low > 0 else "verbatim"


def evidence(results: Sequence[Result], model: str, day: str) -> ModeEvidence | None:
    """What a model's card says of `results`; `model` is its fingerprint, `day` an ISO date."""
    mode = favoured(results)
    if mode is None:
        return None
    figure = next(one for one in compared(results) if one.name == ANSWERABLE)
    solved, gain = figure.solved, figure.gain
    return ModeEvidence(
        mode, model, day, figure.n, solved["verbatim"], solved["free"], gain.low, gain.high
    )


def _figure(name: str, parts: dict[Mode, list[Result]]) -> ModeFigure:
    solved = {mode: [float(one.solved) for one in part] for mode, part in parts.items()}
    drafted = {
        mode: [one for one in part if one.status == "drafted"] for mode, part in parts.items()
    }
    return ModeFigure(
        name=name,
        n=len(parts["verbatim"]),
        solved={mode: share(one.solved for one in part) for mode, part in parts.items()},
        gain=paired_interval(solved["free"], solved["verbatim"]),
        broken={mode: broken(part) for mode, part in parts.items()},
        unfounded={
            mode: Share(sum(bool(one.unsupported) for one in part), len(part))
            for mode, part in drafted.items()
        },
    )
