"""Where a person or nobody should answer, there is no draft, and the reason is told.

`generator.seen` is what the model was shown: where it is empty, the model was never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawing import DAY, customer, draw, ever_released, outcome

from engine.drafting.pipeline import Drafter
from engine.drafting.scripted import ScriptedGenerator
from engine.errors import RuleError
from engine.knowledge.embedding import load_embedder
from engine.knowledge.search import Searcher
from engine.protocol import DraftFinished, DraftRequest, DraftStarted, Event
from engine.records import Draft, Screening, Turn
from engine.redline.gate import Gate
from engine.texts import text


def test_a_red_line_of_the_customer_hands_over_and_asks_no_model(
    make_drafter: Callable[..., Drafter],
) -> None:
    generator = ScriptedGenerator(["保修期"])
    events = draw(make_drafter(generator), "热水壶保修期多久？不说就法庭上见！")
    draft = outcome(events)
    assert [type(event) for event in events] == [DraftStarted, DraftFinished]
    assert (draft.status, draft.category) == ("handover", "legal")
    assert draft.script == "马上请专人联系您。"
    assert draft.text == ""
    assert generator.seen == []
    (hit,) = draft.hits
    assert (hit.rule, hit.side, hit.action) == ("trial.court", "customer", "handover")


def test_a_hand_over_speaks_the_customers_language(make_drafter: Callable[..., Drafter]) -> None:
    draft = outcome(draw(make_drafter(None), "Refund me or see you in court!"))
    assert draft.script == "A colleague will contact you at once."


def test_all_messages_since_the_last_answer_are_screened(
    make_drafter: Callable[..., Drafter],
) -> None:
    generator = ScriptedGenerator(["保修期"])
    assert (
        outcome(draw(make_drafter(generator), customer("法庭上见", "保修期多久？"))).status
        == "handover"
    )
    assert generator.seen == []


class BrokenGate(Gate):
    """Rules that cannot be applied, on the side given."""

    def __init__(self, gate: Gate, side: str) -> None:
        self._broken = ""
        super().__init__(gate.rule_set)
        self._broken = side

    def screen(self, text: str, side: Any, **options: Any) -> Screening:
        if side == self._broken:
            raise RuleError("broken", "rules_failed")
        return super().screen(text, side, **options)

    def matcher(self, side: Any) -> Any:
        if side == self._broken:
            raise RuleError("broken", "rules_failed")
        return super().matcher(side)


def test_rules_that_fail_hand_over_and_draft_nothing(
    make_drafter: Callable[..., Drafter], trial_gate: Gate
) -> None:
    generator = ScriptedGenerator(["保修期"])
    draft = outcome(
        draw(make_drafter(generator, gate=BrokenGate(trial_gate, "customer")), "热水壶保修期多久？")
    )
    assert (draft.status, draft.category) == ("handover", "rules_failed")
    assert draft.script == text("drafting.handover.rules_failed", "zh")
    assert generator.seen == []


def test_rules_that_fail_on_the_models_text_release_nothing(
    make_drafter: Callable[..., Drafter], trial_gate: Gate
) -> None:
    events: list[Event] = []
    drafter = make_drafter(ScriptedGenerator(["保修期"]), gate=BrokenGate(trial_gate, "model"))
    with pytest.raises(RuleError):
        for event in drafter.draft(DraftRequest("r1", customer("热水壶保修期多久？"), DAY)):
            events.append(event)
    assert ever_released(events) == ""


def abstention(draft: Draft) -> str:
    assert draft.status == "abstained"
    assert draft.text == ""
    assert draft.evidence == ()
    return draft.reason


def test_an_empty_knowledge_abstains(
    make_drafter: Callable[..., Drafter], tmp_path: Path, hashed_folder: Path
) -> None:
    empty = Searcher.open(tmp_path / "nothing", load_embedder(hashed_folder))
    generator = ScriptedGenerator(["x"])
    reason = abstention(outcome(draw(make_drafter(generator, knowledge=empty), "保修期多久？")))
    assert reason == text("drafting.abstain.empty", "zh")
    assert generator.seen == []


@pytest.mark.parametrize("message", ["火星移民的签证怎么办理", "Can I bring my iguana to opera?"])
def test_a_question_the_knowledge_does_not_answer_abstains(
    make_drafter: Callable[..., Drafter], message: str
) -> None:
    generator = ScriptedGenerator(["x"])
    reason = abstention(outcome(draw(make_drafter(generator), message)))
    assert reason == text("drafting.abstain.no_evidence", "zh")
    assert generator.seen == []


def test_knowledge_outside_its_dates_is_no_evidence_and_is_named(
    make_drafter: Callable[..., Drafter],
) -> None:
    question = "空调满减凭会员码参加，空调满2000元减多少？"
    generator = ScriptedGenerator(["空调满2000元减200元"])
    reason = abstention(outcome(draw(make_drafter(generator), question)))
    assert "夏季促销.md" in reason
    assert generator.seen == []
    valid = outcome(draw(make_drafter(ScriptedGenerator(["空调满"])), question, as_of="2026-07-01"))
    assert valid.status == "drafted"
    assert valid.evidence[0].doc == "夏季促销.md"
    assert valid.evidence[0].valid_until == "2026-08-31"


@pytest.mark.parametrize("message", ["", "  \n ", "\u200b \u3000"])
def test_without_words_there_is_nothing_to_answer(
    make_drafter: Callable[..., Drafter], message: str
) -> None:
    generator = ScriptedGenerator(["x"])
    assert outcome(draw(make_drafter(generator), message)).status == "abstained"
    assert generator.seen == []


def test_after_an_agents_turn_there_is_nothing_to_answer(
    make_drafter: Callable[..., Drafter],
) -> None:
    turns = [Turn("customer", "保修期多久？"), Turn("agent", "12个月。")]
    reason = abstention(outcome(draw(make_drafter(ScriptedGenerator(["x"])), turns)))
    assert reason == text("drafting.abstain.no_question", "zh")
    assert abstention(outcome(draw(make_drafter(ScriptedGenerator(["x"])), [])))


def test_internal_knowledge_never_stands_in_a_draft(make_drafter: Callable[..., Drafter]) -> None:
    for mode in ("verbatim", "free"):
        generator = ScriptedGenerator(["净水器议价底线是成交价的85折，只供客服内部参考。[1]"])
        events = draw(make_drafter(generator), "净水器议价底线是几折？内部参考价多少？", mode=mode)
        draft = outcome(events)
        assert "内部底价.md" not in [item.doc for item in draft.evidence]
        assert "85折" not in draft.text + ever_released(events)
        assert "85折" not in str(generator.seen)
