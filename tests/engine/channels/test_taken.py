from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import texts
from engine.channels.taken import Taken, TakenFile
from engine.errors import StoreError

ANYTHING = st.text(max_size=20)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), ANYTHING), max_size=12), st.data())
def test_a_key_is_taken_once_wherever_a_crash_cuts_the_file(
    messages: list[tuple[str, str]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "taken.jsonl"
        file = TakenFile(path)
        known: list[str] = []
        for key, text in messages:
            clean = text.encode("utf-8", "replace").decode()
            assert file.take(Taken(key, "c", clean, 1.0)) == (key not in known)
            known += [key] if key not in known else []
        whole = path.read_bytes() if path.exists() else b""
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        again = TakenFile(path)
        kept = [one.key for one in again.all()]
        assert kept == known[: len(kept)]
        assert len(kept) == whole[:cut].count(b"\n")
        for key in known:
            again.take(Taken(key, "c", "x", 2.0))
        assert [one.key for one in TakenFile(path).all()] == known


def test_a_damaged_line_hides_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "taken.jsonl"
    file = TakenFile(path)
    for key in ("a", "b", "c"):
        file.take(Taken(key, "one", "您好", 1.0))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xff{{\n" + lines[2])
    assert [one.key for one in TakenFile(path).all()] == ["a", "c"]


def test_a_file_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "taken.jsonl").mkdir()
    with pytest.raises(StoreError) as caught:
        TakenFile(tmp_path / "taken.jsonl")
    assert caught.value.code == "channel_file"
    for language in ("zh", "en"):
        assert texts.explain(caught.value, language)
