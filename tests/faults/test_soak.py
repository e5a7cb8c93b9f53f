"""The soak in a minute, faster than life: it finds what leaks with every message, thread by thread.

The half hour is for people and `make faults`: ``python tests/faults/soak.py --minutes 30``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from soak import fit, soak


def test_the_slope_is_that_of_the_straight_line() -> None:
    assert fit([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert fit([0, 1, 2], [3, 3, 3]) == pytest.approx(0)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_a_working_desk_keeps_to_its_memory_threads_and_files(
    tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    whole = rounds(30)  # minutes
    minutes = float(whole) if whole >= 10 else 0.75
    per_minute = 40 if minutes < 5 else 10
    verdict = soak(minutes, per_minute, tmp_path / "soak")
    print(verdict.status, verdict.slopes)
    assert verdict.faults == ()
    status = verdict.status
    assert len(verdict.samples) >= 15
    assert set(status["decisions"]) >= {"accepted", "edited"}
    assert status["drafted"] > status["arrived"] / 3
    assert status["imports"] >= (1 if minutes < 5 else 3)
    assert status["opened"] > 10
