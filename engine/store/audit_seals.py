"""Whether what is stored is what was recorded: by the seal of its record, or deleted by right."""

from __future__ import annotations

from engine.store.audit_records import decoded
from engine.store.chain import sealed
from engine.store.database import Database


class Seals:
    """The keys that records were sealed with, one for each conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def erased(self, conversation: str) -> int:
        """The record that tells of the deletion of a conversation's data; 0 without one.

        That a key is gone, or said to be, proves nothing by itself.
        """
        row = self._database.row(
            """SELECT number, body FROM audit WHERE number = (
                SELECT erased FROM audit_keys WHERE conversation = ?)""",
            [conversation],
        )
        record = decoded(row["body"]) if row else {}
        told = record.get("kind") == "erased" and record.get("subject") == conversation
        return int(row["number"]) if row and told else 0

    def is_whole(self, conversation: str, seal: str, content: object) -> bool:
        """Whether a record's seal was made of `content`."""
        row = self._database.row(
            "SELECT key FROM audit_keys WHERE conversation = ?", [conversation]
        )
        return row is not None and sealed(row["key"], content) == seal
