"""Conversations and what was said in them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from engine.errors import InputError
from engine.records import Evidence, Role, Turn
from engine.store.channel_keys import buried
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import ConversationRow, Counts, ExternalKey, Filter, StoredMessage
from engine.store.standing import refresh
from engine.store.text import like, one_line

_NAME_LENGTH = 200
_NO_SEQ = 1 << 62
_TURNS_STEP = 64

_FILTERS: dict[Filter, str] = {
    "all": "1",
    "waiting": "urgency = 0",
    "ready": "urgency = 0 AND draft_status = 'drafted'",
    "handed_over": "urgency = 1",
    "answered": "urgency = 2",
    "gaps": "gap = 1",
}

_MESSAGE = """SELECT id, conversation, role, text, at, state, kind, due, sent_at, decision
    FROM messages"""


class Conversations:
    """The threads of all customers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(
        self,
        customer: str,
        text: str,
        *,
        channel: str = "inbox",
        conversation: str | None = None,
        at: float | None = None,
        label: str = "",
        subject: str = "",
        kind: str | None = None,
        key: ExternalKey | None = None,
        history: bool = False,
    ) -> StoredMessage:
        """Store a customer's message, durable on return; without `conversation` it opens a new one.

        With `key`, a conversation the channel already named is continued, and a message it already
        delivered is returned as it is stored. `history` marks what was exchanged before and needs
        no screening. `at` is now unless given. Raises `InputError` (`no_conversation`).
        """
        where = _Where(customer, channel, conversation, label, subject, key)
        return self._append(where, "customer", text, at, kind, screened=history)

    def append_agent(
        self,
        customer: str,
        text: str,
        *,
        channel: str = "inbox",
        conversation: str | None = None,
        at: float | None = None,
        label: str = "",
        subject: str = "",
        kind: str | None = None,
        key: ExternalKey | None = None,
    ) -> StoredMessage:
        """Store an agent's message that was already sent elsewhere (history); as in `receive`."""
        where = _Where(customer, channel, conversation, label, subject, key)
        return self._append(where, "agent", text, at, kind, screened=True)

    def get(self, conversation: str) -> ConversationRow:
        """One conversation as a list shows it. Raises `InputError` (`no_conversation`)."""
        row = self._database.row("SELECT * FROM conversations WHERE id = ?", [conversation])
        if row is None:
            raise no_conversation()
        return _conversation(row)

    def page(
        self,
        *,
        search: str = "",
        filter: Filter = "all",
        limit: int = 200,
        offset: int = 0,
    ) -> list[ConversationRow]:
        """Conversations, most urgent first: waiting (longest first), handed over, answered.

        `search` is looked for literally in names and messages, ASCII letters in either case.
        """
        condition = _FILTERS[filter]
        values: dict[str, object] = {"limit": limit, "offset": offset}
        if search:
            values["like"] = like(search)
            condition += r""" AND (customer LIKE :like ESCAPE '\' OR id IN (
                SELECT conversation FROM messages
                WHERE text LIKE :like ESCAPE '\' AND state != 'undone'))"""
        rows = self._database.rows(
            f"""SELECT * FROM conversations WHERE {condition}
            ORDER BY urgency, sort_key, id LIMIT :limit OFFSET :offset""",
            values,
        )
        return [_conversation(row) for row in rows]

    def counts(self) -> Counts:
        """How many conversations each filter finds."""
        sums = ", ".join(
            f'coalesce(sum({condition}), 0) AS "{name}"' for name, condition in _FILTERS.items()
        )
        row = self._database.row(f"SELECT {sums} FROM conversations")
        return Counts(**row) if row else Counts()

    def messages(self, conversation: str) -> list[StoredMessage]:
        """All messages in the order they came, undone ones included."""
        rows = self._database.rows(
            f"{_MESSAGE} WHERE conversation = ? ORDER BY seq", [conversation]
        )
        return [StoredMessage(**row) for row in rows]

    def newest_messages(
        self, conversation: str, count: int, *, since: str = ""
    ) -> tuple[list[StoredMessage], bool]:
        """The newest `count` messages in order, undone ones included; whether there are earlier.

        With `since`, that message, all after it, and the `count` before it.
        """
        at = self._database.row("SELECT seq FROM messages WHERE id = ?", [since]) if since else None
        border = int(at["seq"]) if at else _NO_SEQ
        rows = self._database.rows(
            f"{_MESSAGE} WHERE conversation = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            [conversation, border, count + 1],
        )
        before = [StoredMessage(**row) for row in reversed(rows[:count])]
        after = []
        if at is not None:
            after = self._database.rows(
                f"{_MESSAGE} WHERE conversation = ? AND seq >= ? ORDER BY seq",
                [conversation, border],
            )
        return before + [StoredMessage(**row) for row in after], len(rows) > count

    def message(self, message: str) -> StoredMessage:
        """One message. Raises `InputError` (`no_message`)."""
        return message_by_id(self._database, message)

    def turns(self, conversation: str, *, until: str | None = None) -> tuple[Turn, ...]:
        """What was said, as drafting sees it: without undone messages, with pending ones.

        With `until`, only up to and including that message.
        """
        rows = self._database.rows(
            """SELECT role, text FROM messages
            WHERE conversation = :conversation AND state != 'undone' AND (
                :until IS NULL OR seq <= (SELECT seq FROM messages WHERE id = :until))
            ORDER BY seq""",
            {"conversation": conversation, "until": until},
        )
        return tuple(Turn(row["role"], row["text"]) for row in rows)

    def turns_to_answer(self, conversation: str, *, until: str | None = None) -> tuple[Turn, ...]:
        """The newest of `turns`, each customer's with the evidence its draft was written from.

        Between 64 and 128 of a long conversation; where they begin seldom changes, so that what a
        model has read of them stays valid.
        """
        rows = self._database.rows(
            """WITH said AS (
                SELECT seq, id, role, text FROM messages
                WHERE conversation = :conversation AND state != 'undone' AND (
                    :until IS NULL OR seq <= (SELECT seq FROM messages WHERE id = :until)))
            SELECT role, text, (
                SELECT body FROM drafts WHERE message = said.id AND status = 'drafted'
                ORDER BY seq DESC LIMIT 1) AS body
            FROM said ORDER BY seq
            LIMIT -1 OFFSET (SELECT max(0, (count(*) / :step - 1) * :step) FROM said)""",
            {"conversation": conversation, "until": until, "step": _TURNS_STEP},
        )
        return tuple(
            Turn(row["role"], row["text"], _evidence(row["body"]) if row["body"] else ())
            for row in rows
        )

    def waiting(self, *, handed_over: bool = True) -> list[str]:
        """Ids of the conversations that wait for a reply, most urgent first.

        `handed_over` says whether those with an open case, which come last, are among them.
        """
        rows = self._database.rows(
            """SELECT id FROM conversations WHERE waiting_since IS NOT NULL AND urgency <= ?
            ORDER BY urgency, sort_key, id""",
            [1 if handed_over else 0],
        )
        return [row["id"] for row in rows]

    def due(self, limit: int, *, without: Sequence[str] = ()) -> list[ConversationRow]:
        """Those that wait and have no draft, most urgent first.

        `without` leaves out conversations by their newest messages. One whose draft was rejected,
        or for which a reply is about to leave, is not due.
        """
        rows = self._database.rows(
            """SELECT * FROM conversations INDEXED BY conversations_due
            WHERE urgency = 0 AND draft_status = 'none' AND rejected = 0 AND pending = 0
                AND newest_message NOT IN (SELECT value FROM json_each(?))
            ORDER BY sort_key, id LIMIT ?""",
            [json.dumps(list(without)), limit],
        )
        return [_conversation(row) for row in rows]

    def close(self, conversation: str, *, at: float | None = None) -> None:
        """End a conversation: it waits no more. A new message opens it again."""
        with self._database.transaction():
            self.get(conversation)
            self._database.run(
                "UPDATE conversations SET closed_at = ? WHERE id = ?", [_time(at), conversation]
            )
            refresh(self._database, conversation)

    def unscreened(self) -> list[StoredMessage]:
        """Customer messages the rules have not seen yet (the program ended in between)."""
        rows = self._database.rows(
            f"{_MESSAGE} WHERE screened = 0 AND role = 'customer' ORDER BY seq"
        )
        return [StoredMessage(**row) for row in rows]

    def mark_screened(self, message: str) -> bool:
        """Note that the rules have seen a customer message; False when that was noted before."""
        return bool(
            self._database.run(
                "UPDATE messages SET screened = 1 WHERE id = ? AND screened = 0", [message]
            )
        )

    def _append(
        self,
        where: _Where,
        role: Role,
        text: str,
        at: float | None,
        kind: str | None,
        *,
        screened: bool,
    ) -> StoredMessage:
        moment = _time(at)
        with self._database.transaction():
            if where.key is not None and (known := self._delivered(where.key)) is not None:
                return known
            conversation = self._find_or_open(where, moment)
            message = new_id()
            self._database.insert(
                "messages",
                {
                    "id": message,
                    "conversation": conversation,
                    "role": role,
                    "text": text,
                    "at": moment,
                    "state": "received" if role == "customer" else "sent",
                    "kind": kind or "",
                    "sent_at": moment if role == "agent" else None,
                    "screened": screened,
                },
            )
            if where.key is not None:
                self._remember(where.key.source, where.key.message, conversation, message)
            self._database.run(
                "UPDATE conversations SET closed_at = NULL WHERE id = ?", [conversation]
            )
            refresh(self._database, conversation)
            return message_by_id(self._database, message)

    def _find_or_open(self, where: _Where, moment: float) -> str:
        if where.conversation is not None:
            return self.get(where.conversation).id
        if where.key is not None:
            known = self._database.row(
                """SELECT conversation FROM channel_keys
                WHERE source = ? AND key = ? AND message IS NULL""",
                [where.key.source, where.key.conversation],
            )
            if known is not None:
                return str(known["conversation"])
        conversation = new_id()
        self._database.insert(
            "conversations",
            {
                "id": conversation,
                "customer": one_line(where.customer, _NAME_LENGTH),
                "channel": one_line(where.channel, _NAME_LENGTH),
                "label": one_line(where.label, _NAME_LENGTH),
                "subject": one_line(where.subject, _NAME_LENGTH),
                "opened_at": moment,
                "last_at": moment,
            },
        )
        if where.key is not None:
            self._remember(where.key.source, where.key.conversation, conversation, None)
        return conversation

    def _delivered(self, key: ExternalKey) -> StoredMessage | None:
        row = self._database.row(
            """SELECT message FROM channel_keys
            WHERE source = ? AND key IN (?, ?) AND message IS NOT NULL""",
            [key.source, key.message, buried(key.source, key.message)],
        )
        return message_by_id(self._database, row["message"]) if row else None

    def _remember(self, source: str, key: str, conversation: str, message: str | None) -> None:
        self._database.insert(
            "channel_keys",
            {"source": source, "key": key, "conversation": conversation, "message": message},
        )


class _Where:
    """Where a message belongs: a known conversation, or what a new one is opened with."""

    def __init__(
        self,
        customer: str,
        channel: str,
        conversation: str | None,
        label: str,
        subject: str,
        key: ExternalKey | None,
    ) -> None:
        self.customer = customer
        self.channel = channel
        self.conversation = conversation
        self.label = label
        self.subject = subject
        self.key = key


def message_by_id(database: Database, message: str) -> StoredMessage:
    """One message. Raises `InputError` (`no_message`)."""
    row = database.row(f"{_MESSAGE} WHERE id = ?", [message])
    if row is None:
        raise InputError("There is no such message in the store.", "no_message")
    return StoredMessage(**row)


def forgotten_conversation() -> InputError:
    """The refusal of anything more in a conversation whose customer's data was deleted."""
    return InputError(
        "This customer's data was deleted. Nothing was stored; open a new one.", "forgotten"
    )


def no_conversation() -> InputError:
    """The error for a conversation id that the store does not know."""
    return InputError(
        "There is no such conversation. Nothing was stored; check the id.", "no_conversation"
    )


def _conversation(row: Row) -> ConversationRow:
    del row["urgency"], row["sort_key"]
    row["rejected"] = bool(row["rejected"])
    row["gap"] = bool(row["gap"])
    return ConversationRow(**row)


def _time(at: float | None) -> float:
    if at is None:
        return time.time()
    if not math.isfinite(at):
        raise InputError("A time must be a finite number of seconds.", "bad_time")
    return float(at)


class _Shown(Struct, frozen=True):
    """Of a stored draft, what a later prompt shows of it."""

    evidence: tuple[Evidence, ...] = ()


def _evidence(body: str) -> tuple[Evidence, ...]:
    try:
        return msgspec.json.decode(body, type=_Shown).evidence
    except msgspec.DecodeError:
        # The next draft is written without it; whoever opens this one is told.
        return ()
