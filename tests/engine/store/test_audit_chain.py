"""Any change, gap or cut in the audit's chain is found and named."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audited import busy, found, kinds, tampered, verified

from engine.errors import StoreError
from engine.store.chain import canonical, chained
from engine.store.database import open_database
from engine.store.migrations import MIGRATIONS
from engine.store.salvage import salvage
from engine.store.store import Store, open_store


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
