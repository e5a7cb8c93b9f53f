"""Drafts, with the evidence and the release that made them."""

from __future__ import annotations

import time

import msgspec

from engine.errors import InputError, StoreError
from engine.records import Draft
from engine.store.conversations import message_by_id, no_conversation
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import StoredDraft
from engine.store.standing import refresh
from engine.store.text import to_json

_DRAFT = """SELECT id, conversation, message, body, at, EXISTS (
    SELECT 1 FROM decisions WHERE draft = drafts.id
    AND NOT EXISTS (SELECT 1 FROM decision_undos WHERE decision = decisions.id)) AS decided
    FROM drafts"""


class Drafts:
    """Every draft that was ever proposed; the newest for a message is the one that counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self, conversation: str, message_id: str, draft: Draft, *, at: float | None = None
    ) -> StoredDraft:
        """Keep `draft` for customer message `message_id`; durable on return.

        A draft for a message that is no longer the newest is kept, too, but is not `latest`.
        Raises `InputError` (`no_conversation`, `no_message`).
        """
        with self._database.transaction():
            message = message_by_id(self._database, message_id)
            if message.conversation != conversation:
                raise no_conversation()
            draft_id = new_id()
            self._database.insert(
                "drafts",
                {
                    "id": draft_id,
                    "conversation": conversation,
                    "message": message_id,
                    "status": draft.status,
                    "body": to_json(draft),
                    "at": time.time() if at is None else at,
                },
            )
            refresh(self._database, conversation)
            return self.get(draft_id)

    def get(self, draft_id: str) -> StoredDraft:
        """One draft. Raises `InputError` (`no_such_draft`)."""
        row = self._database.row(f"{_DRAFT} WHERE id = ?", [draft_id])
        if row is None:
            raise InputError("There is no such draft in the store.", "no_such_draft")
        return _stored(row)

    def latest(self, conversation: str) -> StoredDraft | None:
        """The newest draft, of any status, if it answers the newest customer message, undecided."""
        row = self._database.row(
            f"""{_DRAFT} WHERE message = (
                SELECT newest_message FROM conversations WHERE id = ?)
            ORDER BY seq DESC LIMIT 1""",
            [conversation],
        )
        if row is None or row["decided"]:
            return None
        return _stored(row)


def _stored(row: Row) -> StoredDraft:
    try:
        draft = msgspec.json.decode(row.pop("body"), type=Draft)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"A stored draft cannot be read ({error}). Nothing was changed.", "store_unreadable"
        ) from error
    return StoredDraft(
        id=row["id"],
        conversation=row["conversation"],
        message=row["message"],
        draft=draft,
        at=row["at"],
        decided=bool(row["decided"]),
    )
