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

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.bench.figures import Figure, Target, measured
from engine.bench.timing import interleaved, medians, timed
from engine.bench.workbench import BenchError, Workbench
from engine.client import EngineClient
from engine.protocol import EngineFailed, EngineReady, EngineRestarted, Event

_IMPORTS = "import llama_cpp, sentence_transformers"
_WINDOW = """
import sys
from importlib.metadata import entry_points
point, = entry_points(group="zuoxi.window", name="standing")
sys.exit(point.load()(*sys.argv[1:]))
"""
_PATIENCE = 60.0
_STANDING = Target("ratio", "≤", 2.5)
_MEMORY = Target("value", "≤", 200)


class Standing(Struct, frozen=True):
    """What a window says once it stands: the process's resident memory in bytes."""

    memory: int


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
    """From starting a process to its first shown window, and its memory then; offscreen."""
    reason = ""
    if importlib.util.find_spec("PySide6") is None:
        reason = bench.say("note.no_pyside")
    elif not entry_points(group="zuoxi.window", name="standing"):
        reason = bench.say("note.no_window")
    if reason:
        return [Figure("desk.standing", note=reason), Figure("desk.memory", note=reason)]
    memory: dict[str, list[int]] = {"desk": [], "empty": []}

    def standing(kind: str) -> float:
        seconds, said = _window(kind, str(bench.folder / "desk"))
        memory[kind].append(said.memory)
        return seconds

    ours, theirs = interleaved(
        lambda: standing("desk"), lambda: standing("empty"), rounds=4, seconds=15
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


def _window(kind: str, folder: str) -> tuple[float, Standing]:
    """The seconds until a window of `kind` stood, and what it said then."""
    command = [sys.executable, "-P", "-c", _WINDOW, kind, folder]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        try:
            _, complaint = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            complaint = b""
    try:
        return seconds, msgspec.json.decode(line, type=Standing)
    except msgspec.DecodeError:
        why = _last_line(complaint)
        raise BenchError(f"The window did not stand: {why}", "bench_window", why=why) from None


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    if done.returncode:
        why = _last_line(done.stderr)
        raise BenchError(f"The peer failed: {why}", "bench_peer", why=why)


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "?"
