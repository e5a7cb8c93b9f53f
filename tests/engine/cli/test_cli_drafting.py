"""`kb`, `draft` and `doctor`: over a real index, with a real engine process."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from engine import settings
from engine.cli.drafts import _keep
from engine.knowledge.embedding import HashedEmbedder
from engine.paths import DataFolder
from engine.records import Draft
from engine.store.store import open_store

ROOT = Path(__file__).parents[3]
Zuoxi = Callable[..., Any]

QUESTION = "热水壶保修期多久？"
DRAFT_KEYS = {"status", "text", "evidence", "hits", "unsupported", "script", "release", "ms"}


# kb


def test_documents_are_imported_searched_listed_and_retired(
    zuoxi: Zuoxi, quoting: DataFolder, document_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    imported = zuoxi("kb", "import", document_folder, tmp_path / "photo.png", "--json").one
    assert (imported["documents"], imported["version"]) == (5, "1")
    assert imported["passages"] >= 5
    (skipped,) = imported["skipped"]
    assert skipped["path"].endswith("photo.png")
    assert skipped["reason"]

    found = zuoxi("kb", "search", "退货邮费谁出", "-k", 2, "--json").one
    assert found["query"] == "退货邮费谁出"
    assert [one["rank"] for one in found["passages"]] == [1, 2]
    assert found["passages"][0]["doc"] == "退货.md"
    assert set(found["passages"][0]) == {
        *("rank", "doc", "title", "section", "text", "score", "valid_from", "valid_until")
    }
    assert found["ms"] > 0
    summer = ["kb", "search", "空调满减", "--json"]
    in_summer = zuoxi(*summer, "--as-of", "2026-07-01").one["passages"]
    in_winter = zuoxi(*summer, "--as-of", "2026-12-01").one["passages"]
    assert "夏季促销.md" in [one["doc"] for one in in_summer]
    assert "夏季促销.md" not in [one["doc"] for one in in_winter]
    assert "退货.md" in zuoxi("kb", "search", "退货邮费").out

    listed = zuoxi("kb", "list", "--json").one
    assert listed["version"] == "1"
    assert {row["doc"] for row in listed["documents"]} >= {"退货.md", "parcels.md"}
    assert "internal" in zuoxi("kb", "list").out

    assert zuoxi("kb", "remove", "退货.md", "--json").one == {"removed": "退货.md", "version": "2"}
    assert "退货.md" not in zuoxi("kb", "list").out
    zuoxi("kb", "remove", "退货.md", "--json").refused("document_unknown")


def test_a_damaged_index_is_named_and_made_anew(
    zuoxi: Zuoxi, quoting: DataFolder, document_folder: Path
) -> None:
    zuoxi("kb", "import", document_folder)
    (quoting.knowledge / "versions" / "1" / "weights.json").unlink()
    refused = zuoxi("kb", "search", "退货邮费谁出", "--json")
    refused.refused("knowledge_corrupt")
    assert zuoxi("kb", "rebuild", "--json").one["documents"] == 5
    assert "退货.md" in zuoxi("kb", "search", "退货邮费谁出").out


def test_an_import_of_nothing_is_refused_with_its_reasons(
    zuoxi: Zuoxi, quoting: DataFolder, tmp_path: Path
) -> None:
    said = zuoxi("kb", "import", tmp_path / "none.md", "--json")
    assert said.code == 1
    assert said.one["error"]["code"] == "nothing_imported"
    said.refused("nothing_imported")
    assert (said.one["documents"], said.one["skipped"][0]["reason"]) == (0, "文件不存在。")
    assert "none.md" in zuoxi("kb", "import", tmp_path / "none.md").out
    assert zuoxi("kb", "list", "--json").one["documents"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["kb", "search", " "], "empty_question"),
        (["kb", "search", "a", "--as-of", "tomorrow"], "bad_date"),
        (["draft", "--message", ""], "empty_question"),
        (["draft", "--message", " \n "], "empty_question"),
        (["draft", "--message", "a", "--as-of", "22.11.2026"], "bad_date"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else part,
)
def test_what_cannot_be_asked_is_refused_before_anything_is_loaded(
    zuoxi: Zuoxi, words: list[str], code: str
) -> None:
    assert zuoxi(*words, "--json").refused(code)


def test_a_search_of_empty_knowledge_finds_nothing(zuoxi: Zuoxi, quoting: DataFolder) -> None:
    assert zuoxi("kb", "search", "运费", "--json").one["passages"] == []
    assert zuoxi("kb", "search", "\udcff<b>", "--json").code == 0
    assert not quoting.knowledge.exists()


def test_knowledge_of_another_embedder_is_refused_with_what_to_do(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path
) -> None:
    HashedEmbedder(64).save(tmp_path / "other")
    settings.save(informed, settings.Settings(embedder=str(tmp_path / "other"), language="en"))
    said = zuoxi("kb", "search", "运费", "--json")
    assert "zuoxi kb rebuild" in said.refused("embedder_mismatch")


# draft


def test_a_message_is_drafted(zuoxi: Zuoxi, informed: DataFolder) -> None:
    draft = zuoxi("draft", "--message", QUESTION, "--json").one
    assert set(draft) >= DRAFT_KEYS
    assert draft["status"] == "drafted"
    assert "12个月" in draft["text"].replace("*", "")
    assert set(draft["evidence"][0]) >= {"n", "doc", "title", "section", "text", "score"}
    assert set(draft["ms"]) == {"search", "first_token", "total"}
    assert set(draft["tokens"]) == {"prompt", "reused", "generated"}
    assert set(draft["release"]) == {"model", "adapter", "rules", "knowledge", "prompt"}
    assert not informed.database.exists()


def test_a_draft_for_people_names_the_sources_it_cites(zuoxi: Zuoxi, informed: DataFolder) -> None:
    said = zuoxi("draft", "--message", QUESTION)
    assert said.code == 0
    assert "[1] 家电维修.md › 保修期" in said.out
    assert said.err == ""


def test_a_conversation_may_have_a_mark_and_blank_lines(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [
        {"role": "customer", "text": "在吗"},
        {"role": "agent", "text": "在的"},
        {"role": "customer", "text": "法庭上见", "at": "extra keys do no harm"},
    ]
    lines = "\r\n\r\n".join(json.dumps(turn, ensure_ascii=False) for turn in turns)
    path = tmp_path / "talk.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + lines.encode() + b"\n\n")
    draft = zuoxi("draft", "--conversation", path, "--json").one
    assert (draft["status"], draft["script"]) == ("handover", "马上请专人联系您。")
    assert draft["hits"][0]["side"] == "customer"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert zuoxi("draft", "--conversation", "-", "--json").one["status"] == "handover"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "conversation_end", ""),
        (b'{"role": "agent", "text": "x"}', "conversation_end", ""),
        (b'{"role": "customer", "text": "x"}\n\n{"role": ', "malformed_line", "3"),
        (b'{"role": "ghost", "text": "x"}', "malformed_line", "1"),
        (b'{"role": "customer"}', "malformed_line", "1"),
        (b'{"role": "customer", "text": 3}', "malformed_line", "1"),
        (b"[]", "malformed_line", "1"),
        (b'{"role": "customer", "x": ' + b"[" * 50_000, "malformed_line", "1"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not_text", ""),
    ],
)
@pytest.mark.parametrize("how", ["--conversation", "--batch"])
def test_a_file_that_holds_no_conversation_is_refused_with_its_line(
    zuoxi: Zuoxi, tmp_path: Path, content: bytes, code: str, line: str, how: str
) -> None:
    path = tmp_path / "talk.jsonl"
    if how == "--batch" and code != "not_text":
        # Only what is no sound case by itself: then nothing is left to draft for.
        turns = [one for one in content.split(b"\n") if one and b'mer", "text": "x"' not in one]
        content = b"\n\n".join(b'{"turns": [%s]}' % one for one in turns) or b"{}"
        code, line = "malformed_line", str(2 * len(turns) - 1 if turns else 1)
    path.write_bytes(content)
    said = zuoxi("draft", how, path, "--json").refused(code)
    assert line in said
    if code != "conversation_end":
        assert "talk.jsonl" in said


def test_a_file_that_is_not_there_is_refused(zuoxi: Zuoxi, tmp_path: Path) -> None:
    for how in ("--conversation", "--batch"):
        assert "none" in zuoxi("draft", how, tmp_path / "none", "--json").refused("unreadable")
        assert zuoxi("draft", how, tmp_path, "--json").refused("unreadable")


def test_a_batch_answers_each_case_in_order(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path
) -> None:
    def case(name: str, text: str, **keys: str) -> str:
        turns = [{"role": "customer", "text": text}]
        return json.dumps({"id": name, "turns": turns, "kind": "plain", "facts": [["x"]]} | keys)

    path = tmp_path / "cases.jsonl"
    cases = [
        case("a1", QUESTION),
        case("a2", "法庭上见"),
        case("a3", "火星移民的签证怎么办理"),
        case("a4", "空调满2000元减多少？", as_of="2026-07-01"),
        case("a5", "空调满2000元减多少？", as_of="2026-12-01"),
        case("a6", "退货邮费谁出？"),
    ]
    path.write_text("\ufeff" + "\n\n".join(cases), "utf-8")
    said = zuoxi("draft", "--batch", path, "--json")
    assert said.code == 0
    assert [(one["id"], one["status"]) for one in said.objects] == [
        ("a1", "drafted"),
        ("a2", "handover"),
        ("a3", "abstained"),
        ("a4", "drafted"),
        ("a5", "abstained"),
        ("a6", "drafted"),
    ]
    assert all(set(one) >= DRAFT_KEYS for one in said.objects)


def test_lines_that_hold_no_case_are_named_and_skipped(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path
) -> None:
    turns = [{"role": "customer", "text": "法庭上见"}]
    lines = [
        json.dumps({"id": 1, "turns": turns}),
        json.dumps({"id": 2, "turns": turns, "as_of": "2026-02-30"}),
        '{"id": 3, "turns": ',
        json.dumps({"id": 4, "turns": turns}),
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    said = zuoxi("draft", "--batch", path, "--json")
    assert said.code == 1
    *drafts, last = said.objects
    assert [(one["id"], one["status"]) for one in drafts] == [(1, "handover"), (4, "handover")]
    assert last["error"]["code"] == "lines_skipped" and "2, 3" in last["error"]["message"]
    # Each is told before the first draft, with what is wrong with it.
    second, third, end = said.err.splitlines()
    assert "2026-02-30" in second and "2" in second and "3" in third
    assert "跳过" in second and "没有处理任何内容" not in said.err
    assert end == last["error"]["message"]


def test_an_empty_batch_answers_nothing_and_starts_nothing(zuoxi: Zuoxi, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n", "utf-8")
    said = zuoxi("draft", "--batch", tmp_path / "none.jsonl", "--json")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_what_waits_is_drafted_stored_and_can_be_decided_on(
    zuoxi: Zuoxi, informed: DataFolder
) -> None:
    def arrive(text: str, **keys: str) -> str:
        more = [part for key, value in keys.items() for part in (f"--{key}", value)]
        said = zuoxi("inbox", "add", "--customer", "王", "--text", text, "--json", *more)
        return str(said.one["conversation"])

    answered = arrive(QUESTION)
    court = arrive("法庭上见")
    unknown = arrive("火星移民的签证怎么办理")
    # The case stays a human's, however harmless what is said next.
    arrive(QUESTION, conversation=court)
    said = zuoxi("draft", "--waiting", "--json")
    assert {one["conversation"]: one["status"] for one in said.objects} == {
        answered: "drafted",
        court: "handover",
        unknown: "abstained",
    }
    by_id = {one["conversation"]: one for one in said.objects}
    assert by_id[court]["script"] == "马上请专人联系您。"
    with open_store(informed.database) as store:
        kept = store.drafts.latest(answered)
        assert kept is not None
        assert kept.draft.text == by_id[answered]["text"]
    (gap,) = zuoxi("kb", "gaps", "--json").one["gaps"]
    assert (gap["question"], gap["count"]) == ("火星移民的签证怎么办理", 1)
    assert "火星" in zuoxi("kb", "gaps").out
    decision = zuoxi("decide", answered, "--accept", "--json").one
    assert (decision["action"], decision["who"]) == ("accepted", "林")
    assert zuoxi("decide", court, "--accept", "--json").refused("no_draft")
    assert zuoxi("decide", court, "--hand-over").code == 0


def test_a_hand_over_that_only_the_engine_finds_opens_a_case(folder: DataFolder) -> None:
    """Its rules failed, say: somebody must see it, as when a window drafts."""
    with open_store(folder.database) as store:
        message = store.conversations.receive("王女士", "热水壶保修期多久？")
        draft = Draft("handover", category="rules_failed", script="请稍候。")
        _keep(store, message.conversation, message.id, draft)
        case = store.handovers.open_case(message.conversation)
        assert case is not None
        assert (case.category, case.script, case.message) == (
            "rules_failed",
            "请稍候。",
            message.id,
        )


def test_with_nobody_waiting_nothing_is_started(zuoxi: Zuoxi, informed: DataFolder) -> None:
    said = zuoxi("draft", "--waiting", "--json")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_a_broken_model_fails_a_draft_in_one_line(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path
) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF\x03")
    model = str(tmp_path / "broken.gguf")
    settings.save(informed, replace(settings.load(informed), model=model))
    assert "broken.gguf" in zuoxi("draft", "--message", QUESTION, "--json").refused(
        "model_unusable"
    )
    # A red line needs no model.
    assert zuoxi("draft", "--message", "法庭上见", "--json").one["status"] == "handover"


def test_rules_that_do_not_load_fail_a_draft_in_one_line(
    zuoxi: Zuoxi, informed: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.paths.RULES", tmp_path / "nowhere")
    assert zuoxi("draft", "--message", QUESTION, "--json").refused("rules_invalid")


@pytest.mark.parametrize("words", [["draft", "--message", QUESTION], ["kb", "import", "."]])
def test_an_interruption_is_no_traceback(
    informed: DataFolder, document_folder: Path, words: list[str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "--data", str(informed.root), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=document_folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        # Whoever is run in the background of a shell has it ignored, and so have its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    # As a terminal does it: to all processes at once, the youngest too.
    while len(psutil.Process(process.pid).children()) < 2:
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err


# doctor


def test_the_doctor_finds_a_sound_desk_sound(zuoxi: Zuoxi, informed: DataFolder) -> None:
    said = zuoxi("doctor", "--json")
    assert said.code == 0
    found = {one["check"]: one for one in said.one["checks"]}
    assert set(found) == {
        *("model", "gpu", "embedder", "knowledge", "wordings"),
        *("database", "rules", "fonts", "display"),
    }
    assert said.one["ok"] is True
    assert found["model"]["detail"].startswith("starter@")
    assert all(found[name]["status"] == "ok" for name in ("model", "embedder", "knowledge"))


def test_the_doctor_finds_everything_that_is_wrong_at_once(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.save(folder, settings.Settings(model=str(tmp_path / "none.gguf"), embedder="none"))
    folder.database.write_bytes(b"no database at all" * 400)
    folder.knowledge.mkdir(parents=True, exist_ok=True)
    (folder.knowledge / "synonyms.txt").write_text("运费 = 邮费\n少了等号\n", "utf-8")
    said = zuoxi("doctor", "--json")
    assert said.code == 1
    assert said.one["ok"] is False
    wrong = {one["check"] for one in said.one["checks"] if one["status"] == "error"}
    assert wrong == {"model", "embedder", "database"}
    (wordings,) = (one for one in said.one["checks"] if one["check"] == "wordings")
    assert (wordings["status"], wordings["detail"]) == ("warning", "synonyms.txt:2")
    monkeypatch.setattr("engine.paths.RULES", tmp_path / "nowhere")
    people = zuoxi("doctor")
    assert people.code == 1
    assert "✗ engine" in people.out and "✗ rules" in people.out
