"""How often the shipped rules are right, on sentences written by hand.

The bounds of the held-out half are what was measured, a little aside: they keep the rules from
getting worse. What is aimed at stands in the bench (`redline.handovers.held_out` and others).
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.paths import RULES
from engine.redline.gate import Gate
from engine.redline.quality import HALVES, Quality, quality, sentences
from engine.redline.rules import load_rules

SENTENCES = RULES / "sentences"


@pytest.fixture(scope="module")
def found() -> dict[str, Quality]:
    """Of the held-out half the numbers alone: whoever reads a failure is to learn no more."""
    gate = Gate(load_rules(RULES))
    half = quality(gate, SENTENCES, "held_out")
    shares = {name: replace(getattr(half, name), wrong=()) for name in half.__struct_fields__}
    return {"development": quality(gate, SENTENCES, "development"), "held_out": Quality(**shares)}


def test_there_are_enough_sentences_and_none_is_in_both_halves(found: dict[str, Quality]) -> None:
    assert sum(one.false_alarms.all for one in found.values()) >= 2000
    assert sum(one.lookalikes.all for one in found.values()) >= 500
    assert sum(one.handovers.all for one in found.values()) >= 300
    assert sum(one.wrong_handovers.all for one in found.values()) >= 300
    assert min(one.blocks.all for one in found.values()) >= 300
    assert min(one.wrong_blocks.all for one in found.values()) >= 300
    seen, held = (
        {line for file in (SENTENCES / half).rglob("*.txt") for line in sentences(file)}
        for half in HALVES
    )
    both = len(seen & held)
    assert both == 0


def test_ordinary_talk_is_not_stopped(found: dict[str, Quality]) -> None:
    assert found["development"].false_alarms.percent <= 0.5, found["development"].false_alarms.wrong
    # It should be 0.5: who knows more of what is grave finds more in what only looks it.
    assert found["held_out"].false_alarms.percent <= 0.8


def test_what_must_be_handed_over_is(found: dict[str, Quality]) -> None:
    assert found["development"].handovers.percent >= 98, found["development"].handovers.wrong
    assert found["held_out"].handovers.percent >= 83


def test_near_misses_are_not_handed_over(found: dict[str, Quality]) -> None:
    development = found["development"].wrong_handovers
    assert development.percent <= 2, development.wrong
    assert found["held_out"].wrong_handovers.percent <= 4


def test_what_must_not_be_sent_is_kept_back(found: dict[str, Quality]) -> None:
    assert found["development"].blocks.percent >= 98, found["development"].blocks.wrong
    assert found["held_out"].blocks.percent >= 82


def test_replies_that_only_sound_like_it_are_not(found: dict[str, Quality]) -> None:
    development = found["development"].wrong_blocks
    assert development.percent <= 0.5, development.wrong
    assert found["held_out"].wrong_blocks.percent <= 6
