"""Databases of other versions of the program: refused or brought up, never harmed."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from data_folders import fingerprint, former, stored

from engine.errors import StoreError
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.sqlite import Database as SqliteDatabase
from engine.store.store import open_store
from engine.texts import explain

if TYPE_CHECKING:
    from desktop.app import Desk

Open = Callable[..., "Desk"]


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
