"""A customer's data deleted: what was written goes, what was done stays countable.

Names, messages, drafts, notes, reasons, typed texts and what hits found are overwritten in one
transaction with the audit record of it; ids, times, actions, rules and agents' names stay. Then the
file is rewritten, so that nothing is left in its free space or its log, and its copies are made
anew. That second step goes on at the next start where something came in between.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.errors import InputError, StoreError
from engine.store.approvals import Approvals
from engine.store.audit import Audit
from engine.store.blank import FORGOTTEN, blank_draft, blank_hit, blank_hits
from engine.store.channel_keys import buried
from engine.store.conversations import Conversations
from engine.store.copies import renew_copies
from engine.store.database import Database
from engine.store.decisions import Decisions
from engine.store.handovers import Handovers
from engine.store.rows import ConversationRow
from engine.store.standing import refresh
from engine.store.text import to_json

Why = Literal["asked", "consent_withdrawn", "retention", "other"]

_LATER = frozenset({"store_busy", "store_full", "store_io", "store_cannot_open"})

_IN = "IN (SELECT value FROM json_each(:these))"
_COUNTS = {
    "messages": f"messages WHERE conversation {_IN} AND state != 'undone'",
    "drafts": f"drafts WHERE message IN (SELECT id FROM messages WHERE conversation {_IN})",
    "decisions": f"decisions WHERE conversation {_IN}",
    "hits": f"hits WHERE conversation {_IN}",
    "unsent": f"""messages WHERE conversation {_IN} AND (state = 'pending' OR id IN (
        SELECT message FROM deliveries WHERE delivered_at IS NULL))""",
}

# Texts of people's, in rows that stay.
_WORDS = (
    f"UPDATE messages SET text = '{FORGOTTEN}', screened = 1 WHERE conversation = ?",
    """UPDATE decisions SET text = '', comment = '',
        override = CASE WHEN override IS NULL THEN NULL ELSE '' END WHERE conversation = ?""",
    "UPDATE hits SET screened = '' WHERE conversation = ?",
    "UPDATE approvals SET text = '', reason = '', comment = '' WHERE conversation = ?",
    "UPDATE handovers SET note = '' WHERE conversation = ?",
    "UPDATE gap_sightings SET reason = '' WHERE conversation = ?",
    """UPDATE thumbs SET comment = '' WHERE draft IN (SELECT id FROM drafts
        WHERE message IN (SELECT id FROM messages WHERE conversation = ?))""",
    """UPDATE hit_verdicts SET note = '' WHERE hit IN (
        SELECT id FROM hits WHERE conversation = ?)""",
    "UPDATE appeals SET text = '', answer = '' WHERE hit IN "
    "(SELECT id FROM hits WHERE conversation = ?)",
    # Rows that are nothing but a text, or lead back to a person.
    "DELETE FROM composers WHERE conversation = ?",
    "DELETE FROM channel_keys WHERE message IS NULL AND conversation = ?",
    """DELETE FROM deliveries WHERE delivered_at IS NULL AND message IN (
        SELECT id FROM messages WHERE conversation = ?)""",
)

_OWN = "conversation = ?"
_BODIES = (
    ("drafts", "body", "message IN (SELECT id FROM messages WHERE conversation = ?)", blank_draft),
    ("decisions", "hits", _OWN, blank_hits),
    ("approvals", "hits", _OWN, blank_hits),
    ("hits", "body", _OWN, blank_hit),
)


class Held(Struct, frozen=True):
    """How much of a customer's is in the store.

    `unsent` are replies that have not reached the customer; a deletion keeps them from leaving.
    """

    conversations: int
    messages: int
    drafts: int
    decisions: int
    hits: int
    unsent: int


class Erased(Struct, frozen=True):
    """What a deletion deleted. `records` are its audit records, one for each conversation.

    `finished`: nothing is left in the file's free space or its copies; otherwise the next start
    goes on. `older_records` of the audit, written before words were kept apart, hold up to 40
    characters of each hit, numbers starred out, for good.
    """

    held: Held
    records: tuple[int, ...]
    finished: bool
    older_records: int = 0


class Forgetting:
    """Deletes what was written in conversations; they stay as numbers."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        conversations: Conversations,
        decisions: Decisions,
        handovers: Handovers,
        approvals: Approvals,
    ) -> None:
        self._database = database
        self._audit = audit
        self._conversations = conversations
        self._decisions = decisions
        self._handovers = handovers
        self._approvals = approvals

    def of(self, customer: str) -> list[ConversationRow]:
        """The conversations under exactly this name, oldest first; deleted ones have none."""
        rows = self._database.rows(
            "SELECT id FROM conversations WHERE customer = ? AND forgotten_at IS NULL ORDER BY id",
            [customer],
        )
        return [self._conversations.get(row["id"]) for row in rows]

    def held(self, conversations: Sequence[str]) -> Held:
        """How much there is of these conversations. Raises `InputError` (`no_conversation`)."""
        these = {self._conversations.get(one).id: None for one in conversations}
        values = {"these": to_json(list(these))}
        counts = {
            name: (self._database.row(f"SELECT count(*) AS n FROM {of}", values) or {"n": 0})["n"]
            for name, of in _COUNTS.items()
        }
        return Held(conversations=len(these), **counts)

    def erase(
        self,
        conversations: Sequence[str],
        *,
        who: str,
        why: Why = "asked",
        at: float | None = None,
    ) -> Erased:
        """Delete what was written in these conversations, all or none; durable on return.

        Replies that have not left are taken back, cases and requests are closed. Deleting them a
        second time deletes what came since. Raises `InputError` (`no_conversation`, `no_name`) and
        `StoreError`; then nothing was deleted.
        """
        if not who.strip():
            raise InputError("A deletion needs a name. Nothing was deleted.", "no_name")
        moment = time.time() if at is None else at
        these = list(dict.fromkeys(conversations))
        older = self._older_records(these)
        with self._database.transaction():
            held = self.held(these)
            records = tuple(self._erase(one, who, why, moment) for one in these)
        return Erased(held, records, self.finish(), older)

    def finish(self) -> bool:
        """Take what was deleted out of the file's free space, its log and its copies.

        True where nothing is left to do; False where another program has the file open or there is
        no room: then the next call goes on. Raises `StoreError` for anything else.
        """
        outstanding = self._database.rows("SELECT record FROM erasures WHERE cleaned_at IS NULL")
        if not outstanding:
            return True
        try:
            if not self._database.rewrite():
                return False
            renew_copies(self._database.path)
        except StoreError as error:
            if error.code in _LATER:
                return False
            raise
        with self._database.transaction():
            for row in outstanding:
                self._database.run(
                    "UPDATE erasures SET cleaned_at = ? WHERE record = ?",
                    [time.time(), row["record"]],
                )
        return True

    def since(self, seen: int) -> tuple[int, tuple[str, ...]]:
        """The mark now, and the conversations whose data was deleted after the mark `seen`."""
        rows = self._database.rows(
            "SELECT record, conversation FROM erasures WHERE record > ? ORDER BY record", [seen]
        )
        return max((row["record"] for row in rows), default=seen), tuple(
            dict.fromkeys(row["conversation"] for row in rows)
        )

    def is_forgotten(self, message: str) -> bool:
        """Whether a message is one whose words were deleted."""
        row = self._database.row(
            """SELECT 1 FROM messages JOIN conversations ON conversations.id = conversation
            WHERE messages.id = ? AND text = ? AND forgotten_at IS NOT NULL""",
            [message, FORGOTTEN],
        )
        return row is not None

    def left(self) -> list[Path]:
        """Files beside the database that may still hold what was deleted: damaged ones set aside.

        They cannot be cleaned, only deleted by hand.
        """
        with contextlib.suppress(OSError):
            found = self._database.path.parent.glob(f"{self._database.path.name}.damaged-*")
            return sorted(one for one in found if not one.name.endswith(".audit-head"))
        return []

    def _erase(self, conversation: str, who: str, why: Why, moment: float) -> int:
        for row in self._database.rows(
            """SELECT decision FROM messages
            WHERE conversation = ? AND state = 'pending' ORDER BY seq""",
            [conversation],
        ):
            self._decisions.undo(str(row["decision"]), at=moment)
        self._approvals.expire_all(conversation)
        case = self._handovers.open_case(conversation)
        if case is not None:
            self._handovers.close(case.id, who=who, at=moment)
        counts = self.held([conversation])
        number = self._audit.erased(
            conversation,
            who=who,
            detail={
                "why": why,
                "rows": {
                    "messages": counts.messages,
                    "drafts": counts.drafts,
                    "decisions": counts.decisions,
                    "hits": counts.hits,
                },
            },
            at=moment,
        )
        self._database.run(
            """UPDATE appeals SET answered_at = ? WHERE answered_at IS NULL AND hit IN (
                SELECT id FROM hits WHERE conversation = ?)""",
            [moment, conversation],
        )
        for statement in _WORDS:
            self._database.run(statement, [conversation])
        for table, column, those, blank in _BODIES:
            for row in self._database.rows(
                f"SELECT seq, {column} AS body FROM {table} WHERE {those}", [conversation]
            ):
                self._database.run(
                    f"UPDATE {table} SET {column} = ? WHERE seq = ?",
                    [blank(row["body"]), row["seq"]],
                )
        self._bury_keys(conversation)
        self._drop_gaps(conversation)
        self._database.run(
            f"""UPDATE conversations SET customer = '{FORGOTTEN}', label = '', subject = '',
                closed_at = coalesce(closed_at, :at), forgotten_at = :at WHERE id = :id""",
            {"at": moment, "id": conversation},
        )
        refresh(self._database, conversation)
        self._database.insert("erasures", {"record": number, "conversation": conversation})
        return number

    def _bury_keys(self, conversation: str) -> None:
        """A message that its channel delivers once more must not come back to life."""
        for row in self._database.rows(
            "SELECT rowid AS place, source, key FROM channel_keys WHERE conversation = ?",
            [conversation],
        ):
            self._database.run(
                "UPDATE channel_keys SET key = ? WHERE rowid = ?",
                [buried(row["source"], row["key"]), row["place"]],
            )

    def _drop_gaps(self, conversation: str) -> None:
        """A question stays only where somebody else asked it, too."""
        gaps = self._database.rows(
            "SELECT DISTINCT gap FROM gap_sightings WHERE conversation = ?", [conversation]
        )
        self._database.run("DELETE FROM gap_sightings WHERE conversation = ?", [conversation])
        for row in gaps:
            self._database.run(
                """DELETE FROM gaps WHERE id = :gap AND NOT EXISTS (
                    SELECT 1 FROM gap_sightings WHERE gap = :gap)""",
                row,
            )

    def _older_records(self, conversations: Sequence[str]) -> int:
        # In one look through all records, of which none of today's holds any text.
        row = self._database.row(
            """SELECT count(*) AS n FROM audit
            WHERE instr(body, '"text":') > 0 AND instr(body, '"start":') > 0
                AND CASE WHEN json_valid(body) THEN json_extract(body, '$.conversation') END
                    IN (SELECT value FROM json_each(?))""",
            [to_json(list(conversations))],
        )
        return int(row["n"]) if row else 0
