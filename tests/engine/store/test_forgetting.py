"""A customer's data deleted: no byte of it stays, all of it can still be counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from well_known import OTHER, WORD, files_with, known_everywhere

from engine.errors import InputError, StoreError
from engine.records import Draft
from engine.store.blank import FORGOTTEN
from engine.store.database import Database
from engine.store.rows import ExternalKey
from engine.store.store import Store, open_store

COUNTED = ("messages", "drafts", "decisions", "hits", "hit_verdicts", "approvals", "appeals")


def counts(store: Store) -> dict[str, int]:
    return {
        table: store._database.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]
        for table in COUNTED
    }


def test_no_byte_of_a_deleted_customer_stays_in_the_folder(store: Store, tmp_path: Path) -> None:
    here, there = known_everywhere(store), known_everywhere(store, OTHER)
    store.back_up_daily()
    shutil.copy(store.path, tmp_path / "zuoxi.db.v9.bak")
    assert "zuoxi.db.daily.bak" in files_with(tmp_path)
    before = counts(store)
    erased = store.forgetting.erase([here], who="王班长", why="consent_withdrawn")
    assert erased.finished and not erased.older_records
    assert files_with(tmp_path) == []
    # The other customer's is as it was, in the file and in the day's copy.
    assert files_with(tmp_path, OTHER) == ["zuoxi.db", "zuoxi.db.daily.bak"]
    assert store.conversations.get(there).customer == f"客户{OTHER}"
    assert counts(store) == before
    assert erased.held.messages == 3 and erased.held.hits == 3
    # Two that have left and not arrived, or could still be undone.
    assert erased.held.unsent == 2
    assert store.check() == []


def test_what_was_done_stays_countable_and_the_chain_holds(store: Store) -> None:
    here = known_everywhere(store)
    erased = store.forgetting.erase([here], who="王班长")
    assert [one.action for one in store.decisions.of(here)] == ["edited", "rewritten"]
    assert {one.hit.rule for one in store.reviews.each()} == {"r", "t"}
    assert all(one.hit.text == "" for one in store.reviews.each())
    row = store.conversations.get(here)
    assert (row.customer, row.preview, row.subject) == (FORGOTTEN, FORGOTTEN, "")
    assert row.forgotten_at is not None and row.closed_at is not None
    assert row.waiting_since is None and row.handed_over is None
    assert store.conversations.page(search=WORD) == []
    assert store.gaps.list() == [] and store.composers.all() == []
    assert store.outbox.pending() == [] and store.outbox.delivering() == []
    assert store.approvals.queue() == [] and store.approvals.approved() == []
    verified = store.verify_audit()
    assert verified.sound, verified.findings
    told = [line for line in store.audit.lines() if b'"kind":"erased"' in line]
    assert len(told) == 1 and b"asked" in told[0] and "王班长".encode() in told[0]
    assert erased.records == (store.audit.head().count,)


def test_what_is_put_back_or_changed_after_a_deletion_is_found(store: Store) -> None:
    here = known_everywhere(store)
    store.forgetting.erase([here], who="王班长")
    for statement in (
        "UPDATE decisions SET text = '没说过的'",
        "UPDATE decisions SET action = 'rejected' WHERE action = 'edited'",
        "UPDATE hits SET screened = '没写过的'",
        "UPDATE approvals SET reason = '没有过的'",
    ):
        with pytest.raises(RuntimeError), store.transaction():
            store._database.run(statement)
            assert {one.what for one in store.verify_audit().findings} == {"row_altered"}
            raise RuntimeError("back")
    assert store.verify_audit().sound


def test_sqlite_lets_the_words_of_a_record_go_in_this_one_way(store: Store) -> None:
    here, there = known_everywhere(store), known_everywhere(store, OTHER)
    store.forgetting.erase([here], who="王班长")
    kept = store._database.rows("SELECT DISTINCT conversation FROM audit_words")
    assert [row["conversation"] for row in kept] == [there]
    for statement in (
        "DELETE FROM audit_words",
        "UPDATE audit_words SET words = '[]'",
        "UPDATE audit SET body = '{}'",
    ):
        with pytest.raises(StoreError):
            store._database.run(statement)
    # Whoever gets round that is found.
    store._database.run("DROP TRIGGER audit_words_kept")
    store._database.run(
        "DELETE FROM audit_words WHERE record = (SELECT max(record) FROM audit_words)"
    )
    assert {one.what for one in store.verify_audit().findings} == {"row_altered", "unguarded"}


def test_a_message_delivered_once_more_does_not_come_back(store: Store, tmp_path: Path) -> None:
    here = known_everywhere(store)
    (first, *_) = store.conversations.messages(here)
    store.forgetting.erase([here], who="王班长")
    key = ExternalKey("mail", f"thread-{WORD}", f"mail-{WORD}-1")
    again = store.conversations.receive(f"客户{WORD}", f"我是{WORD}，壶坏了", key=key)
    assert (again.id, again.text) == (first.id, FORGOTTEN)
    assert files_with(tmp_path) == []
    assert store.conversations.unscreened() == []
    # Whoever writes anew is somebody new.
    key = ExternalKey("mail", f"thread-{WORD}", "mail-2")
    fresh = store.conversations.receive("客户", "又来了", key=key)
    assert fresh.conversation != here


def test_a_conversation_goes_on_after_a_deletion_and_can_be_deleted_again(
    store: Store, tmp_path: Path
) -> None:
    here = known_everywhere(store)
    store.forgetting.erase([here], who="王班长")
    message = store.conversations.receive("客户", f"还是{WORD}", conversation=here)
    draft = store.keep_draft(here, message.id, Draft("drafted", f"{WORD}好"))
    store.decisions.record(here, "accepted", text=f"{WORD}好", draft=draft.id, who="小满")
    assert store.verify_audit().sound
    store._database.run("UPDATE decisions SET comment = '改过' WHERE action = 'accepted'")
    assert [one.what for one in store.verify_audit().findings] == ["row_altered"]
    store._database.run("UPDATE decisions SET comment = '' WHERE action = 'accepted'")
    store.forgetting.erase([here, here], who="王班长", why="retention")
    assert files_with(tmp_path) == []
    assert store.verify_audit().sound


def test_a_question_that_somebody_else_asked_too_stays_a_gap(store: Store) -> None:
    first = store.conversations.receive("甲", "壶盖单卖吗？").conversation
    second = store.conversations.receive("乙", "壶盖单卖吗").conversation
    for one, question in ((first, "壶盖单卖吗？"), (second, "壶盖单卖吗")):
        store.gaps.add(question, one, "no_evidence")
    store.forgetting.erase([first], who="王班长")
    (gap,) = store.gaps.list()
    assert (gap.count, gap.conversation) == (1, second)


def test_an_unknown_conversation_or_no_name_deletes_nothing(store: Store) -> None:
    here = known_everywhere(store)
    before = store.audit.head().count
    for conversations, who, code in (
        ([here, "x"], "王班长", "no_conversation"),
        ([here], " ", "no_name"),
    ):
        with pytest.raises(InputError) as caught:
            store.forgetting.erase(conversations, who=who)
        assert caught.value.code == code
    assert store.audit.head().count == before
    assert store.conversations.get(here).customer == f"客户{WORD}"


def test_where_another_program_reads_the_next_start_goes_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = known_everywhere(store)
    store._database.run("PRAGMA busy_timeout = 50")
    reader = open_store(store.path, read_only=True)
    with reader.transaction():
        reader.conversations.counts()
        erased = store.forgetting.erase([here], who="王班长")
        assert not erased.finished
    reader.close()
    assert store.forgetting.finish()
    assert files_with(tmp_path) == []
    # No second rewriting once it is done.
    monkeypatch.setattr(Database, "rewrite", lambda _: pytest.fail("done before"))
    assert store.forgetting.finish()


def test_a_full_disk_is_no_error_after_the_words_are_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = known_everywhere(store)

    def full(_: Database) -> bool:
        raise StoreError("full", "store_full")

    monkeypatch.setattr(Database, "rewrite", full)
    assert not store.forgetting.erase([here], who="王班长").finished
    assert store.conversations.get(here).customer == FORGOTTEN
    assert store.forgetting.of(FORGOTTEN) == []


def test_damaged_databases_set_aside_are_named(store: Store, tmp_path: Path) -> None:
    here = known_everywhere(store)
    aside = tmp_path / "zuoxi.db.damaged-20261122-101010"
    aside.write_bytes(WORD.encode())
    aside.with_name(f"{aside.name}.audit-head").write_bytes(b"{}")
    store.forgetting.erase([here], who="王班长")
    assert store.forgetting.left() == [aside]


def test_a_draft_that_comes_after_the_deletion_leaves_no_word(store: Store, tmp_path: Path) -> None:
    message = store.conversations.receive("客户", f"我是{WORD}")
    here = message.conversation
    store.forgetting.erase([here], who="王班长")
    late = Draft("abstained", reason=f"没有{WORD}")
    store.keep_draft(here, message.id, late)
    store.keep_draft(here, message.id, Draft("handover", category="legal", script=WORD))
    assert store.gaps.list() == [] and store.handovers.all_open() == []
    assert files_with(tmp_path) == []


def test_records_that_still_hold_words_are_counted_once(store: Store) -> None:
    first, second, other = (store.conversations.receive(n, "在").conversation for n in "甲乙丙")
    with store.transaction():
        for here in (first, second, other):
            # As a former version recorded hits: their words in the chain itself.
            older = {"hits": [{"rule": "r", "start": 0, "text": "在"}]}
            store.audit.add("hits", "h", conversation=here, detail=older)
    assert store.forgetting.erase([first, second, first], who="王班长").older_records == 2
