"""`zuoxi demo --headless` from outside: what it says, what it leaves, and what it never touches."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest


def demo(python: str, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # As where nobody named a platform; the demo needs none.
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    return subprocess.run(
        [python, "-m", "engine.cli", "demo", "--headless", "--out", str(out), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.slow
def test_the_demo_serves_customers_and_leaves_its_record(python: str, tmp_path: Path) -> None:
    done = demo(python, tmp_path / "record", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["conversations"] >= 10
    assert summary["drafted"] >= 6
    assert summary["abstained"] >= 1
    assert summary["handover"] >= 1
    assert summary["undone"] == 1
    assert set(summary["decisions"]) >= {"accepted", "edited", "rewritten", "rejected"}
    out = tmp_path / "record"
    assert len(summary["pictures"]) >= 18
    for name in summary["pictures"]:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    looks = {"-".join(Path(name).stem.split("-")[-2:]) for name in summary["pictures"]}
    assert looks == {"zh-light", "zh-dark", "en-dark", "en-light"}
    steps = [
        json.loads(line) for line in (out / "transcript.jsonl").read_text("utf-8").splitlines()
    ]
    assert [step["did"] for step in steps if step["customer"] == "赵先生"] == ["handed_over"]
    drafted = [step for step in steps if step["draft"] and step["draft"]["status"] == "drafted"]
    assert all(step["draft"]["evidence"] for step in drafted)
    assert any(step["answer"] for step in steps)
    page = (out / "transcript.md").read_text("utf-8")
    assert all(name in page for name in summary["pictures"])


def test_the_demo_leaves_a_folder_alone_that_it_did_not_make(python: str, tmp_path: Path) -> None:
    mine = tmp_path / "data" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep me", "utf-8")
    done = demo(python, tmp_path, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "demo_foreign"
    assert len(done.stderr.strip().splitlines()) == 1
    assert mine.read_text("utf-8") == "keep me"


def test_the_demo_says_in_one_line_that_it_cannot_write(python: str, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    done = demo(python, blocked)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
