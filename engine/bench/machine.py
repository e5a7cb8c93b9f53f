"""The machine that the figures were measured on: without it they say little."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from engine import __version__
from engine.protocol import EngineConfig


class Machine(Struct, frozen=True):
    """Hardware, system, libraries and models. `memory` is in GiB, `load` of the last minute.

    `commit` is that of the source this runs from, with a ``+`` when files were changed since; "-"
    where there is none.
    """

    cpu: str
    cores: int
    threads: int
    memory: float
    load: float
    os: str
    python: str
    zuoxi: str
    commit: str
    llama_cpp: str = msgspec.field(name="llama.cpp")
    lancedb: str
    torch: str
    pyside: str
    model: str
    embedder: str
    measured: str


def this_machine(config: EngineConfig) -> Machine:
    """The machine this runs on, with the models of `config`."""
    logical = psutil.cpu_count() or 1
    return Machine(
        cpu=_cpu(),
        cores=psutil.cpu_count(logical=False) or logical,
        threads=logical,
        memory=round(psutil.virtual_memory().total / 2**30, 1),
        load=round(psutil.getloadavg()[0], 2),
        os=platform.platform(aliased=True, terse=True),
        python=platform.python_version(),
        zuoxi=__version__,
        commit=_commit(),
        llama_cpp=f"llama-cpp-python {_version('llama-cpp-python')}",
        lancedb=_version("lancedb"),
        torch=_version("torch"),
        pyside=_version("PySide6-Essentials"),
        model=Path(config.model).name,
        embedder=Path(config.embedder).name,
        measured=time.strftime("%Y-%m-%d %H:%M"),
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()


def _commit() -> str:
    git = shutil.which("git")
    folder = Path(__file__).parent
    if git is None or not any((parent / ".git").exists() for parent in folder.parents):
        return "-"
    commands = (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "-uno"])
    try:
        head, changes = (
            subprocess.run(
                [git, *command], cwd=folder, capture_output=True, text=True, timeout=20, check=True
            ).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.SubprocessError):
        return "-"
    return f"{head}+" if changes else head


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"
