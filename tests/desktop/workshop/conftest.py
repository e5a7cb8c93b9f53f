"""A lead's desk with the rule workshop open on it, and what a lead does there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from engine import settings as settings_file
from engine.paths import DataFolder
from engine.settings import Settings

if TYPE_CHECKING:
    from desktop.app import Desk
    from desktop.pages.workshop import WorkshopPage

LEAD = "周组长"
SECOND = "林组长"
NOW = 1_790_000_000.0


@pytest.fixture
def lead_desk(tmp_path: Path, open_desk: Callable[..., Desk]) -> Desk:
    """A desk of a lead; two customers wrote, and one was answered."""
    settings_file.save(DataFolder(tmp_path / "data"), Settings(agent=LEAD))
    desk = open_desk(clock=lambda: NOW)
    store = desk.store
    with store.transaction():
        for number, words in enumerate(("你们保修多久", "会不会又坏")):
            message = store.conversations.receive(f"客户{number}", words, at=NOW - 300 + number)
            store.conversations.mark_screened(message.id)
            store.decisions.record(
                message.conversation,
                "rewritten",
                text=("放心，包换新的", "包换，我们百分百保证")[number],
                who="小满",
                at=NOW - 200 + number,
            )
    return desk


@pytest.fixture
def workshop_page(qtbot: QtBot, lead_desk: Desk) -> Callable[[], WorkshopPage]:
    """Shows the workshop in the window, with its rules listed."""

    def show() -> WorkshopPage:
        with qtbot.waitActive(lead_desk.window):
            lead_desk.window.show()
            lead_desk.window.activateWindow()
        lead_desk.window.show_page("workshop")
        page: Any = lead_desk.window._pages["workshop"]
        qtbot.waitUntil(lambda: page._built and bool(page.rules.shown()), timeout=10_000)
        return page  # type: ignore[no-any-return]

    return show


@pytest.fixture
def opened_rule(qtbot: QtBot) -> Callable[[WorkshopPage, str], None]:
    """Opens a rule of the page, and waits for its check."""

    def open_(page: WorkshopPage, rule: str) -> None:
        session: Any = page._session
        session.open(("rule", rule))
        qtbot.waitUntil(lambda: session._shown is not None and session._shown.row.id == rule)
        qtbot.waitUntil(lambda: bool(page.rule.hits.editor.marks()))

    return open_


@pytest.fixture
def sit(lead_desk: Desk) -> Callable[[str], None]:
    """Another person sits down at the desk."""

    def other(name: str) -> None:
        lead_desk.apply(replace(lead_desk.settings, agent=name))
        lead_desk.window.show_page("desk")
        lead_desk.window.show_page("workshop")

    return other
