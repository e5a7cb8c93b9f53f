"""The doctor on a database that another program wrote to: what happened, was kept, can be done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from engine.cli import doctor
from engine.paths import DataFolder
from engine.store.store import open_store
from engine.store.triggers import TRIGGERS

Zuoxi = Callable[..., Any]


@pytest.fixture
def examined(zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What the doctor says of the database, by check; no engine is started for it."""
    monkeypatch.setattr(doctor, "_engine", lambda _: iter(()))

    def examine(*, code: int) -> dict[str, Any]:
        said = zuoxi("doctor", "--json")
        assert said.code == code, said
        return {one["check"]: one for one in said.one["checks"]}

    return examine


@pytest.fixture
def lived_in(folder: DataFolder) -> DataFolder:
    with open_store(folder.database) as store:
        here = store.conversations.receive("王女士", "保本吗").conversation
        store.approvals.ask(here, "保本的", "客户原话", "小李")
        store.rule_draft.keep(0, "[]", "小李")
        draft = store.rule_draft.get()
        assert draft is not None
        store.rule_versions.start_trial(draft, "小李", "第一版", rule_set="r", former="", rules="r")
    return folder


def without_guards(folder: DataFolder, statement: str = "", *, back: bool = False) -> None:
    with closing(sqlite3.connect(folder.database, isolation_level=None)) as own:
        for trigger in TRIGGERS:
            own.execute(f"DROP TRIGGER {trigger}")
        if statement:
            assert own.execute(statement).rowcount == 1
        for sql in TRIGGERS.values() if back else ():
            own.execute(sql)


def test_a_sound_audit_is_said_to_be_sound(
    lived_in: DataFolder, examined: Callable[..., Any]
) -> None:
    found = examined(code=0)
    assert found["audit"]["status"] == "ok"
    assert {"audit_guards", "approvals", "rule_versions"}.isdisjoint(found)


def test_triggers_that_were_put_back_are_told_at_every_visit(
    lived_in: DataFolder, examined: Callable[..., Any]
) -> None:
    without_guards(lived_in)
    for _ in range(2):
        found = examined(code=0)
        assert found["audit"]["status"] == "ok"
        told = found["audit_guards"]
        assert told["status"] == "warning"
        assert "已补上" in told["detail"] and "没有动" in told["detail"]
        assert "audit verify" in told["advice"] and str(lived_in.database) in told["advice"]


@pytest.mark.parametrize(
    ("statement", "check", "words"),
    [
        (
            "UPDATE approvals SET state = 'approved', answered_by = '经理'",
            "approvals",
            "不起作用",
        ),
        (
            """INSERT INTO rule_steps (version, step, who, comment, rules, at)
            VALUES (1, 'published', '经理', '', 'r', 0)""",
            "rule_versions",
            "规则版本 1 ",
        ),
    ],
    ids=["approval", "publication"],
)
def test_what_was_forged_is_told_to_have_no_effect(
    lived_in: DataFolder,
    examined: Callable[..., Any],
    statement: str,
    check: str,
    words: str,
) -> None:
    without_guards(lived_in, statement, back=True)
    found = examined(code=1)
    assert found["audit"]["status"] == "error"
    assert found[check]["status"] == "warning"
    assert words in found[check]["detail"]
    assert "audit verify" in found[check]["advice"]


def test_an_emptied_audit_ends_no_visit(lived_in: DataFolder, examined: Callable[..., Any]) -> None:
    without_guards(lived_in)
    with closing(sqlite3.connect(lived_in.database, isolation_level=None)) as own:
        own.execute("DROP TABLE audit")
    found = examined(code=1)
    assert found["audit"]["status"] == "error"
    assert "audit" in found["audit"]["detail"]


def test_nobody_can_use_what_the_doctor_warns_of(lived_in: DataFolder) -> None:
    without_guards(lived_in, "UPDATE approvals SET state = 'approved'", back=True)
    with open_store(lived_in.database) as store:
        (conversation,) = [one.id for one in store.conversations.page()]
        assert len(store.approvals.without_effect()) == 1
        assert store.approvals.standing_for(conversation, "保本的") is None
        assert store.rule_versions.in_force() == 0
