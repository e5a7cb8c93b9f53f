"""For which conversations a draft is due: what the scheduler reads on the store's thread."""

from __future__ import annotations

from msgspec import Struct

from engine.records import Turn
from engine.store.conversations import Conversations
from engine.store.rows import ConversationRow


class Candidate(Struct, frozen=True):
    """A conversation that a draft is due for, since when it waits, and what was said in it."""

    conversation: str
    message: str
    since: float
    turns: tuple[Turn, ...]


class Wanted(Struct, frozen=True):
    """What is looked for: the open conversation and `room` others, if due.

    `again` are to be drafted once more whatever there is, `failed` and `busy` name messages by
    conversation: those that failed, and those whose drafts were asked for already.
    """

    open: str
    room: int
    again: tuple[str, ...]
    failed: dict[str, str]
    busy: dict[str, str]


def pick(conversations: Conversations, wanted: Wanted) -> list[Candidate]:
    """Those that are due: the open one, those to be drafted again, the most urgent others."""
    picked: dict[str, ConversationRow] = {}
    for identity in dict.fromkeys((wanted.open, *wanted.again)):
        room = identity == wanted.open or len(picked) < wanted.room
        if identity and identity not in wanted.busy and room:
            row = conversations.get(identity)
            if _is_due(row, wanted.failed, forced=identity in wanted.again):
                picked[identity] = row
    if len(picked) < wanted.room:
        without = [*wanted.failed.values(), *wanted.busy.values()]
        for row in conversations.due(wanted.room, without=without):
            if len(picked) < wanted.room:
                picked[row.id] = row
    return [_candidate(conversations, row) for row in picked.values()]


def stale(conversations: Conversations, asked: dict[str, str]) -> list[str]:
    """Of the conversations (with the messages that drafts were asked for) those not due so."""
    rows = [conversations.get(identity) for identity in asked]
    return [
        row.id for row in rows if row.newest_message != asked[row.id] or row.waiting_since is None
    ]


def _candidate(conversations: Conversations, row: ConversationRow) -> Candidate:
    message = row.newest_message or ""
    turns = conversations.turns_to_answer(row.id, until=message)
    return Candidate(row.id, message, row.waiting_since or 0.0, turns)


def _is_due(row: ConversationRow, failed: dict[str, str], *, forced: bool) -> bool:
    if row.waiting_since is None or row.handed_over or row.newest_message is None or row.pending:
        return False
    if failed.get(row.id) == row.newest_message:
        return False
    return forced or (row.draft_status == "none" and not row.rejected)
