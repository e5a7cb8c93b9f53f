"""A company's packs as files: what they change, where it stands, and how far reading them is."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from written_rules import GIFT

from engine.redline.changes import Change
from engine.workshop.importing import read_packs, set_with
from engine.workshop.running import read_base

HEAD = "pack: {id: own, version: 1, owner: 质检组, title: {zh: 自家, en: Own}}\n"
RULE = "rules:\n  - " + indent(GIFT, "    ").lstrip()


def test_it_is_told_how_far_reading_and_checking_are(tmp_path: Path, packs: Path) -> None:
    base = read_base(packs)
    for number in range(3):
        text = HEAD + RULE.replace("own.gift", f"own.gift{number}")
        (tmp_path / f"{number}.yaml").write_text(text, "utf-8")
    read: list[tuple[int, int]] = []
    found = read_packs([tmp_path], base, lambda *how_far: read.append(how_far))
    assert read == [(0, 3), (1, 3), (2, 3), (3, 3)]
    checked: list[tuple[int, int]] = []
    _, problems = set_with(base, (), found, lambda *how_far: checked.append(how_far))
    # What ships was checked before.
    assert checked == [(1, 3), (2, 3), (3, 3)] and problems == ()


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path, packs: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(HEAD + RULE, "utf-8")
    found = read_packs([file, tmp_path, file], read_base(packs))
    assert found.problems == () and [one.key for one in found.changes] == [("rule", "own.gift")]


def test_the_same_rule_in_two_files_is_one_and_twice_in_one_file_is_wrong(
    tmp_path: Path, packs: Path
) -> None:
    base = read_base(packs)
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(HEAD + RULE, "utf-8")
    other.write_text(HEAD + RULE, "utf-8")
    assert read_packs([one, other], base).problems == ()
    other.write_text(HEAD + RULE + RULE.removeprefix("rules:\n"), "utf-8")
    (twice,) = read_packs([other], base).problems
    assert (twice.code, twice.file, twice.rule) == ("id_twice", "other.yaml", "own.gift")
    assert twice.line == 3 + len(GIFT.splitlines())


def test_what_is_switched_off_and_contexts_are_told_with_their_lines(
    tmp_path: Path, packs: Path
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(HEAD + "switched_off:\n- court\n- greeting\ncontexts:\n  a: [x]\n  b:\n  - y\n")
    found = read_packs([file], read_base(packs))
    assert [(one.key, found.places[one.key][1]) for one in found.changes] == [
        (("rule", "court"), 3),
        (("script", "greeting"), 4),
        (("context", "a"), 6),
        (("context", "b"), 7),
    ]
    assert found.changes[0] == Change("rule", "court", "", "test")
