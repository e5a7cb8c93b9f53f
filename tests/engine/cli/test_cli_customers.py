"""`zuoxi customers`: what a person is told of a customer's data and of its deletion."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from engine.channels.taken import Taken, TakenFile
from engine.paths import DataFolder
from engine.store.database import Database
from engine.store.store import open_store

Zuoxi = Callable[..., Any]


@pytest.fixture
def written(folder: DataFolder) -> tuple[str, str]:
    """Two conversations under one name, the second answered and with its channel."""
    with open_store(folder.database) as store:
        first = store.conversations.receive("孔雀石", "在吗").conversation
        second = store.conversations.receive("孔雀石", "孔雀石的壶").conversation
        sent = store.decisions.record(second, "rewritten", text="孔雀石您好").outgoing or ""
        store.outbox.mark_sent(sent, 1e12)
    TakenFile(folder.replay).take(Taken(sent, "孔雀石", "孔雀石您好", 1.0))
    return first, second


def test_all_conversations_of_a_name_are_deleted_with_what_its_channel_has(
    zuoxi: Zuoxi, folder: DataFolder, written: tuple[str, str]
) -> None:
    shown = zuoxi("customers", "show", "孔雀石", "--json").one
    assert shown["conversations"] == list(written)
    assert (shown["held"]["messages"], shown["held"]["unsent"]) == (3, 1)
    said = zuoxi("customers", "forget", "孔雀石", "--why", "consent_withdrawn", "--yes", "--json")
    assert said.code == 0
    assert (said.one["finished"], said.one["left"]) == (True, [])
    assert len(said.one["records"]) == 2
    # What no program can reach is said.
    assert "训练数据" in said.err and "备份" in said.err
    word = "孔雀石".encode()
    assert [one for one in folder.root.iterdir() if word in one.read_bytes()] == []
    assert zuoxi("audit", "verify", "--json").one["sound"] is True
    # Its channel still knows that it has the message.
    with open_store(folder.database, read_only=True) as store:
        (message,) = [one for one in store.conversations.messages(written[1]) if one.decision]
    taken = TakenFile(folder.replay)
    assert message.id in taken
    assert not taken.take(Taken(message.id, "k", "t", 2.0))
    assert zuoxi("customers", "forget", "孔雀石", "--yes", "--json").refused("no_customer")


def test_an_id_finds_its_conversation_alone(
    zuoxi: Zuoxi, folder: DataFolder, written: tuple[str, str]
) -> None:
    said = zuoxi("customers", "forget", written[0], "--yes", "--as", "周组长", "--json")
    assert said.one["conversations"] == [written[0]]
    with open_store(folder.database, read_only=True) as store:
        (record,) = [one for one in store.audit.about(written[0]) if one.kind == "erased"]
        assert record.who == "周组长"
        assert store.conversations.get(written[1]).customer == "孔雀石"


def test_nothing_is_deleted_without_a_yes(
    zuoxi: Zuoxi, written: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = zuoxi("customers", "forget", "孔雀石", "--json")
    assert said.code == 1 and said.one["error"]["code"] == "needs_yes"
    assert "2 个会话" in said.err
    assert zuoxi("customers", "forget", "孔雀石", "--why", "无", "--yes").code == 2
    assert len(zuoxi("customers", "show", "孔雀石", "--json").one["conversations"]) == 2


def test_what_could_not_be_cleared_is_said_and_cleared_later(
    zuoxi: Zuoxi, folder: DataFolder, written: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as busy:
        busy.setattr(Database, "rewrite", lambda _: False)
        said = zuoxi("customers", "forget", "孔雀石", "--yes", "--json")
        assert said.one["finished"] is False and "customers finish" in said.err
        zuoxi("customers", "finish", "--json").refused("unfinished")
    assert zuoxi("customers", "finish", "--json").one == {"finished": True, "left": []}
    word = "孔雀石".encode()
    assert [one for one in folder.root.iterdir() if word in one.read_bytes()] == []
