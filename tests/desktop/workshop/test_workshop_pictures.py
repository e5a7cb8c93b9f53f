"""The rule workshop in its states, as pictures in build/screens/workshop-*.png."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.workshop import WorkshopPage
from desktop.theme import Look
from desktop.widgets.blocks import PushButton
from engine import settings as settings_file
from engine.paths import RULES, DataFolder
from engine.records import Language
from engine.settings import Settings

Shoot = Callable[..., Path]

NOW = 1_790_000_000.0
LEADS: dict[Language, tuple[str, str]] = {"zh": ("周组长", "林组长"), "en": ("Zoe", "Lin")}
SAID = {
    "zh": ("这款包换新，您放心", "七天内包换", "我们包换包退", "您好，请问有什么可以帮您"),
    "en": (
        "Free swap for sure, no question",
        "We do a free swap within a week",
        "A free swap is on us",
        "Hello, how can I help?",
    ),
}
WORD = {"zh": "包换", "en": "free swap"}
TRY = {
    "zh": "放心，我们包换，百分百赔付😀",
    "en": "Sure, a free swap, absolutely no problem 😀",
}


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the packs that ship."""
    folder = tmp_path_factory.mktemp("packs")
    for name in ("agent-conduct", "agent-promises", "customer-law"):
        shutil.copy(RULES / f"{name}.yaml", folder)
    return folder


@pytest.fixture
def desk(tmp_path: Path, packs: Path, each_look: Look, open_desk: Callable[..., Desk]) -> Desk:
    """A lead's desk with rules that ship, and some replies already sent."""
    language = each_look.language
    theme_name = "dark" if each_look.tokens.dark else "light"
    name = LEADS[language][0]
    kept = Settings(agent=name, language=language, theme=theme_name)  # type: ignore[arg-type]
    settings_file.save(DataFolder(tmp_path / "data"), kept)
    desk = open_desk(clock=lambda: NOW, rules=packs)
    store = desk.store
    with store.transaction():
        for number, words in enumerate(SAID[language]):
            message = store.conversations.receive(f"{number}", "?", at=NOW - 900 + number)
            store.conversations.mark_screened(message.id)
            store.decisions.record(
                message.conversation, "rewritten", text=words, who="A", at=NOW - 800 + number
            )
    return desk


def page_of(qtbot: QtBot, desk: Desk) -> WorkshopPage:
    desk.window.show()
    desk.window.show_page("workshop")
    page: Any = desk.window._pages["workshop"]
    qtbot.waitUntil(lambda: page._built and bool(page.rules.shown()), timeout=20_000)
    return page  # type: ignore[no-any-return]


def opened(qtbot: QtBot, page: WorkshopPage, rule: str) -> None:
    session: Any = page._session
    session.open(("rule", rule))
    qtbot.waitUntil(lambda: bool(session._shown) and session._shown.row.id == rule)
    qtbot.waitUntil(lambda: bool(page.rule.hits.editor.marks()), timeout=10_000)


def step(qtbot: QtBot, page: WorkshopPage, name: str, stage: str, comment: str) -> None:
    qtbot.waitUntil(lambda: not page.bar.button(name).why_blocked(), timeout=20_000)
    dialog = page.take_step(name)
    dialog.comment.setText(comment)
    dialog.ok_button.click()
    qtbot.waitUntil(lambda: page.bar.standing().stage == stage, timeout=20_000)


def test_every_state_of_the_workshop(
    qtbot: QtBot, desk: Desk, each_look: Look, shoot: Shoot
) -> None:
    look, language = each_look, each_look.language
    page = page_of(qtbot, desk)
    pictures = []

    def picture(name: str, width: int = 1440, height: int = 900, widget: Any = None) -> None:
        qtbot.wait(60)
        page.toast.hide()
        taken = shoot(widget or desk.window, f"workshop-{name}", look, width, height)
        pictures.append(taken)

    picture("nothing", 1280, 720)
    opened(qtbot, page, "reply.overpromise")
    words = page.rule.form.field("words").editor
    words.setPlainText(f"{WORD[language]}\n{words.toPlainText()}")
    page.trying.put(TRY[language], "agent")
    qtbot.waitUntil(lambda: page.bar.standing().changes == 1, timeout=20_000)
    qtbot.waitUntil(lambda: WORD[language] in page.trying.changed.marked(), timeout=20_000)
    qtbot.waitUntil(lambda: not page.replay.start_button.why_blocked(), timeout=20_000)
    page.replay.start_button.click()
    qtbot.waitUntil(lambda: page.replay.view().phase == "done", timeout=60_000)
    picture("form", 1440, 900)
    picture("form-small", 1280, 720)
    for name, section in (("match", "expressions"), ("told", "why"), ("dates", "basis")):
        page.rule.form.ensureWidgetVisible(page.rule.form.field(section), 0, 200)
        picture(f"form-{name}", 1280, 720)
    picture("smallest", 1080, 600)
    opened(qtbot, page, "reply.medical")
    page.rule.switch_button.click()
    qtbot.waitUntil(lambda: not page.rule._unshown.isHidden(), timeout=20_000)
    picture("off", 1280, 720)
    page.rule.restore_button.click()
    qtbot.waitUntil(lambda: page.bar.standing().changes == 1, timeout=20_000)
    page._session.open(("script", "script.investment_risk"))
    qtbot.waitUntil(lambda: page.rule._opened.row.kind == "script", timeout=20_000)  # type: ignore[union-attr]
    qtbot.wait(300)
    picture("script", 1280, 720)
    opened(qtbot, page, "reply.overpromise")
    page.rule.set_view("text")
    text = page.rule.text.toPlainText()
    page.rule.text.setPlainText(text.replace("level: L2", "level: L7"))
    qtbot.waitUntil(lambda: bool(page.rule.problems()), timeout=20_000)
    qtbot.waitUntil(lambda: page.bar.standing().problems > 0, timeout=20_000)
    picture("wrong", 1280, 720)
    page.rule.text.setPlainText(text)
    qtbot.waitUntil(lambda: not page.rule.problems(), timeout=20_000)
    qtbot.waitUntil(lambda: page.bar.standing().problems == 0, timeout=20_000)
    page.rule.set_view("form")
    comment = {"zh": "客户投诉过「包换」", "en": "Customers complained of “free swap”"}[language]
    qtbot.waitUntil(lambda: not page.bar.button("start").why_blocked(), timeout=20_000)
    dialog = page.take_step("start")
    dialog.comment.setText(comment)
    picture("step", 620, 0, dialog)
    dialog.ok_button.click()
    qtbot.waitUntil(lambda: page.bar.standing().stage == "trial", timeout=20_000)
    step(qtbot, page, "ask", "asked", "")
    desk.apply(replace(desk.settings, agent=LEADS[language][1]))
    page.begin()
    qtbot.waitUntil(lambda: not page.bar.standing().own, timeout=20_000)
    picture("asked")
    picture("asked-small", 1280, 720)
    step(qtbot, page, "approve", "in_force", "")
    history = page.open_history()
    qtbot.waitUntil(lambda: WORD[language] in history.diff.toPlainText(), timeout=20_000)
    picture("history", 1020, 624, history)
    history.close()
    assert all(one.stat().st_size > 10_000 for one in pictures)


def test_the_steps_have_room_at_the_smallest_size(qtbot: QtBot, desk: Desk) -> None:
    page = page_of(qtbot, desk)
    opened(qtbot, page, "reply.return_promise")
    desk.window.resize(1280, 720)
    qtbot.wait(50)
    buttons = [one for one in page.bar.findChildren(PushButton) if one.isVisible()]
    assert len(buttons) == 1
    step_bar_of_a_draft(qtbot, page)
    buttons = [one for one in page.bar.findChildren(PushButton) if one.isVisible()]
    assert len(buttons) == 3
    for one, other in itertools.combinations(buttons, 2):
        assert not one.geometry().intersects(other.geometry())
    assert desk.window.width() == 1280


def step_bar_of_a_draft(qtbot: QtBot, page: WorkshopPage) -> None:
    page.rule.form.field("owner").setText("A")
    page.rule.form.field("owner").textEdited.emit("A")
    qtbot.waitUntil(lambda: page.bar.standing().stage == "draft", timeout=20_000)
