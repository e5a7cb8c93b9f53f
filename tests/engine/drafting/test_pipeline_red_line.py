"""What the rules forbid the model never leaves it, however it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
from drawing import draw, ever_released, outcome, released
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import paths
from engine.drafting.pipeline import Drafter
from engine.drafting.scripted import ScriptedGenerator
from engine.drafting.style import StyleProfile
from engine.knowledge.embedding import load_embedder
from engine.knowledge.search import Searcher
from engine.protocol import TextWithdrawn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules

FORBIDDEN = "包你满意"


def test_a_red_line_of_the_model_is_withdrawn_and_tried_once_more(
    make_drafter: Callable[..., Drafter],
) -> None:
    good = "热水壶保修期12个月，从签收那天算起。[1]"
    generator = ScriptedGenerator([f"热水壶保修期12个月，{FORBIDDEN}。[1]", good])
    events = draw(make_drafter(generator), "热水壶保修期多久？", mode="free")
    draft = outcome(events)
    assert draft.status == "drafted"
    (withdrawn,) = [event for event in events if isinstance(event, TextWithdrawn)]
    assert withdrawn.reason == "打包票"
    assert FORBIDDEN not in ever_released(events)
    assert FORBIDDEN not in draft.text
    assert released(events) == draft.text.replace("**", "")
    assert len(generator.seen) == 2
    # The second time the model is told what not to say.
    assert FORBIDDEN in generator.seen[1][-1].content


def test_a_model_that_touches_the_red_line_twice_is_given_up(
    make_drafter: Callable[..., Drafter],
) -> None:
    generator = ScriptedGenerator([f"热水壶保修期12个月，{FORBIDDEN}。[1]"])
    events = draw(make_drafter(generator), "热水壶保修期多久？", mode="free")
    draft = outcome(events)
    assert draft.status == "failed"
    assert "打包票" in draft.reason
    assert draft.text == ""
    assert sum(isinstance(event, TextWithdrawn) for event in events) == 2
    assert released(events) == ""
    assert FORBIDDEN not in ever_released(events)
    assert {hit.side for hit in draft.hits} == {"model"}
    assert len(generator.seen) == 2


@hypothesis_settings(deadline=None, max_examples=40)
@given(
    before=st.text("热水壶保修期内，。！个月从签收 \n", max_size=24),
    after=st.text("热水壶保修期内，。！ \n", max_size=12),
    gap=st.sampled_from(["", " ", "*", "\u200b", "·"]),
)
def test_no_character_of_a_red_line_is_ever_released(
    searcher: Searcher, trial_gate: Gate, style: StyleProfile, before: str, after: str, gap: str
) -> None:
    reply = before + gap.join(FORBIDDEN) + after
    drafter = Drafter(searcher, ScriptedGenerator([reply]), trial_gate, style)
    events = draw(drafter, "热水壶保修期多久？", mode="free")
    for word in (FORBIDDEN, *re.findall("..", FORBIDDEN)):
        assert word not in re.sub(r"[^\w]", "", ever_released(events))
        assert word not in re.sub(r"[^\w]", "", outcome(events).text)


def test_what_a_rule_masks_is_masked_in_the_draft_too(make_drafter: Callable[..., Drafter]) -> None:
    """Not only in what was streamed before: this is what is stored, shown and sent."""
    gate = Gate(load_rules(paths.RULES))
    said = "保修期12个月，联系电话13800138000。[1]"
    asked = "热水壶保修期多久？我的手机是13800138000"
    events = draw(make_drafter(ScriptedGenerator([said]), gate=gate), asked, mode="free")
    draft = outcome(events)
    assert draft.status == "drafted"
    assert "13800138000" not in draft.text + ever_released(events)
    assert "138****8000" in draft.text


def test_a_hit_that_stops_nothing_stands_with_the_draft(
    make_drafter: Callable[..., Drafter], trial_gate: Gate
) -> None:
    (promise,) = (rule for rule in trial_gate.rule_set.rules if rule.id == "trial.promise")
    hint = msgspec.structs.replace(promise, action="hint")
    gate = Gate(msgspec.structs.replace(trial_gate.rule_set, rules=(hint,)))
    said = f"热水壶保修期12个月，{FORBIDDEN}。[1]"
    draft = outcome(
        draw(make_drafter(ScriptedGenerator([said]), gate=gate), "热水壶保修期多久？", mode="free")
    )
    (hit,) = draft.hits
    assert (hit.side, draft.text[hit.start : hit.end]) == ("model", FORBIDDEN)


def test_a_quotation_that_touches_the_red_line_is_left_out(
    tmp_path: Path, make_drafter: Callable[..., Drafter], hashed_folder: Path
) -> None:
    from engine.knowledge.index import import_documents

    (tmp_path / "保温杯.md").write_text(
        "## 保温杯\n保温杯用料扎实，绝对不坏。保温杯能保温6小时。\n", "utf-8"
    )
    embedder = load_embedder(hashed_folder)
    import_documents(tmp_path / "k", [tmp_path / "保温杯.md"], embedder)
    knowledge = Searcher.open(tmp_path / "k", embedder)
    generator = ScriptedGenerator(["保温杯用料扎实"])
    events = draw(make_drafter(generator, knowledge=knowledge), "保温杯用料扎实吗？")
    draft = outcome(events)
    assert "绝对不坏" not in ever_released(events) + draft.text
    assert draft.status == "drafted"
    assert "保温杯能保温" in draft.text
