"""How long until the engine answers, and until the window stands."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from msgspec.structs import replace

from engine.bench.desks import CONVERSATIONS, fill
from engine.bench.figures import Figure, Target, measured
from engine.bench.timing import interleaved, medians, timed
from engine.bench.windows import (
    empty_window_command,
    last_line,
    window_command,
    window_entry,
    window_environment,
)
from engine.bench.workbench import BenchError, Workbench
from engine.client import EngineClient
from engine.protocol import EngineFailed, EngineReady, EngineRestarted, Event

_IMPORTS = "import lancedb, llama_cpp, tokenizers"
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
        "desk": window_command(entry, "standing", str(folder)),
        "empty": empty_window_command(entry),
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
        command,
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
