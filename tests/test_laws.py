"""The laws of ARCHITECTURE.md that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "lancedb",
    "llama_cpp",
    "pandas",
    "pyarrow",
)


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_go_downward_only_and_the_engine_knows_no_window() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_the_desk_builds_on_loads_nothing_heavy() -> None:
    modules = (
        "engine.client, engine.deciding, engine.reception, engine.store.store, "
        "engine.channels.replay, engine.knowledge.job, engine.knowledge.catalogue"
    )
    heavy = python(f"import sys, {modules}\nprint([m for m in {HEAVY} if m in sys.modules])")
    assert heavy.strip() == "[]"


def test_nothing_but_the_command_line_knows_of_commands() -> None:
    for path in (ROOT / "engine").rglob("*.py"):
        if "cli" not in path.parts:
            assert "import typer" not in path.read_text("utf-8"), path


def test_no_module_is_called_utils_or_misc() -> None:
    names = {path.stem for folder in ("engine", "desktop") for path in (ROOT / folder).rglob("*")}
    assert not names & {"utils", "util", "misc", "helpers", "common", "managers"}


def test_files_have_one_reason_to_exist() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder in ("engine", "desktop", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    ]
    assert long == []


def test_every_dependency_that_is_shipped_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    loose = [name for name in project["dependencies"] if not re.search(r"==|<", name)]
    assert loose == []
