"""An agent speaks against what the gate says of a text that was not sent; a lead answers."""

from __future__ import annotations

import pytest
from answering import drafted

from engine.deciding import SendRefused, decide, object_to
from engine.errors import InputError
from engine.records import Hit
from engine.redline.gate import Gate
from engine.store.reviews import Reviews
from engine.store.store import Store

TEXT = "您说的蠢货是谁？我保证去问"


def shown(gate: Gate, rule: str, text: str = TEXT) -> Hit:
    return next(hit for hit in gate.screen(text, "agent").hits if hit.rule == rule)


def waiting(reviews: Reviews) -> list[str]:
    return [one.hit.hit.text for one in reviews.appeals_by("小李") if one.appeal.upheld is None]


def test_what_the_gate_panel_shows_can_be_appealed_against(store: Store, gate: Gate) -> None:
    here = drafted(store, gate)
    made = object_to(store, gate, here, shown(gate, "insult"), "客户原话", "小李", text=TEXT)
    # All that was found is kept with it, as at a refused sending; nothing was sent.
    assert {one.hit.rule for one in store.hits.of(here)} == {"insult", "promise"}
    assert store.outbox.pending() == [] and waiting(store.reviews) == ["蠢货"]
    store.reviews.answer(made.id, True, "王班长", "引用可以")
    (answered,) = store.reviews.appeals_by("小李")
    assert (answered.appeal.upheld, answered.appeal.answer) == (True, "引用可以")
    assert answered.hit.verdict == "false_alarm"
    assert store.reviews.appeals_by("别人") == []


def test_the_same_text_is_kept_once_however_often_it_was_tried(store: Store, gate: Gate) -> None:
    here = drafted(store, gate)
    with pytest.raises(SendRefused) as refused:
        decide(store, gate, here, "edit", text=TEXT, who="小李")
    before = [one.id for one in store.hits.of(here)]
    hit = next(one for one in refused.value.hits if one.rule == "insult")
    first = object_to(store, gate, here, hit, "客户原话", "小李", text=TEXT)
    assert object_to(store, gate, here, hit, "客户原话", "小李", text=TEXT) == first
    assert [one.id for one in store.hits.of(here)] == before
    object_to(store, gate, here, shown(gate, "insult", "蠢货"), "口误", "小李", text="蠢货")
    assert len(store.hits.of(here)) == len(before) + 1


@pytest.mark.parametrize(
    ("text", "why", "who", "code"),
    [
        ("您好", "冤枉", "小李", "no_hit"),
        (TEXT, " ", "小李", "no_reason_given"),
        (TEXT, "冤枉", "", "no_name"),
    ],
)
def test_an_appeal_that_cannot_be_made_keeps_nothing(
    store: Store, gate: Gate, text: str, why: str, who: str, code: str
) -> None:
    here = drafted(store, gate)
    before = store.audit.head().count
    with pytest.raises(InputError) as caught:
        object_to(store, gate, here, shown(gate, "insult"), why, who, text=text)
    assert caught.value.code == code
    assert store.hits.of(here) == [] and store.audit.head().count == before


def test_hits_of_rules_on_trial_are_kept_as_such(store: Store, gate: Gate) -> None:
    here = drafted(store, gate)
    decide(store, gate, here, "edit", text="亲亲，我保证", who="小李")
    found = {one.hit.rule: one.hit.trial for one in store.hits.of(here)}
    assert found == {"tried": True, "promise": False}
