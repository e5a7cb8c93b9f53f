"""How often the red-line rules are right, beside a plain list of their words."""

from __future__ import annotations

import itertools
from pathlib import Path

import ahocorasick_rs

from engine.bench.figures import Figure, Target, measured
from engine.bench.workbench import BenchError, Workbench
from engine.records import Side
from engine.redline.gate import STOPPING, Gate
from engine.redline.quality import HALVES, Quality, quality, quality_of


def right(bench: Workbench) -> list[Figure]:
    """False alarms, hand-overs and wrong hand-overs, in per cent, on both halves of the sentences.

    The peer is what a filter of sensitive words does: any wording of a rule that stops stops.
    """
    folder = Path(bench.config.rules) / "sentences"
    try:
        ours = {half: quality(bench.gate, folder, half) for half in HALVES}
        theirs = {half: quality_of(_WordList(bench.gate), folder / half) for half in HALVES}
    except OSError as error:
        raise BenchError("The sentences to measure with are missing.", "bench_no_rules") from error
    figures: list[Figure] = []
    for half in HALVES:
        mine, other = ours[half], theirs[half]
        for name, target in (
            ("false_alarms", Target("value", "≤", 0.5)),
            ("handovers", Target("value", "≥", 98.0)),
            ("wrong_handovers", Target("value", "≤", 2.0)),
            ("blocks", None),
            ("wrong_blocks", None),
        ):
            figures.append(
                measured(
                    f"redline.{name}.{half}",
                    _percent(mine, name),
                    "%",
                    peer=bench.say("peer.redline.words"),
                    peer_value=_percent(other, name),
                    target=target,
                    note=bench.say("note.redline.sentences", count=_count(mine, name)),
                )
            )
    return figures


def names() -> tuple[str, ...]:
    """The figures that `right` makes."""
    kinds = ("false_alarms", "handovers", "wrong_handovers", "blocks", "wrong_blocks")
    return tuple(f"redline.{kind}.{half}" for half, kind in itertools.product(HALVES, kinds))


def _percent(found: Quality, name: str) -> float:
    percent: float = getattr(found, name).percent
    return percent


def _count(found: Quality, name: str) -> int:
    count: int = getattr(found, name).all
    return count


class _WordList:
    """Stops whatever holds one of the words of a stopping rule of its side."""

    def __init__(self, gate: Gate) -> None:
        self._words: dict[Side, ahocorasick_rs.AhoCorasick] = {}
        sides: tuple[Side, ...] = ("customer", "agent")
        for side in sides:
            words = {
                word.casefold()
                for rule in gate.rule_set.rules
                if side in rule.sides and rule.action in STOPPING
                for word in rule.match.words
            }
            self._words[side] = ahocorasick_rs.AhoCorasick(sorted(words))

    def __call__(self, sentence: str, side: Side) -> bool:
        return bool(self._words[side].find_matches_as_indexes(sentence.casefold()))
