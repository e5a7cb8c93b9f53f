"""What somebody with the file writes into it past the program is refused, has no effect, is found.

Each forgery is one statement, as anybody with another SQLite program would type it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from audited import verified

from engine.errors import InputError
from engine.records import Hit
from engine.store.audit import head_file
from engine.store.migrations import MIGRATIONS
from engine.store.salvage import salvage
from engine.store.store import Store, open_store
from engine.store.triggers import TRIGGERS

HIT = Hit("promise", "承诺", "L3", "block", 0, 2, "保本", "agent", "承诺收益")


def lived_in(path: Path) -> None:
    """A database in which everything that the audit tells of was done once at least."""
    with open_store(path) as store:
        here = store.conversations.receive("王女士", "保本吗").conversation
        for text in ("保本的", "这个保本"):
            asked = store.approvals.ask(here, text, "客户原话", "小李", [HIT], rules="r1")
            store.approvals.decide(asked.id, True, "王班长", "可以")
        sent = store.decisions.record(
            here,
            "rewritten",
            text="保本的",
            who="小李",
            hits=[HIT],
            approval=asked_for(store, here),
        )
        assert store.outbox.mark_sent(sent.outgoing or "", 1e12)
        back = store.decisions.record(here, "rewritten", text="算了", who="小李", undo_seconds=9)
        assert store.decisions.undo(back.id)
        asked = store.approvals.ask(here, "保本一点", "客户原话", "小李", [HIT])
        store.approvals.decide(asked.id, False, "王班长", "不行")
        store.approvals.ask(here, "一定保本", "客户原话", "小李", [HIT])
        hit = store.hits.of(here)[0].id
        store.hits.judge(hit, "false_alarm", "王班长", "看错了")
        made = store.reviews.appeal(hit, "小李", "客户先说的")
        store.reviews.answer(made.id, False, "王班长", "不能这样说")
        case = store.handovers.open(here, "legal", "promise", "马上处理", who="小李")
        store.handovers.take(case.id, "王班长")
        store.handovers.close(case.id, "谈好了", who="王班长")
        publish(store, "第一版", 1)
        store.rule_draft.keep(1, '["第二版"]', "小李")
        on_trial(store, "第二版")
        store.rule_versions.ask(2, "小李", "请看")
        store.rule_versions.refuse(2, "王班长", "太宽")
        assert store.verify_audit().findings == ()


def asked_for(store: Store, here: str) -> str:
    approval = store.approvals.standing_for(here, "这个保本")
    assert approval is not None and approval.state == "approved"
    return approval.id


def on_trial(store: Store, comment: str) -> int:
    draft = store.rule_draft.get()
    assert draft is not None
    return store.rule_versions.start_trial(
        draft, "小李", comment, rule_set="r2", former="r1", rules="r2"
    ).number


def publish(store: Store, comment: str, number: int) -> None:
    store.rule_draft.keep(number - 1, f'["{comment}"]', "小李")
    assert on_trial(store, comment) == number
    store.rule_versions.ask(number, "小李", "请看")
    store.rule_versions.publish(number, "王班长", "好", former="r1", rules="r2")


def refused(path: Path, statement: str) -> bool:
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        try:
            own.execute(statement)
        except sqlite3.IntegrityError:
            return True
        return False


def forged(path: Path, *statements: str) -> None:
    """As `refused`, with the triggers out of the way, and in place again afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN")
        for trigger in TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            assert own.execute(statement).rowcount > 0, statement
        for sql in TRIGGERS.values():
            own.execute(sql)
        own.execute("COMMIT")


def whats(path: Path) -> list[str]:
    return [one.what for one in verified(path).findings]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole") / "zuoxi.db"
    lived_in(made)
    return made


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "zuoxi.db"))


FORGED_APPROVAL = """INSERT INTO approvals (id, conversation, bound, text, reason, hits, asker, at,
    state, answered_by, answered_at) SELECT 'zzz', conversation, bound, text, reason, hits, 'root',
    at, 'approved', '经理', at FROM approvals WHERE state = 'used'"""
FORGED_PUBLICATION = """INSERT INTO rule_steps (version, step, who, comment, rules, at)
    SELECT 2, 'published', '丙丙', 'ok', rules, at + 900 FROM rule_steps
    WHERE version = 2 AND step = 'trial'"""
FORGED_RETURN = """INSERT INTO rule_steps (version, step, who, comment, rules, at)
    SELECT 0, 'restored', '丙丙', 'ok', rules, at + 900 FROM rule_steps
    WHERE version = 2 AND step = 'trial'"""

# What SQLite itself refuses, and `verify` finds once somebody has dropped the triggers.
GUARDED = {
    "an approval put in": (FORGED_APPROVAL, "unrecorded"),
    "a publication put in": (FORGED_PUBLICATION, "unrecorded"),
    "a return to what ships put in": (FORGED_RETURN, "unrecorded"),
    "another answerer": ("UPDATE approvals SET answered_by = '别人' WHERE state = 'used'",
                         "row_altered"),
    "another asker": ("UPDATE approvals SET asker = '别人'", "row_altered"),
    "all used": ("UPDATE approvals SET state = 'used' WHERE state != 'used'", "row_altered"),
    "all approved": ("UPDATE approvals SET state = 'approved', answered_by = '经理' "
                     "WHERE state = 'asked'", "row_altered"),
    "no approvals": ("DELETE FROM approvals", "row_missing"),
    "another verdict": ("UPDATE hit_verdicts SET verdict = 'right'", "row_altered"),
    "another judge": ("UPDATE hit_verdicts SET who = '别人'", "row_altered"),
    "no verdicts": ("DELETE FROM hit_verdicts", "row_missing"),
    "a verdict put in": ("INSERT INTO hit_verdicts (hit, verdict, who, note, at) "
                         "SELECT id, 'right', '别人', '', at FROM hits", "unrecorded"),
    "a verdict on the hit": ("UPDATE hits SET verdict = 'right'", "row_altered"),
    "another level": ("UPDATE hits SET level = 'L0'", "row_altered"),
    "another agent": ("UPDATE hits SET agent = '别人'", "row_altered"),
    "no cases": ("DELETE FROM handovers", "row_missing"),
    "a case of another": ("UPDATE handovers SET taken_by = '别人'", "row_altered"),
    "a case reopened": ("UPDATE handovers SET closed_at = NULL", "row_altered"),
    "no appeals": ("DELETE FROM appeals", "row_missing"),
    "an appeal of another": ("UPDATE appeals SET who = '别人'", "row_altered"),
    "an appeal upheld": ("UPDATE appeals SET upheld = 1", "row_altered"),
    "an undo put in": ("INSERT INTO decision_undos SELECT id, at FROM decisions WHERE id NOT IN "
                       "(SELECT decision FROM decision_undos)", "unrecorded"),
    "other authors": ("UPDATE rule_versions SET authors = '[]'", "row_altered"),
    "another comment": ("UPDATE rule_versions SET comment = '没什么'", "row_altered"),
    "another publisher": ("UPDATE rule_steps SET who = '别人' WHERE step = 'published'",
                          "row_altered"),
    "a step taken out": ("DELETE FROM rule_steps WHERE step = 'refused'", "row_missing"),
    "a version taken out": ("DELETE FROM rule_versions WHERE number = 2", "row_missing"),
}  # fmt: skip

# Words that a deletion on request overwrites, so that SQLite cannot refuse it.
FOUND = {
    "another reply": ("UPDATE messages SET text = '假的' WHERE role = 'agent'", "row_altered"),
    "a reply never sent": ("UPDATE messages SET state = 'pending' WHERE state = 'sent'",
                           "row_missing"),
    "a reply sent again": ("UPDATE messages SET state = 'sent' WHERE state = 'undone'",
                           "row_altered"),
    "a reply put in": ("INSERT INTO messages (id, conversation, role, text, at, state, due) "
                       "SELECT 'm', conversation, 'agent', '假的', at, 'pending', 0 "
                       "FROM messages LIMIT 1", "unrecorded"),
    "a lead's comment": ("UPDATE approvals SET comment = '都行'", "row_altered"),
    "a request's text": ("UPDATE approvals SET text = '好的'", "row_altered"),
    "a verdict's note": ("UPDATE hit_verdicts SET note = '对的'", "row_altered"),
    "an appeal's text": ("UPDATE appeals SET text = '别的'", "row_altered"),
    "an appeal's answer": ("UPDATE appeals SET answer = '别的'", "row_altered"),
    "a case's note": ("UPDATE handovers SET note = '别的'", "row_altered"),
    "a hit put in": ("INSERT INTO hits (id, conversation, rule, body, screened, at) "
                     "SELECT 'h', conversation, rule, body, '', at FROM hits LIMIT 1",
                     "unrecorded"),
}  # fmt: skip


@pytest.mark.parametrize("name", GUARDED)
def test_sqlite_refuses_an_act_without_its_record(path: Path, name: str) -> None:
    assert refused(path, GUARDED[name][0])
    assert verified(path).sound


@pytest.mark.parametrize("name", GUARDED | FOUND)
def test_what_is_forged_is_found(path: Path, name: str) -> None:
    statement, what = (GUARDED | FOUND)[name]
    forged(path, statement)
    assert what in whats(path)


def test_hits_of_a_reply_that_was_kept_back_are_named_by_their_conversation(path: Path) -> None:
    with open_store(path) as store:
        here = store.conversations.receive("孙女士", "在吗").conversation
        store.hits.add_all(here, None, "保本的", [HIT], agent="小李")
    forged(path, f"DELETE FROM hits WHERE conversation = '{here}'")
    (finding,) = verified(path).findings
    assert (finding.what, finding.subject) == ("row_missing", here)


def test_an_approval_put_in_lets_nothing_pass(path: Path) -> None:
    forged(path, FORGED_APPROVAL)
    with open_store(path) as store:
        used = next(one for one in store.approvals.approved() if one.id == "zzz")
        assert store.approvals.standing_for(used.conversation, used.text) is None
        with pytest.raises(InputError) as caught:
            store.decisions.record(
                used.conversation, "rewritten", text=used.text, who="小李", approval="zzz"
            )
        assert caught.value.code == "approval_closed"
        asked = store.approvals.ask(used.conversation, used.text, "客户原话", "小李", [HIT])
        assert asked.state == "asked" and store.approvals.get("zzz").state == "expired"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET state = 'approved', answered_by = '经理' WHERE state = 'asked'",
        "UPDATE approvals SET state = 'approved' WHERE state = 'refused'",
        "UPDATE approvals SET state = 'approved' WHERE state = 'used'",
    ],
)
def test_an_answer_forged_lets_nothing_pass(path: Path, statement: str) -> None:
    forged(path, statement)
    with open_store(path) as store:
        there = store.approvals.approved()
        assert there
        for one in there:
            assert store.approvals.standing_for(one.conversation, one.text) is None


@pytest.mark.parametrize("statement", [FORGED_PUBLICATION, FORGED_RETURN])
def test_a_step_put_in_takes_nothing_into_force(path: Path, statement: str) -> None:
    forged(path, statement)
    with open_store(path) as store:
        assert store.rule_versions.in_force() == 1
        in_force = store.rule_versions.standing().in_force
        assert in_force is not None and in_force.number == 1
        assert store.rule_versions.get(2).state == "refused"


def test_words_taken_away_under_a_deletion_that_never_was_are_found(path: Path) -> None:
    for statement in (
        "UPDATE approvals SET comment = '' WHERE state = 'used'",
        "UPDATE appeals SET text = ''",
        "UPDATE hit_verdicts SET note = ''",
        "UPDATE handovers SET note = ''",
    ):
        forged(path, "UPDATE audit_keys SET erased = 100000", statement)
        assert "row_altered" in whats(path), statement


@pytest.mark.parametrize(
    ("kind", "subject", "detail"),
    [
        ("rules", "r", {"version": [1], "why": {}}),
        ("rules", "r", {"version": {}, "why": "published", "changes": []}),
        ("guarded", "older", {"older": {"rule_steps": "all", "hits": []}}),
        ("hits", "x", {"hits": 5}),
        ("hits", "x", {"hits": [1, {}]}),
        ("salvaged", "older", {"decisions": "many"}),
        ("approval", "x", {"step": ["approved"], "bound": 1}),
        ("case", "x", {"step": {}}),
        ("decision", "x", {}),
    ],
)
def test_a_record_of_another_form_breaks_neither_the_walk_nor_the_rules(
    path: Path, kind: Any, subject: str, detail: dict[str, object]
) -> None:
    with open_store(path) as store:
        with store.transaction():
            store.audit.add(kind, subject, detail=detail, content=["x"])
        assert store.rule_versions.in_force() == 1
        store.verify_audit()
    with open_store(path) as store:
        assert store.rule_versions.standing().in_force is not None


@pytest.mark.parametrize("data", [b"\xff\xfe", b"{}", b"[" * 100_000, b'{"count": "\xff"}'])
def test_a_head_that_cannot_be_read_is_none(path: Path, data: bytes) -> None:
    with open_store(path) as store:
        head_file(path).write_bytes(data)
        assert store.audit.signed_off() is None
        assert store.verify_audit().sound
        assert store.audit.sign_off() and store.audit.signed_off() is not None


def test_missing_triggers_are_found_and_put_back_at_the_next_start(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN")
        for trigger in TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        own.execute("COMMIT")
        own.execute("CREATE TRIGGER theirs AFTER INSERT ON messages BEGIN SELECT 1; END")
    found = verified(path)
    assert found.wrong == len(TRIGGERS) + 1 and set(whats(path)) == {"unguarded"}
    with open_store(path) as store:
        assert set(store.guards_put_back) == set(TRIGGERS)
        after = store.verify_audit()
        assert [(one.what, one.subject) for one in after.findings] == [("foreign_guard", "theirs")]
        # That they were missing stays said.
        assert after.put_back == (after.head.count,)
    with open_store(path) as store:
        assert store.guards_put_back == ()
    assert refused(path, FORGED_APPROVAL)


def test_a_rewritten_trigger_is_as_good_as_missing(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("DROP TRIGGER audit_kept")
        own.execute("CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT 1; END")
    assert whats(path) == ["unguarded"]
    with open_store(path) as store:
        assert store.guards_put_back == ("audit_kept",)


@pytest.mark.parametrize("table", ["audit", "audit_keys", "audit_words", "hit_verdicts"])
def test_a_dropped_table_is_told_as_what_it_is(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute(f"DROP TABLE {table}")
    found = verified(path)
    assert [(one.what, one.subject) for one in found.findings] == [("gone", table)]
    with open_store(path) as store:
        assert not store.verify_audit().sound
        # The rules stay as they were: nobody gets rid of them by taking the record away.
        assert store.rule_versions.in_force() == 1


def test_the_last_records_cut_off_leave_rows_without_them(path: Path) -> None:
    forged(path, "DELETE FROM audit WHERE number > (SELECT max(number) - 11 FROM audit)")
    assert "unrecorded" in whats(path)


def test_what_is_older_than_its_record_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    older(path)
    with open_store(path) as store:
        found = store.verify_audit()
        # A decision, its reply, a hit, a verdict, a case.
        assert (found.findings, found.older) == ((), 5)
        store.hits.judge("h", "false_alarm", "王班长")
        store.handovers.take("case", "王班长")
    forged(path, "UPDATE hits SET verdict = 'right'")
    assert whats(path) == ["row_altered"]


def older(path: Path) -> None:
    """A database of the time before there was an audit, with something of each kind in it."""
    from engine.store.database import open_database

    old = open_database(path, migrations=MIGRATIONS[:6])
    rows: Sequence[tuple[str, dict[str, object]]] = (
        ("conversations", {"customer": "王女士", "channel": "网页", "opened_at": 1, "last_at": 1}),
        ("decisions", {"conversation": "c", "action": "rewritten", "hits": "[]", "who": "",
                       "edit_distance": 0, "seconds": 0, "at": 1, "text": "好", "comment": ""}),
        ("messages", {"conversation": "c", "role": "agent", "text": "好", "at": 1,
                      "state": "sent", "decision": "d"}),
        ("hits", {"conversation": "c", "rule": "r", "body": "{}", "screened": "", "at": 1}),
        ("handovers", {"conversation": "c", "category": "legal", "rule": "", "script": "",
                       "opened_at": 1}),
    )  # fmt: skip
    for id, (table, row) in zip(("c", "d", "m", "h", "case"), rows, strict=True):
        old.insert(table, {"id": id, **row})
    old.run("UPDATE decisions SET outgoing = 'm'")
    old.insert("hit_verdicts", {"hit": "h", "verdict": "right", "who": "", "note": "", "at": 1})
    old.close()


def test_a_salvaged_database_is_sound_and_what_lost_its_record_is_counted(path: Path) -> None:
    assert salvage(path).gaps == 0
    assert verified(path).findings == () and verified(path).older == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("DROP TABLE audit")
    salvage(path)
    found = verified(path)
    assert found.findings == () and found.older > 10
    with open_store(path) as store:
        assert store.rule_versions.in_force() == 1
