"""How long a window under load leaves a person without an answer."""

from __future__ import annotations

import subprocess

import msgspec
from msgspec import Struct

from engine.bench.desks import CONVERSATIONS, fill
from engine.bench.figures import Figure, Target, measured
from engine.bench.windows import last_line, window_command, window_entry, window_environment
from engine.bench.workbench import BenchError, Workbench

_TURNS = 1_000
_PATIENCE = 90.0
_BLOCK = Target("value", "≤", 16)


class _Said(Struct, frozen=True):
    """What the window says at the end, times in seconds; `turns` of its event loop were noted."""

    p99: float
    longest: float
    turns: int


def block(bench: Workbench) -> list[Figure]:
    """The stretch for which the window's thread is busy that 99 % of the time is not exceeded.

    10,000 conversations wait, a draft streams, customers write, and a person scrolls, types and
    goes from one conversation to the next, all at once.
    """
    entry, reason = window_entry(bench)
    if entry is None:
        return [Figure("desk.block", note=reason)]
    folder = bench.folder / "busy-desk"
    fill(folder, turns=_TURNS)
    # Only Qt's own event loop tells when it wakes up; GLib's does not.
    environment = {**window_environment(bench), "QT_NO_GLIB": "1"}
    command = window_command(entry, "responding", str(folder))
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=_PATIENCE, check=False
        )
        said = msgspec.json.decode(done.stdout, type=_Said)
    except subprocess.TimeoutExpired:
        raise BenchError("The window did not end.", "bench_window", why="timeout") from None
    except msgspec.DecodeError:
        why = last_line(done.stderr)
        raise BenchError(f"The window did not end: {why}", "bench_window", why=why) from None
    note = bench.say(
        "note.desk_block", conversations=CONVERSATIONS, longest=f"{said.longest * 1000:.0f}"
    )
    return [measured("desk.block", said.p99 * 1000, "ms", target=_BLOCK, note=note)]
