"""Data folders as a desk, or a former version of the program, has left them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.paths import DataFolder
from engine.records import Draft
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.store import open_store

PAGE = 4096


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
