"""However many conversations wait, the list reads no more of them than are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.session.queue_model import PAGE

Open = Callable[..., Desk]
MANY = 1200


@pytest.fixture
def full(qtbot: QtBot, open_desk: Open) -> Desk:
    desk = open_desk(clock=lambda: 5000.0)
    with desk.store.transaction():
        for place in range(MANY):
            desk.store.conversations.receive(f"顾客{place}", "在吗", at=float(place), history=True)
    desk.queue.refresh()
    qtbot.waitUntil(lambda: desk.queue.rowCount() == PAGE and not desk.queue.reading)
    return desk


def pages_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each reading asks the store for, from now on."""
    asked: list[int] = []
    page = desk.store.conversations.page

    def noting(**values: Any) -> Any:
        asked.append(values["limit"])
        return page(**values)

    monkeypatch.setattr(desk.store.conversations, "page", noting)
    return asked


def again(qtbot: QtBot, desk: Desk) -> None:
    desk.queue.refresh()
    qtbot.waitUntil(lambda: not desk.queue.reading)


def test_one_page_is_read_of_a_full_queue(
    qtbot: QtBot, full: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pages_asked(full, monkeypatch)
    again(qtbot, full)
    assert set(asked) == {PAGE + 1}
    assert full.queue.page is not None and full.queue.page.counts.all == MANY


def test_what_was_scrolled_past_is_let_go_of(
    qtbot: QtBot, full: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pages_asked(full, monkeypatch)
    for pages in (2, 3, 4):
        full.queue.set_reach(full.queue.rowCount())
        full.queue.fetchMore(full.queue.index(-1))
        qtbot.waitUntil(lambda pages=pages: full.queue.rowCount() == pages * PAGE)
    assert max(asked) == 4 * PAGE + 1
    full.queue.set_reach(8)
    asked.clear()
    again(qtbot, full)
    qtbot.waitUntil(lambda: full.queue.rowCount() <= 2 * PAGE)
    assert max(asked) <= 2 * PAGE + 1
    assert full.queue.canFetchMore(full.queue.index(-1))


def test_the_open_conversation_stays_in_the_list(
    qtbot: QtBot, full: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.queue.set_reach(PAGE)
    full.queue.fetchMore(full.queue.index(-1))
    qtbot.waitUntil(lambda: full.queue.rowCount() == 2 * PAGE)
    opened = full.queue.rows()[PAGE + 50].id
    full.queue.set_open(opened)
    full.queue.set_reach(8)
    again(qtbot, full)
    assert opened in [row.id for row in full.queue.rows()]
