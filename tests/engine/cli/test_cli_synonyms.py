"""`zuoxi kb synonyms`: proposals seen, taken, refused, and what they change in a search."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from engine.paths import DataFolder
from engine.records import Draft
from engine.store.store import open_store

Zuoxi = Callable[..., Any]


def missed(folder: DataFolder) -> None:
    """Two customers whose question found nothing, and what an agent wrote."""
    with open_store(folder.database) as store:
        for customer in ("甲", "乙"):
            message = store.conversations.receive(customer, "壶嘴漏汤了")
            store.keep_draft(message.conversation, message.id, Draft("abstained"))
            store.decisions.record(message.conversation, "rewritten", text="可以上门检修。")


def test_a_proposal_is_taken_and_counts_in_the_next_search(
    zuoxi: Zuoxi, informed: DataFolder
) -> None:
    missed(informed)
    (found,) = zuoxi("kb", "synonyms", "propose", "--json").one["proposals"]
    assert (found["said"], found["policies"][0], found["count"]) == ("壶嘴漏汤", "上门检修", 2)
    assert "壶嘴漏汤 → 上门检修" in zuoxi("kb", "synonyms", "propose").out
    before = zuoxi("kb", "search", "壶嘴漏汤", "--json").one["passages"]
    added = zuoxi("kb", "synonyms", "add", "壶嘴漏汤", "上门检修", "--json").one
    assert added == {"said": "壶嘴漏汤", "policy": "上门检修", "in_knowledge": True}
    after = zuoxi("kb", "search", "壶嘴漏汤", "--json").one["passages"]
    assert "上门检修" in [one["section"] for one in after]
    assert [one["score"] for one in after] != [one["score"] for one in before]
    assert zuoxi("kb", "synonyms", "propose", "--json").one == {"proposals": []}
    listed = zuoxi("kb", "synonyms", "list", "--json").one
    assert listed["pairs"] == [{"said": "壶嘴漏汤", "policy": "上门检修"}]
    assert zuoxi("kb", "synonyms", "remove", "壶嘴漏汤", "--json").one["removed"]
    zuoxi("kb", "synonyms", "remove", "壶嘴漏汤", "--json").refused("wording_unknown")


def test_a_dismissed_proposal_stays_so_until_it_is_wanted_again(
    zuoxi: Zuoxi, informed: DataFolder
) -> None:
    missed(informed)
    assert zuoxi("kb", "synonyms", "dismiss", "壶嘴漏汤", "--json").one["dismissed"]
    assert zuoxi("kb", "synonyms", "propose", "--json").one == {"proposals": []}
    assert "没有新的建议" in zuoxi("kb", "synonyms", "propose").out
    zuoxi("kb", "synonyms", "dismiss", "壶嘴漏汤", "--undo")
    assert len(zuoxi("kb", "synonyms", "propose", "--json").one["proposals"]) == 1


def test_what_does_not_help_is_said(zuoxi: Zuoxi, informed: DataFolder) -> None:
    zuoxi("kb", "synonyms", "add", "邮", "运费", "--json").refused("wording_unfit")
    said = zuoxi("kb", "synonyms", "add", "云闪付", "扫码付款")
    assert said.code == 0
    assert "扫码付款" in said.err
    table = informed.knowledge / "synonyms.txt"
    table.write_text(table.read_text("utf-8") + "没有等号\n", "utf-8")
    listed = zuoxi("kb", "synonyms", "list", "--json").one
    assert listed["unreadable"] == [{"file": "synonyms.txt", "line": 4}]
    assert "第 4 行" in zuoxi("kb", "synonyms", "list").err


def test_proposing_loads_nothing_heavy(zuoxi: Zuoxi, informed: DataFolder) -> None:
    missed(informed)
    loaded = "llama_cpp" in sys.modules
    assert zuoxi("kb", "synonyms", "propose").code == 0
    assert ("llama_cpp" in sys.modules) == loaded
