from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlite_utils import Database as SqliteDatabase

from engine import texts
from engine.errors import StoreError
from engine.records import Draft
from engine.store.database import open_database, translated
from engine.store.migrations import MIGRATIONS
from engine.store.rows import ExternalKey
from engine.store.salvage import TABLES
from engine.store.store import Store, open_store


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def add_a_column(db: SqliteDatabase) -> None:
    db.execute("ALTER TABLE conversations ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")


def fail_halfway(db: SqliteDatabase) -> None:
    db.execute("ALTER TABLE conversations ADD COLUMN mood TEXT")
    db.execute("INSERT INTO nowhere VALUES (1)")


def refused(path: Path, *, read_only: bool = False) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(path, read_only=read_only)
    for language in ("zh", "en"):
        key = f"error.{caught.value.code}"
        assert texts.text(key, language, **caught.value.values)
    return caught.value.code


def test_a_new_store_is_made_with_its_folders_and_the_newest_form(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b#c?d" / "zuoxi.db"
    with open_store(path) as store:
        assert store.check() == []
    assert version_of(path) == len(MIGRATIONS)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    path.touch()
    with open_store(path) as store:
        store.conversations.receive("王女士", "在吗")
    assert version_of(path) == len(MIGRATIONS)


def test_a_write_waits_for_nothing_but_the_disk(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        database = store._database
        assert database.rows("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
        assert database.rows("PRAGMA synchronous") == [{"synchronous": 2}]
        assert database.rows("PRAGMA foreign_keys") == [{"foreign_keys": 1}]


def test_an_older_database_is_backed_up_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        conversation = store.conversations.receive("王女士", "在吗").conversation
    newer = (*MIGRATIONS, add_a_column)
    database = open_database(path, migrations=newer)
    assert database.row("SELECT mood FROM conversations") == {"mood": "calm"}
    database.close()
    assert version_of(path) == len(newer)
    backup = path.with_name(f"zuoxi.db.v{len(MIGRATIONS)}.bak")
    with open_store(backup, read_only=True) as kept:
        assert kept.conversations.get(conversation).customer == "王女士"


def test_what_a_channel_had_delivered_is_known_after_the_second_migration(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    database = open_database(path, migrations=MIGRATIONS[:1])
    database.run(
        "INSERT INTO conversations (id, customer, channel, opened_at, last_at) "
        "VALUES ('c', '王女士', 'mail', 1, 1)"
    )
    database.run(
        "INSERT INTO messages (id, conversation, role, text, at, state) "
        "VALUES ('m', 'c', 'customer', '在吗', 1, 'received')"
    )
    for key, message in (("t1", None), ("m1", "m")):
        database.insert(
            "channel_keys",
            {"source": "mail", "key": key, "conversation": "c", "message": message},
        )
    database.close()
    with open_store(path) as store:
        assert store.check() == []
        assert store.channel_keys.conversation("mail", "t1") == "c"
        assert store.channel_keys.delivered("mail") == {"m1": "m"}
        again = store.conversations.receive("王女士", "在吗", key=ExternalKey("mail", "t1", "m1"))
        assert again.id == "m"


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        store.conversations.receive("王女士", "在吗")
    with pytest.raises(StoreError):
        open_database(path, migrations=(*MIGRATIONS, fail_halfway))
    assert version_of(path) == len(MIGRATIONS)
    database = open_database(path, migrations=(*MIGRATIONS, add_a_column))
    assert database.row("SELECT mood FROM conversations") == {"mood": "calm"}
    database.close()


def test_several_that_open_an_older_database_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        store.conversations.receive("王女士", "在吗")
    newer = (*MIGRATIONS, add_a_column)
    ready, failed = threading.Barrier(4), list[Exception]()

    def begin() -> None:
        ready.wait()
        try:
            open_database(path, migrations=newer).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert version_of(path) == len(newer)
    # Whoever came later has not put the new form in the place of the backup.
    assert version_of(path.with_name(f"zuoxi.db.v{len(MIGRATIONS)}.bak")) == len(MIGRATIONS)
    assert sorted(one.name for one in tmp_path.glob("*.tmp")) == []


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    open_database(path, migrations=(*MIGRATIONS, add_a_column)).close()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    assert refused(path) == "store_newer"
    assert refused(path, read_only=True) == "store_newer"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert not list(tmp_path.glob("*.bak"))


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    assert refused(path) == "store_foreign"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    path.write_bytes(b"this was never a database " * 400)
    assert refused(path) == "store_corrupt"
    assert path.read_bytes().startswith(b"this was never")


def test_a_damaged_page_is_reported_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        for number in range(200):
            store.conversations.receive(f"客户{number}", "在吗" * 50)
    data = bytearray(path.read_bytes())
    data[8192 : len(data)] = os.urandom(len(data) - 8192)
    path.write_bytes(bytes(data))
    with pytest.raises(StoreError) as caught, open_store(path) as store:
        store.conversations.page()
        store.conversations.page(search="在")
    assert caught.value.code == "store_corrupt"


def test_reading_only_needs_a_store_and_never_writes(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    assert refused(path, read_only=True) == "store_missing"
    assert not path.exists()
    with open_store(path) as store:
        conversation = store.conversations.receive("王女士", "在吗").conversation
    with open_store(path, read_only=True) as reader:
        assert reader.conversations.get(conversation).customer == "王女士"
        with pytest.raises(StoreError) as caught:
            reader.conversations.receive("李先生", "在吗")
    assert caught.value.code == "store_read_only"


def test_reading_only_refuses_an_older_form(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    open_store(path).close()
    with pytest.raises(StoreError) as caught:
        open_database(path, read_only=True, migrations=(*MIGRATIONS, add_a_column))
    assert caught.value.code == "store_older"


def test_a_folder_in_place_of_the_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    path.mkdir()
    assert refused(path) == "store_cannot_open"


def test_a_file_in_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert refused(tmp_path / "data" / "zuoxi.db") == "store_cannot_open"


def test_a_full_disk_stores_nothing_of_the_step_and_keeps_the_rest(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        kept = store.conversations.receive("王女士", "在吗")
        pages = store._database.row("PRAGMA page_count")
        assert pages is not None
        store._database.rows(f"PRAGMA max_page_count = {pages['page_count']}")
        with pytest.raises(StoreError) as caught:
            store.conversations.receive("李先生", "长" * 200_000)
        assert caught.value.code == "store_full"
        assert [row.id for row in store.conversations.page()] == [kept.conversation]
        store._database.rows("PRAGMA max_page_count = 1000000")
        store.conversations.receive("李先生", "现在可以了")


def test_a_database_that_another_holds_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        store._database.rows("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            store.conversations.receive("王女士", "在吗")
        assert caught.value.code == "store_busy"
        other.close()
        store.conversations.receive("王女士", "在吗")


def test_a_closed_store_says_so_instead_of_leaking_sqlite(tmp_path: Path) -> None:
    store = open_store(tmp_path / "zuoxi.db")
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.conversations.page()


def test_errors_never_carry_a_value() -> None:
    with pytest.raises(StoreError) as caught, translated(Path("zuoxi.db")):
        raise sqlite3.IntegrityError("FOREIGN KEY constraint failed")
    assert caught.value.values == {"path": "zuoxi.db"}


def test_the_data_version_tells_of_other_writers(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as desk, open_store(path) as cli:
        before = desk.data_version()
        desk.conversations.receive("王女士", "在吗")
        assert desk.data_version() == before
        cli.conversations.receive("李先生", "在吗")
        assert desk.data_version() != before
        assert desk.conversations.counts().all == 2


def test_threads_and_a_second_connection_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as desk, open_store(path) as cli:

        def write(store: Store) -> None:
            for _ in range(20):
                message = store.conversations.receive("王女士", "在吗")
                store.drafts.save(message.conversation, message.id, Draft("drafted", "在的"))

        threads = [threading.Thread(target=write, args=[store]) for store in (desk, desk, cli)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert desk.conversations.counts().ready == 60


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        with pytest.raises(RuntimeError), store.transaction():
            store.conversations.receive("王女士", "在吗")
            raise RuntimeError
        assert store.conversations.page() == []


def test_every_table_is_read_by_a_salvage(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        found = store._database.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    assert {row["name"] for row in found} == set(TABLES)
