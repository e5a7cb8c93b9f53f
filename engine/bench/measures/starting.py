"""How long until the engine answers, and until the window stands."""

from __future__ import annotations

import importlib.util
import os
import queue
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from statistics import median

from msgspec.structs import replace

from engine.bench.desks import CONVERSATIONS, fill
from engine.bench.figures import Figure, Target, measured
from engine.bench.timing import interleaved, medians, timed
from engine.bench.workbench import BenchError, Workbench
from engine.client import EngineClient
from engine.protocol import EngineFailed, EngineReady, EngineRestarted, Event

_IMPORTS = "import llama_cpp, sentence_transformers"
# The desk is found by its entry point, and loaded as its own program would load it.
_DESK = """
import sys
from importlib import import_module
module, _, name = sys.argv[1].partition(":")
sys.exit(getattr(import_module(module), name)(*sys.argv[2:]))
"""
_EMPTY = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        QTimer.singleShot(0, self.stand)

    def stand(self):
        print("\\n", flush=True)
        sys.stdin.readline()
        QApplication.quit()

app = QApplication([])
window = Window()
window.resize(1440, 900)
window.show()
sys.exit(app.exec())
"""
_PATIENCE = 60.0
_STANDING = Target("ratio", "≤", 2.5)
_MEMORY = Target("value", "≤", 200)


def engine_start(bench: Workbench) -> list[Figure]:
    """From starting the process to its `EngineReady`, beside importing its libraries alone."""
    knowledge = str(bench.sample_knowledge)

    def ours() -> float:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        client = EngineClient(replace(bench.config, knowledge=knowledge), events.put)
        began = time.perf_counter()
        client.start()
        try:
            _await_ready(events)
            return time.perf_counter() - began
        finally:
            client.close()

    bare = timed(lambda: _run([sys.executable, "-P", "-c", _IMPORTS]))
    value, peer = medians(ours, bare, rounds=3, seconds=20)
    return [
        measured("engine.start", value, "s", peer=bench.say("peer.engine_start"), peer_value=peer)
    ]


def desk(bench: Workbench) -> list[Figure]:
    """From starting a process to its first painted conversations, of 10,000; and its memory once
    the first of them is open.

    Beside an empty window of the same size, from starting its process to its first painting. Both
    find their bytecode compiled, as after an installation.
    """
    names = ("desk.standing", "desk.memory")
    entry, reason = window_entry(bench)
    if entry is None:
        return [Figure(name, note=reason) for name in names]
    folder = bench.folder / "desk"
    fill(folder, turns=1)
    commands = {
        "desk": ["-c", _DESK, entry, "standing", str(folder)],
        "empty": ["-c", _EMPTY],
    }
    environment = window_environment(bench)
    memory: dict[str, list[int]] = {kind: [] for kind in commands}
    whole: list[float] = []

    def standing(kind: str) -> float:
        seconds, opened, resident = _window(commands[kind], environment)
        memory[kind].append(resident)
        if kind == "desk":
            whole.append(opened)
        return seconds

    for kind in commands:  # The first time compiles.
        standing(kind)
        memory[kind].clear()
    whole.clear()
    ours, theirs = interleaved(
        lambda: standing("desk"), lambda: standing("empty"), rounds=8, seconds=20
    )
    peer = bench.say("peer.desk")
    return [
        measured(
            "desk.standing",
            median(ours),
            "s",
            peer=peer,
            peer_value=median(theirs),
            target=_STANDING,
            note=bench.say(
                "note.desk_standing",
                conversations=CONVERSATIONS,
                opened=f"{median(whole):.2f}",
            ),
        ),
        measured(
            "desk.memory",
            median(memory["desk"]) / 2**20,
            "MB",
            peer=peer,
            peer_value=median(memory["empty"]) / 2**20,
            target=_MEMORY,
        ),
    ]


def window_entry(bench: Workbench) -> tuple[str | None, str]:
    """Where the window's side of a measure is found, as ``module:function``; or why it is not."""
    if importlib.util.find_spec("PySide6") is None:
        return None, bench.say("note.no_pyside")
    found = next(iter(entry_points(group="zuoxi.window", name="standing")), None)
    return (found.value, "") if found else (None, bench.say("note.no_window"))


def window_environment(bench: Workbench) -> dict[str, str]:
    """The environment of a window that is measured: offscreen, with bytecode of its own."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    bytecode = str(bench.folder / "bytecode")
    return {**kept, "QT_QPA_PLATFORM": "offscreen", "PYTHONPYCACHEPREFIX": bytecode}


def _await_ready(events: queue.SimpleQueue[Event]) -> None:
    until = time.perf_counter() + _PATIENCE
    while True:
        try:
            event = events.get(timeout=max(0.0, until - time.perf_counter()))
        except queue.Empty:
            raise BenchError("The engine was not ready in time.", "bench_engine") from None
        if isinstance(event, EngineReady):
            problem = event.model_error or event.knowledge_error
            if problem:
                raise BenchError(problem, "bench_engine_refused", why=problem)
            return
        if isinstance(event, EngineFailed):
            raise BenchError(event.message, "bench_engine_refused", why=event.message)
        if isinstance(event, EngineRestarted):
            raise BenchError(event.why, "bench_engine_refused", why=event.why)


def _window(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, int]:
    """The seconds until a window said that it stood, and until it said that it is complete; and
    the resident memory of its process then, in bytes."""
    import psutil

    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-P", *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        line = process.stdout.readline()
        complete = time.perf_counter() - began
        resident = psutil.Process(process.pid).memory_info().rss if line else 0
        try:
            _, complaint = process.communicate(b"\n", timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            complaint = b""
    if not line:
        why = last_line(complaint)
        raise BenchError(f"The window did not stand: {why}", "bench_window", why=why)
    return seconds, complete, resident


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    if done.returncode:
        why = last_line(done.stderr)
        raise BenchError(f"The peer failed: {why}", "bench_peer", why=why)


def last_line(output: bytes) -> str:
    """The last line of what a process wrote, for people."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "?"
