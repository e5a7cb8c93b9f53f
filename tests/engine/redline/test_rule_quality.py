"""How often the shipped rules are right, on sentences written by hand.

The bounds of the held-out half are what was measured, a little aside: they keep the rules from
getting worse. What is aimed at stands in the bench (`redline.handovers.held_out` and others).
"""

from __future__ import annotations

import pytest

from engine.paths import RULES
from engine.redline.gate import Gate
from engine.redline.quality import HALVES, Quality, quality, sentences
from engine.redline.rules import load_rules

SENTENCES = RULES / "sentences"


@pytest.fixture(scope="module")
def found() -> dict[str, Quality]:
    gate = Gate(load_rules(RULES))
    return {half: quality(gate, SENTENCES, half) for half in HALVES}


def test_there_are_enough_sentences_and_none_is_in_both_halves(found: dict[str, Quality]) -> None:
    assert sum(one.false_alarms.all for one in found.values()) >= 2000
    assert sum(one.lookalikes.all for one in found.values()) >= 500
    assert sum(one.handovers.all for one in found.values()) >= 300
    assert sum(one.wrong_handovers.all for one in found.values()) >= 300
    seen, held = (
        {line for file in (SENTENCES / half).rglob("*.txt") for line in sentences(file)}
        for half in HALVES
    )
    both = len(seen & held)
    assert both == 0


def test_ordinary_talk_is_not_stopped(found: dict[str, Quality]) -> None:
    assert found["development"].false_alarms.percent <= 0.5, found["development"].false_alarms.wrong
    # Of the held-out half a failure shows the number alone: nobody who reads it is to learn more.
    # It should be 0.5: who knows more of what is grave finds more in what only looks it.
    held_out = found["held_out"].false_alarms.percent
    assert held_out <= 0.8


def test_what_must_be_handed_over_is(found: dict[str, Quality]) -> None:
    assert found["development"].handovers.percent >= 98, found["development"].handovers.wrong
    held_out = found["held_out"].handovers.percent
    assert held_out >= 83


def test_near_misses_are_not_handed_over(found: dict[str, Quality]) -> None:
    development = found["development"].wrong_handovers
    assert development.percent <= 2, development.wrong
    held_out = found["held_out"].wrong_handovers.percent
    assert held_out <= 4
