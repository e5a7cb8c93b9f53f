"""The windows that measures start, each in a process of its own; found without being imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from engine import paths
from engine.bench.workbench import BenchError, Workbench

# The desk is loaded as its own program would load it.
_DESK = """
import sys
from importlib import import_module
module, _, name = sys.argv[1].partition(":")
sys.exit(getattr(import_module(module), name)(*sys.argv[2:]))
"""
_EMPTY = "empty_window.py"


def window_entry(bench: Workbench) -> tuple[str | None, str]:
    """Where the window's side of a measure is found, as ``module:function``; or why it is not."""
    if importlib.util.find_spec("PySide6") is None:
        return None, bench.say("note.no_pyside")
    found = next(iter(entry_points(group="zuoxi.window", name="standing")), None)
    return (found.value, "") if found else (None, bench.say("note.no_window"))


def window_command(entry: str, *arguments: str) -> list[str]:
    """The command that starts the desk of `entry` with `arguments`."""
    return [sys.executable, "-P", "-c", _DESK, entry, *arguments]


def empty_window_command(entry: str) -> list[str]:
    """The command that starts the empty window, a file in the package of `entry`.

    It is run as a file, so that the package itself is not loaded with it. Raises `BenchError` when
    the package is no folder.
    """
    package = importlib.util.find_spec(entry.partition(".")[0])
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise BenchError("The package of the window is not there.", "bench_window", why=entry)
    return [sys.executable, "-P", str(Path(folders[0]) / _EMPTY)]


def window_environment(bench: Workbench) -> dict[str, str]:
    """The environment of a window that is measured: offscreen, with bytecode of its own."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    bytecode = bench.folder / "bytecode"
    environment = {
        **kept,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPYCACHEPREFIX": str(bytecode),
    }
    if not bytecode.exists():
        # An installed program is compiled; what is imported late would be compiled in the window.
        packages = [str(paths.ASSETS.parent / name) for name in ("engine", "desktop")]
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", *packages], env=environment, check=False
        )
    return environment


def last_line(output: bytes) -> str:
    """The last line of what a process wrote, for people."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "?"
