"""Decisions: written once, in one transaction with what they send, and never changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from engine.errors import InputError
from engine.records import DecisionAction, Hit, RejectReason
from engine.store.approvals import Approvals
from engine.store.audit import Audit, decision_content, decision_in_short
from engine.store.conversations import Conversations
from engine.store.database import Database, Row
from engine.store.hits import Hits
from engine.store.ids import new_id
from engine.store.rows import DayCounts, StoredDecision
from engine.store.standing import refresh
from engine.store.text import clean, to_json

_SENDING: frozenset[DecisionAction] = frozenset({"accepted", "edited", "rewritten"})

_DECISION = """SELECT decisions.*, messages.due AS due, decision_undos.decision AS undone
    FROM decisions LEFT JOIN messages ON messages.id = decisions.outgoing
    LEFT JOIN decision_undos ON decision_undos.decision = decisions.id"""


class Decisions:
    """What agents did with drafts."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        hits: Hits,
        audit: Audit,
        approvals: Approvals,
    ) -> None:
        self._database = database
        self._audit = audit
        self._approvals = approvals
        self._conversations = conversations
        self._hits = hits

    def record(
        self,
        conversation: str,
        action: DecisionAction,
        *,
        text: str = "",
        message: str | None = None,
        draft: str | None = None,
        edit_distance: int = 0,
        reason: RejectReason | None = None,
        comment: str = "",
        seconds: float = 0.0,
        who: str = "",
        hits: Sequence[Hit] = (),
        override: str | None = None,
        approved_by: str = "",
        undo_seconds: float = 0.0,
        at: float | None = None,
        rules: str = "",
        approval: str = "",
    ) -> StoredDecision:
        """Store a decision and, when it sends `text`, the outgoing message; durable on return.

        Its audit record is written with it, or neither is; `rules` is the rule set's hash.
        `approval` is what an override of a lead's rests on; it is used up.

        The message is `pending` until `at` + `undo_seconds`. `message` is the customer message
        decided on: the newest one unless given. Raises `InputError` (`no_conversation`,
        `already_decided` when a standing decision on `draft` exists, `approval_closed`),
        `StoreError`.
        """
        moment = time.time() if at is None else at
        with self._database.transaction():
            row = self._conversations.get(conversation)
            if draft is not None and self._standing(draft):
                raise InputError(
                    "A decision on this draft was taken already; it still stands.",
                    "already_decided",
                )
            decision = new_id()
            outgoing = None
            if action in _SENDING:
                outgoing = self._enqueue(conversation, decision, text, moment, undo_seconds)
            row_kept: Row = {
                "id": decision,
                "conversation": conversation,
                "message": message or row.newest_message,
                "draft": draft,
                "action": action,
                "text": clean(text),
                "edit_distance": edit_distance,
                "reason": reason,
                "comment": clean(comment),
                "seconds": seconds,
                "who": clean(who),
                "hits": to_json(list(hits)),
                "override": None if override is None else clean(override),
                "approved_by": clean(approved_by),
                "outgoing": outgoing,
                "at": moment,
            }
            self._audit.add(
                "decision",
                decision,
                conversation=conversation,
                who=who,
                rules=rules,
                detail=decision_in_short(row_kept),
                content=decision_content(row_kept),
                at=moment,
            )
            self._database.insert("decisions", row_kept)
            if outgoing is not None:
                self._approvals.sent(conversation, decision, approval)
            self._hits.add_all(
                conversation, outgoing, text, hits, at=moment, rules=rules, agent=who
            )
            refresh(self._database, conversation)
            return self.get(decision)

    def undo(self, decision_id: str, *, at: float | None = None) -> bool:
        """Take a decision back while its message is pending; whether it was taken back.

        The message becomes `undone`, the draft undecided again, and the conversation waits again
        as it did before.
        """
        with self._database.transaction():
            row = self._database.row(
                "SELECT conversation, outgoing FROM decisions WHERE id = ?", [decision_id]
            )
            if row is None or not self._database.run(
                "UPDATE messages SET state = 'undone' WHERE id = ? AND state = 'pending'",
                [row["outgoing"]],
            ):
                return False
            moment = time.time() if at is None else at
            self._audit.add("undo", decision_id, conversation=row["conversation"], at=moment)
            self._database.insert("decision_undos", {"decision": decision_id, "at": moment})
            self._approvals.undone(decision_id)
            self._database.run(
                "UPDATE conversations SET closed_at = NULL WHERE id = ?", [row["conversation"]]
            )
            refresh(self._database, row["conversation"])
            return True

    def get(self, decision_id: str) -> StoredDecision:
        """One decision. Raises `InputError` (`no_decision`)."""
        row = self._database.row(f"{_DECISION} WHERE decisions.id = ?", [decision_id])
        if row is None:
            raise InputError("There is no such decision in the store.", "no_decision")
        return _stored(row)

    def of(self, conversation: str) -> list[StoredDecision]:
        """All decisions in a conversation, oldest first, undone ones marked."""
        rows = self._database.rows(
            f"{_DECISION} WHERE decisions.conversation = ? ORDER BY decisions.seq", [conversation]
        )
        return [_stored(row) for row in rows]

    def some(self, decisions: Sequence[str]) -> list[StoredDecision]:
        """These decisions, in no order; unknown ids are left out."""
        rows = self._database.rows(
            f"{_DECISION} WHERE decisions.id IN (SELECT value FROM json_each(?))",
            [to_json(list(decisions))],
        )
        return [_stored(row) for row in rows]

    def all(self) -> Iterator[StoredDecision]:
        """Every decision, oldest first, undone ones marked; read piece by piece."""
        last = 0
        while rows := self._database.rows(
            f"{_DECISION} WHERE decisions.seq > ? ORDER BY decisions.seq LIMIT 500", [last]
        ):
            last = rows[-1]["seq"]
            for row in rows:
                yield _stored(row)

    def today(self, now: float | None = None) -> DayCounts:
        """Standing decisions of the day of `now`, local time."""
        moment = datetime.fromtimestamp(time.time() if now is None else now)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        # By the calendar: a day is not always 24 hours long.
        next_midnight = (midnight + timedelta(days=1)).timestamp()
        rows = self._database.rows(
            """SELECT action, count(*) AS n FROM decisions
            WHERE at >= ? AND at < ? AND NOT EXISTS (
                SELECT 1 FROM decision_undos WHERE decision = decisions.id) GROUP BY action""",
            [midnight.timestamp(), next_midnight],
        )
        return DayCounts(**{row["action"]: row["n"] for row in rows})

    def _standing(self, draft: str) -> bool:
        row = self._database.row(
            """SELECT 1 FROM decisions
            WHERE draft = ? AND NOT EXISTS (
                SELECT 1 FROM decision_undos WHERE decision = decisions.id)""",
            [draft],
        )
        return row is not None

    def _enqueue(
        self, conversation: str, decision: str, text: str, moment: float, undo_seconds: float
    ) -> str:
        message = new_id()
        self._database.insert(
            "messages",
            {
                "id": message,
                "conversation": conversation,
                "role": "agent",
                "text": text,
                "at": moment,
                "state": "pending",
                "due": moment + max(undo_seconds, 0.0),
                "decision": decision,
                "screened": 1,
            },
        )
        return message


def _stored(row: Row) -> StoredDecision:
    del row["seq"]
    row["hits"] = msgspec.json.decode(row["hits"], type=tuple[Hit, ...])
    row["undone"] = row["undone"] is not None
    return StoredDecision(**row)
