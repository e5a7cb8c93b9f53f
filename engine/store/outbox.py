"""Agents' messages on their way out: pending, then delivering, then delivered.

A message is `pending` while it can be undone. Once its time has come it is final and *delivering*:
its channel is to have it, under the message's id as the key. A channel takes a key once, however
often it is handed over, so a delivery that a crash interrupted is simply done again.
"""

from __future__ import annotations

from engine.store.audit import Audit
from engine.store.database import Database
from engine.store.rows import Departure, StoredMessage
from engine.store.standing import refresh

_FIELDS = """messages.id, messages.conversation, role, text, at, state, kind, due, sent_at,
    decision"""
_PENDING = f"SELECT {_FIELDS} FROM messages WHERE state = 'pending'"


class Outbox:
    """Pending messages, the step that makes one final, and what its channel still has to get."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def pending(self) -> list[StoredMessage]:
        """All messages that can still be undone, the next to leave first."""
        rows = self._database.rows(f"{_PENDING} ORDER BY due, seq")
        return [StoredMessage(**row) for row in rows]

    def due(self, now: float) -> list[StoredMessage]:
        """Those whose time to leave has come."""
        rows = self._database.rows(f"{_PENDING} AND due <= ? ORDER BY due, seq", [now])
        return [StoredMessage(**row) for row in rows]

    def mark_sent(self, message_id: str, at: float) -> bool:
        """Make a pending message final: it can no more be undone, and its channel is to have it.

        True for exactly one caller, ever. A message never leaves before it was written, whatever
        the clock says.
        """
        with self._database.transaction():
            changed = self._database.run(
                """UPDATE messages SET state = 'sent', sent_at = max(?, at)
                WHERE id = ? AND state = 'pending'""",
                [at, message_id],
            )
            if not changed:
                return False
            self._database.insert("deliveries", {"message": message_id, "delivered_at": None})
            row = self._database.row(
                "SELECT conversation, decision, sent_at FROM messages WHERE id = ?", [message_id]
            )
            if row is not None:
                refresh(self._database, row["conversation"])
                self._audit.add(
                    "send",
                    message_id,
                    conversation=row["conversation"],
                    detail={"decision": row["decision"]},
                    at=row["sent_at"],
                )
            return True

    def delivering(self) -> list[Departure]:
        """What is final and not yet known to be with its channel, in the order it was written."""
        rows = self._database.rows(
            f"""SELECT {_FIELDS}, (
                SELECT source FROM channel_keys WHERE channel_keys.message IS NULL
                AND channel_keys.conversation = messages.conversation) AS source
            FROM deliveries CROSS JOIN messages ON messages.id = deliveries.message
            WHERE delivered_at IS NULL ORDER BY seq"""
        )
        return [Departure(source=row.pop("source"), message=StoredMessage(**row)) for row in rows]

    def mark_delivered(self, message_id: str, at: float) -> bool:
        """Note that the channel has a message; False when that was noted before."""
        return bool(
            self._database.run(
                "UPDATE deliveries SET delivered_at = ? WHERE message = ? AND delivered_at IS NULL",
                [at, message_id],
            )
        )
