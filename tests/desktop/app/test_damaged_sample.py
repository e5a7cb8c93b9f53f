"""A line of the sample's script that cannot be used: the others are played, and it is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from desktop.demo import play
from desktop.session.opening import open_folder
from desktop.session.sample import Sample, read_sample
from engine.paths import RULES, SAMPLE, DataFolder
from engine.texts import explain


@pytest.fixture
def damaged(tmp_path: Path) -> Sample:
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    script = folder / "replay.jsonl"
    script.write_bytes(b"{}\n" + script.read_bytes())
    return read_sample(folder)


def test_the_window_is_told_of_it_when_it_opens(damaged: Sample, tmp_path: Path) -> None:
    assert damaged.script == read_sample().script
    opened = open_folder(DataFolder(tmp_path / "data"), damaged, RULES)
    try:
        assert opened.complaint is not None
        assert "第 1 行" in explain(opened.complaint, "zh")
    finally:
        opened.close()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_demo_without_a_window_ends_with_1_once_all_is_played(
    damaged: Sample,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(play, "read_sample", lambda: damaged)
    monkeypatch.setattr(play, "_run", lambda *_: {"played": True})
    monkeypatch.setattr(play, "summary_line", lambda *_: "played")
    assert play.main(tmp_path / "out", language="zh", json=as_json) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"played": True} if as_json else out == "played\n"
    assert "第 1 行" in err and len(err.splitlines()) == 1
