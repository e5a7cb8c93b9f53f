"""What `decide` says when it keeps a text back, who does something, and whose words go where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_rules import INSULT, pack, rule

from engine import paths

Zuoxi = Callable[..., Any]

PACK = pack(
    "levels",
    INSULT,
    rule("brush_off", "不归我们管", level="L2"),
    rule("never", "保本", level="L4"),
)


@pytest.fixture
def here(zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A conversation, under a rule of each level that stops."""
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "levels.yaml").write_text(PACK, "utf-8")
    monkeypatch.setattr(paths, "RULES", tmp_path / "packs")
    said = zuoxi("inbox", "add", "--customer", "王女士", "--text", "在吗", "--json")
    return str(said.one["conversation"])


@pytest.mark.parametrize(
    ("text", "found", "level", "override", "next_"),
    [
        ("这不归我们管", "不归我们管", "L2", "told", "--override"),
        ("您是蠢货", "蠢货", "L3", "approved", "zuoxi approvals ask"),
        ("放心保本", "保本", "L4", "never", "谁都不能放行"),
    ],
)
def test_a_text_kept_back_is_told_with_its_place_and_what_to_do(
    zuoxi: Zuoxi, here: str, text: str, found: str, level: str, override: str, next_: str
) -> None:
    plain = zuoxi("decide", here, "--edit", text)
    assert plain.code == 1
    assert f"「{found}」" in plain.out and level in plain.out and next_ in plain.out
    told = zuoxi("decide", here, "--edit", text, "--json").one
    (hit,) = told["hits"]
    assert (text[hit["start"] : hit["end"]], hit["level"]) == (found, level)
    assert (told["override"], told["error"]["code"]) == (override, "blocked")


def test_who_decides_can_be_named_and_not_left_empty(zuoxi: Zuoxi, here: str) -> None:
    zuoxi("decide", here, "--edit", "在的", "--as", " ", "--json").refused("usage", exit_code=2)
    assert zuoxi("decide", here, "--edit", "在的", "--as", "小满", "--json").one["who"] == "小满"
    zuoxi("cases", "take", "none", "--as", "", "--json").refused("usage", exit_code=2)


def test_nobody_writes_into_anothers_conversation(zuoxi: Zuoxi, here: str) -> None:
    add = ("inbox", "add", "--text", "还在吗", "--conversation", here, "--json")
    zuoxi(*add, "--customer", "赵女士").refused("other_customer")
    assert zuoxi(*add, "--customer", "王女士").code == 0


def test_a_conversation_whose_data_was_deleted_takes_nothing(zuoxi: Zuoxi, here: str) -> None:
    assert zuoxi("customers", "forget", here, "--yes").code == 0
    zuoxi("decide", here, "--edit", "在的", "--json").refused("forgotten")
    add = ("inbox", "add", "--text", "还在吗", "--conversation", here, "--json")
    zuoxi(*add, "--customer", "王女士").refused("forgotten")


def test_an_empty_list_says_so(zuoxi: Zuoxi) -> None:
    for words in (
        ("review", "list"),
        ("review", "appeals"),
        ("review", "precision"),
        ("approvals", "list"),
        ("cases", "list"),
    ):
        said = zuoxi(*words)
        assert said.code == 0 and said.out.strip().endswith("。"), words


def test_a_missed_rule_must_exist(zuoxi: Zuoxi, here: str) -> None:
    message = zuoxi(
        *("inbox", "add", "--customer", "王女士", "--text", "还在吗", "--conversation", here),
        "--json",
    ).one["message"]
    mark = ("review", "missed", message, 0, 2, "--json", "--rule")
    zuoxi(*mark, "nosuch.rule").refused("no_rule")
    assert zuoxi(*mark, "insult").one["text"] == "还在"
    zuoxi(*mark, "insult").refused("already_missed")
