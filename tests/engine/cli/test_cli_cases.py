"""`zuoxi cases`: a hand-over goes from hand to hand without a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import settings
from engine.paths import DataFolder
from engine.records import Draft
from engine.settings import Settings
from engine.store.store import open_store

Zuoxi = Callable[..., Any]


@pytest.fixture
def case(zuoxi: Zuoxi, folder: DataFolder) -> str:
    """A case that a customer's words opened."""
    settings.save(folder, Settings(agent="王班长"))
    zuoxi("inbox", "add", "--customer", "王女士", "--text", "法庭上见")
    (one,) = zuoxi("cases", "list", "--json").one["cases"]
    return str(one["id"])


def test_a_case_is_taken_returned_and_closed(zuoxi: Zuoxi, folder: DataFolder, case: str) -> None:
    assert zuoxi("cases", "take", case, "--json").one["taken_by"] == "王班长"
    assert "王班长" in zuoxi("cases", "list").out
    assert zuoxi("cases", "take", case, "--json").refused("case_changed")
    assert zuoxi("cases", "return", case, "--json").one["taken_by"] == ""
    assert zuoxi("cases", "return", case, "--json").refused("case_changed")
    with open_store(folder.database) as store:
        store.handovers.keep_note(case, "电话里说好了")
    closed = zuoxi("cases", "close", case, "--json").one
    assert closed["closed_at"] and closed["note"] == "电话里说好了"
    assert zuoxi("cases", "close", case, "--note", "再来", "--json").refused("case_changed")
    assert zuoxi("cases", "list", "--json").one == {"cases": []}
    assert zuoxi("audit", "verify", "--json").one["sound"]


def test_a_conversation_is_handed_over_with_or_without_a_draft(
    zuoxi: Zuoxi, folder: DataFolder
) -> None:
    arrived = zuoxi("inbox", "add", "--customer", "王女士", "--text", "在吗", "--json").one
    conversation = arrived["conversation"]
    refused = zuoxi("decide", conversation, "--hand-over", "--json").refused("no_draft")
    assert f"zuoxi cases open {conversation}" in refused
    opened = zuoxi(
        "cases", "open", conversation, "--note", "要退两台", "--as", "小李", "--json"
    ).one
    assert (opened["conversation"], opened["category"]) == (conversation, "agent")
    assert zuoxi("cases", "open", conversation, "--json").refused("case_open")
    assert zuoxi("cases", "open", "x", "--json").refused("no_conversation")
    with open_store(folder.database) as store:
        (decision,) = store.decisions.of(conversation)
        assert (decision.action, decision.who, decision.comment) == (
            *("handed_over", "小李", "要退两台"),
        )
        draft = store.drafts.save(conversation, arrived["message"], Draft("drafted", "您好"))
    zuoxi("cases", "close", opened["id"])
    assert zuoxi("cases", "open", conversation).code == 0
    with open_store(folder.database) as store:
        assert store.decisions.of(conversation)[-1].draft == draft.id
    assert zuoxi("audit", "verify", "--json").one["sound"]


def test_a_case_that_is_not_there_is_said_so(zuoxi: Zuoxi, case: str) -> None:
    for step in ("take", "return", "close"):
        assert zuoxi("cases", step, "x", "--json").refused("no_handover")
