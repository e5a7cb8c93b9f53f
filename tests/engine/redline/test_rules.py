from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RuleError
from engine.redline.rules import check_rules, load_rules
from engine.texts import explain

HEAD = "pack: {id: t, version: 1, owner: us, title: {zh: 测试, en: Test}}\n"
WORDS = "name: {zh: 名, en: N}, why: {zh: 因, en: W}, advice: {zh: 做, en: D}"


def rule(match: str, hit: str = "坏词来了", miss: str = "好", identity: str = "t.one") -> str:
    return (
        f"  - {{id: {identity}, side: agent, category: t, level: L2, action: block, {WORDS}, "
        f"match: {match}, must_hit: ['{hit}'], must_miss: ['{miss}']}}\n"
    )


def folder(tmp_path: Path, *rules: str, head: str = HEAD) -> Path:
    (tmp_path / "t.yaml").write_text(head + "rules:\n" + "".join(rules), encoding="utf-8")
    return tmp_path


def test_a_good_pack_loads_and_its_version_follows_its_content(tmp_path: Path) -> None:
    first = load_rules(folder(tmp_path, rule("{words: [坏词]}")))
    again = load_rules(folder(tmp_path, rule("{words: [坏词]}")))
    other = load_rules(folder(tmp_path, rule("{words: [坏词, 坏话]}")))
    assert first.version == again.version != other.version
    assert [one.id for one in first.rules] == ["t.one"] and first.packs[0].owner == "us"


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ([rule("{words: [别的]}")], "must hit"),
        ([rule("{words: [坏词, 好]}")], "must miss"),
        ([rule("{words: [坏词], wrods: [x]}")], "wrods"),
        ([rule("{expressions: ['坏(?=词)']}")], "RE2"),
        ([rule("{expressions: ['坏*']}")], "empty text"),
        ([rule("{expressions: ['(坏词']}")], "RE2"),
        ([rule("{words: ['坏，词']}")], "punctuation"),
        ([rule("{words: ['***']}")], "no letter"),
        ([rule("{}")], "matches nothing"),
        ([rule("{all: [[坏词]]}")], "two groups"),
        ([rule("{words: [坏词], none_after: ['@gone']}")], "gone"),
        ([rule("{words: [坏词]}"), rule("{words: [坏词]}")], "used in"),
    ],
)
def test_a_bad_pack_does_not_load_and_says_why(
    tmp_path: Path, rules: list[str], named: str
) -> None:
    packs = folder(tmp_path, *rules)
    with pytest.raises(RuleError) as caught:
        load_rules(packs)
    assert named in caught.value.message and "t.yaml" in caught.value.message
    assert "t.yaml" in explain(caught.value, "zh")
    assert check_rules(packs)[0].file == "t.yaml"


def test_a_failing_example_is_named_with_its_rule(tmp_path: Path) -> None:
    [problem] = check_rules(folder(tmp_path, rule("{words: [别的]}", hit="该命中的句子")))
    assert (problem.rule, problem.example) == ("t.one", "该命中的句子")


def test_yaml_bombs_and_large_files_are_refused(tmp_path: Path) -> None:
    for bomb in ("a: &a [x]\nc: *a\n", "a: &a [x]\nb: [*a, *a]\n", "a: &a {x: 1}\nb: {<<: [*a]}\n"):
        (tmp_path / "t.yaml").write_text(bomb, encoding="utf-8")
        assert "aliases" in check_rules(tmp_path)[0].message
    for broken in ("a: !!bool x\n", "a: !!timestamp x\n", "a: [\n", "a: !!python/object:x y\n"):
        (tmp_path / "t.yaml").write_text(broken, encoding="utf-8")
        assert check_rules(tmp_path)[0].file == "t.yaml"
    for deep in ("[" * 200_000, "{" * 200_000, "- " * 100_000, "x: " + "[" * 100_000):
        (tmp_path / "t.yaml").write_text(deep, encoding="utf-8")
        assert "nested" in check_rules(tmp_path)[0].message
    (tmp_path / "t.yaml").write_bytes(b"#" * 2_000_001)
    assert "larger" in check_rules(tmp_path)[0].message


def test_a_rule_that_would_take_hours_or_gigabytes_is_refused(tmp_path: Path) -> None:
    large = "{words: [坏词], expressions: [" + ", ".join(["'a\\p{L}{0,900}b'"] * 3) + "]}"
    problems = check_rules(folder(tmp_path, rule(large)))
    assert [one.code for one in problems] == ["expression"] * 3
    assert all("too large" in one.message for one in problems)
    many = "{words: [坏词], expressions: [" + "a1, " * 201 + "]}"
    [problem] = check_rules(folder(tmp_path, rule(many)))
    assert problem.code == "schema" and problem.line


def test_no_folder_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(RuleError):
            load_rules(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_make_problems_never_another_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    packs = tmp_path_factory.mktemp("packs")
    (packs / "t.yaml").write_bytes(data)
    assert check_rules(packs)


def test_contexts_excuse_a_hit_only_beside_it(tmp_path: Path) -> None:
    head = HEAD + "contexts: {denial: ['(?:不|没有)(?:会|要)?']}\n"
    match = "{words: [坏词], none_before: ['@denial'], none: [坏词典]}"
    loaded = load_rules(folder(tmp_path, rule(match, miss="我没有坏词，买坏词典"), head=head))
    assert loaded.rules[0].match.none_before == ("(?:不|没有)(?:会|要)?",)
