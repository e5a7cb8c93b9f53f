"""The audit's chain: written with every act, and any change or gap in it is found."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreError
from engine.records import Hit
from engine.store.audit import Head
from engine.store.audit_check import Verified
from engine.store.chain import canonical, chained, veiled
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.oversight import AUDIT_TRIGGERS
from engine.store.salvage import salvage
from engine.store.store import Store, open_store

SECRET = Hit("privacy.mobile", "privacy", "L2", "mask", 5, 16, "13900000000")


def busy(store: Store, times: int = 3) -> list[str]:
    """Some decisions with all that follows them; their conversations."""
    conversations = []
    for number in range(times):
        message = store.conversations.receive("王女士", f"电话是13900000000，第{number}次")
        store.hits.add_all(message.conversation, message.id, message.text, [SECRET], rules="r1")
        store.decisions.record(
            message.conversation, "rewritten", text=f"好的王女士{number}", who="小李", rules="r1"
        )
        conversations.append(message.conversation)
    return conversations


def kinds(store: Store) -> list[str]:
    return [json.loads(row["body"])["kind"] for row in store.audit.rows()]


def tampered(path: Path, *statements: str) -> None:
    """As somebody does who has the file and another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        for trigger in AUDIT_TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            own.execute(statement)
        for trigger in AUDIT_TRIGGERS.values():
            own.execute(trigger)


def verified(path: Path, *heads: Head) -> Verified:
    with open_store(path, read_only=True) as store:
        return store.verify_audit(*heads)


def found(path: Path, *heads: Head) -> list[tuple[str, int, int]]:
    return [(one.what, one.number, one.until) for one in verified(path, *heads).findings]


# Written with the act


def test_every_act_has_its_record(store: Store) -> None:
    (here,) = busy(store, 1)
    (message,) = store.outbox.pending()
    assert store.outbox.mark_sent(message.id, 1e12)
    again = store.decisions.record(here, "rewritten", text="再说", undo_seconds=9, who="小李")
    assert store.decisions.undo(again.id)
    (hit,) = store.hits.of(here)
    store.hits.judge(hit.id, "right", "王班长")
    store.audit.rules_changed("r1", "r2", who="王班长", approved_by="李班长")
    assert kinds(store) == [
        *("begun", "hits", "decision", "send", "decision", "undo", "verdict", "rules"),
    ]
    assert store.verify_audit().sound
    assert store.verify_audit().head.count == 8


def test_a_decision_without_its_record_is_impossible(store: Store) -> None:
    (here,) = busy(store, 1)
    with pytest.raises(StoreError):
        store._database.run(
            """INSERT INTO decisions (id, conversation, action, text, edit_distance, comment,
                seconds, who, hits, at) VALUES ('d', ?, 'rewritten', '', 0, '', 0, '', '[]', 0)""",
            [here],
        )
    before = store.audit.head().count
    with pytest.raises(RuntimeError), store.transaction():
        store.decisions.record(here, "rewritten", text="断电")
        raise RuntimeError("killed here")
    assert store.audit.head().count == before
    assert len(store.decisions.of(here)) == 1


def test_a_rule_set_is_recorded_when_it_comes_into_use(store: Store) -> None:
    assert store.audit.rules_in_use("r1")
    busy(store, 1)
    assert not store.audit.rules_in_use("r1")
    assert store.audit.rules_in_use("r2")
    store.audit.rules_changed("r2", "r3", who="王班长", approved_by="李班长")
    assert not store.audit.rules_in_use("r3")
    records = [json.loads(row["body"]) for row in store.audit.rows()]
    changes = [(one["detail"]["former"], one["rules"]) for one in records if one["kind"] == "rules"]
    assert changes == [("", "r1"), ("r1", "r2"), ("r2", "r3")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET body = '{}' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "INSERT OR REPLACE INTO audit VALUES (2, '', '', '{}')",
        "INSERT INTO audit VALUES (99, '', '', '{}')",
        "INSERT INTO audit SELECT number + 1, '', hash, body FROM audit ORDER BY number DESC",
    ],
)
def test_sqlite_itself_refuses_to_change_the_record(store: Store, statement: str) -> None:
    busy(store, 1)
    with pytest.raises(StoreError):
        store._database.run(statement)
    assert store.verify_audit().sound


def test_nothing_personal_stands_in_a_record(store: Store) -> None:
    (here,) = busy(store, 1)
    (hit,) = store.hits.of(here)
    store.hits.judge(hit.id, "false_alarm", "王班长", "客户是王女士")
    everything = "".join(row["body"] for row in store.audit.rows())
    assert "***********" in everything
    for personal in ("13900000000", "王女士", "好的"):
        assert personal not in everything


@given(st.text(alphabet="0123456789０１２三四五零〇①abc 保本@＠-", max_size=60))
def test_no_number_can_be_read_from_a_veiled_hit(text: str) -> None:
    shown = veiled(Hit("r", "c", "L1", "log", 0, len(text), text))
    digits = [character for character in shown if character.isnumeric()]
    assert len(digits) <= 4
    assert not ("@" in shown or "＠" in shown)
    masked = veiled(Hit("r", "c", "L1", "mask", 0, len(text), text))
    assert set(masked) <= {"*", " "}


# Anybody can check it


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet=st.characters(max_codepoint=0xD7FF)), json_values))
def test_the_canonical_text_is_that_of_any_json_library(value: dict[str, object]) -> None:
    text = canonical(value)
    assert text == canonical(json.loads(text))
    assert text == json.dumps(
        json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def test_an_export_can_be_checked_without_the_program(store: Store) -> None:
    busy(store)
    former = ""
    for number, line in enumerate(store.audit.lines(), 1):
        record = json.loads(line)
        text = json.dumps(
            record["record"], sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        assert (record["number"], record["former"]) == (number, former)
        former = hashlib.sha256(f"{former}\n{text}".encode()).hexdigest()
        assert record["hash"] == former
    assert number == store.audit.head().count == 7
    assert former == store.audit.head().hash


# What somebody does to the file


def rechained(path: Path, number: int, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """The statements that alter record `number` and write every hash after it anew."""
    with open_store(path, read_only=True) as store:
        rows = list(store.audit.rows(after=number - 2))
    former, statements = rows[0]["hash"], []
    for row in rows[1:]:
        record = json.loads(row["body"])
        if row["number"] == number:
            change(record)
        body = canonical(record)
        new = chained(former, body)
        statements.append(
            f"UPDATE audit SET former = '{former}', hash = '{new}', body = '{body}' "
            f"WHERE number = {row['number']}"
        )
        former = new
    return statements


SWAP = (
    "UPDATE audit SET number = -3 WHERE number = 3",
    "UPDATE audit SET number = 3 WHERE number = 4",
    "UPDATE audit SET number = 4 WHERE number = -3",
)


@pytest.mark.parametrize(
    ("statements", "first"),
    [
        (["UPDATE audit SET body = replace(body, '小李', '小张') WHERE number = 5"],
         ("altered", 5, 5)),
        (["UPDATE audit SET body = 'no json' WHERE number = 5"], ("altered", 5, 5)),
        (["UPDATE audit SET hash = former WHERE number = 5"], ("altered", 5, 5)),
        (["DELETE FROM audit WHERE number = 4"], ("missing", 4, 4)),
        (["DELETE FROM audit WHERE number BETWEEN 1 AND 3"], ("missing", 1, 3)),
        (["DELETE FROM audit WHERE number IN (4, 5)",
          "UPDATE audit SET number = number - 2 WHERE number > 5"], ("missing", 4, 5)),
        (["UPDATE audit SET number = -number WHERE number > 3",
          "UPDATE audit SET number = 1 - number WHERE number < 0",
          "INSERT INTO audit SELECT 4, former, hash, body FROM audit WHERE number = 3"],
         ("inserted", 3, 3)),
        (SWAP, ("reordered", 3, 3)),
        (["DELETE FROM audit"], ("missing", 1, 1)),
    ],
)  # fmt: skip
def test_the_first_change_is_named(
    tmp_path: Path, statements: list[str], first: tuple[str, int, int]
) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 4)
    tampered(path, *statements)
    assert found(path)[0] == first


def test_a_forged_record_put_in_between_is_found(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 4)
        former = store.audit.hash_of(4)
    body = canonical({"number": 5, "kind": "rules", "subject": "r9"})
    tampered(
        path,
        "UPDATE audit SET number = -number WHERE number > 4",
        "UPDATE audit SET number = 1 - number WHERE number < 0",
        f"INSERT INTO audit VALUES (5, '{former}', '{chained(former, body)}', '{body}')",
    )
    assert found(path)[0] == ("inserted", 5, 5)


def test_a_record_written_anew_breaks_the_link_after_it(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 4)
    first, *_ = rechained(path, 5, lambda record: record.update(who="小张"))
    tampered(path, first)
    assert found(path)[0][:2] in (("unlinked", 6), ("row_altered", 5))
    assert ("unlinked", 6, 6) in found(path)


def test_a_chain_written_anew_is_told_only_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 4)
        kept = store.audit.head()
    tampered(path, *rechained(path, 5, lambda record: record.update(who="小张")))
    # Honestly: the chain alone cannot tell, whoever wrote all of it anew.
    assert found(path) == []
    assert found(path, kept) == [("other_chain", kept.count, kept.count)]


def test_a_tail_that_was_cut_off_is_told_by_the_daily_head(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 2)
        store.back_up_daily()
        count = store.audit.head().count
    assert verified(path).against[0].count == count
    tampered(path, f"DELETE FROM audit WHERE number > {count - 2}", "DELETE FROM decisions")
    assert ("cut_off", count - 1, count) in found(path)
    with open_store(path) as store:
        # And the head beside it is not brought up to the shorter chain.
        assert not store.audit.sign_off()
        busy(store, 3)
        assert not store.audit.sign_off()
    assert ("other_chain", count, count) in found(path)


def test_a_head_follows_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 1)
        assert store.audit.sign_off()
        busy(store, 1)
        assert store.audit.sign_off()
        assert store.audit.signed_off() is not None
        assert store.audit.signed_off().count == store.audit.head().count  # type: ignore[union-attr]
        assert store.verify_audit().sound


def test_what_was_decided_cannot_be_changed_behind_its_record(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 3)
        ids = [one.id for one in store.decisions.all()]
    tampered(path, f"UPDATE decisions SET text = '没问题' WHERE id = '{ids[1]}'")
    (finding,) = verified(path).findings
    assert (finding.what, finding.subject) == ("row_altered", ids[1])
    tampered(path, f"DELETE FROM decisions WHERE id = '{ids[1]}'")
    (finding,) = verified(path).findings
    assert (finding.what, finding.subject) == ("row_missing", ids[1])
    tampered(path, "DELETE FROM hits")
    assert verified(path).wrong == 4


def test_a_decision_slipped_in_is_found(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 2)
    tampered(
        path,
        """INSERT INTO decisions (id, conversation, action, text, edit_distance, comment, seconds,
            who, hits, at) SELECT 'slipped', conversation, action, text, 0, '', 0, who, '[]', at
        FROM decisions LIMIT 1""",
    )
    (finding,) = verified(path).findings
    assert (finding.what, finding.subject) == ("unrecorded", "slipped")


def test_an_emptied_audit_stops_every_act(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        (here,) = busy(store, 1)
    tampered(path, "DELETE FROM audit")
    with open_store(path) as store:
        with pytest.raises(StoreError) as caught:
            store.decisions.record(here, "rewritten", text="好")
        assert caught.value.code == "audit_lost"
        assert len(store.decisions.of(here)) == 1


# Beside everything else


def test_a_deleted_customer_leaves_a_chain_that_holds(store: Store) -> None:
    here, there, _ = busy(store)
    with store.transaction():
        for table in ("hits", "decisions", "messages", "conversations"):
            column = "id" if table == "conversations" else "conversation"
            if table == "decisions":
                store._database.run(
                    "UPDATE messages SET decision = NULL WHERE conversation = ?", [here]
                )
            store._database.run(f"DELETE FROM {table} WHERE {column} = ?", [here])
        assert not store.verify_audit().sound
        store.audit.erased(here, who="管理员")
    assert store.verify_audit().sound
    assert store._database.rows("SELECT key FROM audit_keys WHERE conversation = ?", [here]) == [
        {"key": ""}
    ]
    assert store._database.row("SELECT key FROM audit_keys WHERE conversation = ?", [there])


def test_a_fingerprint_says_nothing_without_its_key(store: Store) -> None:
    (here,) = busy(store, 1)
    (row,) = [row for row in store.audit.rows() if '"decision"' in row["body"]]
    seal = json.loads(row["body"])["seal"]
    key = store._database.row("SELECT key FROM audit_keys WHERE conversation = ?", [here])
    assert key is not None and len(key["key"]) == 32
    stored = store._database.row("SELECT * FROM decisions")
    assert stored is not None
    fields = ("action", "message", "draft", "outgoing", "text", "reason", "comment", "who")
    content = canonical([stored[name] for name in (*fields, "hits", "override", "approved_by")])
    assert hmac.new(key["key"].encode(), content.encode(), hashlib.sha256).hexdigest() == seal


def test_a_chain_begins_where_an_older_database_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    old = open_database(path, migrations=MIGRATIONS[:6])
    old.insert(
        "conversations",
        {"id": "c", "customer": "王女士", "channel": "网页", "opened_at": 1, "last_at": 1},
    )
    given = {"id": "d", "conversation": "c", "action": "rejected", "hits": "[]", "who": ""}
    numbers = {"edit_distance": 0, "seconds": 0, "at": 0, "text": "", "comment": ""}
    old.insert("decisions", given | numbers)
    old.close()
    with open_store(path) as store:
        store.decisions.record("c", "rewritten", text="好", who="小李")
        assert kinds(store) == ["begun", "decision"]
        assert store.verify_audit().sound


def test_a_salvaged_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 3)
        store.audit.sign_off()
    saved = salvage(path)
    assert saved.gaps == 0
    with open_store(path) as store:
        assert kinds(store)[-1] == "salvaged"
        assert store.verify_audit().sound
        busy(store, 1)
        assert store.verify_audit().sound
        with pytest.raises(StoreError):
            store._database.run("DELETE FROM audit")


def test_lone_surrogates_and_control_characters_are_recorded(store: Store) -> None:
    message = store.conversations.receive("\ud800", "\x00\ud83d")
    store.decisions.record(
        message.conversation, "rewritten", text="\udfff", who="\ud800\x07", comment="\ud800"
    )
    assert store.verify_audit().sound


@pytest.mark.parametrize(
    ("lost", "first"),
    [
        ("number IN (3, 4)", ("missing", 3, 4)),
        ("number > 0", None),
        ("number = 1", ("missing", 1, 1)),
    ],
)
def test_what_a_salvage_could_not_read_of_the_chain_is_named_and_work_goes_on(
    tmp_path: Path, lost: str, first: tuple[str, int, int] | None
) -> None:
    path = tmp_path / "zuoxi.db"
    with open_store(path) as store:
        busy(store, 3)
    tampered(path, f"DELETE FROM audit WHERE {lost}")
    salvage(path)
    with open_store(path) as store:
        busy(store, 1)
        findings = store.verify_audit().findings
    if first is None:
        # All of it is gone: it begins again, and says so.
        assert findings == ()
        with open_store(path) as store:
            assert kinds(store)[:2] == ["begun", "salvaged"]
    else:
        assert [(one.what, one.number, one.until) for one in findings] == [first]
