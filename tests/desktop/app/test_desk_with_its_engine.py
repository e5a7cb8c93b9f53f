"""The whole desk with a real engine process: hashed vectors, verbatim drafts, no model file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from engine.knowledge import catalogue
from engine.paths import DataFolder
from engine.reception import receive
from engine.store.store import open_store

Open = Callable[..., Desk]

pytestmark = pytest.mark.slow


def running(qtbot: QtBot, open_desk: Open) -> Desk:
    desk = open_desk(start_engine=True)
    desk.window.show()
    qtbot.waitUntil(lambda: desk.bridge.state.phase == "ready")
    return desk


def ask(desk: Desk, text: str) -> str:
    with open_store(desk.store.path) as other:
        return receive(other, desk.gate, "王女士", text).message.conversation


@pytest.mark.usefixtures("knowing")
def test_from_a_message_to_a_draft_to_a_sent_reply(qtbot: QtBot, open_desk: Open) -> None:
    desk = running(qtbot, open_desk)
    conversation = ask(desk, "电水壶坏了能上门修吗")
    qtbot.waitUntil(lambda: [row.draft_status for row in desk.queue.rows()] == ["drafted"])
    desk.page.open(conversation)
    qtbot.waitUntil(lambda: desk.session.phase == "ready")
    assert "上门检修" in desk.page.draft.card.shown_text()
    assert desk.window.status._phase == "ready"
    desk.page.accept()
    qtbot.waitUntil(lambda: len(desk.store.conversations.messages(conversation)) == 2)
    reply = desk.store.conversations.messages(conversation)[-1]
    assert "[1]" not in reply.text
    assert "免费上门检修" in reply.text


@pytest.mark.usefixtures("knowing")
def test_a_killed_engine_is_told_of_and_the_draft_still_comes(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = running(qtbot, open_desk)
    pid = desk.bridge.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    conversation = ask(desk, "发票抬头写错了")
    qtbot.waitUntil(lambda: "意外退出" in desk.window.banner.message())
    qtbot.waitUntil(lambda: desk.store.drafts.latest(conversation) is not None)
    stored = desk.store.drafts.latest(conversation)
    assert stored is not None
    assert "免费重开" in stored.draft.text
    assert desk.bridge.pid != pid


@pytest.mark.usefixtures("knowing")
def test_a_lawyer_s_letter_becomes_a_case_and_no_draft(qtbot: QtBot, open_desk: Open) -> None:
    desk = running(qtbot, open_desk)
    conversation = ask(desk, "律师函已经在写了")
    qtbot.waitUntil(lambda: [row.handed_over for row in desk.queue.rows()] == ["legal"])
    desk.page.open(conversation)
    qtbot.waitUntil(lambda: desk.session.phase == "handed_over")
    assert desk.store.drafts.latest(conversation) is None


def test_an_import_is_shown_and_ends_in_drafts(
    qtbot: QtBot, open_desk: Open, desk_documents: Path
) -> None:
    desk = running(qtbot, open_desk)
    conversation = ask(desk, "电水壶坏了能上门修吗")
    qtbot.waitUntil(lambda: "知识库还是空的" in desk.window.banner.message())
    desk.importing.import_paths([desk_documents])
    qtbot.waitUntil(lambda: desk.window.notices.shown.key == "import")
    with qtbot.waitSignal(desk.importing.finished) as caught:
        pass
    assert caught.args[0].documents == 2
    qtbot.waitUntil(lambda: desk.store.drafts.latest(conversation) is not None)


def test_the_sample_company_plays_and_goes_on_where_it_stopped(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk(sample=True)
    desk.window.show()
    with qtbot.waitSignal(desk.importing.finished) as caught:
        pass
    assert caught.args[0].documents > 20
    qtbot.waitUntil(lambda: len(desk.queue.rows()) >= 3)
    known = {row.id for row in desk.queue.rows()}
    assert desk.settings.style == "warm_shop"
    desk.close()

    again = open_desk(sample=True)
    assert not again.importing.running
    qtbot.waitUntil(lambda: known <= {row.id for row in again.queue.rows()})
    current = catalogue.current(DataFolder(tmp_path / "data").knowledge)
    assert current is not None
    assert current.version == 1
    names = [row.customer for row in again.queue.rows()]
    assert len(names) == len(set(names))
