"""Measures run in their own process; whatever happens to one, the others go on."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from engine.bench.runner import measure_all
from engine.bench.suite import MEASURES, Measure, choose
from engine.bench.synthetic import SECTIONS, questions, write_documents
from engine.cli import main
from engine.errors import InputError
from engine.knowledge.documents import read_document
from engine.knowledge.passages import passages
from engine.paths import data_folder
from engine.settings import Settings, engine_config

_FATES = """
    import os, pathlib, signal, time
    from engine.bench.figures import measured

    def well(bench):
        (bench.folder / "scratch").write_text("x")
        pathlib.Path({seen!r}).write_text(str(bench.folder))
        print("must not reach stdout")
        return [measured("well", 1.0, "ms"), measured("unasked", 1.0, "ms")]

    def raises(bench):
        raise RuntimeError("broken on purpose")

    def crashes(bench):
        os.kill(os.getpid(), signal.SIGABRT)

    def hangs(bench):
        time.sleep(600)
"""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen"


@pytest.fixture
def fates(tmp_path: Path, seen: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with a measure for each fate, which the measuring process can import too."""
    source = textwrap.dedent(_FATES).replace("{seen!r}", repr(str(seen)))
    (tmp_path / "bench_fates.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("bench_fates")
    del sys.modules["bench_fates"]


def run_measures(measures: list[Measure], folder: Path, seconds: float = 60):
    config = engine_config(data_folder(folder), Settings())
    return list(measure_all(measures, config, "en", seconds=seconds))


def test_a_failure_a_crash_and_a_hang_each_cost_one_figure(
    fates: ModuleType, seen: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    measures = [
        Measure(("raises",), fates.raises),
        Measure(("crashes", "crashes.too"), fates.crashes),
        Measure(("hangs",), fates.hangs, seconds=0.5),
        Measure(("well",), fates.well),
    ]
    figures = run_measures(measures, tmp_path / "data")
    assert [figure.name for figure in figures] == [
        "raises",
        "crashes",
        "crashes.too",
        "hangs",
        "well",
    ]
    errors = [figure.error or "" for figure in figures]
    assert "RuntimeError: broken on purpose" in errors[0]
    assert "SIGABRT" in errors[1]
    assert errors[1] == errors[2]
    assert "stopped" in errors[3]
    assert (figures[4].value, figures[4].error) == (1.0, None)
    assert capfd.readouterr().out == ""
    assert not Path(seen.read_text()).exists(), "the temporary folder is gone"
    assert not (tmp_path / "data").exists(), "nothing was written to the data folder"


def test_when_the_time_for_all_is_up_the_rest_says_so(fates: ModuleType, tmp_path: Path) -> None:
    measures = [Measure(("well",), fates.well), Measure(("hangs",), fates.hangs)]
    figures = run_measures(measures, tmp_path, seconds=0)
    assert [figure.value for figure in figures] == [None, None]
    assert all("--only" in (figure.error or "") for figure in figures)


def test_only_takes_a_prefix_and_keeps_the_order() -> None:
    assert [measure.figures for measure in choose("store")] == [
        ("store.decision",),
        ("store.page",),
    ]
    assert [measure.figures for measure in choose("desk.mem")] == [("desk.memory",)]
    assert choose("", full=True) == list(MEASURES)
    quick = choose("")
    assert [measure for measure in MEASURES if not measure.long] == quick
    assert all(measure.long for measure in choose("real_size")), "by name without --full too"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"redline, redline\.false_alarms"):
        choose("nonsense")


def test_the_command_refuses_an_unknown_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["bench", "--only", "nonsense", "--json", "--data", str(tmp_path / "data")])
    captured = capsys.readouterr()
    assert status == 1
    assert json.loads(captured.out)["error"]["code"] == "bench_unknown"
    assert "nonsense" in captured.err


def test_the_command_measures_the_red_line_for_real(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    name = "redline.handovers.development"
    assert main(["bench", "--only", name, "--json", "--data", str(data)]) == 0
    answer = json.loads(capfd.readouterr().out)
    (figure,) = answer["figures"]
    assert (figure["name"], figure["unit"], figure["error"]) == (name, "%", None)
    assert figure["value"] > 0
    assert figure["peer_value"] > 0
    assert figure["ratio"] == pytest.approx(figure["value"] / figure["peer_value"], rel=0.01)
    assert figure["holds"] is True
    assert answer["machine"]["cores"] >= 1
    assert not data.exists()


def test_the_command_writes_the_page_in_the_language_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "bench.md"
    command = ["bench", "--only", "store.page", "--language", "en", "--write", str(page)]
    assert main([*command, "--data", str(tmp_path / "data")]) == 0
    content = page.read_text("utf-8")
    assert content.startswith("# Benchmark\n")
    assert capfd.readouterr().out.strip() in content
    assert "| One page of the queue `store.page` |" in content
    assert "0 of the 0 figures" in content


def test_a_page_that_cannot_be_written_is_an_error_in_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    page = str(tmp_path / "file" / "bench.md")
    data = str(tmp_path / "data")
    assert main(["bench", "--only", "store.page", "--write", page, "--data", data]) == 1
    captured = capfd.readouterr()
    assert "bench.md cannot be written" in captured.err or "bench.md（" in captured.err
    assert "`store.page`" in captured.out, "what was measured is not lost"
    assert main(["bench", "--only", "store.page", "--language", "fr", "--data", data]) == 2


def test_made_up_policies_are_the_same_each_time_and_varied(tmp_path: Path) -> None:
    first, second = write_documents(tmp_path / "a", 5), write_documents(tmp_path / "b", 5)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    found = [one for path in first for one in passages(read_document(path))]
    assert len(found) == 5 * SECTIONS
    assert len({one.text for one in found}) == len(found)
    assert all("{" not in one.text for one in found)
    assert questions(9) == questions(9)
    assert len(set(questions(40))) > 30
