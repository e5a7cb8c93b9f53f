"""Agents' messages on their way out."""

from __future__ import annotations

from engine.store.database import Database
from engine.store.rows import StoredMessage
from engine.store.standing import refresh

_PENDING = """SELECT id, conversation, role, text, at, state, kind, due, sent_at, decision
    FROM messages WHERE state = 'pending'"""


class Outbox:
    """Pending messages, and the step that makes one final."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self) -> list[StoredMessage]:
        """All messages that can still be undone, the next to leave first."""
        rows = self._database.rows(f"{_PENDING} ORDER BY due, seq")
        return [StoredMessage(**row) for row in rows]

    def due(self, now: float) -> list[StoredMessage]:
        """Those whose time to leave has come."""
        rows = self._database.rows(f"{_PENDING} AND due <= ? ORDER BY due, seq", [now])
        return [StoredMessage(**row) for row in rows]

    def mark_sent(self, message_id: str, at: float) -> bool:
        """Make a pending message final. True for exactly one caller, ever.

        Hand the message to its channel only after this returned True: then it can be neither
        undone nor sent a second time, whatever else is running.
        """
        with self._database.transaction():
            changed = self._database.run(
                """UPDATE messages SET state = 'sent', sent_at = ?
                WHERE id = ? AND state = 'pending'""",
                [at, message_id],
            )
            if not changed:
                return False
            row = self._database.row("SELECT conversation FROM messages WHERE id = ?", [message_id])
            if row is not None:
                refresh(self._database, row["conversation"])
            return True
