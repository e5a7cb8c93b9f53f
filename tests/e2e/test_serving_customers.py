"""An agent serves customers with keys alone, on the shipped models."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.widgets.queue_roles import QueueRole
from engine.channels.replay import Reply
from engine.deciding import sendable
from engine.texts import text

if TYPE_CHECKING:
    from conftest import Stage

INVOICE = "发票抬头写错一个字，能改吗"
BROKEN = "东西坏了,想退又不值当运费,咋整?"
LAWYER = "行 律师函已经在写了 咱们法庭上见"
PROMISE = "我百分百保证给您补一份，绝对没问题。"


def state_of(stage: Stage, name: str) -> str:
    queue = stage.desk.queue
    rows = [queue.index(at) for at in range(queue.rowCount())]
    states = (str(row.data(QueueRole.STATE)) for row in rows if row.data(QueueRole.NAME) == name)
    return next(states, "")


def decide(stage: Stage, action: str = "accept") -> None:
    decided: list[object] = []
    stage.desk.session.decided.connect(decided.append)
    stage.hands.press(action)
    stage.until("decided", lambda: bool(decided))
    stage.desk.session.decided.disconnect(decided.append)


def test_a_draft_is_accepted_leaves_once_and_the_answer_gets_its_own(stage: Stage) -> None:
    name = stage.customer("李", INVOICE, replies=(Reply("找到了，点进去填就行是吧", (), 0.2),))
    stage.open(name)
    stage.wait_draft()
    draft = stage.desk.session.draft
    assert draft is not None
    assert "30天" in draft.draft.text
    assert draft.draft.evidence[0].doc == "发票开具与改错.md"
    assert not draft.draft.unsupported
    proposed = sendable(draft.draft.text)
    decide(stage)
    assert stage.desk.page.toast.isVisible()
    stage.until("sent", lambda: stage.sent() == [proposed])
    reply = stage.ask(
        lambda: stage.desk.store.conversations.messages(stage.desk.session.conversation)
    )[1]
    # For as long as it could be undone, and on a busy machine longer.
    assert reply.sent_at is not None
    assert reply.sent_at - reply.at > stage.desk.settings.undo_seconds / 2
    stage.until("customer", lambda: stage.row().customer_messages == 2)
    stage.until("draft", lambda: state_of(stage, name) in ("ready", "gap"))
    assert stage.sent() == [proposed]
    decisions = stage.ask(lambda: stage.desk.store.decisions.of(stage.desk.session.conversation))
    assert [one.action for one in decisions] == ["accepted"]
    assert decisions[0].edit_distance == 0
    assert decisions[0].who == "小满"


def test_an_edited_draft_is_stored_with_its_distance(stage: Stage) -> None:
    stage.open(stage.customer("王", BROKEN))
    stage.wait_draft()
    draft = stage.desk.session.draft
    assert draft is not None
    assert draft.draft.evidence
    stage.hands.press("edit")
    composer = stage.desk.page.composer
    stage.until("typed", lambda: composer.text() == sendable(draft.draft.text))
    stage.hands.write("明天上午行吗？")
    decide(stage)
    row = stage.row()
    decision = stage.ask(lambda: stage.desk.store.decisions.of(row.id))[-1]
    assert decision.action == "edited"
    assert decision.text == sendable(draft.draft.text) + "明天上午行吗？"
    assert decision.edit_distance == len("明天上午行吗？")
    stage.until("typed", lambda: composer.text() == "")


def test_a_rejection_asks_for_its_reason_and_one_digit_gives_it(stage: Stage) -> None:
    stage.open(stage.customer("罗", "退款退到银行卡要几天"))
    stage.wait_draft()
    stage.hands.press("reject")
    stage.until("reasons", lambda: QApplication.activePopupWidget() is not None)
    stage.hands.key(Qt.Key.Key_4)
    stage.until("decided", lambda: stage.desk.session.phase == "rejected")
    row = stage.row()
    decision = stage.ask(lambda: stage.desk.store.decisions.of(row.id))[-1]
    assert (decision.action, decision.reason) == ("rejected", "tone")
    assert row.waiting_since is not None
    stage.hands.press("focus_composer")
    stage.hands.write("您好，1到3个工作日到账。")
    decide(stage)
    assert stage.row().waiting_since is None
    assert stage.row().draft_status == "none"


def test_a_threat_is_handed_over_with_its_script_and_never_drafted(stage: Stage) -> None:
    stage.open(stage.customer("赵", "你们这样糊弄人是吧", LAWYER))
    stage.until("case", lambda: stage.desk.session.phase == "handed_over")
    card, composer = stage.desk.page.draft.case, stage.desk.page.composer
    assert card.isVisible()
    assert not stage.desk.page.draft.card.isVisible()
    assert card.case().category == "法律风险"
    script = card.case().script
    stage.hands.press("insert_script")
    stage.until("typed", lambda: script in composer.text())
    decide(stage)
    stage.until("sent", lambda: bool(stage.sent()))
    assert script in stage.sent()[0]
    assert stage.row().handed_over == "legal"
    assert stage.row().draft_status in ("none", "handover")


def test_an_undone_reply_never_leaves_and_its_draft_is_there_again(stage: Stage) -> None:
    # Long enough for a hand on a busy machine.
    stage.set(undo_seconds=30.0)
    stage.open(stage.customer("钱", "电水壶保修多久？"))
    stage.wait_draft()
    undone: list[bool] = []
    stage.desk.session.undone.connect(lambda _, worked: undone.append(worked))
    decide(stage)
    stage.hands.press("undo_send")
    stage.until("undone", lambda: undone == [True])
    stage.wait_draft()
    # Another reply leaves later.
    stage.set(undo_seconds=0.0)
    other = stage.customer("孙", "周末店里几点关门呀")
    conversation = stage.desk.session.conversation
    stage.open(other)
    stage.wait_draft()
    decide(stage)
    stage.until("sent", lambda: bool(stage.sent()))
    messages = stage.ask(lambda: stage.desk.store.conversations.messages(conversation))
    assert [one.state for one in messages if one.role == "agent"] == ["undone"]


def test_a_promise_is_kept_back_until_it_is_changed(stage: Stage) -> None:
    stage.open(stage.customer("邹", "2027年春节你们哪几天停发货"))
    composer = stage.desk.page.composer
    seen = []
    stage.desk.session.composing.screened.connect(seen.append)
    stage.hands.press("focus_composer")
    stage.hands.write(PROMISE)
    stage.until("blocked", lambda: bool(seen) and seen[-1].action == "block")
    stage.hands.press("accept")
    stage.hands.rest(300)
    assert composer.text() == PROMISE
    assert stage.row().agent_messages == 0
    assert stage.desk.session.phase not in ("sending", "answered")
    stage.hands.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    stage.hands.write("我去问清楚再告诉您。")
    stage.until("free", lambda: seen[-1].action not in ("block", "handover"))
    decide(stage)
    stage.until("sent", lambda: stage.sent() == ["我去问清楚再告诉您。"])


def test_a_question_without_an_answer_is_a_gap_and_says_so(stage: Stage) -> None:
    # Only knowledge whose dates are over speaks of it.
    question = "满399送月饼礼盒那个 现在买还送不"
    name = stage.customer("苗", question)
    stage.open(name)
    stage.until("gap", lambda: stage.desk.session.phase == "abstained")
    assert stage.desk.page.draft.card.state() == "gap"
    stage.until("gap", lambda: state_of(stage, name) == "gap")
    gaps = stage.ask(stage.desk.store.gaps.list)
    assert question in [gap.question for gap in gaps]


def test_a_follow_up_goes_on_where_the_thread_was_broken_off(stage: Stage) -> None:
    from engine.channels.replay import PastTurn

    turns = (
        PastTurn("customer", "电水壶不通电了 才买俩月", 210),
        PastTurn("agent", "亲，保修期内可以免费上门检修，不用您出钱。", 169),
        PastTurn("customer", "哦对了 取暖器现在有啥活动没", 128),
        PastTurn("agent", "取暖季同款第二件半价，到12月31日。", 67),
    )
    stage.open(stage.customer("张", "行 那刚才说的那个 师傅啥时候来", turns=turns))
    stage.wait_draft()
    draft = stage.desk.session.draft
    assert draft is not None
    assert "24小时" in draft.draft.text


def test_a_message_from_another_process_shows_by_itself_and_gets_its_draft(
    stage: Stage, python: str
) -> None:
    data = str(stage.desk._folder.root)
    arguments = ["inbox", "add", "--customer", "冯女士", "--text", "礼品卡会过期吗", "--data", data]
    done = subprocess.run(
        [python, "-m", "engine.cli", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stage.until("customer", lambda: bool(stage.hands._row("冯女士")))
    stage.open("冯女士")
    stage.wait_draft()
    draft = stage.desk.session.draft
    assert draft is not None
    assert "3年" in draft.draft.text


def test_an_engine_killed_in_the_middle_of_a_draft_comes_back_and_finishes_it(
    stage: Stage,
) -> None:
    desk = stage.desk
    restarted: list[object] = []
    desk.bridge.restarted.connect(restarted.append)
    pid = desk.bridge.pid
    assert pid is not None
    # It stands still, so that the draft is certainly under way when it is killed.
    os.kill(pid, signal.SIGSTOP)
    stage.open(stage.customer("姜", "扫地机死机了 按啥都没反应 救命"))
    stage.until("draft", lambda: desk.session.streaming is not None)
    told = desk.window.banner.message
    os.kill(pid, signal.SIGKILL)
    stage.until("engine", lambda: bool(restarted))
    stage.until("engine", lambda: desk.window.banner.isVisible() and "意外退出" in told())
    stage.until("engine", lambda: desk.bridge.state.drafts)
    stage.wait_draft()
    assert desk.session.draft is not None
    assert "10秒" in desk.session.draft.draft.text
    assert desk.bridge.pid not in (None, pid)
    back = text("desk.engine.back", "zh")
    stage.until(
        "engine",
        lambda: desk.window.notices.shown is None or desk.window.notices.shown.text == back,
    )


def test_enter_that_ends_a_composition_sends_nothing_and_the_next_one_does(stage: Stage) -> None:
    desk = stage.desk
    stage.open(stage.customer("麦", "人工客服晚上到几点"))
    stage.set(enter_sends=True)
    stage.hands.press("focus_composer")
    editor = desk.page.composer.editor()
    QCoreApplication.sendEvent(editor, QInputMethodEvent("nin hao", []))
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert desk.page.composer.text() == ""
    commit = QInputMethodEvent()
    commit.setCommitString("您好，晚上十点。")
    QCoreApplication.sendEvent(editor, commit)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert desk.page.composer.text() == "您好，晚上十点。"
    assert stage.row().agent_messages == 0
    stage.until("typed", lambda: not editor.is_composing())
    QTest.keyClick(editor, Qt.Key.Key_Return)
    stage.until("sent", lambda: stage.sent() == ["您好，晚上十点。"])
