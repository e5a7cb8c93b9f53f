"""`inbox`, `decide`, `feedback`, `redline` and `rules`: no engine is started by any."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import settings
from engine.paths import DataFolder
from engine.records import Draft
from engine.store.store import open_store

Zuoxi = Callable[..., Any]


def arrive(zuoxi: Zuoxi, text: str = "热水壶保修期多久？", **keys: str) -> dict[str, str]:
    more = [part for key, value in keys.items() for part in (f"--{key}", value)]
    said = zuoxi("inbox", "add", "--customer", "王女士", "--text", text, "--json", *more)
    assert said.code == 0
    assert set(said.one) == {"conversation", "message"}
    return said.one  # type: ignore[no-any-return]


def keep_draft(folder: DataFolder, ids: dict[str, str], text: str = "保修期12个月。[1]") -> None:
    with open_store(folder.database) as store:
        store.drafts.save(ids["conversation"], ids["message"], Draft("drafted", text))


# inbox


def test_a_message_arrives_and_is_kept(zuoxi: Zuoxi, folder: DataFolder) -> None:
    first = arrive(zuoxi)
    second = arrive(zuoxi, "还在吗", conversation=first["conversation"])
    other = arrive(zuoxi, "另一件事")
    assert second["conversation"] == first["conversation"] != other["conversation"]
    with open_store(folder.database) as store:
        messages = store.conversations.messages(first["conversation"])
        assert [message.text for message in messages] == ["热水壶保修期多久？", "还在吗"]
        assert store.conversations.get(first["conversation"]).customer == "王女士"


def test_for_people_the_conversation_alone_is_said(zuoxi: Zuoxi, folder: DataFolder) -> None:
    said = zuoxi("inbox", "add", "--customer", "王", "--text", "在吗")
    with open_store(folder.database) as store:
        assert store.conversations.waiting() == [said.out.strip()]


def test_a_red_line_opens_a_case_at_once(zuoxi: Zuoxi, folder: DataFolder) -> None:
    ids = arrive(zuoxi, "法庭上见")
    with open_store(folder.database) as store:
        assert store.conversations.get(ids["conversation"]).handed_over == "legal"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--customer", "王", "--text", " \n"], "empty_message"),
        (["--customer", " ", "--text", "在吗"], "empty_message"),
        (["--customer", "王", "--text", "在吗", "--conversation", "none"], "no_conversation"),
    ],
)
def test_a_message_that_cannot_be_kept_is_refused(
    zuoxi: Zuoxi, words: list[str], code: str
) -> None:
    assert zuoxi("inbox", "add", *words).refused(code)
    assert zuoxi("inbox", "add", *words, "--json").refused(code)


@pytest.mark.parametrize("text", ["\udcff坏了", "\x00坏了\x07", "<b>坏了</b>", "坏" * 100_000])
def test_whatever_the_shell_passes_on_is_kept(zuoxi: Zuoxi, folder: DataFolder, text: str) -> None:
    ids = arrive(zuoxi, text)
    with open_store(folder.database) as store:
        (message,) = store.conversations.messages(ids["conversation"])
        assert "坏" in message.text


# decide


def test_accepting_sends_the_draft_as_the_customer_gets_it(
    zuoxi: Zuoxi, folder: DataFolder
) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids, "保修期**12个月**。[1]")
    decision = zuoxi("decide", ids["conversation"], "--accept", "--json").one
    assert (decision["action"], decision["text"]) == ("accepted", "保修期12个月。")
    assert decision["conversation"] == ids["conversation"]
    assert zuoxi("decide", ids["conversation"], "--accept", "--json").refused("no_draft")


def test_editing_sends_what_was_typed_and_measures_it(zuoxi: Zuoxi, folder: DataFolder) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids)
    said = zuoxi("decide", ids["conversation"], "--edit", "保修期12个月哦。", "--json")
    assert (said.one["action"], said.one["edit_distance"]) == ("edited", 1)


def test_rejecting_records_the_reason_and_sends_nothing(zuoxi: Zuoxi, folder: DataFolder) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids)
    decision = zuoxi("decide", ids["conversation"], "--reject", "tone", "--json").one
    assert (decision["action"], decision["reason"]) == ("rejected", "tone")
    assert decision["outgoing"] is None
    with open_store(folder.database) as store:
        assert store.conversations.waiting() == [ids["conversation"]]


def test_handing_over_opens_a_case(zuoxi: Zuoxi, folder: DataFolder) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids)
    assert zuoxi("decide", ids["conversation"], "--hand-over", "--json").one["action"] == (
        "handed_over"
    )
    with open_store(folder.database) as store:
        assert store.conversations.get(ids["conversation"]).handed_over


def test_without_a_draft_only_a_reply_of_ones_own_is_taken(zuoxi: Zuoxi) -> None:
    ids = arrive(zuoxi)
    for words in (["--accept"], ["--reject", "tone"], ["--hand-over"]):
        assert zuoxi("decide", ids["conversation"], *words, "--json").refused("no_draft")
    decision = zuoxi("decide", ids["conversation"], "--edit", "12个月。", "--json").one
    assert decision["action"] == "rewritten"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--edit", "你这蠢货"], "blocked"),
        (["--edit", "  "], "empty_text"),
        (["--reject", "just because"], "bad_reason"),
    ],
)
def test_what_the_gate_or_the_form_forbids_is_refused_and_nothing_is_sent(
    zuoxi: Zuoxi, folder: DataFolder, words: list[str], code: str
) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids)
    assert zuoxi("decide", ids["conversation"], *words, "--json").refused(code)
    with open_store(folder.database) as store:
        assert len(store.conversations.messages(ids["conversation"])) == 1


def test_an_unknown_conversation_is_refused(zuoxi: Zuoxi) -> None:
    for words in (["--accept"], ["--edit", "好"], ["--reject", "tone"], ["--hand-over"]):
        assert zuoxi("decide", "no-such-id", *words, "--json").refused("no_conversation")


def test_who_decided_is_the_agent_of_the_settings(zuoxi: Zuoxi, folder: DataFolder) -> None:
    settings.save(folder, settings.Settings(agent="小林"))
    ids = arrive(zuoxi)
    assert zuoxi("decide", ids["conversation"], "--edit", "好", "--json").one["who"] == "小林"


def test_a_user_without_a_name_decides_as_well(
    zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    ids = arrive(zuoxi)
    assert zuoxi("decide", ids["conversation"], "--edit", "好", "--json").one["who"] == ""


# feedback


def test_decisions_are_exported_with_a_manifest(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path
) -> None:
    ids = arrive(zuoxi)
    keep_draft(folder, ids)
    zuoxi("decide", ids["conversation"], "--accept")
    out = tmp_path / "out"
    manifest = zuoxi("feedback", "export", "--out", out, "--format", "raw", "--json").one
    (line,) = (out / manifest["file"]).read_text("utf-8").splitlines()
    assert json.loads(line)["action"] == "accepted"
    assert manifest["decisions"] == 1
    assert hashlib.sha256((out / manifest["file"]).read_bytes()).hexdigest() == manifest["sha256"]
    assert str(out) in zuoxi("feedback", "export", "--out", out).out


def test_an_export_that_cannot_be_written_is_refused(zuoxi: Zuoxi, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    said = zuoxi("feedback", "export", "--out", tmp_path / "file", "--json")
    assert str(tmp_path / "file") in said.refused("export_failed")
    assert zuoxi("feedback", "export", "--out", tmp_path, "--format", "pdf").refused("bad_format")


# red line and rules


def test_a_check_says_hits_action_and_scripts(zuoxi: Zuoxi) -> None:
    found = zuoxi("redline", "check", "那就法庭上见", "--side", "customer", "--json").one
    assert (found["action"], found["scripts"]) == ("handover", ["马上请专人联系您。"])
    (hit,) = found["hits"]
    assert (hit["start"], hit["end"], hit["text"]) == (2, 4, "法庭")
    assert (hit["rule"], hit["category"], hit["level"]) == ("trial.court", "legal", "L4")
    assert zuoxi("redline", "check", "法庭", "--json").one == {
        "hits": [],
        "action": "none",
        "scripts": [],
        "shadow": [],
    }


def test_several_texts_get_one_line_each(zuoxi: Zuoxi) -> None:
    said = zuoxi("redline", "check", "您好", "你这蠢货", "", "--json")
    assert [one["action"] for one in said.objects] == ["none", "block", "none"]
    people = zuoxi("redline", "check", "你这蠢货")
    assert people.out.startswith("block\n")
    assert "蠢货" in people.out


def test_a_batch_answers_line_by_line_the_blank_ones_too(zuoxi: Zuoxi, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeff您好\r\n\r\n你这蠢货\n \n好".encode())
    said = zuoxi("redline", "check", "--batch", path)
    assert [one["action"] for one in said.objects] == ["none", "none", "block", "none", "none"]
    path.write_bytes(b"")
    assert zuoxi("redline", "check", "--batch", path, "--json").out == ""


def test_a_batch_that_cannot_be_read_is_refused(zuoxi: Zuoxi, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00\xfe")
    assert "binary" in zuoxi("redline", "check", "--batch", tmp_path / "binary").refused("not_text")
    assert zuoxi("redline", "check", "--batch", tmp_path / "none").refused("unreadable")
    assert zuoxi("redline", "check", "--batch", tmp_path, "--json").refused("unreadable")


def test_rules_are_listed_and_found_sound(zuoxi: Zuoxi, rules_folder: Path) -> None:
    listed = zuoxi("rules", "list", "--json").one
    assert {rule["id"] for rule in listed["rules"]} >= {"trial.court", "trial.insult"}
    assert "trial.court" in zuoxi("rules", "list").out
    sound = zuoxi("rules", "validate", rules_folder, "--json").one
    assert sound == {"problems": [], "version": listed["version"], "rules": len(listed["rules"])}
    assert listed["version"] in zuoxi("rules", "validate", rules_folder).out


def test_a_rule_whose_example_fails_is_named(
    zuoxi: Zuoxi, tmp_path: Path, rules_folder: Path
) -> None:
    pack = (rules_folder / "trial.yaml").read_text("utf-8")
    (tmp_path / "trial.yaml").write_text(
        pack.replace("must_hit: [蠢货]", "must_hit: [你好笨]"), "utf-8"
    )
    said = zuoxi("rules", "validate", tmp_path, "--json")
    said.refused("rules_problems")
    (problem,) = said.one["problems"]
    assert (problem["rule"], problem["example"]) == ("trial.insult", "你好笨")
    people = zuoxi("rules", "validate", tmp_path)
    assert "trial.insult" in people.out
    assert people.code == 1


@pytest.mark.parametrize("content", ["", "rules: 3", "a: [", "\x00", None])
def test_packs_that_are_none_are_refused(zuoxi: Zuoxi, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "bad.yaml").write_text(content, "utf-8")
    zuoxi("rules", "validate", tmp_path, "--json").refused("rules_problems")


def test_rules_that_do_not_load_stop_what_needs_them(
    zuoxi: Zuoxi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.paths.RULES", tmp_path / "nowhere")
    for words in (
        ["redline", "check", "a"],
        ["rules", "list"],
        ["inbox", "add", "--customer", "王", "--text", "在吗"],
    ):
        assert zuoxi(*words, "--json").refused("rules_invalid")
