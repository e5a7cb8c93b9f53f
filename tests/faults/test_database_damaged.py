"""A damaged database: what can be read is saved, the damaged file is kept, and it is told."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from data_folders import PAGE, former, stored
from pytestqt.qtbot import QtBot

from desktop.pages.trouble import TroubleWindow
from desktop.session.opening import save_what_can_be_read
from desktop.theme import LIGHT, Look
from engine.errors import StoreError, ZuoxiError
from engine.paths import DataFolder
from engine.store.salvage import salvage
from engine.store.store import open_store
from engine.texts import explain

if TYPE_CHECKING:
    from desktop.app import Desk

Open = Callable[..., "Desk"]


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
