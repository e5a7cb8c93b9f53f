"""Every statement of a working desk finds its rows by an index, however much is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from engine.records import Draft, Hit
from engine.store.database import Database
from engine.store.rows import ExternalKey, Filter
from engine.store.store import Store, open_store

# A search reads what it searches, an export reads everything, and open gaps and cases are few.
# So are deletions, which ask the audit for records of an older version.
_WHOLE_TABLE_MAY_BE_READ = re.compile(
    r" LIKE '%| FROM gaps JOIN gap_sightings|instr\(body, '\"text\":'\)"
)
TABLES = (
    *("conversations", "messages", "drafts", "decisions", "decision_undos", "deliveries"),
    *("handovers", "hits", "hit_verdicts", "gap_sightings", "composers", "thumbs", "channel_keys"),
    *("approvals", "appeals", "audit", "audit_keys", "audit_words", "erasures"),
)
_ONLY_SCANS = re.compile(r"SCAN (\w+)(?! USING (COVERING )?INDEX)")


class Watched:
    """A store that remembers what it was asked in SQL."""

    def __init__(self, path: Path) -> None:
        self.store = open_store(path)
        self.database: Database = self.store._database
        self.statements: dict[str, None] = {}
        self.database._connection.set_trace_callback(
            lambda sql: self.statements.setdefault(sql, None)
        )

    def plans(self) -> Iterator[tuple[str, str]]:
        """Each statement with each step of its plan."""
        connection = self.database._connection
        connection.set_trace_callback(None)
        for sql in self.statements:
            # What triggers and foreign keys do themselves stands behind a comment.
            if sql.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"):
                    yield sql, str(row[3])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path / "zuoxi.db")
    yield found
    found.store.close()


def a_day_at_the_desk(store: Store) -> str:
    """Everything that a desk asks of a store; the conversation it asked about."""
    key = ExternalKey("replay", "k", "m")
    message = store.conversations.receive("王女士", "壶坏了", key=key)
    store.conversations.receive("王女士", "壶坏了", key=key)
    here = message.conversation
    hit = Hit("r", "规则", "L1", "hint", 0, 1, "壶")
    store.conversations.mark_screened(message.id)
    store.hits.add_all(here, message.id, "壶坏了", [hit])
    draft = store.keep_draft(here, message.id, Draft("drafted", "可以上门"))
    store.keep_draft(here, message.id, Draft("abstained", reason="no_evidence"))
    draft = store.keep_draft(here, message.id, Draft("drafted", "可以上门"))
    store.feedback.thumbs_down(draft.id, "小满")
    decision = store.decisions.record(here, "accepted", text="可以", draft=draft.id)
    store.decisions.undo(decision.id)
    decision = store.decisions.record(here, "accepted", text="可以", draft=draft.id)
    store.outbox.pending()
    store.outbox.due(1e12)
    assert store.outbox.mark_sent(decision.outgoing or "", 1e12)
    (departure,) = store.outbox.delivering()
    store.outbox.mark_delivered(departure.message.id, 1e12)
    case = store.handovers.open(here, "agent")
    store.handovers.take(case.id, "小满")
    store.handovers.give_back(case.id, "小满")
    store.handovers.keep_note(case.id, "已联系")
    store.handovers.close(case.id, "好了")
    store.composers.put(here, "写到一半")
    for each in get_args(Filter):
        store.conversations.page(filter=each)
    store.conversations.counts()
    store.decisions.today()
    store.conversations.due(4, without=[message.id])
    store.conversations.waiting()
    store.conversations.unscreened()
    store.conversations.get(here)
    store.conversations.messages(here)
    store.conversations.newest_messages(here, 100)
    store.conversations.turns(here)
    store.conversations.turns(here, until=message.id)
    store.conversations.turns_to_answer(here, until=message.id)
    store.drafts.latest(here)
    store.decisions.of(here)
    store.hits.of(here)
    store.hits.of(here, messages=[message.id])
    store.decisions.some([decision.id])
    asked = store.approvals.ask(here, "保本的", "客户原话", "小满", [hit])
    store.approvals.decide(asked.id, True, "班长")
    store.approvals.standing_for(here, "保本的")
    sent = store.decisions.record(
        here, "rewritten", text="保本的", approval=asked.id, undo_seconds=9
    )
    store.decisions.undo(sent.id)
    store.approvals.queue()
    store.approvals.approved()
    store.approvals.of(here)
    found = store.hits.of(here)[0].id
    store.reviews.judge_all([found], "right", "班长")
    appeal = store.reviews.appeal(found, "小满", "冤枉")
    store.reviews.answer(appeal.id, True, "班长")
    store.reviews.appeals_by("小满")
    store.hits.kept_back(here, "壶坏了", hit)
    store.forgetting.of("王女士")
    store.forgetting.held([here])
    store.forgetting.finish()
    store.reviews.verdicts(found)
    store.handovers.open_case(here)
    store.handovers.all_open()
    store.feedback.of(draft.id)
    store.composers.get(here)
    store.channel_keys.conversation("replay", "k")
    store.channel_keys.external("replay", here)
    store.channel_keys.delivered("replay")
    store.conversations.close(here)
    store.forgetting.erase([here], who="班长")
    return here


def test_no_statement_of_a_desk_reads_a_whole_table(watched: Watched) -> None:
    a_day_at_the_desk(watched.store)
    assert len(watched.statements) > 40
    scans = [
        (step, sql)
        for sql, step in watched.plans()
        if _ONLY_SCANS.match(step)
        and not _WHOLE_TABLE_MAY_BE_READ.search(sql)
        and _ONLY_SCANS.match(step)[1] in TABLES  # type: ignore[index]
    ]
    assert scans == []


@pytest.mark.parametrize("each", [one for one in get_args(Filter) if one != "gaps"])
def test_a_page_of_the_queue_is_read_in_its_order(watched: Watched, each: Filter) -> None:
    watched.store.conversations.page(filter=each)
    steps = [step for _, step in watched.plans()]
    assert any("conversations_by_urgency" in step for step in steps), steps
    # Equally urgent ones at most are sorted; the rest is in order already.
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """10,000 conversations, one of which has 10,000 turns."""
    with open_store(tmp_path_factory.mktemp("long") / "zuoxi.db") as store:
        database = store._database
        with store.transaction():
            for number in range(10_000):
                database.insert(
                    "conversations",
                    {
                        "id": f"c{number:05}",
                        "customer": f"客户{number}",
                        "channel": "网页",
                        "opened_at": float(number),
                        "last_at": float(number),
                        "urgency": 0 if number % 3 else 2,
                        "draft_status": "none" if number == 9_999 else "drafted",
                        "sort_key": float(number),
                        "waiting_since": float(number),
                        "newest_message": f"m{number}",
                    },
                )
            for number in range(10_000):
                database.insert(
                    "messages",
                    {
                        "id": f"m{number}",
                        "conversation": "c00000",
                        "role": "agent" if number % 2 else "customer",
                        "text": f"第{number}句",
                        "at": float(number),
                        "state": "sent" if number % 2 else "received",
                        "screened": 1,
                    },
                )
        yield store, "c00000"


def steps_of(store: Store, op: Callable[[], object]) -> int:
    """How many thousand steps SQLite's machine takes: work, on any computer the same."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    store._database._connection.set_progress_handler(count, 1000)
    try:
        op()
    finally:
        store._database._connection.set_progress_handler(None, 0)
    return steps


def test_what_is_asked_all_the_time_costs_the_same_in_a_long_store(
    long_store: tuple[Store, str],
) -> None:
    store, _ = long_store
    # 10,000 conversations; a full read of them would take hundreds of thousands of steps.
    assert steps_of(store, lambda: store.conversations.page(limit=201)) < 20
    assert steps_of(store, lambda: store.conversations.page(filter="ready", limit=201)) < 20
    assert steps_of(store, lambda: store.conversations.due(4)) < 20
    assert steps_of(store, store.conversations.unscreened) < 20
    assert steps_of(store, store.outbox.pending) < 20
    assert steps_of(store, store.outbox.delivering) < 20
    assert steps_of(store, store.decisions.today) < 20
    # Counting looks at a narrow index of the conversations, and at no conversation.
    assert steps_of(store, store.conversations.counts) < 1_000


def test_a_long_transcript_is_read_from_its_end(long_store: tuple[Store, str]) -> None:
    store, here = long_store
    newest, more = store.conversations.newest_messages(here, 200)
    assert more
    assert [one.id for one in newest] == [f"m{number}" for number in range(9_800, 10_000)]
    assert steps_of(store, lambda: store.conversations.newest_messages(here, 200)) < 20
    everything, more = store.conversations.newest_messages(here, 10_000)
    assert len(everything) == 10_000
    assert not more
    turns = store.conversations.turns_to_answer(here)
    assert len(turns) <= 128
    assert turns[-1].text == "第9999句"
