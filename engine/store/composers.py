"""What agents have typed and not sent: it survives a closed window and a crash."""

from __future__ import annotations

import time

from engine.store.database import Database
from engine.store.rows import Composer


class Composers:
    """One unfinished text per conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, conversation: str, text: str) -> None:
        """Keep `text`; an empty one forgets what was kept.

        In a conversation whose customer's data was deleted nothing is kept: nothing can be sent.
        """
        if not text:
            self._database.run("DELETE FROM composers WHERE conversation = ?", [conversation])
            return
        self._database.run(
            """INSERT INTO composers (conversation, text, at)
            SELECT :conversation, :text, :at WHERE NOT EXISTS (
                SELECT 1 FROM conversations WHERE id = :conversation AND forgotten_at IS NOT NULL)
            ON CONFLICT (conversation) DO UPDATE SET text = excluded.text, at = excluded.at""",
            {"conversation": conversation, "text": text, "at": time.time()},
        )

    def get(self, conversation: str) -> str:
        """The text kept for a conversation, empty when there is none."""
        row = self._database.row(
            "SELECT text FROM composers WHERE conversation = ?", [conversation]
        )
        return str(row["text"]) if row else ""

    def all(self) -> list[Composer]:
        """Everything kept, newest first."""
        rows = self._database.rows("SELECT * FROM composers ORDER BY at DESC")
        return [Composer(**row) for row in rows]
