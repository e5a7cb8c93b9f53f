"""Data folders that cannot be used: what is said, and that nothing is harmed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from data_folders import fingerprint, stored
from pytestqt.qtbot import QtBot

from engine.errors import StoreError
from engine.store.store import open_store
from engine.texts import explain

if TYPE_CHECKING:
    from desktop.app import Desk

ROOT = Path(__file__).parents[2]
Open = Callable[..., "Desk"]
NOBODY = 65534
CODE = """
import json, os, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from desktop.app import build_desk
from engine.errors import ZuoxiError
from engine.paths import DataFolder
from engine.texts import explain
from engine.redline.rules import load_rules
explain(ZuoxiError("", "store"), "zh")
load_rules(Path(sys.argv[3]))
# Only now: Python itself may lie where the other user cannot read it.
if sys.argv[2] != "-1":
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
app = QApplication([])
try:
    desk = build_desk(DataFolder(Path(sys.argv[1])), start_engine=False, rules=Path(sys.argv[3]))
except ZuoxiError as error:
    print(json.dumps([error.code, explain(error, "zh")]))
else:
    desk.close()
    print(json.dumps(["opened", ""]))
"""


def desk_of(user: int, root: Path, rules: Path) -> tuple[str, str]:
    """What a desk of another process says that is opened by `user` (-1: this one)."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(root), str(user), str(rules)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ
        | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT), "HOME": str(root.parent)},
    )
    assert done.stdout, done.stderr
    code, words = json.loads(done.stdout.splitlines()[-1])
    return code, words


def test_a_folder_that_may_only_be_read_is_refused_in_words(
    tmp_path: Path, fault_rules: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("another user's folder takes an administrator to make")
    root = tmp_path / "data"
    stored(root)
    for place in (*tmp_path.parents, tmp_path, fault_rules, fault_rules.parent):
        if place.stat().st_mode & 0o005 != 0o005 and "pytest" in str(place):
            place.chmod(place.stat().st_mode | 0o055)
    for one in (root, *root.iterdir()):
        one.chmod(0o555 if one.is_dir() else 0o444)
    before = fingerprint(root)
    code, words = desk_of(NOBODY, root, fault_rules)
    assert code == "desk_folder"
    assert "不能写入" in words
    assert "没有改动" in words
    assert fingerprint(root) == before


def test_a_database_that_may_only_be_read_is_refused_before_anything_is_decided(
    tmp_path: Path, fault_rules: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("another user's file takes an administrator to make")
    root = tmp_path / "data"
    path = stored(root)
    for place in (*tmp_path.parents, tmp_path, fault_rules, fault_rules.parent):
        if "pytest" in str(place):
            place.chmod(place.stat().st_mode | 0o055)
    root.chmod(0o777)
    path.chmod(0o444)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    code, words = desk_of(NOBODY, root, fault_rules)
    assert code == "store_read_only"
    assert "没有保存" in words
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_folder_on_a_disk_that_takes_no_writes_is_refused_in_words(
    small_disk: Path, fault_desk: Open
) -> None:
    path = stored(small_disk / "data")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError) as caught:
        fault_desk(small_disk / "data")
    assert caught.value.code == "desk_folder"
    assert "没有改动" in explain(caught.value, "zh")
    with pytest.raises(StoreError) as refused:
        open_store(path)
    assert refused.value.code in ("store_read_only", "store_cannot_open")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_second_desk_is_refused_and_the_first_works_on(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path, fault_rules: Path
) -> None:
    root = tmp_path / "data"
    desk = fault_desk(root)
    code, words = desk_of(-1, root, fault_rules)
    assert code == "desk_running"
    assert str(os.getpid()) in words
    assert "没有改动" in words
    desk.store.conversations.receive("王女士", "在吗")
    desk.queue.refresh()
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)
    desk.close()
    assert desk_of(-1, root, fault_rules) == ("opened", "")
