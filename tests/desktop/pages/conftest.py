"""A lead's desk, and the review page on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytestqt.qtbot import QtBot

from engine import settings as settings_file
from engine.paths import DataFolder
from engine.records import Draft, Evidence, Hit
from engine.settings import Settings

if TYPE_CHECKING:
    from desktop.app import Desk
    from desktop.pages.review import ReviewPage
    from desktop.widgets.review_values import HitRow

Open = Callable[..., "Desk"]

LEAD = "周组长"
NOW = 1_790_000_000.0
REPLY = "<b>百分百保证</b>给您修好😀"


def _hit(text: str, words: str, **values: Any) -> Hit:
    at = text.index(words)
    made: dict[str, Any] = {"rule": "t.promise", "category": "promise", "level": "L3"}
    made |= {"action": "block", "name": "乱承诺", "why": "不能保证", "advice": "改成会尽力"}
    made |= values
    return Hit(start=at, end=at + len(words), text=words, **made)


@pytest.fixture
def lead_desk(tmp_path: Path, open_desk: Open) -> Desk:
    """A desk of a lead with three conversations: two hits of a customer, one of a reply."""
    folder = DataFolder(tmp_path / "data")
    settings_file.save(folder, Settings(agent=LEAD))
    desk = open_desk(clock=lambda: NOW)
    store = desk.store
    # In one step, or the desk would screen these messages by its own rules, too.
    with store.transaction():
        for number, name in enumerate(("甲女士", "乙先生")):
            text = f"我已经找了{'律师函' if number else '律师'}，你们等着{number}"
            message = store.conversations.receive(name, text, at=NOW - 300 + number)
            store.conversations.mark_screened(message.id)
            hit = _hit(
                text, "律师", rule="t.lawyer", category="legal", name="律师", side="customer"
            )
            store.hits.add_all(message.conversation, message.id, text, [hit], at=NOW - 300 + number)
            if number == 0:
                passage = Evidence(1, "投诉.md", "投诉处理", "升级", "转给法务。", 0.9)
                store.drafts.save(
                    message.conversation, message.id, Draft("drafted", "已转法务[1]", (passage,))
                )
        asked = store.conversations.receive("丙女士", "能修好吗", at=NOW - 200)
        store.conversations.mark_screened(asked.id)
        store.decisions.record(
            asked.conversation,
            "rewritten",
            text=REPLY,
            who="小满",
            hits=[_hit(REPLY, "百分百保证")],
            override="客户催得急",
            at=NOW - 100,
        )
    return desk


@pytest.fixture
def shown_page(qtbot: QtBot, lead_desk: Desk) -> Callable[[], ReviewPage]:
    """Shows the review page in the window, with its first row open."""

    def show() -> ReviewPage:
        with qtbot.waitActive(lead_desk.window):
            lead_desk.window.show()
            lead_desk.window.activateWindow()
        lead_desk.window.show_page("review")
        page: Any = lead_desk.window._pages["review"]
        qtbot.waitUntil(lambda: page._session.row is not None)
        return page  # type: ignore[no-any-return]

    return show


@pytest.fixture
def hit_at(qtbot: QtBot) -> Callable[[ReviewPage, int], HitRow]:
    """Looks at a row of the page and gives the hit that is shown then."""

    def look_at(page: ReviewPage, at: int) -> HitRow:
        page.list.go(at)
        model: Any = page._session.model
        qtbot.waitUntil(lambda: model.row(at) is not None and model.row(at) == page._session.row)
        return model.row(at)  # type: ignore[no-any-return]

    return look_at


@pytest.fixture
def found_in() -> Callable[..., Hit]:
    """The hit of a rule for these words of a text."""
    return _hit
