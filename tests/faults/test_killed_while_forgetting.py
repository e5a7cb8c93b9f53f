"""The program is killed while it deletes a customer's data.

Either nothing was deleted, or everything, and then the next start clears what the kill left in the
file, its log and its copies. The audit's chain holds in either case.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store.store import open_store

SCRIPT = """
import os, signal, sys
from pathlib import Path
from engine.store import copies, forgetting
from engine.store.audit import Audit
from engine.store.database import Database
from engine.store.store import open_store

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

place = sys.argv[2]
with open_store(Path(sys.argv[1])) as store:
    here = store.conversations.receive("客户孔雀石", "我是孔雀石").conversation
    store.decisions.record(here, "rewritten", text="孔雀石您好", who="小满")
    store.conversations.receive("绿松石", "我是绿松石")
    store.back_up_daily()
    if place == "while it is written":
        Audit.erased = dies
    elif place == "before the file is rewritten":
        Database.rewrite = dies
    elif place == "before the copies are renewed":
        forgetting.renew_copies = dies
    elif place == "while a copy is made":
        copies.back_up = dies
    print("begun", flush=True)
    store.forgetting.erase([here], who="王班长")
"""


@pytest.mark.parametrize(
    "place",
    [
        "while it is written",
        "before the file is rewritten",
        "before the copies are renewed",
        "while a copy is made",
    ],
)
def test_a_deletion_that_was_killed_is_finished_or_never_was(tmp_path: Path, place: str) -> None:
    path = tmp_path / "zuoxi.db"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), place],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == -signal.SIGKILL and "begun" in done.stdout, done.stderr
    with open_store(path) as store:
        store.back_up_daily()
        assert store.verify_audit().sound
        assert store.check() == []
        if place == "while it is written":
            assert {row.customer for row in store.conversations.page()} == {"客户孔雀石", "绿松石"}
            return
        assert {row.customer for row in store.conversations.page()} == {"—", "绿松石"}
    holding = {file.name for file in tmp_path.iterdir() if "孔雀石".encode() in file.read_bytes()}
    assert holding == set()
    assert "绿松石".encode() in path.read_bytes()
