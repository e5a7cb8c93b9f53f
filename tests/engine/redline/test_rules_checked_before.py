"""Packs that were checked are not checked again, and nothing else passes for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RuleError
from engine.redline import rules
from engine.redline.gate import Gate
from engine.redline.rules import load_rules

PACK = """
pack: {id: trial, version: 1, owner: Us, title: {zh: 试, en: Trial}}
rules:
  - id: trial.word
    name: {zh: 词, en: Word}
    category: promise
    level: L2
    action: block
    side: agent
    why: {zh: 因为, en: Because}
    advice: {zh: 改, en: Change it}
    match: {words: [坏词]}
    must_hit: [这是坏词]
    must_miss: [这是好词]
"""


def noted(folder: Path) -> Path:
    return folder / "__pycache__" / "checked.bin"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    (tmp_path / "trial.yaml").write_text(PACK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were really checked."""
    made: list[Path] = []
    read = rules._read

    def noting(folder: Path) -> object:
        made.append(folder)
        return read(folder)

    monkeypatch.setattr(rules, "_read", noting)
    return made


def test_the_second_loading_checks_nothing_and_finds_the_same(
    packs: Path, checks: list[Path]
) -> None:
    first, second = load_rules(packs), load_rules(packs)
    assert first == second
    assert len(checks) == 1
    assert Gate(second, lazy=True).screen("这是坏词", "agent").action == "block"


def test_a_changed_pack_is_checked_and_refused_when_its_examples_fail(
    packs: Path, checks: list[Path]
) -> None:
    load_rules(packs)
    pack = packs / "trial.yaml"
    pack.write_text(PACK.replace("words: [坏词]", "words: [别的]"), encoding="utf-8")
    with pytest.raises(RuleError):
        load_rules(packs)
    # What was refused is not noted as sound.
    with pytest.raises(RuleError):
        load_rules(packs)
    assert len(checks) == 3


@pytest.mark.parametrize("place", [0, 40, -1], ids=["head", "middle", "tail"])
def test_a_damaged_note_means_checking_again(packs: Path, checks: list[Path], place: int) -> None:
    first = load_rules(packs)
    data = bytearray(noted(packs).read_bytes())
    data[place] ^= 0xFF
    noted(packs).write_bytes(data)
    assert load_rules(packs) == first
    assert len(checks) == 2


def test_half_a_note_and_no_note_mean_checking_again(packs: Path, checks: list[Path]) -> None:
    load_rules(packs)
    data = noted(packs).read_bytes()
    noted(packs).write_bytes(data[: len(data) // 2])
    load_rules(packs)
    noted(packs).unlink()
    load_rules(packs)
    assert len(checks) == 3


def test_a_pack_that_came_or_went_is_noticed(packs: Path, checks: list[Path]) -> None:
    load_rules(packs)
    more = PACK.replace("id: trial", "id: more")
    (packs / "more.yaml").write_text(more, encoding="utf-8")
    assert len(load_rules(packs).rules) == 2
    (packs / "more.yaml").unlink()
    assert len(load_rules(packs).rules) == 1
    assert len(checks) == 3
