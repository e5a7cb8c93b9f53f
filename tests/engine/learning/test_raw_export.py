from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from engine.errors import InputError
from engine.learning.feedback import RawDecision, RawManifest, export_raw
from engine.records import Draft, DraftStatus, Evidence, Hit, Release, Turn
from engine.store.rows import Verdict
from engine.store.store import Store, open_store


def fill(store: Store) -> None:
    message = store.conversations.receive("王女士", "能退吗")
    draft = Draft(
        "drafted",
        "可以**免费**退[1]",
        evidence=(Evidence(1, "退换.md", "退换", "七天", "七天内免费退", 1.0),),
        release=Release("m", "a", "r", "k", "p"),
    )
    saved = store.drafts.save(message.conversation, message.id, draft)
    store.feedback.thumbs_down(saved.id, "小陈")
    undone = store.decisions.record(
        message.conversation, "accepted", text="可以免费退", draft=saved.id, undo_seconds=5.0
    )
    store.decisions.undo(undone.id)
    store.decisions.record(
        message.conversation,
        "edited",
        text="可以退",
        draft=saved.id,
        edit_distance=2,
        hits=(Hit("r", "c", "L1", "hint", 0, 1, "可"),),
    )
    store.conversations.receive("王女士", "谢谢", conversation=message.conversation)
    store.decisions.record(message.conversation, "rewritten", text="不客气")


def test_every_decision_is_exported_with_all_it_rested_on(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        fill(store)
        manifest = export_raw(store, tmp_path / "out" / "raw")
    data = (tmp_path / "out" / "raw" / "decisions.jsonl").read_bytes()
    lines = [msgspec.json.decode(line, type=RawDecision) for line in data.splitlines()]
    undone, edited, rewritten = lines
    assert (undone.undone, edited.undone) == (True, False)
    assert edited.turns == (Turn("customer", "能退吗"),)
    assert edited.draft is not None
    assert edited.draft.evidence[0].doc == "退换.md"
    assert edited.draft.release.knowledge == "k"
    assert (edited.text, edited.edit_distance, edited.thumbs_down) == ("可以退", 2, 1)
    assert edited.hits[0].rule == "r"
    assert rewritten.draft is None
    assert rewritten.turns[-1] == Turn("customer", "谢谢")
    assert manifest.decisions == 3
    assert manifest.undone == 1
    assert manifest.actions == {"edited": 1, "rewritten": 1}
    assert manifest.sha256 == hashlib.sha256(data).hexdigest()
    written = (tmp_path / "out" / "raw" / "manifest.json").read_bytes()
    assert msgspec.json.decode(written, type=RawManifest) == manifest
    assert not list((tmp_path / "out" / "raw").glob("*.tmp"))


def test_no_decisions_make_an_empty_export(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        export_raw(store, tmp_path / "out")
    assert (tmp_path / "out" / "decisions.jsonl").read_bytes() == b""
    assert json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["decisions"] == 0


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with open_store(tmp_path / "zuoxi.db") as store, pytest.raises(InputError) as caught:
        export_raw(store, tmp_path / "out")
    assert caught.value.code == "export_failed"
    assert (tmp_path / "out").read_text() == "a file"


def test_a_leads_verdicts_teach_with_their_sign(tmp_path: Path) -> None:
    found = Hit("promise", "承诺", "L3", "block", 0, 2, "保本", "model")
    with open_store(tmp_path / "zuoxi.db") as store:
        message = store.conversations.receive("王女士", "保本吗")
        draft = store.keep_draft(
            message.conversation, message.id, Draft("drafted", "保本的", hits=(found,))
        )
        (model,) = store.reviews.page().hits
        store.hits.judge(model.id, "false_alarm", "王班长")
        decision = store.decisions.record(
            message.conversation, "accepted", text="稳赚的，放心", draft=draft.id, who="小李"
        )
        missed = store.reviews.missed(decision.outgoing or "", 0, 2, "王班长", rule="promise")
        assert (missed.verdict, missed.agent, missed.hit.text) == ("missed", "小李", "稳赚")
        export_raw(store, tmp_path / "out")
    (line,) = (tmp_path / "out" / "decisions.jsonl").read_bytes().splitlines()
    judged = msgspec.json.decode(line, type=RawDecision).judged
    assert [(one.of, one.text, one.verdict, one.sign) for one in judged] == [
        ("draft", "保本", "false_alarm", 1),
        ("sent", "稳赚", "missed", -1),
    ]


WITHDRAWN = Hit("promise", "承诺", "L3", "block", 0, 2, "保本", "model")


@pytest.mark.parametrize(
    ("verdict", "sign", "rejected"),
    [("right", -1, True), ("false_alarm", 1, False), (None, None, False)],
)
@pytest.mark.parametrize("status", ["failed", "drafted"])
def test_a_blocked_draft_is_a_rejected_example_only_where_the_block_was_right(
    tmp_path: Path, verdict: Verdict | None, sign: int | None, rejected: bool, status: DraftStatus
) -> None:
    """Also one that was withdrawn while it streamed, of which the hit alone is known."""
    text = "保本的" if status == "drafted" else ""
    with open_store(tmp_path / "zuoxi.db") as store:
        message = store.conversations.receive("王女士", "保本吗")
        here = message.conversation
        draft = store.keep_draft(here, message.id, Draft(status, text, hits=(WITHDRAWN,)))
        (model,) = store.reviews.page().hits
        if verdict:
            store.hits.judge(model.id, verdict, "王班长")
        store.decisions.record(
            here, "rewritten", text="有风险", draft=draft.id if text else None, who="小李"
        )
        # What follows has nothing to do with it.
        store.conversations.receive("王女士", "哦", conversation=here)
        store.decisions.record(here, "rewritten", text="嗯", who="小李")
        export_raw(store, tmp_path / "out")
    first, second = decisions_in(tmp_path / "out")
    assert [(one.of, one.text, one.sign) for one in first.judged] == (
        [("draft", "保本", sign)] if verdict else []
    )
    assert (first.rejected, second.rejected, second.judged) == (rejected, False, ())


@pytest.mark.parametrize(("verdict", "rejected"), [("right", True), ("false_alarm", False)])
def test_an_agents_rejection_counts_unless_a_lead_calls_it_a_false_alarm(
    tmp_path: Path, verdict: Verdict, rejected: bool
) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        for reason in ("red_line", "tone"):
            message = store.conversations.receive("王女士", "保本吗")
            here = message.conversation
            draft = store.keep_draft(
                here, message.id, Draft("drafted", "保本的", hits=(WITHDRAWN,))
            )
            store.decisions.record(here, "rejected", draft=draft.id, reason=reason)  # type: ignore[arg-type]
        for hit in store.reviews.page().hits:
            store.hits.judge(hit.id, verdict, "王班长")
        export_raw(store, tmp_path / "out")
    red_line, tone = decisions_in(tmp_path / "out")
    assert (red_line.rejected, tone.rejected) == (rejected, True)


def test_what_the_gate_kept_back_teaches_beside_what_was_sent_then(tmp_path: Path) -> None:
    kept = Hit("promise", "承诺", "L3", "block", 0, 2, "保本")
    with open_store(tmp_path / "zuoxi.db") as store:
        here = store.conversations.receive("王女士", "保本吗").conversation
        for number, text in enumerate(("保本的", "保本保息")):
            store.hits.add_all(here, None, text, [kept], at=10.0 + number, agent="小李")
        for hit in store.reviews.page().hits:
            store.hits.judge(hit.id, "right", "王班长")
        for at in (5.0, 20.0, 30.0):
            store.decisions.record(here, "rewritten", text="有风险", at=at)
        export_raw(store, tmp_path / "out")
    assert [len(one.judged) for one in decisions_in(tmp_path / "out")] == [0, 2, 0]
    (_, then, _) = decisions_in(tmp_path / "out")
    assert {(one.of, one.sign) for one in then.judged} == {("kept_back", -1)}
    assert not then.rejected


def test_deleted_customers_teach_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        fill(store)
        (row,) = store.conversations.page()
        here = row.id
        store.forgetting.erase([here], who="王班长")
        store.conversations.receive("客户", "又来了", conversation=here)
        store.decisions.record(here, "rewritten", text="您好")
        manifest = export_raw(store, tmp_path / "out")
    assert (manifest.decisions, manifest.forgotten) == (1, 3)
    assert [one.text for one in decisions_in(tmp_path / "out")] == ["您好"]


def decisions_in(folder: Path) -> list[RawDecision]:
    data = (folder / "decisions.jsonl").read_bytes()
    return [msgspec.json.decode(line, type=RawDecision) for line in data.splitlines()]
