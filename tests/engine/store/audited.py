"""A store with some acts in its audit, and what somebody with the file can do to it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.records import Hit
from engine.store.audit import Head
from engine.store.audit_check import Verified
from engine.store.audit_tables import AUDIT_TRIGGERS
from engine.store.store import Store, open_store

SECRET = Hit("privacy.mobile", "privacy", "L2", "mask", 5, 16, "13900000000")


def busy(store: Store, times: int = 3) -> list[str]:
    """Some decisions with all that follows them; their conversations."""
    conversations = []
    for number in range(times):
        message = store.conversations.receive("王女士", f"电话是13900000000，第{number}次")
        store.hits.add_all(message.conversation, message.id, message.text, [SECRET], rules="r1")
        store.decisions.record(
            message.conversation, "rewritten", text=f"好的王女士{number}", who="小李", rules="r1"
        )
        conversations.append(message.conversation)
    return conversations


def kinds(store: Store) -> list[str]:
    return [json.loads(row["body"])["kind"] for row in store.audit.rows()]


def tampered(path: Path, *statements: str) -> None:
    """As somebody does who has the file and another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        for trigger in AUDIT_TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            own.execute(statement)
        for trigger in AUDIT_TRIGGERS.values():
            own.execute(trigger)


def verified(path: Path, *heads: Head) -> Verified:
    with open_store(path, read_only=True) as store:
        return store.verify_audit(*heads)


def found(path: Path, *heads: Head) -> list[tuple[str, int, int]]:
    return [(one.what, one.number, one.until) for one in verified(path, *heads).findings]


# Written with the act
