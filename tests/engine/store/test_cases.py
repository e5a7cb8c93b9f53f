"""A case is opened, taken, returned, closed; each of these is in the audit."""

from __future__ import annotations

import json
from typing import Any

from engine.store.store import Store


def acts(store: Store) -> list[tuple[str, str]]:
    records: list[dict[str, Any]] = [json.loads(row["body"]) for row in store.audit.rows()]
    return [(one["detail"]["step"], one.get("who", "")) for one in records if one["kind"] == "case"]


def test_a_case_goes_from_hand_to_hand_and_all_of_it_is_recorded(store: Store) -> None:
    here = store.conversations.receive("王女士", "法庭上见").conversation
    case = store.handovers.open(here, "legal", "court", "马上联系您").id
    assert store.handovers.open(here, "agent", who="小李").id == case
    assert not store.handovers.give_back(case, "小李")
    assert store.handovers.take(case, "王班长")
    assert not store.handovers.take(case, "李班长")
    assert store.handovers.give_back(case, "王班长")
    row = store.handovers.get(case)
    assert (row.taken_by, row.taken_at) == ("", None)
    assert store.handovers.take(case, "李班长")
    assert store.handovers.close(case, "已致歉", who="李班长")
    assert not store.handovers.close(case, "再关", who="王班长")
    assert not store.handovers.give_back(case, "李班长")
    # What changed nothing is no act.
    assert acts(store) == [
        ("opened", ""),
        ("taken", "王班长"),
        ("returned", "王班长"),
        ("taken", "李班长"),
        ("closed", "李班长"),
    ]
    assert store.verify_audit().sound
    assert "已致歉" not in "".join(row["body"] for row in store.audit.rows())


def test_who_hands_over_is_recorded(store: Store) -> None:
    here = store.conversations.receive("王女士", "在吗").conversation
    store.handovers.open(here, "agent", who="小李")
    assert acts(store) == [("opened", "小李")]
