from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.session.queue_changes import Insert, Move, Remove, steps
from desktop.session.queue_model import PAGE, QueueModel
from desktop.widgets.queue_roles import QueueRole
from engine.records import Draft

Open = Callable[..., Desk]

ids = st.lists(st.sampled_from("abcdefghijklmnop"), unique=True)


def apply(old: list[str], new: list[str]) -> tuple[list[str], int]:
    now, moves = list(old), 0
    for step in steps(old, new):
        if isinstance(step, Remove):
            del now[step.first : step.last + 1]
        elif isinstance(step, Move):
            now.insert(step.target, now.pop(step.source))
            moves += 1
        elif isinstance(step, Insert):
            now[step.first : step.first] = new[step.first : step.last + 1]
    return now, moves


@given(ids, ids)
def test_steps_lead_from_one_order_to_the_other(old: list[str], new: list[str]) -> None:
    assert apply(old, new)[0] == new


@given(st.integers(2, 300), st.data())
def test_one_row_that_changes_its_place_is_one_move(count: int, data: st.DataObject) -> None:
    old = [str(number) for number in range(count)]
    new = list(old)
    source = data.draw(st.integers(0, count - 1))
    new.insert(data.draw(st.integers(0, count - 1)), new.pop(source))
    now, moves = apply(old, new)
    assert now == new
    assert moves <= 1


def names(model: QueueModel) -> list[str]:
    return [model.index(at).data(QueueRole.NAME) for at in range(model.rowCount())]


def refreshed(qtbot: QtBot, model: QueueModel) -> None:
    model.refresh()
    qtbot.waitUntil(lambda: not model.reading)


def fill(desk: Desk, people: list[tuple[str, str, float]]) -> dict[str, str]:
    found = {}
    for name, words, at in people:
        found[name] = desk.store.conversations.receive(name, words, at=at).conversation
    return found


def test_the_longest_wait_comes_first_and_roles_answer(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1000.0)
    made = fill(desk, [("甲", "一", 990.0), ("乙", "二\n三", 700.0), ("丙", "四", 905.0)])
    refreshed(qtbot, desk.queue)
    assert names(desk.queue) == ["乙", "丙", "甲"]
    first = desk.queue.index(0)
    assert first.data(QueueRole.ID) == made["乙"]
    assert first.data(QueueRole.WAITING) == 300.0
    assert [desk.queue.index(at).data(QueueRole.URGENCY) for at in range(3)] == [2, 1, 0]
    assert first.data(QueueRole.STATE) == "queued"
    assert "乙" in first.data(Qt.ItemDataRole.AccessibleTextRole)


def test_changes_move_and_insert_rows_and_never_reset(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1000.0)
    made = fill(desk, [("甲", "一", 100.0), ("乙", "二", 200.0), ("丙", "三", 300.0)])
    refreshed(qtbot, desk.queue)
    QAbstractItemModelTester(desk.queue, QAbstractItemModelTester.FailureReportingMode.Fatal)
    reset, moved = QSignalSpy(desk.queue.modelReset), QSignalSpy(desk.queue.rowsMoved)
    desk.store.decisions.record(made["甲"], "rewritten", text="好")
    fill(desk, [("丁", "四", 150.0)])
    refreshed(qtbot, desk.queue)
    assert names(desk.queue) == ["丁", "乙", "丙", "甲"]
    assert desk.queue.index(3).data(QueueRole.STATE) == "replied"
    assert (reset.count(), moved.count()) == (0, 1)


def test_states_follow_draft_case_and_what_is_under_way(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1000.0)
    made = fill(desk, [("甲", "一", 100.0), ("乙", "二", 200.0), ("丙", "三", 300.0)])
    store = desk.store
    row = store.conversations.get(made["甲"])
    store.drafts.save(made["甲"], str(row.newest_message), Draft("drafted", "好"))
    store.handovers.open(made["丙"], "legal")
    desk.queue.set_drafting(frozenset({made["乙"]}))
    refreshed(qtbot, desk.queue)
    states = {
        desk.queue.index(at).data(QueueRole.NAME): desk.queue.index(at).data(QueueRole.STATE)
        for at in range(3)
    }
    assert states == {"甲": "ready", "乙": "drafting", "丙": "handover"}
    case = next(at for at in range(3) if names(desk.queue)[at] == "丙")
    assert desk.queue.index(case).data(QueueRole.CATEGORY) == "法律风险"
    desk.queue.set_language("en")
    assert desk.queue.index(case).data(QueueRole.CATEGORY) == "Legal risk"


def test_messages_that_came_while_open_are_seen(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1000.0)
    refreshed(qtbot, desk.queue)
    made = fill(desk, [("甲", "一", 100.0)])
    refreshed(qtbot, desk.queue)
    assert desk.queue.index(0).data(QueueRole.UNREAD) == 1
    desk.queue.set_open(made["甲"])
    assert desk.queue.index(0).data(QueueRole.UNREAD) == 0
    desk.store.conversations.receive("甲", "二", conversation=made["甲"], at=101.0)
    refreshed(qtbot, desk.queue)
    assert desk.queue.index(0).data(QueueRole.UNREAD) == 0


def test_search_and_filter_narrow_the_list(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1000.0)
    fill(desk, [("甲", "水壶", 100.0), ("乙", "发票", 200.0)])
    refreshed(qtbot, desk.queue)
    desk.queue.set_search("发票")
    qtbot.waitUntil(lambda: not desk.queue.reading)
    assert names(desk.queue) == ["乙"]
    desk.queue.set_search("")
    desk.queue.set_filter("replied")
    qtbot.waitUntil(lambda: not desk.queue.reading)
    assert names(desk.queue) == []


def multiply(path: Path, count: int) -> None:
    """Copy the one conversation of a store `count` times, faster than one by one."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(conversations)")]
        copied = ["id || n" if name == "id" else name for name in columns]
        database.execute(
            f"""WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
            INSERT INTO conversations ({", ".join(columns)})
            SELECT {", ".join(copied)} FROM conversations, numbers"""
        )
        database.commit()


def test_many_conversations_are_loaded_page_by_page(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk(clock=lambda: 1e6)
    fill(desk, [("甲", "在吗", 1.0)])
    multiply(desk.store.path, 9_999)
    model: Any = desk.queue
    refreshed(qtbot, model)
    assert model.rowCount() == PAGE
    root = model.index(-1)
    assert model.canFetchMore(root)
    model.fetchMore(root)
    qtbot.waitUntil(lambda: not model.reading)
    assert model.rowCount() == 2 * PAGE
    assert model.page.counts.waiting == 10_000
