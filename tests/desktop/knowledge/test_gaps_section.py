"""Questions without an answer: listed, opened, searched for again, and taken off the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.gaps import GapsSection
from desktop.pages.knowledge import KnowledgePage
from desktop.theme import Look
from engine.errors import StoreError
from engine.protocol import RequestFailed, SearchFinished
from engine.records import Draft, Found, Passage
from engine.store.store import Store

if TYPE_CHECKING:
    from conftest import EngineTwin

Open = Callable[..., Desk]
NOW = 1_790_000_000.0
ASKED = (
    ("邹阿姨", "有花呗吗", "", NOW - 9_000),
    ("李先生", "<b>能刻字吗</b>", "可以刻字，多付20元，三天内寄出。", NOW - 5_000),
    ("王女士", "有花呗吗？", "", NOW - 300),
    ("Ella P.", "do you ship to the islands", "", NOW - 7_000),
)


def ask(store: Store) -> dict[str, str]:
    """Questions that found nothing; the conversation of each customer."""
    made = {}
    # In one step, or the desk would screen these messages meanwhile.
    with store.transaction():
        for customer, question, answer, at in ASKED:
            message = store.conversations.receive(customer, question, at=at)
            store.conversations.mark_screened(message.id)
            made[customer] = message.conversation
            store.drafts.save(message.conversation, message.id, Draft("abstained"), at=at)
            store.gaps.add(question, message.conversation, "没有依据", at=at)
            if answer:
                store.decisions.record(message.conversation, "rewritten", text=answer, at=at + 60)
    return made


@pytest.fixture
def shown(qtbot: QtBot, open_desk: Open, knowing: None) -> Callable[..., KnowledgePage]:
    """Opens a desk at the section, with what was asked before."""

    def show(*, asked: bool = True, **settings: Any) -> KnowledgePage:
        desk = open_desk(clock=lambda: NOW)
        conversations = ask(desk.store) if asked else {}
        if settings:
            desk.apply(replace(desk.settings, **settings))
        with qtbot.waitActive(desk.window):
            desk.window.show()
            desk.window.activateWindow()
        desk.window.show_page("knowledge")
        page = desk.window.findChild(KnowledgePage)
        assert isinstance(page, KnowledgePage)
        qtbot.waitUntil(lambda: page._built)
        page.show_section("gaps")
        qtbot.waitUntil(lambda: section(page).listing() is not None)
        page.desk, page.conversations = desk, conversations  # type: ignore[attr-defined]
        return page

    return show


def section(page: KnowledgePage) -> GapsSection:
    assert page.gaps is not None
    return page.gaps


def questions(page: KnowledgePage) -> list[str]:
    return [one.question for one in section(page).list.shown()]


def test_the_newest_stands_first_and_alike_ones_are_counted(
    shown: Callable[..., KnowledgePage],
) -> None:
    page = shown()
    rows = section(page).list.shown()
    assert [one.question for one in rows] == [
        "有花呗吗",
        "<b>能刻字吗</b>",
        "do you ship to the islands",
    ]
    assert [one.count for one in rows] == [2, 1, 1]
    assert rows[0].customer == "王女士"
    assert "3" in page.tabs["gaps"].text()
    gaps = section(page).list
    gaps.chip("again").click()
    assert questions(page) == ["有花呗吗"]
    gaps.chip("answered").click()
    assert questions(page) == ["<b>能刻字吗</b>"]
    gaps.chip("").click()
    gaps.search.setText("ISLANDS")
    assert questions(page) == ["do you ship to the islands"]


def test_the_answer_of_an_agent_is_shown_as_plain_text(
    qtbot: QtBot, shown: Callable[..., KnowledgePage]
) -> None:
    page = shown()
    section(page).list.table.go(1)
    card = section(page).card
    assert card._question.text() == "<b>能刻字吗</b>"
    assert card._question.textFormat() == Qt.TextFormat.PlainText
    assert card._answer.text() == "可以刻字，多付20元，三天内寄出。"
    section(page).list.table.go(0)
    assert card._answer.text() == "还没有坐席答复过。"


def test_enter_opens_the_conversation_it_came_from(
    qtbot: QtBot, shown: Callable[..., KnowledgePage]
) -> None:
    page = shown()
    desk, conversations = page.desk, page.conversations  # type: ignore[attr-defined]
    assert section(page).list.table.hasFocus()
    QTest.keyClick(section(page).list.table, Qt.Key.Key_Return)
    assert desk.window.page() == "desk"
    qtbot.waitUntil(lambda: desk.session.conversation == conversations["王女士"])


def test_what_is_covered_is_taken_off_and_comes_back_by_undo(
    qtbot: QtBot, shown: Callable[..., KnowledgePage]
) -> None:
    page = shown()
    card = section(page).card
    with qtbot.waitSignal(page._asked.settled):
        card.settle_button.click()
    qtbot.waitUntil(lambda: len(questions(page)) == 2)
    assert "有花呗吗" not in questions(page)
    assert "已移出待补列表" in page.toast.words()
    page.toast._undo.click()
    qtbot.waitUntil(lambda: len(questions(page)) == 3)
    assert page.desk.store.gaps.list()[0].count == 2  # type: ignore[attr-defined]


def test_it_is_searched_for_again_once_the_engine_is_ready(
    qtbot: QtBot,
    shown: Callable[..., KnowledgePage],
    engine_twin: Callable[[Desk], EngineTwin],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = shown()
    card, table = section(page).card, section(page).list.table
    assert "引擎还没就绪" in card.search_button.why_blocked()
    twin: Any = engine_twin(page.desk)  # type: ignore[attr-defined]
    twin.search = lambda query, **_: f"s:{query}"
    twin.ready()
    qtbot.waitUntil(lambda: not card.search_button.why_blocked())
    card.search_button.click()
    assert "正在查" in card._state.text()
    passage = Passage("支付.md", "支付方式", "花呗", "支持<i>花呗</i>分期。")
    twin.say(SearchFinished("s:有花呗吗", "有花呗吗", (Found(1, passage, 0.9),), 3.0))
    qtbot.waitUntil(lambda: "最相关" in card._state.text())
    first = card._found[0]
    assert first[1].text() == "支付方式 › 花呗" and first[2].text() == "支持<i>花呗</i>分期。"
    assert not first[0].isHidden() and card._found[1][0].isHidden()
    table.go(1)
    assert first[0].isHidden()
    card.search_button.click()
    twin.say(RequestFailed("s:<b>能刻字吗</b>", "knowledge_empty", "知识库还是空的。"))
    qtbot.waitUntil(lambda: card._state.text() == "知识库还是空的。")


def test_a_settled_gap_that_was_asked_again_is_not_opened_twice(
    shown: Callable[..., KnowledgePage],
) -> None:
    page = shown()
    store: Store = page.desk.store  # type: ignore[attr-defined]
    gap = store.gaps.list()[0]
    assert not store.gaps.reopen(gap.id)
    assert store.gaps.settle(gap.id)
    store.gaps.add("有花呗吗", gap.conversation)
    assert not store.gaps.reopen(gap.id)
    assert len(store.gaps.list()) == 3


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_screens_of_the_gaps(
    empty: bool,
    each_look: Look,
    shown: Callable[..., KnowledgePage],
    shoot: Callable[..., Path],
    qtbot: QtBot,
) -> None:
    theme = "dark" if each_look.tokens.dark else "light"
    page = shown(asked=not empty, language=each_look.language, theme=theme)
    window = page.desk.window  # type: ignore[attr-defined]
    if not empty:
        section(page).list.table.go(1)
    name = f"page-gaps{'-empty' if empty else ''}"
    assert shoot(window, name, each_look, 1280, 720).stat().st_size > 20_000
    if not empty:
        assert shoot(window, f"{name}-wide", each_look, 1920, 1080).stat().st_size > 20_000


def test_an_undo_that_fails_is_told_and_can_be_tried_again(
    qtbot: QtBot, shown: Callable[..., KnowledgePage], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown()
    with qtbot.waitSignal(page._asked.settled):
        section(page).card.settle_button.click()
    qtbot.waitUntil(lambda: len(questions(page)) == 2)

    def refuse(gap: str) -> bool:
        raise StoreError("The disk is full.", "store_full", path="x")

    with monkeypatch.context() as full:
        full.setattr(page.desk.store.gaps, "reopen", refuse)  # type: ignore[attr-defined]
        with qtbot.waitSignal(page.trouble):
            page.undo()
    assert len(questions(page)) == 2 and page.toast.isVisible()
    page.toast._undo.click()
    qtbot.waitUntil(lambda: len(questions(page)) == 3)


def test_questions_are_counted_as_questions_when_only_some_are_listed(
    shown: Callable[..., KnowledgePage],
) -> None:
    page = shown()
    section(page).list.chip("again").click()
    assert section(page).list._sum.text() == "3 个中的 1 个"
