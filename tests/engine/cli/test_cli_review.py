"""`zuoxi review` and `zuoxi approvals`: a lead's work on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_rules import INSULT, pack, rule

from engine import paths, settings
from engine.paths import DataFolder
from engine.records import Hit
from engine.settings import Settings
from engine.store.store import open_store

Zuoxi = Callable[..., Any]

PACK = pack("lead", INSULT, rule("brush_off", "不归我们管", level="L2"))


@pytest.fixture
def hits(folder: DataFolder) -> list[str]:
    """Three hits of an agent's, of two rules."""
    with open_store(folder.database) as store:
        for number in range(3):
            message = store.conversations.receive("王女士", "在吗", at=1.79e9 + number)
            store.decisions.record(
                message.conversation,
                "rewritten",
                text="保本的",
                who="小李",
                hits=[Hit(f"rule.{number % 2}", "承诺", "L2", "hint", 0, 2, "保本")],
                at=1.79e9 + number,
            )
        return [hit.id for hit in store.reviews.page().hits]


def calls_itself(folder: DataFolder, name: str) -> None:
    settings.save(folder, Settings(agent=name))


def test_hits_are_listed_in_pages(zuoxi: Zuoxi, hits: list[str]) -> None:
    first = zuoxi("review", "list", "-n", 2, "--json").one
    assert [one["id"] for one in first["hits"]] == hits[:2]
    rest = zuoxi("review", "list", "-n", 2, "--after", first["after"], "--json").one
    assert [one["id"] for one in rest["hits"]] == hits[2:]
    assert rest["after"] is None
    plain = zuoxi("review", "list", "-n", 1)
    assert "「保本」" in plain.out and "--after" in plain.out


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (["rule=rule.0"], 2),
        (["rule=rule.0", "agent=小李", "level=L2", "side=agent", "verdict=unjudged"], 2),
        (["agent=别人"], 0),
        (["since=2001-01-01", "until=2001-01-02"], 0),
        (["since=2026-09-01"], 3),
        (["appealed=yes"], 0),
        (["trial=yes"], 0),
        (["trial=no"], 3),
    ],
)
def test_hits_are_filtered(zuoxi: Zuoxi, hits: list[str], where: list[str], count: int) -> None:
    options = [part for one in where for part in ("--where", one)]
    assert len(zuoxi("review", "list", *options, "--json").one["hits"]) == count


def test_a_hit_of_a_rule_on_trial_is_said_to_be_one(
    zuoxi: Zuoxi, hits: list[str], folder: DataFolder
) -> None:
    with open_store(folder.database) as store:
        here = store.conversations.page()[0].id
        tried = Hit("new", "承诺", "L2", "block", 0, 2, "包赔", trial=True)
        (hit,) = store.hits.add_all(here, None, "包赔的", [tried])
    (found,) = zuoxi("review", "list", "--where", "trial=yes", "--json").one["hits"]
    assert found["id"] == hit and found["hit"]["trial"] is True
    lines = zuoxi("review", "list").out.splitlines()
    assert [("试运行" in line) for line in lines] == [True, False, False, False]


@pytest.mark.parametrize(
    "where", ["nonsense=1", "rule", "level=L9", "since=gestern", "side=x", "trial=x"]
)
def test_a_filter_that_is_none_is_wrong_usage(zuoxi: Zuoxi, where: str) -> None:
    said = zuoxi("review", "list", "--where", where, "--json")
    said.refused("usage", exit_code=2)


def test_a_lead_judges_and_counts(zuoxi: Zuoxi, hits: list[str], folder: DataFolder) -> None:
    calls_itself(folder, "王班长")
    assert zuoxi("review", "judge", "right", *hits[:2], "--json").one["judged"] == 2
    zuoxi("review", "judge", "right", hits[2], "nothing", "--json").refused("no_hit")
    rules = zuoxi("review", "precision", "--json").one["rules"]
    assert {(one["rule"], one["right"], one["hits"]) for one in rules} == {
        ("rule.0", 1, 2),
        ("rule.1", 1, 1),
    }
    assert "100%" in zuoxi("review", "precision").out
    with open_store(folder.database) as store:
        assert store.reviews.verdicts(hits[0])[0][1] == "王班长"


def test_an_appeal_is_answered_by_another(
    zuoxi: Zuoxi, hits: list[str], folder: DataFolder
) -> None:
    calls_itself(folder, "小李")
    zuoxi("review", "appeal", hits[0], "客户原话", "--json")
    (own,) = zuoxi("review", "appeals", "--json").one["appeals"]
    assert (own["appeal"]["text"], own["hit"]["id"]) == ("客户原话", hits[0])
    assert "客户原话" in zuoxi("review", "appeals").out
    zuoxi("review", "answer", hits[0], "--uphold", "--json").refused("own_appeal")
    calls_itself(folder, "王班长")
    zuoxi("review", "answer", hits[0], "--turn-down", "--json").refused("no_comment")
    assert zuoxi("review", "answer", hits[0], "--uphold", "--json").one["upheld"] is True
    zuoxi("review", "answer", hits[0], "--uphold", "--json").refused("no_appeal")
    listed = zuoxi("review", "list", "--where", "verdict=false_alarm", "--json").one["hits"]
    assert [one["id"] for one in listed] == [hits[0]]


def test_what_was_missed_is_marked(zuoxi: Zuoxi, hits: list[str], folder: DataFolder) -> None:
    with open_store(folder.database) as store:
        message = store.reviews.get(hits[0]).message
    marked = zuoxi("review", "missed", message, 2, 3, "--rule", "trial.insult", "--json").one
    assert marked["text"] == "的"
    zuoxi("review", "missed", message, 2, 99, "--json").refused("bad_span")


def test_a_table_is_written(zuoxi: Zuoxi, hits: list[str], tmp_path: Path) -> None:
    for name in ("hits.csv", "hits.xlsx"):
        said = zuoxi("review", "export", tmp_path / name, "--where", "rule=rule.0", "--json")
        assert said.one["hits"] == 2
        assert (tmp_path / name).stat().st_size > 100
    zuoxi("review", "export", tmp_path / "hits.pdf", "--json").refused("export_form")


def test_a_text_goes_from_the_agent_to_the_lead_and_out(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "lead.yaml").write_text(PACK, "utf-8")
    monkeypatch.setattr(paths, "RULES", tmp_path / "packs")
    arrived = zuoxi("inbox", "add", "--customer", "王女士", "--text", "您骂谁", "--json").one
    here = arrived["conversation"]
    calls_itself(folder, "小李")
    send = ("decide", here, "--edit", "您说的蠢货是谁", "--json")
    zuoxi(*send).refused("blocked")
    zuoxi(*send, "--override", "客户原话").refused("needs_lead")
    question = ("approvals", "ask", here, "--text", "您说的蠢货是谁", "--reason", "客户原话")
    asked = zuoxi(*question, "--json").one["approval"]
    zuoxi("approvals", "approve", asked, "--json").refused("own_approval")
    calls_itself(folder, "王班长")
    (waiting,) = zuoxi("approvals", "list", "--json").one["approvals"]
    assert (waiting["id"], waiting["asker"], waiting["state"]) == (asked, "小李", "asked")
    assert zuoxi("approvals", "approve", asked, "--json").one["state"] == "approved"
    zuoxi("approvals", "refuse", asked, "--comment", "算了", "--json").refused("approval_closed")
    calls_itself(folder, "小李")
    sent = zuoxi(*send).one
    assert (sent["approved_by"], sent["override"]) == ("王班长", "客户原话")
    alone = zuoxi("decide", here, "--edit", "这不归我们管", "--override", "确实如此", "--json").one
    assert alone["override"] == "确实如此"
    calls_itself(folder, "王班长")
    told = zuoxi("approvals", "list")
    assert "已自行放行" in told.out and "确实如此" in told.out
    assert zuoxi("approvals", "approve", told.out.split()[0], "--json").one["state"] == "seen"
    assert zuoxi("approvals", "list", "--json").one["approvals"] == []
    assert zuoxi("audit", "verify", "--json").one["sound"] is True


def test_a_table_makes_no_folder_by_itself(zuoxi: Zuoxi, hits: list[str], tmp_path: Path) -> None:
    zuoxi("review", "export", tmp_path / "none" / "hits.csv", "--json").refused("export_failed")
    assert not (tmp_path / "none").exists()


def test_a_filter_names_what_its_own_field_may_be(zuoxi: Zuoxi) -> None:
    told = zuoxi("review", "list", "--where", "level=L9", "--json").refused("usage", exit_code=2)
    assert "L0, L1, L2, L3, L4" in told and "agent" not in told
