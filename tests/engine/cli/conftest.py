from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Said

from engine import settings
from engine.cli import main
from engine.paths import DataFolder
from engine.settings import Settings

ROOT = Path(__file__).parents[3]


Zuoxi = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def zuoxi(
    folder: DataFolder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    small_assets: None,
) -> Zuoxi:
    """Calls the command line in this process, over a data folder of its own and small rules."""
    monkeypatch.delenv("ZUOXI_DATA", raising=False)

    def call(*arguments: object, data: Path | None = None) -> Said:
        capfd.readouterr()
        code = main(["--data", str(data or folder.root), *map(str, arguments)])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def real() -> Zuoxi:
    """Calls the command as people start it: in a process of its own."""

    def call(*arguments: str, **environment: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=ROOT,
            env={**os.environ, **environment},
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def quoting(folder: DataFolder, quoting_gguf: Path, hashed_folder: Path) -> DataFolder:
    """The data folder set up with the tiny model."""
    settings.save(
        folder,
        Settings(
            model=str(quoting_gguf),
            embedder=str(hashed_folder),
            threads=1,
            context=2048,
            agent="林",
        ),
    )
    return folder


@pytest.fixture
def informed(quoting: DataFolder, knowledge_folder: Path) -> DataFolder:
    """The same with the company's policies imported."""
    shutil.copytree(knowledge_folder, quoting.knowledge)
    return quoting
