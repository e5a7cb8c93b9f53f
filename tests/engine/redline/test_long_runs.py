"""A run of letters without end is read as pinyin like a short one, and nothing new is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rules import made

from engine.redline.characters import characters, syllables
from engine.redline.matching import Matcher
from engine.redline.normalise import fold
from engine.redline.schema import Match
from engine.redline.view import Restored, Source

NAMES = sorted(name for name in characters().codes if name.isalpha())


def spelled(letters: str) -> list[tuple[str, int, int]]:
    return [(one.code, one.start, one.end) for one in syllables(letters) or ()]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), st.integers(0, 5))
def test_a_run_of_any_length_is_read_like_a_short_one(names: list[str], shift: int) -> None:
    piece = "'".join(names) + "'"
    times = 40_000 // len(piece)
    before = "'".join(["ba"] * shift) + "'" if shift else ""
    once = spelled(piece)
    assert "".join(code for code, _, _ in once) == "".join(characters().codes[n] for n in names)
    found = spelled(before + piece * times)[shift:]
    assert found == [
        (code, len(before) + start + n * len(piece), len(before) + end + n * len(piece))
        for n in range(times)
        for code, start, end in once
    ]


@pytest.mark.parametrize("letters", ["x" * 40_000, "a" * 20_000 + "x" + "a" * 20_000])
def test_a_run_with_a_letter_too_many_is_no_pinyin(letters: str) -> None:
    assert syllables(letters) is None


@pytest.mark.parametrize("size", [0, 1, 7, 8_186, 8_190, 8_192, 20_000])
def test_what_a_long_run_hides_is_found_where_it_stands(size: int) -> None:
    rule = made(Match(words=("保本保息",)), level="L4")
    text = "ba" * size + "baobenbaoxi" + "ba" * size
    [hit] = Matcher([rule]).find(fold(text).text)
    assert (hit.start, hit.end, hit.disguised) == (2 * size, 2 * size + 11, True)


@given(st.sets(st.integers(0, 60), max_size=8), st.integers(1, 9))
def test_all_that_is_new_at_seams_is_looked_at(seams: set[int], reach: int) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(61))
    source = Source(range(1, 62), bytes(61))
    sentence = Restored(text, (), False, True, ((0, 61),), source, 0, sorted(seams), ())
    parts = sentence.new(reach)
    for seam in seams:
        begin = max(seam - reach + 1, 0)
        assert any(text[begin : seam + 1 + reach] in part for part in parts)
    assert sum(map(len, parts)) <= 2 * reach * len(seams)
