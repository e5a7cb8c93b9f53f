"""`zuoxi audit`: what a person is told of the chain."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.paths import DataFolder
from engine.store.audit_tables import AUDIT_TRIGGERS
from engine.store.store import open_store

Zuoxi = Callable[..., Any]


@pytest.fixture
def decided(folder: DataFolder) -> DataFolder:
    with open_store(folder.database) as store:
        for number in range(3):
            message = store.conversations.receive("王女士", "在吗")
            store.decisions.record(message.conversation, "rewritten", text=f"在的{number}")
    return folder


def tampered(folder: DataFolder, statement: str) -> None:
    with closing(sqlite3.connect(folder.database, isolation_level=None)) as own:
        for trigger in AUDIT_TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        own.execute(statement)


def test_a_whole_chain_is_said_to_hold(zuoxi: Zuoxi, decided: DataFolder) -> None:
    said = zuoxi("audit", "verify", "--json")
    assert said.code == 0
    assert said.one["sound"] is True
    assert said.one["records"] == said.one["head"]["count"] == 4
    assert (said.one["findings"], said.one["against"]) == ([], [])
    plain = zuoxi("audit", "verify")
    assert plain.code == 0
    assert "4 条记录" in plain.out
    # What it cannot tell is said, too.
    assert "--head" in plain.err


def test_a_broken_chain_is_told_with_the_record_and_what_to_do(
    zuoxi: Zuoxi, decided: DataFolder
) -> None:
    tampered(decided, "DELETE FROM audit WHERE number = 3")
    said = zuoxi("audit", "verify", "--json")
    assert "原样保留" in said.refused("audit_broken")
    assert said.one["sound"] is False
    first = said.one["findings"][0]
    assert (first["what"], first["number"], first["until"]) == ("missing", 3, 3)
    plain = zuoxi("audit", "verify")
    assert plain.code == 1
    assert plain.out.splitlines()[0] == "第 3 条：缺失。"


def test_a_head_kept_elsewhere_tells_a_cut_tail(
    zuoxi: Zuoxi, decided: DataFolder, tmp_path: Path
) -> None:
    kept = tmp_path / "head.json"
    said = zuoxi("audit", "head", "--out", kept)
    short = said.out.strip()
    assert zuoxi("audit", "head", "--json").one["hash"] == short.split(":")[1]
    for head in (kept, short):
        held = zuoxi("audit", "verify", "--head", head, "--json")
        assert held.code == 0
        assert held.one["against"][0]["count"] == 4
    tampered(decided, "DELETE FROM audit WHERE number = 4")
    for head in (kept, short):
        cut = zuoxi("audit", "verify", "--head", head, "--json")
        assert cut.code == 1
        found = {(one["what"], one["number"]) for one in cut.one["findings"]}
        assert ("cut_off", 4) in found


@pytest.mark.parametrize("head", ["nonsense", "4:abc", "/nowhere/head.json"])
def test_what_is_no_head_is_refused(zuoxi: Zuoxi, decided: DataFolder, head: str) -> None:
    zuoxi("audit", "verify", "--head", head, "--json").refused("bad_head")


def test_the_chain_is_exported_line_by_line(
    zuoxi: Zuoxi, decided: DataFolder, tmp_path: Path
) -> None:
    out = tmp_path / "audit.jsonl"
    assert zuoxi("audit", "export", "--out", out, "--json").one["records"] == 4
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["record"]["kind"] for line in lines] == ["begun", *["decision"] * 3]
    assert [line["former"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    zuoxi("audit", "export", "--out", tmp_path / "no" / "where", "--json").refused("export_failed")


def test_nothing_is_changed_by_looking(zuoxi: Zuoxi, decided: DataFolder) -> None:
    before = decided.database.read_bytes()
    zuoxi("audit", "verify")
    zuoxi("audit", "head")
    assert decided.database.read_bytes() == before


def test_without_a_database_there_is_nothing_to_verify(zuoxi: Zuoxi) -> None:
    zuoxi("audit", "verify", "--json").refused("store_missing")


def test_every_finding_has_its_words() -> None:
    from typing import get_args

    from engine.store.audit_check import What
    from engine.texts import text

    for what in get_args(What):
        for language in ("zh", "en"):
            words = text(f"cli.audit.{what}", language, at="3", subject="d")  # type: ignore[arg-type]
            assert "3" in words or "d" in words
