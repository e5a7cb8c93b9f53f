from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from desk_steps import opened
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from engine.deciding import SendRefused
from engine.errors import ZuoxiError
from engine.records import Draft

Open = Callable[..., Desk]


def asked(desk: Desk, text: str = "壶坏了", reply: str | None = "亲，可以**免费**上门[1]。") -> str:
    """A conversation that waits, with a draft unless `reply` is None."""
    # In one step, or the desk might begin a draft of its own in between.
    with desk.store.transaction():
        message = desk.store.conversations.receive("王女士", text)
        if reply is not None:
            desk.store.drafts.save(message.conversation, message.id, Draft("drafted", reply))
    return message.conversation


def last_message(desk: Desk, conversation: str) -> tuple[str, str]:
    message = desk.store.conversations.messages(conversation)[-1]
    return message.text, message.state


def without_undo(desk: Desk) -> None:
    desk.session.set_settings(replace(desk.settings, undo_seconds=0.0))


def test_accepting_sends_the_draft_without_its_marks(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    assert desk.session.phase == "ready"
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.accept()
    assert caught.args[0].action == "accepted"
    assert last_message(desk, conversation) == ("亲，可以免费上门。", "pending")
    qtbot.waitUntil(lambda: desk.session.phase == "sending")
    assert [bubble.origin for bubble in desk.session.transcript.bubbles] == ["", "sending"]


def test_a_decision_without_undo_time_leaves_at_once_and_once(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    without_undo(desk)
    left: list[str] = []
    desk.outgoing.sent.connect(lambda message: left.append(message.text))
    desk.session.accept()
    desk.session.accept()
    qtbot.waitUntil(lambda: desk.session.phase == "answered")
    assert left == ["亲，可以免费上门。"]
    assert len(desk.store.decisions.of(conversation)) == 1


def test_undoing_brings_the_draft_back(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    with qtbot.waitSignal(desk.session.decided):
        desk.session.accept()
    with qtbot.waitSignal(desk.session.undone) as caught:
        assert desk.session.undo()
    assert caught.args[1] is True
    qtbot.waitUntil(lambda: desk.session.phase == "ready")
    assert last_message(desk, conversation)[1] == "undone"
    assert not desk.session.undo()


def test_undoing_what_was_typed_gives_the_words_back(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    desk.session.composing.set_text("我马上帮您约师傅")
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.send("我马上帮您约师傅")
    assert caught.args[0].action == "rewritten"
    assert desk.session.composing.text == ""
    with qtbot.waitSignal(desk.session.undone):
        desk.session.undo()
    assert desk.session.composing.text == "我马上帮您约师傅"


def test_editing_is_told_from_rewriting(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.send("亲，可以免费上门检修。")
    assert (caught.args[0].action, caught.args[0].edit_distance) == ("edited", 2)
    assert caught.args[0].seconds >= 0


def test_rejecting_needs_no_words_and_sends_nothing(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.reject("tone")
    assert (caught.args[0].action, caught.args[0].reason) == ("rejected", "tone")
    qtbot.waitUntil(lambda: desk.session.phase == "rejected")
    assert desk.store.conversations.get(conversation).waiting_since is not None


def test_handing_over_opens_a_case_that_can_be_taken_and_closed(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    desk.session.hand_over()
    qtbot.waitUntil(lambda: desk.session.phase == "handed_over")
    snapshot = desk.session.snapshot
    assert snapshot is not None and snapshot.case is not None
    assert snapshot.case.category == "坐席转交"
    desk.session.take_case()
    qtbot.waitUntil(lambda: bool(desk.store.handovers.all_open()[0].taken_by))
    desk.session.return_case()
    qtbot.waitUntil(lambda: not desk.store.handovers.all_open()[0].taken_by)
    desk.session.take_case()
    qtbot.waitUntil(lambda: bool(desk.store.handovers.all_open()[0].taken_by))
    desk.session.close_case("谈妥了")
    qtbot.waitUntil(lambda: desk.session.phase != "handed_over")
    assert desk.store.handovers.of(conversation)[0].note == "谈妥了"


def test_a_thumb_is_kept_and_shown(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    opened(qtbot, desk, asked(desk))
    desk.session.thumbs_down()
    qtbot.waitUntil(lambda: bool(desk.session.snapshot and desk.session.snapshot.thumbed))


def test_the_gate_refuses_what_is_typed_and_says_where(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    with qtbot.waitSignal(desk.session.composing.screened) as screened:
        desk.session.composing.set_text("我们百分百保证修好")
    assert screened.args[0].action == "block"
    with qtbot.waitSignal(desk.session.refused) as caught:
        desk.session.send("我们百分百保证修好")
    refused = caught.args[0]
    assert isinstance(refused, SendRefused)
    assert [hit.text for hit in refused.hits] == ["百分百保证"]
    assert len(desk.store.conversations.messages(conversation)) == 1
    assert desk.session.composing.text == "我们百分百保证修好"


def test_a_draft_that_lacks_a_mandatory_script_is_known_before_it_is_sent(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    opened(qtbot, desk, asked(desk, text="吃了过敏怎么办"))
    assert desk.session.missing_scripts() == ("如有不适请尽快就医。",)
    with qtbot.waitSignal(desk.session.refused) as caught:
        desk.session.accept()
    assert caught.args[0].code == "script_missing"


def test_a_draft_that_another_process_decided_on_is_refused_in_words(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    conversation = asked(desk)
    opened(qtbot, desk, conversation)
    newer = desk.store.conversations.receive("王女士", "还在吗", conversation=conversation)
    with qtbot.waitSignal(desk.session.trouble) as caught:
        desk.session.accept()
    assert isinstance(caught.args[0], ZuoxiError)
    assert caught.args[0].code == "draft_stale"
    qtbot.waitUntil(
        lambda: (
            desk.session.snapshot is not None
            and desk.session.snapshot.row.newest_message == newer.id
        )
    )


@pytest.mark.parametrize("leave", ["switch", "wait"])
def test_what_is_typed_survives_a_switch_and_a_pause(
    qtbot: QtBot, open_desk: Open, leave: str
) -> None:
    desk = open_desk()
    first, second = asked(desk), asked(desk)
    opened(qtbot, desk, first)
    desk.session.composing.set_text("写到一半")
    if leave == "switch":
        opened(qtbot, desk, second)
        assert desk.session.composing.text == ""
    qtbot.waitUntil(lambda: desk.store.composers.get(first) == "写到一半")
    if leave == "switch":
        opened(qtbot, desk, first)
        assert desk.session.composing.text == "写到一半"


def test_a_restart_restores_what_was_typed_and_what_was_pending(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    first, second = asked(desk), asked(desk)
    desk.session.set_settings(replace(desk.settings, undo_seconds=60.0))
    opened(qtbot, desk, first)
    with qtbot.waitSignal(desk.session.decided) as caught:
        desk.session.accept()
    decision = caught.args[0].id
    opened(qtbot, desk, second)
    desk.session.composing.set_text("还没写完")
    desk.close()

    again = open_desk()
    qtbot.waitUntil(lambda: again.outgoing.newest() == decision)
    opened(qtbot, again, second)
    assert again.session.composing.text == "还没写完"
    with qtbot.waitSignal(again.session.undone) as undone:
        again.session.undo(decision)
    assert undone.args[1] is True
    assert again.store.conversations.get(first).draft_status == "drafted"


def test_what_was_due_while_the_desk_was_closed_leaves_at_the_start(
    qtbot: QtBot, open_desk: Open
) -> None:
    moment = [1000.0]
    desk = open_desk(clock=lambda: moment[0])
    conversation = asked(desk)
    decision = desk.store.decisions.record(
        conversation, "rewritten", text="您好", undo_seconds=5.0, at=1000.0
    )
    desk.close()
    moment[0] = 2000.0
    left: list[Any] = []
    again = open_desk(clock=lambda: moment[0])
    again.outgoing.sent.connect(left.append)
    qtbot.waitUntil(lambda: bool(left))
    assert left[0].decision == decision.id
    assert again.store.conversations.message(left[0].id).state == "sent"
