"""Watches a desk at work for a long time: does it keep its memory, threads and files to itself?

    python tests/faults/soak.py --minutes 30 --per-minute 10 [--json FILE]

A real desk (offscreen) with the shipped models serves the sample company in a fresh folder, with
an agent who decides on every draft. It is looked at from outside every 15 seconds. The verdict
rests on the last two thirds of the time: until then caches fill and libraries start their threads.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil
from msgspec import Struct

from engine.paths import DataFolder
from engine.store.store import open_store

HERE = Path(__file__).parent
MIB = 1 << 20
EVERY = 15.0
# By how much memory may have grown over the measured time, by the straight line through it, in MiB:
# a fixed part, for allocators keep pages of whatever peak there was, and one for each message that
# came: its text, its draft with the evidence, its row and its place in the conversation's memory
# stay where they are needed again. A bitmap or a context that leaks with each message is far more.
FIXED_MIB = 24.0
PER_MESSAGE_MIB = 0.03
# The engine keeps what the model has read of each conversation, which fills for some minutes.
FILLING_MIB, FILLED_AFTER = 150.0, 5.0
# A desk's pages, icons and rows are made when they are first shown.
SHOWING_MIB = 20.0
# One for each reply that is written in turn, and the open conversation's.
MOST_SEQUENCES = 5
# Libraries open and close a thread or a file now and then; a leak opens one with each message.
# LanceDB in the engine starts a dozen where searches come together and ends them when they have
# had nothing to do for a while: within seven minutes 23, then 26, then 14 of them.
SPARE = {"threads": 3.0, "engine threads": 16.0, "files": 4.0, "children": 0.5}
STARTING = 300.0
ENDING = 60.0


class Sample(Struct, frozen=True):
    """One look: seconds since the work began, MiB, and counts."""

    at: float
    desk: float
    engine: float
    others: float
    threads: int
    engine_threads: int
    files: int
    engine_files: int
    children: int
    database: float
    arrived: int
    drafted: int
    decided: int
    sequences: int
    saved: float


class Verdict(Struct, frozen=True):
    """What is to be said in the end; `faults` is empty when all is well."""

    faults: tuple[str, ...]
    slopes: dict[str, float]
    samples: tuple[Sample, ...]
    status: dict[str, Any]


def soak(minutes: float, per_minute: float, folder: Path) -> Verdict:
    """Run a desk in the empty `folder`, watch it and judge."""
    folder.mkdir(parents=True, exist_ok=True)
    messages = max(1, round(minutes * per_minute))
    plan = {"minutes": minutes, "messages": messages}
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
    environment = {"QT_QPA_PLATFORM": "offscreen"} | os.environ
    with (folder / "log.txt").open("wb") as log:
        desk = subprocess.Popen(
            [sys.executable, str(HERE / "soaked_desk.py"), str(folder)],
            stdout=log,
            stderr=log,
            env=environment,
        )
        try:
            samples = _watch(desk, folder, minutes)
            code = _end(desk, folder)
        finally:
            _kill(desk)
    return _judge(samples, folder, code, messages)


def _status(folder: Path) -> dict[str, Any]:
    try:
        status: dict[str, Any] = json.loads((folder / "status.json").read_text("utf-8"))
    except (OSError, ValueError):
        status = {}
    return status


def _watch(desk: subprocess.Popen[bytes], folder: Path, minutes: float) -> list[Sample]:
    waiting = time.monotonic() + STARTING
    while not _status(folder).get("began"):
        if desk.poll() is not None or time.monotonic() > waiting:
            return []
        time.sleep(0.5)
    began = time.monotonic()
    every = min(EVERY, minutes * 60 / 24)
    samples: list[Sample] = []
    while (gone := time.monotonic() - began) < minutes * 60 and desk.poll() is None:
        try:
            samples.append(_look(desk.pid, folder, gone))
        except psutil.Error:
            pass  # A job that ended between being listed and being looked at.
        else:
            print(_row(samples[-1]), flush=True)
        time.sleep(every)
    return samples


def _look(pid: int, folder: Path, at: float) -> Sample:
    status = _status(folder)
    desk = psutil.Process(pid)
    children = desk.children(recursive=True)
    engine = next((one for one in children if one.pid == status.get("engine")), None)
    others = [one for one in children if one is not engine]
    data = folder / "data"
    return Sample(
        at=round(at, 1),
        desk=_rss(desk),
        engine=_rss(engine) if engine else 0.0,
        others=round(sum(_rss(one) for one in others), 1),
        threads=desk.num_threads(),
        engine_threads=engine.num_threads() if engine else 0,
        files=_files(desk),
        engine_files=_files(engine) if engine else 0,
        children=len(children),
        database=round(sum(one.stat().st_size for one in data.glob("zuoxi.db*")) / MIB, 2),
        arrived=status["arrived"],
        drafted=status["drafted"],
        decided=sum(status["decisions"].values()),
        sequences=status["model"]["sequences"],
        saved=round(status["model"]["saved_bytes"] / MIB, 1),
    )


def _rss(process: psutil.Process) -> float:
    return round(process.memory_info().rss / MIB, 1)


def _files(process: psutil.Process) -> int:
    return process.num_handles() if sys.platform == "win32" else process.num_fds()


def _end(desk: subprocess.Popen[bytes], folder: Path) -> int | None:
    (folder / "stop").touch()
    try:
        return desk.wait(ENDING)
    except subprocess.TimeoutExpired:
        return None


def _kill(desk: subprocess.Popen[bytes]) -> None:
    if desk.poll() is None:
        for child in psutil.Process(desk.pid).children(recursive=True):
            child.kill()
        desk.kill()
        desk.wait()


def _judge(samples: list[Sample], folder: Path, code: int | None, messages: int) -> Verdict:
    status = _status(folder)
    faults = []
    if not samples:
        faults.append("the desk never began to work; see log.txt")
    if code != 0:
        ended = "did not end when it was told to" if code is None else f"ended with status {code}"
        faults.append(f"the desk {ended}")
    last = samples[-1].at if samples else 0.0
    measured = [one for one in samples if one.at > last / 3]
    slopes: dict[str, float] = {}
    if len(measured) >= 6:
        arrived = measured[-1].arrived - measured[0].arrived
        allowed = FIXED_MIB + PER_MESSAGE_MIB * arrived
        minutes = (measured[-1].at - measured[0].at) / 60
        young = last / 3 < FILLED_AFTER * 60
        for name, more in (("desk", young * SHOWING_MIB), ("engine", young * FILLING_MIB)):
            slope = fit([one.at / 60 for one in measured], [getattr(one, name) for one in measured])
            slopes[name] = round(slope, 3)
            if slope * minutes > allowed + more:
                faults.append(
                    f"the memory of the {name} grew by {slope * minutes:.0f} MiB in {minutes:.0f} "
                    f"minutes ({allowed + more:.0f} are allowed)"
                )
        faults += _grown(measured)
    if samples and status.get("arrived", 0) < messages:
        faults.append(f"{status.get('arrived')} of {messages} messages arrived")
    if status.get("restarts"):
        faults.append(f"the engine died {len(status['restarts'])} times")
    log = (folder / "log.txt").read_text("utf-8", "replace")
    if "internal" in status.get("errors", {}) or "Traceback" in log:
        faults.append("an error that nobody foresaw came up; see log.txt")
    if samples:
        faults += _lost(folder)
        if (taken := max(one.sequences for one in samples)) > MOST_SEQUENCES:
            faults.append(f"{taken} sequences of the K/V cache were taken")
    return Verdict(tuple(faults), slopes, tuple(samples), status)


def _grown(measured: Sequence[Sample]) -> list[str]:
    half = len(measured) // 2
    names = {
        "threads": "threads",
        "engine_threads": "engine threads",
        "files": "files",
        "engine_files": "files",
        "children": "children",
    }
    found = []
    for name, kind in names.items():
        before, after = (
            median(getattr(one, name) for one in part)
            for part in (measured[:half], measured[half:])
        )
        if after > before + SPARE[kind]:
            found.append(f"{name} grew from {before:.0f} to {after:.0f}")
    return found


def fit(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The slope of the straight line through the points that misses them least."""
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - height) for x, y in zip(xs, ys, strict=True)) / spread


def _lost(folder: Path) -> list[str]:
    """Customers of whom nobody knows any more, and what else is wrong with the store."""
    found = []
    path = DataFolder(folder / "data").database
    with contextlib.closing(sqlite3.connect(path)) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != "ok":
            found.append(f"the database is damaged: {answer}")
    with open_store(path) as store:
        if unscreened := len(store.conversations.unscreened()):
            found.append(f"{unscreened} messages were never screened")
        if unsent := len(store.outbox.pending()):
            found.append(f"{unsent} replies never left")
        for row in store.conversations.page(limit=10_000):
            messages = store.conversations.messages(row.id)
            standing = [one for one in messages if one.state != "undone"]
            if standing[-1].role == "customer" and row.waiting_since is None:
                found.append(f"conversation {row.id} was neither answered nor waits")
    return found


HEAD = (
    "  min   desk engine others  MiB | threads  files children |    db | arrived drafted decided "
    "| sequences, saved MiB"
)


def _row(one: Sample) -> str:
    return (
        f"{one.at / 60:5.1f} {one.desk:6.0f} {one.engine:6.0f} {one.others:6.0f}      | "
        f"{one.threads:3}+{one.engine_threads:<3} {one.files:3}+{one.engine_files:<3} "
        f"{one.children:6} | {one.database:5.1f} | {one.arrived:7} {one.drafted:7} {one.decided:7} "
        f"| {one.sequences:2} {one.saved:6.1f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--per-minute", type=float, default=10)
    parser.add_argument("--json", type=Path, help="write samples and verdict here")
    parser.add_argument("--keep", type=Path, help="work in this new folder and keep it")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="zuoxi-soak-"))
    print(HEAD)
    verdict = soak(chosen.minutes, chosen.per_minute, folder)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
    told = {key: value for key, value in verdict.status.items() if key not in ("began", "engine")}
    print(json.dumps(told, ensure_ascii=False))
    print("MiB a minute:", verdict.slopes)
    for fault in verdict.faults:
        print("FAULT:", fault)
    print("PASSED" if not verdict.faults else f"FAILED; the folder is kept: {folder}")
    if not verdict.faults and not chosen.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
