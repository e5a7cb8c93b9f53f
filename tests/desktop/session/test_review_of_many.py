"""However many hits there are, the list reads those in sight, and never on the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.review import ReviewPage
from desktop.session.review_model import PAGE
from desktop.widgets.review_values import HitRow
from engine.records import Hit
from engine.store.text import to_json

Open = Callable[..., Desk]
MANY = 200_000
CONVERSATIONS = 1000


@pytest.fixture
def flooded(open_desk: Open) -> Desk:
    """A desk with 200,000 hits in some hundred conversations, every tenth of them judged."""
    desk = open_desk(clock=lambda: 5000.0)
    receive = desk.store.conversations.receive
    with desk.store.transaction():
        for at in range(CONVERSATIONS):
            receive(f"顾客{at}", "等着律师函", at=float(at), history=True)
    hit = Hit("t.lawyer", "legal", "L3", "log", 2, 5, "律师函", "customer", "律师")
    database = desk.store._database
    with database.transaction():
        database.run(
            """WITH RECURSIVE numbers (n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many)
            INSERT INTO hits (id, conversation, message, rule, body, screened, at, category,
                level, side, agent, verdict)
            SELECT 'h' || n, messages.conversation, messages.id, 't.lawyer', :body, '等着律师函',
                n, 'legal', 'L3', 'customer', '', CASE n % 10 WHEN 0 THEN 'right' ELSE '' END
            FROM numbers JOIN messages ON messages.seq = 1 + n % :conversations""",
            {"many": MANY, "conversations": CONVERSATIONS, "body": to_json(hit)},
        )
    return desk


class Watch:
    """Notes what the listing is asked, and in which thread."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        self.threads: set[str] = set()
        listing = desk.store.listing
        for name in ("rows", "places", "occurring", "said", "say"):
            monkeypatch.setattr(listing, name, self._noting(name, getattr(listing, name)))

    def _noting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*values: Any) -> Any:
            self.threads.add(threading.current_thread().name)
            if name == "rows":
                self.rows.append(len(values[0]))
            return call(*values)

        return noting


def opened(qtbot: QtBot, desk: Desk) -> ReviewPage:
    desk.window.show()
    desk.window.show_page("review")
    page = desk.window._pages["review"]
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page._session.row is not None)
    return page


def test_scrolling_reads_what_is_in_sight(
    qtbot: QtBot, flooded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(flooded, monkeypatch)
    page = opened(qtbot, flooded)
    model = page._session.model
    assert model.rowCount() == MANY * 9 // 10
    bar = page.list.verticalScrollBar()
    for step in range(1, 21):
        bar.setValue(bar.maximum() * step // 20)
        QTest.qWait(1)
    last = model.rowCount() - 1
    qtbot.waitUntil(lambda: model.row(last) is not None)
    row = model.row(last)
    assert isinstance(row, HitRow) and row.id == "h1"
    assert max(watch.rows) <= PAGE and sum(watch.rows) <= 30 * PAGE
    assert watch.threads == {"zuoxi-store"}


def test_what_is_judged_stays_in_its_place(qtbot: QtBot, flooded: Desk) -> None:
    page = opened(qtbot, flooded)
    model = page._session.model
    page.list.go(70)
    qtbot.waitUntil(lambda: page._session.row == model.row(70) is not None)
    before = [model.keys(at, at)[0] for at in (69, 70, 71)]
    page._on_verdict("right")

    def judged() -> bool:
        row = model.row(70)
        return isinstance(row, HitRow) and row.verdict == "right"

    qtbot.waitUntil(judged)
    assert [model.keys(at, at)[0] for at in (69, 70, 71)] == before
    page._session.refresh()
    qtbot.waitUntil(lambda: model.rowCount() == MANY * 9 // 10 - 1)


def test_thousands_are_judged_and_taken_back_beside_the_rest(
    qtbot: QtBot, flooded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(qtbot, flooded)
    watch = Watch(flooded, monkeypatch)
    session = page._session
    with qtbot.waitSignal(session.judged) as judged:
        session.judge(0, 2499, "false_alarm", "成批")
    assert judged.args == [2500]
    assert "zuoxi-long" in watch.threads

    def count() -> int:
        rows = flooded.store._database.rows(
            "SELECT count(*) AS n FROM hits WHERE verdict = 'false_alarm'"
        )
        return int(rows[0]["n"])

    assert count() == 2500
    session.undo()
    qtbot.waitUntil(lambda: count() == 0)
