"""What a channel calls its conversations and messages, and what the store calls them."""

from __future__ import annotations

from engine.store.database import Database
from engine.store.text import sha256

_BURIED = "buried:"


class ChannelKeys:
    """Written by `Conversations.receive` together with the message, so both exist or neither."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def conversation(self, source: str, key: str) -> str | None:
        """The stored conversation that channel `source` calls `key`."""
        row = self._database.row(
            """SELECT conversation FROM channel_keys
            WHERE source = ? AND key = ? AND message IS NULL""",
            [source, key],
        )
        return str(row["conversation"]) if row else None

    def external(self, source: str, conversation: str) -> str | None:
        """What channel `source` calls a stored conversation; None if it did not come from there."""
        row = self._database.row(
            """SELECT key FROM channel_keys
            WHERE source = ? AND conversation = ? AND message IS NULL""",
            [source, conversation],
        )
        return str(row["key"]) if row else None

    def delivered(self, source: str) -> dict[str, str]:
        """All messages that came from channel `source`: its key → stored message id."""
        rows = self._database.rows(
            "SELECT key, message FROM channel_keys WHERE source = ? AND message IS NOT NULL",
            [source],
        )
        return {row["key"]: row["message"] for row in rows}


def buried(source: str, key: str) -> str:
    """What is kept of a message's key once its customer's data is deleted: enough to know it by.

    A key that is buried already stays as it is.
    """
    if key.startswith(_BURIED):
        return key
    return _BURIED + sha256(f"{source}\n{key}")
