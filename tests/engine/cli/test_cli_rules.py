"""`zuoxi rules …`: a company's own pack from a file to being in force, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from command_line import Said
from written_rules import GIFT

from engine import paths
from engine.redline.rules import load_rules

Zuoxi = Callable[..., Said]
PACK = """\
pack: {id: firm.own, version: 1, owner: 质检组, title: {zh: 自家规则, en: Own}}
switched_off: [trial.promise]
rules:
  - """ + indent(GIFT, "    ").lstrip()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A company's own pack."""
    path = tmp_path / "own.yaml"
    path.write_text(PACK, "utf-8")
    return path


def said_before(zuoxi: Zuoxi) -> None:
    """A conversation in which an agent promised a gift."""
    here = zuoxi("inbox", "add", "--customer", "张三", "--text", "在吗").out.strip()
    zuoxi("decide", here, "--edit", "亲，送您一份礼")


def test_a_pack_goes_into_force_by_two_leads_and_back(zuoxi: Zuoxi, pack: Path) -> None:
    shipped = load_rules(paths.RULES).version
    drafted = zuoxi("rules", "draft", pack, "--as", "王班长", "--json").one
    assert drafted["problems"] == []
    assert {(one["id"], one["what"]) for one in drafted["changes"]} == {
        ("trial.promise", "removed"),
        ("own.gift", "added"),
    }
    tried = zuoxi("rules", "trial", "--comment", "不许送礼", "--as", "王班长", "--json").one
    assert (tried["number"], tried["state"], tried["authors"]) == (1, "trial", ["王班长"])
    listed = zuoxi("rules", "list", "--json").one
    assert (listed["in_force"], listed["trial"]) == (0, 1)
    assert listed["version"] == f"{shipped}+{tried['rule_set']}"
    check = zuoxi("redline", "check", "送您一份礼", "--json").one
    assert (check["action"], [hit["rule"] for hit in check["shadow"]]) == ("none", ["own.gift"])
    zuoxi("rules", "approve", "--as", "李班长", "--json").refused("version_not_asked")
    assert zuoxi("rules", "publish", "--as", "王班长", "--json").one["state"] == "asked"
    zuoxi("rules", "approve", "1", "--as", "王班长", "--json").refused("own_version")
    assert zuoxi("rules", "approve", "1", "--as", "李班长", "--json").one["state"] == "in_force"
    assert zuoxi("redline", "check", "送您一份礼", "--json").one["action"] == "block"
    assert zuoxi("rules", "list", "--json").one["version"] == tried["rule_set"]
    back = zuoxi("rules", "rollback", "--comment", "误拦", "--as", "李班长", "--json").one
    assert back == {"in_force": 0, "rules": shipped}
    assert zuoxi("redline", "check", "送您一份礼", "--json").one["action"] == "none"
    (version,) = zuoxi("rules", "versions", "--json").one["versions"]
    assert [one["step"] for one in version["steps"]] == ["trial", "asked", "published"]
    assert version["state"] == "rolled_back"
    assert "已回退" in zuoxi("rules", "versions").out
    assert zuoxi("audit", "verify").code == 0


def test_a_replay_counts_what_would_change_and_changes_nothing(zuoxi: Zuoxi, pack: Path) -> None:
    said_before(zuoxi)
    found = zuoxi("rules", "replay", pack, "--json").one
    assert (found["texts"], found["new"], found["lost"]) == (2, 1, 0)
    assert found["rules"] == {
        "own.gift": {"new": 1, "lost": 0, "altered": 0, "better": 0, "worse": 0}
    }
    (row,) = found["rows"]
    assert (row["what"], row["rule"], row["side"]) == ("new", "own.gift", "agent")
    assert row["excerpt"][row["start"] : row["end"]] == "送您一份礼"
    few = zuoxi("rules", "replay", pack, "--rows", "0", "--json").one
    assert (few["rows"], few["left_out"]) == ([], 1)
    assert "新命中 1" in zuoxi("rules", "replay", pack).out
    pack.write_text(PACK.rstrip() + "\n    effective: {from: 2999-01-01}\n", "utf-8")
    later = zuoxi("rules", "replay", pack, "--json").one
    assert (later["new"], later["not_in_force"]) == (0, ["own.gift"])
    assert "own.gift" in zuoxi("rules", "replay", pack).out
    then = zuoxi("rules", "replay", pack, "--as-of", "2999-01-02", "--json").one
    assert (then["new"], then["as_of"], then["not_in_force"]) == (1, "2999-01-02", [])
    assert zuoxi("rules", "list", "--json").one["version"] == found["former"]
    assert zuoxi("rules", "replay", "--json").one["new"] == 0


def test_a_pack_that_fails_is_told_by_file_and_line(zuoxi: Zuoxi, pack: Path) -> None:
    pack.write_text(PACK.replace("must_hit: [送您", "must_hit: [给您"), "utf-8")
    for command in ("validate", "replay", "draft"):
        said = zuoxi("rules", command, pack, "--json")
        said.refused("rules_problems")
        (problem,) = said.one["problems"]
        assert (problem["file"], problem["line"], problem["rule"]) == ("own.yaml", 13, "own.gift")
    for language, words in (("zh", "必须命中的例句没有命中"), ("en", "an example that must hit")):
        said = zuoxi("rules", "validate", pack, "--json", "--language", language)
        assert words in said.one["problems"][0]["message"]
    # What is wrong is kept in the draft, to be mended, and tried by nobody.
    zuoxi("rules", "trial", "--comment", "试试", "--json").refused("rules_invalid")
    assert "own.gift" in zuoxi("rules", "diff").out
    zuoxi("rules", "draft", "--discard")
    assert zuoxi("rules", "diff", "--json").one == {"differences": []}


def test_two_packs_may_not_say_different_things_of_one_rule(
    zuoxi: Zuoxi, pack: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(PACK.replace("L3", "L4"), "utf-8")
    for command in ("validate", "draft", "replay"):
        said = zuoxi("rules", command, pack, other, "--json")
        said.refused("rules_problems")
        (problem,) = said.one["problems"]
        assert (problem["file"], problem["line"]) == ("other.yaml", 4)
        assert problem["values"]["other"] == "own.yaml"
    assert zuoxi("rules", "diff", "--json").one == {"differences": []}


def test_what_is_wrong_is_told_of_every_pack(zuoxi: Zuoxi, pack: Path, tmp_path: Path) -> None:
    pack.write_text(PACK.replace("must_hit: [送您", "must_hit: [给您"), "utf-8")
    broken, missing, same = (tmp_path / name for name in ("a.yaml", "none.yaml", "x/own.yaml"))
    broken.write_text("rules: [", "utf-8")
    same.parent.mkdir()
    same.write_text("rules: 1", "utf-8")
    said = zuoxi("rules", "validate", broken, missing, pack, same, "--json")
    said.refused("rules_problems")
    files = [one["file"] for one in said.one["problems"]]
    assert files == ["a.yaml", "none.yaml", str(same), str(pack)]
    # A draft takes all packs or none.
    zuoxi("rules", "draft", pack, broken, "--json").refused("rules_problems")
    assert zuoxi("rules", "diff", "--json").one == {"differences": []}


def test_a_draft_is_changed_as_a_whole_or_not_at_all(zuoxi: Zuoxi, pack: Path) -> None:
    zuoxi("rules", "draft", "--off", "trial.promise")
    before = zuoxi("rules", "diff").out
    zuoxi("rules", "draft", pack, "--discard", "--off", "no.such", "--json").refused("no_rule")
    assert zuoxi("rules", "diff").out == before
    pack.write_text(PACK.replace("switched_off: [trial.promise]\n", ""), "utf-8")
    anew = zuoxi("rules", "draft", pack, "--discard", "--json").one
    assert [(one["id"], one["what"]) for one in anew["changes"]] == [("own.gift", "added")]


def test_a_problem_of_an_earlier_draft_says_whose_rule_it_is(zuoxi: Zuoxi, pack: Path) -> None:
    pack.write_text(PACK.replace("must_hit: [送您", "must_hit: [给您"), "utf-8")
    zuoxi("rules", "draft", pack)
    said = zuoxi("rules", "draft", "--off", "trial.promise")
    assert said.code == 1 and "公司规则 own.gift 第 10 行" in said.out


def test_what_is_not_there_is_said(zuoxi: Zuoxi) -> None:
    zuoxi("rules", "publish", "--json").refused("rules_no_trial")
    zuoxi("rules", "rollback", "--comment", "x", "--json").refused("none_before")
    zuoxi("rules", "approve", "7", "--json").refused("no_rule_version")
    zuoxi("rules", "draft", "--off", "no.such", "--json").refused("no_rule")
    zuoxi("rules", "trial", "--comment", "x", "--json").refused("rules_nothing_changed")


def test_a_version_is_taken_to_another_desk_as_a_pack(
    zuoxi: Zuoxi, pack: Path, tmp_path: Path
) -> None:
    pack.write_text(PACK.replace("  - id: own.gift", "  - id: own.gift  # our own"), "utf-8")
    zuoxi("rules", "draft", pack)
    out = tmp_path / "taken.yaml"
    assert zuoxi("rules", "export", "draft", "--out", out, "--json").one["changes"] == 2
    assert "# our own" in out.read_text("utf-8")
    here = zuoxi("rules", "validate", out, "--json").one
    there = zuoxi("rules", "validate", out, "--json", data=tmp_path / "other").one
    assert here == there == zuoxi("rules", "validate", pack, "--json").one
    zuoxi("rules", "draft", out, data=tmp_path / "other")
    assert zuoxi("rules", "diff", data=tmp_path / "other").out == zuoxi("rules", "diff").out
    missing = tmp_path / "none" / "x.yaml"
    zuoxi("rules", "export", "--out", missing, "--json").refused("pack_not_written")
