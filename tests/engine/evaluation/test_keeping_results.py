"""What an evaluation under way has drafted outlives a stop at any byte, on the same basis only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.evaluation.cases import Case, Judgement, read_cases
from engine.evaluation.companies import Company
from engine.evaluation.keeping import NAME, Kept, basis_of, key_of
from engine.evaluation.results import PeerResult, Result
from engine.protocol import EngineConfig


def case(text: str) -> Case:
    line = {"turns": [{"role": "customer", "text": text}], "facts": [["7天"]]}
    return read_cases([(1, json.dumps(line))]).cases[0]


def results(text: str) -> tuple[Result, ...]:
    peers = (PeerResult("bm25", "words", "drafted", "好", True, 0.5),)
    return tuple(
        Result("茶", case(text), "drafted", text, "", Judgement(True), (), (), (), 1.0, peers, mode)
        for mode in ("verbatim", "free")
    )


HERE = {("茶", key_of(case("退货")))}


def filled(folder: Path, basis: str, *texts: str) -> dict[Any, Any]:
    with Kept(folder, basis) as kept:
        for text in texts:
            kept.add(results(text))
    with Kept(folder, basis) as kept:
        return kept.known


def test_what_was_drafted_comes_back(tmp_path: Path) -> None:
    known = filled(tmp_path, "a", "退货", "换货")
    assert known[("茶", key_of(case("退货")))] == results("退货")
    assert len(known) == 2


def test_a_stop_at_any_byte_loses_at_most_the_line_under_way(tmp_path: Path) -> None:
    filled(tmp_path, "a", "退货", "换货")
    file = tmp_path / NAME
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    for size in range(0, len(whole) + 1, 37):
        file.write_bytes(whole[:size])
        sound = len(whole[:size].splitlines(keepends=True)) - (not whole[:size].endswith(b"\n"))
        with Kept(tmp_path, "a") as kept:
            assert len(kept.known) == max(0, sound - 1)
            kept.add(results("新"))
        with Kept(tmp_path, "a") as kept:
            assert ("茶", key_of(case("新"))) in kept.known
    assert len(lines) == 3


@pytest.mark.parametrize("content", [b"", b"\n", b"nonsense\n[]\n", b'{"basis": "b"}\n[]\n'])
def test_what_stands_on_another_basis_is_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert list(filled(tmp_path, "a", "退货")) == [("茶", key_of(case("退货")))]


def test_it_goes_when_the_report_is_written(tmp_path: Path) -> None:
    with Kept(tmp_path, "a") as kept:
        first, other = results("退货")
        kept.add((replace(first, text="一个残缺的字：\ud800"), other))
        kept.reported(HERE, HERE)
    assert list(tmp_path.iterdir()) == []


def test_what_a_longer_run_drafted_stays_when_a_shorter_one_is_reported(tmp_path: Path) -> None:
    filled(tmp_path, "a", "退货", "换货")
    more = {("茶", key_of(case(text))) for text in ("换货", "发票", "运费")}
    with Kept(tmp_path, "a") as kept:
        kept.add(results("发票"))
        kept.reported({("茶", key_of(case("发票")))} | HERE, HERE | more)
    with Kept(tmp_path, "a") as kept:
        assert len(kept.known) == 3
        kept.reported(HERE | more, HERE | more)
    assert list(tmp_path.iterdir()) == []
    # A case that is there no more keeps nothing alive.
    filled(tmp_path, "a", "退货", "换货")
    with Kept(tmp_path, "a") as kept:
        kept.reported(HERE, HERE)
    assert list(tmp_path.iterdir()) == []


def test_whatever_decides_a_result_is_part_of_the_basis(tmp_path: Path) -> None:
    for name in ("model.gguf", "style.yaml", "embedder/a", "rules/a", "knowledge/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1", "utf-8")
    names = ("model.gguf", "embedder", "knowledge", "rules", "style.yaml")
    config = EngineConfig(*(str(tmp_path / name) for name in names))
    company = Company("茶", "cases.jsonl", (case("退货"),), source=tmp_path / "knowledge")
    first = basis_of([company], config, ("free",))
    assert first == basis_of([company], config, ("free",))
    assert first != basis_of([company], config, ("verbatim",))
    for name in ("model.gguf", "style.yaml", "embedder/a", "rules/a", "knowledge/a.md"):
        (tmp_path / name).write_text("2", "utf-8")
        assert basis_of([company], config, ("free",)) != first
        (tmp_path / name).write_text("1", "utf-8")
    (tmp_path / "model.card.json").write_text("{}", "utf-8")
    assert basis_of([company], config, ("free",)) != first
