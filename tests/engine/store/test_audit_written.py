"""Every act is written into the audit with it, and nobody's text is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from audited import busy, kinds
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreError
from engine.records import Hit
from engine.store.audit import Audit
from engine.store.audit_records import Record
from engine.store.chain import canonical, veiled
from engine.store.store import Store, open_store


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
    everything = "".join(f"{row['body']}{row['words']}" for row in store.audit.rows())
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


@pytest.mark.parametrize("read_only", [True, False])
def test_what_others_write_during_a_walk_is_no_finding(
    store: Store, monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    (here,) = busy(store, 1)
    asked = store.approvals.ask(here, "保本", "急", "小李")
    about, waiting = Audit.about, [asked.id]

    def meanwhile(audit: Audit, subject: str) -> list[Record]:
        if subject in waiting:
            store.approvals.decide(waiting.pop(), True, "王班长")
            busy(store, 2)
        return about(audit, subject)

    monkeypatch.setattr(Audit, "about", meanwhile)
    with open_store(store.path, read_only=read_only) as looking:
        assert looking.verify_audit().findings == ()
        assert waiting == []
        assert looking.verify_audit().findings == ()
    assert store.verify_audit().sound
