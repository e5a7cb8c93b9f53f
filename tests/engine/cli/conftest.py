from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from engine import paths, settings
from engine.cli import main
from engine.paths import DataFolder
from engine.settings import Settings

ROOT = Path(__file__).parents[3]


class Said(Struct):
    """What one call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """Every line of stdout as JSON: it must hold nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def one(self) -> Any:
        """The one JSON object on stdout."""
        (value,) = self.objects
        return value

    def refused(self, code: str, *, exit_code: int = 1) -> str:
        """The one line of an explained failure."""
        assert self.code == exit_code, self
        assert "Traceback" not in self.out + self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        if self.out:
            error = self.objects[-1]["error"]
            assert (error["code"], error["message"]) == (code, lines[0])
        return lines[0]


Zuoxi = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def zuoxi(
    folder: DataFolder,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rules_folder: Path,
    hashed_folder: Path,
) -> Zuoxi:
    """Calls the command line in this process, over a data folder of its own and small rules."""
    monkeypatch.setattr(paths, "RULES", rules_folder)
    monkeypatch.setattr(paths, "STARTER_EMBEDDER", hashed_folder)
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
