"""Draft text, sources, evidence, decisions and the case card."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.theme import DARK, Look
from desktop.widgets.case_card import CaseCard
from desktop.widgets.decision_bar import DecisionBar
from desktop.widgets.draft_card import DraftCard
from desktop.widgets.draft_text import Marks, pieces
from desktop.widgets.evidence_list import EvidenceList
from desktop.widgets.grounding_line import GroundingLine
from desktop.widgets.moments import clock_text
from desktop.widgets.plain_text import Offsets, safe, tooltip
from desktop.widgets.sentences import find, sentence_around
from desktop.widgets.undo_toast import UndoToast
from desktop.widgets.values import Availability
from engine.records import Draft, Evidence, Hit

EVIDENCE = Evidence(1, "a.md", "指引", "上门", "先说别的。师傅 24 小时内联系。再说别的。", 0.9)


def shown(text: str, cited: set[int], streaming: bool = False) -> str:
    return "".join(text[p.start : p.end] for p in pieces(text, cited, Marks(), streaming))


def test_bold_marks_vanish_and_citations_are_found() -> None:
    text = "可以**免费**检修[1]，见[7]"
    made = pieces(text, {1}, Marks())
    assert shown(text, {1}) == "可以免费检修[1]，见[7]"
    assert [text[p.start : p.end] for p in made if p.bold] == ["免费"]
    assert [(text[p.start : p.end], p.cite) for p in made if p.cite] == [("[1]", 1)]


def test_an_open_bold_mark_is_bold_while_streaming_and_literal_when_done() -> None:
    assert shown("可以**免费", set(), streaming=True) == "可以免费"
    assert shown("可以**免费", set()) == "可以**免费"


def test_stars_that_hide_a_number_are_shown() -> None:
    assert shown("电话138****8000，**24小时**内", set()) == "电话138****8000，24小时内"


def test_what_the_customer_was_hit_for_is_not_marked_in_the_draft() -> None:
    hits = [
        Hit("a", "c", "L1", "hint", 0, 2, "律师", side="customer"),
        Hit("b", "c", "L1", "hint", 2, 4, "最好", side="model"),
    ]
    marks = Marks.of(Draft("drafted", "我们最好", hits=tuple(hits)))
    assert [hit.rule for hit in marks.hits] == ["b"]


@given(st.text(alphabet="a*[1]文😡 \n", max_size=60), st.booleans())
def test_cutting_loses_no_character_but_bold_marks(text: str, streaming: bool) -> None:
    made = pieces(text, {1}, Marks(), streaming)
    assert all(p.start < p.end for p in made)
    assert all(a.end <= b.start for a, b in pairwise(made))
    assert shown(text, {1}, streaming).replace("*", "") == text.replace("*", "")


@given(st.text(max_size=40), st.integers(0, 40))
def test_offsets_survive_the_way_to_qt_and_back(text: str, index: int) -> None:
    offsets = Offsets(text)
    index = min(index, len(text))
    assert offsets.to_qt(index) == len(text[:index].encode("utf-16-le", "surrogatepass")) // 2
    assert offsets.from_qt(offsets.to_qt(index)) == index


@given(st.text(st.characters(), max_size=60))
def test_safe_text_is_as_long_and_can_be_drawn(text: str) -> None:
    cleaned = safe(text)
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
    assert "\u202e" not in cleaned and "\x00" not in cleaned


def test_a_tool_tip_cannot_carry_markup() -> None:
    assert "<img" not in tooltip("<img src=x>\nnext")


def test_waiting_times_read_as_a_clock() -> None:
    assert [clock_text(t) for t in (-1, 42, 725, 3723)] == ["00:00", "00:42", "12:05", "1:02:03"]


def test_a_number_is_found_with_other_spacing_and_its_sentence_with_it() -> None:
    found = find(EVIDENCE.text, "24小时")
    assert found and EVIDENCE.text[slice(*found)] == "24 小时"
    assert EVIDENCE.text[slice(*sentence_around(EVIDENCE.text, *found))] == "师傅 24 小时内联系。"
    assert find("满 500 减 40", "40元") == (8, 10)
    assert find("共 140 件", "40元") is None
    english = "First. It costs $3.50 in all. Last."
    start = english.index("$3.50")
    assert english[slice(*sentence_around(english, start, start + 5))] == "It costs $3.50 in all."


@pytest.fixture
def card(look: Look, qtbot: Any) -> DraftCard:
    made = DraftCard(look)
    qtbot.addWidget(made)
    made.resize(410, 600)
    made.show()
    return made


def test_a_draft_streams_is_withdrawn_and_ends(card: DraftCard, sample: Any) -> None:
    card.show_drafting()
    card.set_evidence(sample.evidence)
    card.append_text("可以**免")
    card.append_text("费**检修[1]")
    assert card.shown_text() == "可以免费检修[1]"
    card.withdraw()
    assert card.shown_text() == ""
    card.show_draft(sample.draft, "温暖店铺", 0.8)
    assert card.state() == "ready" and card.draft() == sample.draft
    assert card.shown_text() == sample.draft.text.replace("**", "")


@pytest.mark.parametrize(
    ("status", "state"), [("abstained", "gap"), ("failed", "failed"), ("handover", "handover")]
)
def test_a_draft_without_text_shows_none(card: DraftCard, status: Any, state: str) -> None:
    card.show_draft(Draft(status, text="", reason="why"))
    assert card.state() == state and card.shown_text() == ""


def test_markup_in_a_draft_stays_text(card: DraftCard) -> None:
    text = "<b>x</b><a href='http://example.invalid'>y</a> &amp;"
    card.show_draft(Draft("drafted", text=text))
    assert card.shown_text() == text


def test_clicking_a_number_shows_where_it_stands(card: DraftCard, sample: Any) -> None:
    heard: list[object] = []
    card.number_clicked.connect(heard.append)
    cited: list[int] = []
    card.citation_clicked.connect(cited.append)
    card.show_draft(sample.draft, "温暖店铺", 0.8)
    card._text.target_clicked.emit("number:0")
    assert heard == [sample.draft.numbers[0]]
    assert card._callout.isVisible()
    assert "24 小时" in card._callout._sentence.toPlainText()
    card._callout._open.click()
    card._text.target_clicked.emit("cite:2")
    assert cited == [1, 2]
    card.show_none()
    assert not card._callout.isVisible()


def test_the_draft_keeps_its_words_when_language_and_theme_change(
    card: DraftCard, sample: Any
) -> None:
    card.show_draft(sample.draft, "温暖店铺", 0.8)
    before = card.shown_text()
    card.set_look(Look(DARK, "en"))
    assert card.shown_text() == before
    assert card._chip.text() == "Ready"


def test_failed_and_gap_offer_what_to_do(card: DraftCard, qtbot: Any) -> None:
    card.show_failed("模型读不出来")
    with qtbot.waitSignal(card.retry_requested):
        card._notice._first.click()
    card.show_draft(Draft("abstained"))
    with qtbot.waitSignal(card.write_requested):
        card._notice._first.click()
    with qtbot.waitSignal(card.hand_over_requested):
        card._notice._second.click()


def test_evidence_opens_at_the_cited_number(look: Look, qtbot: Any, sample: Any) -> None:
    evidence = EvidenceList(look)
    qtbot.addWidget(evidence)
    opened: list[int] = []
    evidence.opened.connect(opened.append)
    evidence.set_evidence(sample.evidence)
    evidence.open_number(sample.draft.numbers[2])
    assert opened == [2] and evidence.is_open(2) and not evidence.is_open(1)
    evidence.open_at(99)
    evidence.close_all()
    assert not evidence.is_open(2)
    evidence.set_evidence(())
    assert evidence.isHidden()


def test_grounding_counts_what_was_checked(look: Look, qtbot: Any, sample: Any) -> None:
    line = GroundingLine(look)
    qtbot.addWidget(line)
    line.set_draft(replace(sample.draft, hits=(), unsupported=()))
    assert "3/3" in line.accessibleName()
    line.set_draft(sample.draft)
    assert "1 句没有依据" in line.accessibleName() and "红线 1 处" in line.accessibleName()
    line.set_draft(Draft("abstained"))
    assert line.isHidden()


@pytest.mark.parametrize("digit", range(1, 9))
def test_one_digit_says_why_a_draft_is_rejected(look: Look, qtbot: Any, digit: int) -> None:
    from desktop.actions import REJECT_REASONS

    bar = DecisionBar(look)
    qtbot.addWidget(bar)
    bar.show()
    heard: list[str] = []
    bar.reject_requested.connect(heard.append)
    bar.open_reasons()
    menu = bar.reasons()
    assert menu.isVisible()
    QTest.keyClick(menu, Qt.Key(Qt.Key.Key_0.value + digit))
    qtbot.waitUntil(lambda: heard == [REJECT_REASONS[digit - 1]])


def test_a_blocked_decision_says_why_and_does_nothing(look: Look, qtbot: Any) -> None:
    bar = DecisionBar(look)
    qtbot.addWidget(bar)
    heard: list[object] = []
    bar.accept_requested.connect(lambda: heard.append("accept"))
    bar.set_availability(Availability(accept="草稿还没写完", reject="草稿还没写完"))
    bar.button("accept").click()
    bar.open_reasons()
    assert heard == [] and not bar.reasons().isVisible()
    assert bar.button("accept").accessibleDescription() == "草稿还没写完"
    assert "草稿还没写完" in bar.button("accept").toolTip()
    bar.set_availability(Availability())
    bar.button("accept").click()
    assert heard == ["accept"]


def test_every_decision_has_its_signal(look: Look, qtbot: Any) -> None:
    bar = DecisionBar(look)
    qtbot.addWidget(bar)
    for name in ("accept", "edit", "redraft", "thumbs_down", "hand_over"):
        with qtbot.waitSignal(getattr(bar, f"{name}_requested")):
            bar.button(name).click()
    assert not bar.button("thumbs_down").isChecked(), "only the owner marks a draft"
    bar.set_verdict(True)
    assert bar.button("thumbs_down").isChecked()


def test_a_case_tells_what_the_agent_did(look: Look, qtbot: Any, sample: Any, now: float) -> None:
    card = CaseCard(look, lambda: now)
    qtbot.addWidget(card)
    card.set_case(sample.case)
    with qtbot.waitSignal(card.script_requested):
        card._insert.click()
    with qtbot.waitSignal(card.take_requested):
        card._take.click()
    assert card._return.isHidden()
    card.set_case(replace(sample.case, owner="小满"))
    with qtbot.waitSignal(card.return_requested):
        card._return.click()
    card.set_case(sample.case)
    notes: list[str] = []
    card.note_changed.connect(notes.append)
    QTest.keyClicks(card._note, "ok")
    with qtbot.waitSignal(card.close_requested) as closed:
        card._close.click()
    assert notes == ["o", "ok"] and closed.args == ["ok"]
    assert "03:55" in card._open_for.text()
    card.set_case(replace(sample.case, closed=True))
    assert card._close.isHidden() and not card._timer.isActive()


def test_a_toast_is_undone_once_or_expires(look: Look, qtbot: Any) -> None:
    toast = UndoToast(look)
    qtbot.addWidget(toast)
    undone: list[str] = []
    toast.undo_requested.connect(undone.append)
    toast.show_for("d1", 5)
    assert toast.decision_id() == "d1" and "5" in toast._words.text()
    toast.undo()
    toast.undo()
    assert undone == ["d1"] and toast.isHidden()
    with qtbot.waitSignal(toast.expired) as expired:
        toast.show_for("d2", 0.05)
    assert expired.args == ["d2"] and undone == ["d1"]


@pytest.fixture
def sample_list(sample_of: Callable[[str], Any]) -> Any:
    return sample_of("zh")
