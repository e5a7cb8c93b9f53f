"""Thumbs-down on drafts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.store.database import Database
from engine.store.drafts import Drafts
from engine.store.ids import new_id
from engine.store.rows import Thumb

_THUMB = "SELECT id, draft, who, comment, at FROM thumbs"


class Feedback:
    """What agents thought of drafts, apart from what they did with them."""

    def __init__(self, database: Database, drafts: Drafts) -> None:
        self._database = database
        self._drafts = drafts

    def thumbs_down(
        self, draft_id: str, who: str = "", comment: str = "", *, at: float | None = None
    ) -> Thumb:
        """Mark a draft as bad; one agent marks one draft once.

        Raises `InputError` (`no_such_draft`).
        """
        with self._database.transaction():
            self._drafts.get(draft_id)
            known = self._database.row(f"{_THUMB} WHERE draft = ? AND who = ?", [draft_id, who])
            if known is not None:
                return Thumb(**known)
            thumb = {
                "id": new_id(),
                "draft": draft_id,
                "who": who,
                "comment": comment,
                "at": time.time() if at is None else at,
            }
            self._database.insert("thumbs", thumb)
            return self.of(draft_id)[-1]

    def of(self, draft_id: str) -> Sequence[Thumb]:
        """The thumbs-down on one draft, oldest first."""
        rows = self._database.rows(f"{_THUMB} WHERE draft = ? ORDER BY seq", [draft_id])
        return [Thumb(**row) for row in rows]
