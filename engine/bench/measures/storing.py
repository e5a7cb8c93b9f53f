"""How long a click waits for the disk, and a list for the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from engine.bench.figures import Figure, measured
from engine.bench.timing import medians, over, timed
from engine.bench.workbench import Workbench
from engine.store.ids import new_id
from engine.store.store import Store, open_store

_CONVERSATIONS = 10_000
_PAGE = 200
_REPLY = "您好，七天内可以无理由退货，运费由我们承担，快递员明天上午上门来取。" * 3
_MESSAGE = "东西坏了，想退又不值当运费，怎么办？"


def decision(bench: Workbench) -> list[Figure]:
    """A decision stored with its outgoing message, beside one bare insert that is as durable."""
    with open_store(bench.folder / "decisions.db") as store:
        names = _fill(store, 100)
        bare = sqlite3.connect(bench.folder / "bare.db", isolation_level=None)
        with closing(bare):
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                bare.execute(f"PRAGMA {pragma}")
            bare.execute("CREATE TABLE decisions (id TEXT PRIMARY KEY, conversation, text)")

            def insert(name: str) -> None:
                bare.execute("BEGIN IMMEDIATE")
                bare.execute("INSERT INTO decisions VALUES (?, ?, ?)", (new_id(), name, _REPLY))
                bare.execute("COMMIT")

            ours, theirs = medians(
                over(names, lambda name: store.decisions.record(name, "rewritten", text=_REPLY)),
                over(names, insert),
                rounds=300,
                seconds=8,
            )
    return [
        measured(
            "store.decision",
            ours * 1000,
            "ms",
            peer=bench.say("peer.store_decision"),
            peer_value=theirs * 1000,
        )
    ]


def queue_page(bench: Workbench) -> list[Figure]:
    """The first 200 of 10,000 conversations, beside the bare query."""
    path = bench.folder / "queue.db"
    with open_store(path) as store:
        _fill(store, _CONVERSATIONS)
        with closing(sqlite3.connect(path)) as bare:
            query = f"SELECT * FROM conversations ORDER BY urgency, sort_key, id LIMIT {_PAGE}"
            ours, theirs = medians(
                timed(lambda: store.conversations.page(limit=_PAGE)),
                timed(lambda: bare.execute(query).fetchall()),
                rounds=200,
                seconds=5,
            )
    return [
        measured(
            "store.page",
            ours * 1000,
            "ms",
            peer=bench.say("peer.store_page"),
            peer_value=theirs * 1000,
            note=bench.say("note.store_page", rows=_PAGE, conversations=_CONVERSATIONS),
        )
    ]


def _fill(store: Store, number: int) -> list[str]:
    """`number` conversations of one message each; their ids."""
    ids = []
    for start in range(0, number, 1000):
        with store.transaction():
            for place in range(start, min(number, start + 1000)):
                message = store.conversations.receive(
                    f"顾客{place}", f"{_MESSAGE}{place}", at=1.7e9 + place
                )
                ids.append(message.conversation)
    return ids
