"""Which questions count as missed, what answered them, and that dismissed wordings stay so."""

from __future__ import annotations

from pathlib import Path

from engine.records import Draft, Evidence, RejectReason
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.salvage import salvage
from engine.store.store import Store, open_store

EVIDENCE = (Evidence(1, "运费.md", "运费", "退货运费", "质量问题运费由本店承担。", 0.8),)


def asked(store: Store, question: str, draft: Draft, customer: str = "王女士") -> tuple[str, str]:
    """A question with a draft that was kept for it: conversation and draft."""
    message = store.conversations.receive(customer, question)
    saved = store.keep_draft(message.conversation, message.id, draft)
    return message.conversation, saved.id


def test_a_gap_is_missed_and_knows_what_was_sent_for_it(store: Store) -> None:
    here, _ = asked(store, "邮寄费谁掏", Draft("abstained", reason="没有依据"))
    (open_one,) = store.missed.questions()
    assert (open_one.question, open_one.answer, open_one.why) == ("邮寄费谁掏", "", "gap")
    store.decisions.record(here, "rewritten", text="运费由本店承担。")
    (answered,) = store.missed.questions()
    assert (answered.answer, answered.customer) == ("运费由本店承担。", "王女士")


def test_a_gap_that_is_closed_or_an_answer_that_was_undone_does_not_count(store: Store) -> None:
    here, _ = asked(store, "邮寄费谁掏", Draft("abstained"))
    decision = store.decisions.record(here, "rewritten", text="运费我们出", undo_seconds=9)
    assert store.decisions.undo(decision.id)
    assert store.missed.questions()[0].answer == ""
    store.gaps.settle(store.gaps.list()[0].id)
    assert store.missed.questions() == []


def test_drafts_rejected_for_what_was_found_and_changed_drafts_are_missed(store: Store) -> None:
    drafted = Draft("drafted", "可以上门检修。", evidence=EVIDENCE)
    reasons: dict[str, RejectReason] = {"甲": "wrong_evidence", "乙": "tone", "丙": "incomplete"}
    for customer, reason in reasons.items():
        here, draft = asked(store, f"{customer}问邮寄费", drafted, customer)
        store.decisions.record(here, "rejected", draft=draft, reason=reason)
    here, draft = asked(store, "丁问邮寄费", drafted, "丁")
    store.decisions.record(here, "edited", text="运费我们出。", draft=draft, edit_distance=6)
    here, draft = asked(store, "戊问邮寄费", drafted, "戊")
    store.decisions.record(here, "accepted", text="可以上门检修。", draft=draft)
    found = {one.customer: one for one in store.missed.questions()}
    assert set(found) == {"甲", "丙", "丁"}
    assert found["丁"].why == "changed"
    assert (found["丁"].answer, found["丁"].drafted) == ("运费我们出。", "可以上门检修。")
    assert found["甲"].evidence == EVIDENCE


def test_a_rejection_knows_what_was_written_instead(store: Store) -> None:
    here, draft = asked(store, "邮寄费谁掏", Draft("drafted", "可以上门。"))
    store.decisions.record(here, "rejected", draft=draft, reason="wrong_evidence")
    store.decisions.record(here, "rewritten", text="运费由本店承担。")
    store.decisions.record(here, "rewritten", text="还有什么可以帮您？")
    (found,) = store.missed.questions()
    assert (found.why, found.answer) == ("rejected", "运费由本店承担。")


def test_only_the_newest_are_read(store: Store) -> None:
    for number in range(5):
        asked(store, f"第{number}问", Draft("abstained"), f"客{number}")
    assert [one.question for one in store.missed.questions(2)] == ["第4问", "第3问"]


def test_what_was_dismissed_stays_dismissed(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        store.conversations.receive("王女士", "在吗")
        store.missed.dismiss("邮寄费")
        store.missed.dismiss("邮寄费")
        store.missed.dismiss("\ud800坏")
        store.missed.dismiss("掏钱")
        store.missed.restore("掏钱")
    salvage(path)
    with open_store(path) as store:
        assert store.missed.dismissed() == {"邮寄费", "\ufffd坏"}


def test_a_database_from_before_there_were_proposals_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    database = open_database(path, migrations=MIGRATIONS[:4])
    database.run(
        "INSERT INTO conversations (id, customer, channel, opened_at, last_at) "
        "VALUES ('c', '王女士', 'web', 1, 1)"
    )
    database.close()
    with open_store(path) as store:
        assert store.check() == []
        assert store.conversations.get("c").customer == "王女士"
        assert store.missed.dismissed() == frozenset()
        store.missed.dismiss("邮寄费")
    assert path.with_name("zuoxi.db.v4.bak").exists()


def test_an_answer_counts_however_the_question_was_punctuated(store: Store) -> None:
    asked(store, "邮寄费谁掏", Draft("abstained"))
    here, _ = asked(store, "邮寄费谁掏？", Draft("abstained"), "李先生")
    store.decisions.record(here, "rewritten", text="运费由本店承担。")
    answers = {one.customer: one.answer for one in store.missed.questions()}
    assert answers == {"王女士": "", "李先生": "运费由本店承担。"}
