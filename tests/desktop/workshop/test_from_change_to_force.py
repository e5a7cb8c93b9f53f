"""A change goes its whole way: tried, replayed, on trial, approved by another lead, undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.workshop import WorkshopPage

Show = Callable[[], WorkshopPage]
OpenRule = Callable[[WorkshopPage, str], None]
Sit = Callable[[str], None]

SECOND = "林组长"
WORDS = "包换"
BROKEN = "放心，我们包换"


def change(qtbot: QtBot, page: WorkshopPage, opened_rule: OpenRule) -> None:
    """The rule of promises catches one word more."""
    opened_rule(page, "t.promise")
    page.rule.form.field("words").editor.appendPlainText(WORDS)
    qtbot.waitUntil(lambda: page.bar.standing().stage == "draft", timeout=10_000)
    qtbot.waitUntil(lambda: WORDS in page.rule.text.toPlainText())


def step(qtbot: QtBot, page: WorkshopPage, name: str, stage: str, comment: str = "") -> None:
    """Take a step, and wait for what comes of it."""
    qtbot.waitUntil(lambda: not page.bar.button(name).why_blocked(), timeout=10_000)
    dialog = page.take_step(name)
    dialog.comment.setText(comment)
    dialog.ok_button.click()
    qtbot.waitUntil(lambda: page.bar.standing().stage == stage, timeout=10_000)


def answering(desk: Desk) -> Any:
    """What stands between the reply box and the rules."""
    return desk.page._answering()


def kept_back(qtbot: QtBot, desk: Desk, expected: bool) -> None:
    """Whether the reply box of the desk keeps the text back that is typed there."""
    desk.window.show_page("desk")
    row: Any = desk.queue.rows()[0]
    desk.page.open(row.id)
    qtbot.waitUntil(
        lambda: desk.session.conversation == row.id and desk.session.snapshot is not None
    )
    composer = desk.page.composer
    for words in ("", BROKEN):
        composer.editor().selectAll()
        composer.editor().insertPlainText(words)
        qtbot.wait(50)
    if expected:
        qtbot.waitUntil(lambda: composer.gate.view().state != "", timeout=10_000)
        assert [hit.text for hit in composer.gate.view().hits] == [WORDS]
    else:
        # What was typed before the rules changed is screened once more when they do.
        qtbot.waitUntil(
            lambda: (answering(desk)._clearance.text, composer.gate.view().state) == (BROKEN, ""),
            timeout=10_000,
        )
    desk.window.show_page("workshop")


def test_a_text_is_tried_on_both_sets(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    page.trying.put(BROKEN, "agent")
    qtbot.waitUntil(lambda: page.trying._tried.text == BROKEN, timeout=10_000)
    assert page.trying._tried.changed == () and not page.trying._same.isHidden()
    change(qtbot, page, opened_rule)
    qtbot.waitUntil(lambda: page.trying.changed.marked() == [WORDS], timeout=10_000)
    assert page.trying.in_force.marked() == [] and page.trying._same.isHidden()
    page.trying.chip("customer").click()
    qtbot.waitUntil(lambda: page.trying.changed.rules() == [], timeout=10_000)


def test_a_replay_lists_what_would_change_and_opens_it(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    qtbot.waitUntil(lambda: bool(page.replay.start_button.why_blocked()))
    change(qtbot, page, opened_rule)
    qtbot.waitUntil(lambda: not page.replay.start_button.why_blocked())
    page.replay.start_button.click()
    qtbot.waitUntil(lambda: page.replay.view().phase == "done", timeout=20_000)
    view = page.replay.view()
    assert (view.new, view.lost, view.total) == (2, 0, view.done)
    found = page.replay.rows()
    assert {one.text[one.start : one.end] for one in found} == {WORDS}
    page.replay.chip("lost").click()
    assert page.replay.rows() == () and not page.replay._none.isHidden()
    page.replay.chip("new").click()
    page.replay.list._on_index(page.replay.list.model_of.index(0))
    assert page.trying.editor.toPlainText() == found[0].text
    qtbot.waitUntil(lambda: page.trying.changed.marked() == [WORDS], timeout=10_000)
    page.rule.form.field("words").editor.appendPlainText("包修")
    qtbot.waitUntil(lambda: page.replay.view().phase == "stale", timeout=10_000)


def test_a_replay_is_stopped_and_what_it_found_stays(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule
) -> None:
    page = workshop_page()
    change(qtbot, page, opened_rule)
    qtbot.waitUntil(lambda: not page.replay.start_button.why_blocked())
    page.replay.start_button.click()
    page.replay.cancel_button.click()
    assert page.replay.view().phase == "cancelled"
    qtbot.wait(300)
    assert page.replay.view().phase == "cancelled"


def test_a_comment_is_needed_and_a_name(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule, sit: Sit
) -> None:
    page = workshop_page()
    change(qtbot, page, opened_rule)
    qtbot.waitUntil(lambda: not page.bar.button("start").why_blocked(), timeout=10_000)
    dialog = page.take_step("start")
    assert dialog.ok_button.why_blocked()
    dialog.comment.setText("多抓一个词")
    assert not dialog.ok_button.why_blocked()
    dialog.reject()
    sit("")
    qtbot.waitUntil(lambda: "名字" in page.bar.button("start").why_blocked())


def test_the_author_cannot_approve_and_a_refusal_gives_the_draft_back(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule, sit: Sit
) -> None:
    page = workshop_page()
    change(qtbot, page, opened_rule)
    step(qtbot, page, "start", "trial", "多抓一个词")
    step(qtbot, page, "ask", "asked")
    assert "另一位组长" in page.bar.button("approve").why_blocked()
    assert page.bar.main_step() == ""
    sit(SECOND)
    step(qtbot, page, "refuse", "draft", "再想想")
    opened_rule(page, "t.promise")
    assert WORDS in page.rule.text.toPlainText()


def test_from_a_change_to_force_and_back(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule, sit: Sit
) -> None:
    page = workshop_page()
    kept_back(qtbot, lead_desk, False)
    change(qtbot, page, opened_rule)
    page.trying.put(BROKEN, "agent")
    qtbot.waitUntil(lambda: page.trying.changed.marked() == [WORDS], timeout=10_000)
    page.replay.start_button.click()
    qtbot.waitUntil(lambda: page.replay.view().phase == "done", timeout=20_000)
    assert page.replay.view().new == 2
    step(qtbot, page, "start", "trial", "多抓一个词")
    qtbot.waitUntil(lambda: page.rules.shown()[1].trial)
    kept_back(qtbot, lead_desk, False)
    step(qtbot, page, "ask", "asked")
    sit(SECOND)
    qtbot.waitUntil(lambda: not page.bar.standing().own)
    with qtbot.waitSignal(lead_desk.rules_in_force.changed, timeout=10_000):
        step(qtbot, page, "approve", "in_force")
    in_force = page.bar.standing().in_force
    assert in_force is not None and in_force.number == 1
    kept_back(qtbot, lead_desk, True)
    history = page.open_history()
    qtbot.waitUntil(lambda: len(history._versions) == 2, timeout=10_000)
    qtbot.waitUntil(lambda: WORDS in history.diff.toPlainText(), timeout=10_000)
    history.go_to(0)
    dialog = page.take_step("roll_back", 0)
    dialog.comment.setText("误伤太多")
    with qtbot.waitSignal(lead_desk.rules_in_force.changed, timeout=10_000):
        dialog.ok_button.click()
    qtbot.waitUntil(lambda: page.bar.standing().in_force is None, timeout=10_000)
    history.close()
    kept_back(qtbot, lead_desk, False)


def test_the_rail_says_that_a_version_waits_for_another_lead(
    qtbot: QtBot, lead_desk: Desk, workshop_page: Show, opened_rule: OpenRule, sit: Sit
) -> None:
    page = workshop_page()
    button = lead_desk.window.rail._buttons["workshop"]
    change(qtbot, page, opened_rule)
    step(qtbot, page, "start", "trial", "多抓一个词")
    step(qtbot, page, "ask", "asked")
    assert button._badge == 0
    sit(SECOND)
    qtbot.waitUntil(lambda: button._badge == 1, timeout=10_000)
    step(qtbot, page, "approve", "in_force")
    qtbot.waitUntil(lambda: button._badge == 0, timeout=10_000)
