"""Data folders that cannot be used as they are: what is said, and that nothing is harmed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.pages.trouble import TroubleWindow
from desktop.session.opening import save_what_can_be_read
from desktop.theme import LIGHT, Look
from engine.errors import StoreError, ZuoxiError
from engine.paths import DataFolder
from engine.records import Draft
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.salvage import salvage
from engine.store.sqlite import Database as SqliteDatabase
from engine.store.store import open_store
from engine.texts import explain

if TYPE_CHECKING:
    from desktop.app import Desk

ROOT = Path(__file__).parents[2]
Open = Callable[..., "Desk"]
NOBODY = 65534
PAGE = 4096
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


def stored(root: Path, customers: int = 3) -> Path:
    """A data folder with some conversations that were answered; its database."""
    path = DataFolder(root).database
    with open_store(path) as store:
        for number in range(customers):
            message = store.conversations.receive(f"客户{number}", f"壶坏了{number}" * 10)
            store.drafts.save(message.conversation, message.id, Draft("drafted", "好的" * 10))
            store.decisions.record(message.conversation, "rewritten", text=f"您好{number}")
    return path


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in folder.iterdir()
        if one.is_file() and not one.name.endswith("-shm")
    }


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


def test_a_newer_programs_database_is_refused_and_not_a_byte_is_changed(
    fault_desk: Open, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    path = stored(root)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.commit()
    # As a crash leaves it: part of it is still in the log.
    kept = tmp_path / "kept"
    shutil.copytree(root, kept)
    connection.close()
    shutil.rmtree(root)
    shutil.copytree(kept, root)
    before = fingerprint(root)
    with pytest.raises(StoreError) as caught:
        fault_desk(root)
    assert caught.value.code == "store_newer"
    words = explain(caught.value, "zh")
    assert "未做任何改动" in words
    assert "安装新版程序" in words
    after = fingerprint(root)
    assert {name: after[name] for name in before} == before


def former(path: Path, version: int) -> None:
    """A database as the program wrote it that knew `version` migrations."""
    database = open_database(path, migrations=MIGRATIONS[:version])
    rows = (
        ("conversations", {"id": "c", "customer": "王女士", "channel": "网页", "opened_at": 1.0,
                           "last_at": 3.0}),
        ("messages", {"id": "m1", "conversation": "c", "role": "customer", "text": "在吗",
                      "at": 1.0, "state": "received"}),
        ("messages", {"id": "m2", "conversation": "c", "role": "agent", "text": "在的", "at": 2.0,
                      "state": "sent", "sent_at": 2.0}),
        ("messages", {"id": "m3", "conversation": "c", "role": "agent", "text": "稍等", "at": 3.0,
                      "state": "pending", "due": 9.0}),
        ("channel_keys", {"source": "mail", "key": "k", "conversation": "c", "message": None}),
    )  # fmt: skip
    for table, row in rows:
        database.insert(table, row)
    database.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_former_versions_database_is_brought_up_with_a_backup_beside_it(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "zuoxi.db"
    former(path, version)
    with open_store(path) as store:
        assert store.check() == []
        assert [one.text for one in store.conversations.messages("c")] == ["在吗", "在的", "稍等"]
        # What had left then counts as delivered; what leaves now is delivered.
        assert store.outbox.delivering() == []
        assert store.outbox.mark_sent("m3", 10.0)
        (departure,) = store.outbox.delivering()
        assert (departure.message.id, departure.source) == ("m3", "mail")
    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["zuoxi.db", f"zuoxi.db.v{version}.bak"]
    backup = open_database(
        tmp_path / f"zuoxi.db.v{version}.bak", read_only=True, migrations=MIGRATIONS[:version]
    )
    assert backup.row("SELECT count(*) AS n FROM messages") == {"n": 3}
    backup.close()


def breaks_a_reference(db: SqliteDatabase) -> None:
    db.execute("PRAGMA defer_foreign_keys = ON")
    db.execute("CREATE TABLE moods (message TEXT REFERENCES messages (id))")
    db.execute("INSERT INTO moods VALUES ('nobody')")


def fails(db: SqliteDatabase) -> None:
    db.execute("DELETE FROM messages")
    db.execute("INSERT INTO nowhere VALUES (1)")


@pytest.mark.parametrize("migration", [fails, breaks_a_reference])
def test_a_migration_that_fails_is_found_out_on_a_copy(tmp_path: Path, migration: Any) -> None:
    path = stored(tmp_path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(StoreError) as caught:
        open_database(path, migrations=(*MIGRATIONS, migration))
    assert caught.value.code == "store_migration"
    words = explain(caught.value, "zh")
    assert "原来的数据库没有动" in words
    assert "旧版程序" in words
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert not list(tmp_path.glob("*rehearsal*"))
    with open_store(path) as store:
        assert store.conversations.counts().all == 3


def spoil(path: Path, dice: random.Random, pages: int) -> None:
    """Flip all bytes of some pages, but not of those that say which tables there are."""
    whole = path.read_bytes()
    while True:
        data = bytearray(whole)
        for _ in range(pages):
            at = dice.randrange(1, len(data) // PAGE) * PAGE
            data[at : at + PAGE] = bytes(byte ^ 0x5A for byte in data[at : at + PAGE])
        path.write_bytes(data)
        try:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("SELECT * FROM sqlite_master").fetchall()
        except sqlite3.DatabaseError:
            continue
        return


@pytest.mark.timeout(1200)
def test_a_damaged_database_is_salvaged_and_the_damaged_file_is_kept(
    rounds: Callable[[int], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    stored(whole, 300)
    dice = random.Random(7)
    saved_messages = []
    for number in range(rounds(20)):
        root = tmp_path / f"damaged{number}"
        shutil.copytree(whole, root)
        path = DataFolder(root).database
        spoil(path, dice, 3)
        damaged = hashlib.sha256(path.read_bytes()).hexdigest()
        saved = salvage(path)
        assert hashlib.sha256(saved.aside.read_bytes()).hexdigest() == damaged
        with open_store(path) as store:
            assert store.check() == []
            assert store.conversations.counts().all >= 300 * 0.8
            store.conversations.receive("李先生", "还能用吗")
        saved_messages.append(saved.messages)
        assert saved.messages >= 600 * 0.8
    with capsys.disabled():
        print(f"\nof 600 messages with 3 damaged pages each time: {saved_messages} saved")


def test_an_undamaged_database_loses_nothing_in_a_salvage(tmp_path: Path) -> None:
    path = stored(tmp_path, 20)
    with open_store(path) as store:
        rows = store.conversations.page()
        pending = store.outbox.pending()
    saved = salvage(path)
    assert saved.gaps == 0
    with open_store(path) as store:
        assert store.conversations.page() == rows
        assert store.outbox.pending() == pending


def test_where_nothing_can_be_read_the_newest_backup_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    former(path, 1)
    with open_store(path) as store:
        store.conversations.receive("李先生", "在吗")
    path.write_bytes(b"\xff" * path.stat().st_size)
    saved = salvage(path)
    assert saved.backup == "zuoxi.db.v1.bak"
    with open_store(path) as store:
        assert [row.customer for row in store.conversations.page()] == ["王女士"]


def test_a_sound_database_is_copied_once_a_day_and_the_copy_is_what_helps(
    qtbot: QtBot, fault_desk: Open, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    path = stored(root)
    copy = root / "zuoxi.db.daily.bak"
    desk = fault_desk(root)
    desk.soundness.look()
    qtbot.waitUntil(copy.exists)
    first = copy.stat().st_mtime_ns
    desk.store.back_up_daily()
    assert copy.stat().st_mtime_ns == first
    os.utime(copy, (0, 0))
    desk.store.back_up_daily()
    assert copy.stat().st_mtime_ns > first
    desk.close()
    # Which tables there are can no longer be read: only the copy helps.
    data = bytearray(path.read_bytes())
    data[100:PAGE] = bytes(PAGE - 100)
    path.write_bytes(data)
    saved = salvage(path)
    assert saved.backup == copy.name
    with open_store(path) as store:
        assert store.conversations.counts().all == 3


def test_where_nothing_is_left_at_all_the_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    path.write_bytes(b"\xff" * 40960)
    with pytest.raises(StoreError) as caught:
        salvage(path)
    assert caught.value.code == "store_beyond_saving"
    assert "没有被改动" in explain(caught.value, "zh")
    assert [one.name for one in tmp_path.iterdir()] == ["zuoxi.db"]
    assert path.read_bytes() == b"\xff" * 40960


def test_the_desk_tells_of_damage_and_the_next_start_offers_to_save_what_can_be_read(
    qtbot: QtBot, fault_desk: Open, told: Any, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    path = stored(root, 300)
    spoil(path, random.Random(3), 2)
    try:
        desk = fault_desk(root)
    except ZuoxiError as error:
        assert error.code == "store_corrupt"
    else:
        heard = told(desk)
        desk.soundness.look()
        qtbot.waitUntil(lambda: "store_corrupt" in heard.codes())
        assert "损坏的文件留在旁边" in heard.words("store_corrupt")
        desk.close()
    with pytest.raises(StoreError) as caught:
        fault_desk(root)
    assert caught.value.code == "store_corrupt"

    folder = DataFolder(root)
    window = TroubleWindow(
        Look(LIGHT, "zh"), caught.value, folder, lambda: save_what_can_be_read(folder, "zh")
    )
    qtbot.addWidget(window)
    window.show()
    assert "抢救数据" in window.words()
    window.act.click()
    assert "已救出" in window.words()
    assert "没有删除" in window.words()
    assert not window.again
    window.act.click()
    assert window.again
    desk = fault_desk(root)
    qtbot.waitUntil(lambda: len(desk.queue.rows()) > 100)
    assert len(list(root.glob("zuoxi.db.damaged-*[0-9]"))) == 1
