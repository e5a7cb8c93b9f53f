"""The program is killed while it decides: every decision has its record, and the chain holds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.store.store import open_store

ROOT = Path(__file__).parents[2]

# Two of them at once, on one database, as a window and a command line would be.
DECIDING = """
import sys
from engine.records import Hit
from engine.store.store import open_store

with open_store(__import__("pathlib").Path(sys.argv[1])) as store:
    here = store.conversations.receive("王女士", "在吗").conversation
    hit = Hit("promise", "承诺", "L3", "block", 0, 2, "保本")
    while True:
        asked = store.approvals.ask(here, "保本的", "客户原话", "小李", [hit])
        if asked.state == "asked":
            store.approvals.decide(asked.id, True, "王班长")
        made = store.decisions.record(
            here, "rewritten", text="保本的", hits=[hit], who="小李", approval=asked.id,
            override="客户原话", undo_seconds=9,
        )
        print(made.id, flush=True)
        if made.outgoing and made.id[-1] in "02468ace":
            store.decisions.undo(made.id)
        elif made.outgoing:
            store.outbox.mark_sent(made.outgoing, 2e9)
"""


def test_no_kill_parts_a_decision_from_its_record(
    tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    path = tmp_path / "zuoxi.db"
    open_store(path).close()
    confirmed: set[str] = set()
    chance = random.Random(7)
    for _ in range(rounds(30)):
        desks = [
            subprocess.Popen(
                [sys.executable, "-c", DECIDING, str(path)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        first = [desk.stdout.readline() for desk in desks if desk.stdout]
        time.sleep(chance.uniform(0.0, 0.3))
        for desk, line in zip(desks, first, strict=True):
            desk.send_signal(signal.SIGKILL)
            rest, _ = desk.communicate()
            # What was cut in the middle of a line was not confirmed.
            confirmed.update((line + rest).split("\n")[:-1])
        with open_store(path, read_only=True) as store:
            verified = store.verify_audit()
            assert verified.findings == ()
            kept = {decision.id for decision in store.decisions.all()}
            assert confirmed <= kept
            recorded = sum('"kind":"decision"' in row["body"] for row in store.audit.rows())
            assert recorded == len(kept)
    print(f"{len(confirmed)} decisions confirmed, {verified.head.count} records, all linked")
    assert len(confirmed) >= 2 * rounds(30)
