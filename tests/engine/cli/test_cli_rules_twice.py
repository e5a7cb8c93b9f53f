"""What stands twice in a rule pack is refused with its line, on the command line as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from small_rules import pack, rule

Zuoxi = Callable[..., Any]


def test_a_key_that_stands_twice_is_told_with_its_line(zuoxi: Zuoxi, tmp_path: Path) -> None:
    text = pack("own", rule("own.promise", "包退"))
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("level:"))
    lines.insert(at + 1, lines[at])
    file = tmp_path / "own.yaml"
    file.write_text("\n".join(lines), "utf-8")
    said = zuoxi("rules", "validate", file)
    assert said.code == 1 and f"own.yaml:{at + 2}" in said.out + said.err
    assert "level" in said.out + said.err


def test_an_id_that_stands_twice_is_refused_though_it_says_the_same(
    zuoxi: Zuoxi, tmp_path: Path
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(pack("own", rule("own.promise", "包退"), rule("own.promise", "包退")), "utf-8")
    said = zuoxi("rules", "validate", file)
    assert said.code == 1 and "own.promise" in said.out + said.err


def test_a_replay_names_what_is_wrong_with_a_pack(zuoxi: Zuoxi, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    wrong = pack("own", rule("own.promise", "包退", level="L0"))
    file.write_text(wrong, "utf-8")
    said = zuoxi("rules", "replay", file)
    assert said.code == 1 and "own.yaml" in said.out and "own.promise" in said.out


def test_what_does_not_differ_is_said(zuoxi: Zuoxi) -> None:
    assert zuoxi("rules", "diff").out.strip() == "没有差别。"
    assert zuoxi("rules", "draft").out.strip() == "没有差别。"
    assert "随软件附带" in zuoxi("rules", "versions").out
