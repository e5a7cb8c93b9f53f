"""Cases that were handed over to a senior human."""

from __future__ import annotations

import time

from engine.errors import InputError
from engine.store.conversations import Conversations
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import StoredHandover
from engine.store.standing import refresh


class Handovers:
    """At most one open case per conversation."""

    def __init__(self, database: Database, conversations: Conversations) -> None:
        self._database = database
        self._conversations = conversations

    def open(
        self,
        conversation: str,
        category: str,
        rule: str = "",
        script: str = "",
        message_id: str | None = None,
        *,
        at: float | None = None,
    ) -> StoredHandover:
        """Open a case; while one is open it is returned instead, unchanged.

        `script` is the text the customer must be told. Raises `InputError` (`no_conversation`).
        """
        with self._database.transaction():
            self._conversations.get(conversation)
            if (standing := self.open_case(conversation)) is not None:
                return standing
            case = new_id()
            self._database.insert(
                "handovers",
                {
                    "id": case,
                    "conversation": conversation,
                    "category": category,
                    "rule": rule,
                    "script": script,
                    "message": message_id,
                    "opened_at": time.time() if at is None else at,
                },
            )
            refresh(self._database, conversation)
            return self.get(case)

    def get(self, case: str) -> StoredHandover:
        """One case. Raises `InputError` (`no_handover`)."""
        row = self._database.row("SELECT * FROM handovers WHERE id = ?", [case])
        if row is None:
            raise InputError("There is no such hand-over.", "no_handover")
        return _stored(row)

    def open_case(self, conversation: str) -> StoredHandover | None:
        """The conversation's open case."""
        row = self._database.row(
            "SELECT * FROM handovers WHERE conversation = ? AND closed_at IS NULL", [conversation]
        )
        return _stored(row) if row else None

    def of(self, conversation: str) -> list[StoredHandover]:
        """All cases of a conversation, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM handovers WHERE conversation = ? ORDER BY seq", [conversation]
        )
        return [_stored(row) for row in rows]

    def all_open(self) -> list[StoredHandover]:
        """All open cases, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM handovers INDEXED BY handovers_open WHERE closed_at IS NULL ORDER BY seq"
        )
        return [_stored(row) for row in rows]

    def take(self, case: str, who: str, *, at: float | None = None) -> bool:
        """Note who takes an open case; False when it was taken or closed already."""
        return bool(
            self._database.run(
                """UPDATE handovers SET taken_by = ?, taken_at = ?
                WHERE id = ? AND taken_at IS NULL AND closed_at IS NULL""",
                [who, time.time() if at is None else at, case],
            )
        )

    def keep_note(self, case: str, note: str) -> bool:
        """Keep what is noted so far about an open case; False when it is closed."""
        return bool(
            self._database.run(
                "UPDATE handovers SET note = ? WHERE id = ? AND closed_at IS NULL", [note, case]
            )
        )

    def close(self, case: str, note: str = "", *, at: float | None = None) -> bool:
        """Close a case: drafting goes on; False when it was closed already."""
        with self._database.transaction():
            changed = self._database.run(
                "UPDATE handovers SET closed_at = ?, note = ? WHERE id = ? AND closed_at IS NULL",
                [time.time() if at is None else at, note, case],
            )
            if changed:
                refresh(self._database, self.get(case).conversation)
            return bool(changed)


def _stored(row: Row) -> StoredHandover:
    del row["seq"]
    return StoredHandover(**row)
