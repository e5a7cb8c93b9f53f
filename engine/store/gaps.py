"""Questions that the knowledge had no answer to."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence

from engine.store.database import Database
from engine.store.ids import new_id
from engine.store.rows import Gap
from engine.store.standing import refresh
from engine.store.text import clean


class Gaps:
    """Open gaps; the same question, however punctuated, is one gap that counts up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, question: str, conversation: str, reason: str = "", *, at: float | None = None
    ) -> Gap:
        """Note that `question` found no answer in `conversation`, and why."""
        normalised = normalise(question)
        with self._database.transaction():
            known = self._database.row(
                "SELECT id FROM gaps WHERE normalised = ? AND settled_at IS NULL", [normalised]
            )
            gap = str(known["id"]) if known else new_id()
            if not known:
                self._database.insert(
                    "gaps", {"id": gap, "normalised": normalised, "question": question}
                )
            self._database.insert(
                "gap_sightings",
                {
                    "gap": gap,
                    "conversation": conversation,
                    "reason": reason,
                    "at": time.time() if at is None else at,
                },
            )
            refresh(self._database, conversation)
            return self._select("AND gaps.id = ?", [gap])[0]

    def list(self) -> Sequence[Gap]:
        """Open gaps, the most frequent first."""
        return self._select("", [])

    def settle(self, gap: str, *, at: float | None = None) -> bool:
        """Close a gap because the knowledge answers it now; False when it is not open."""
        with self._database.transaction():
            changed = self._database.run(
                "UPDATE gaps SET settled_at = ? WHERE id = ? AND settled_at IS NULL",
                [time.time() if at is None else at, gap],
            )
            self._refresh(gap)
            return bool(changed)

    def reopen(self, gap: str) -> bool:
        """Take `settle` back; False when the gap is open, or was asked anew meanwhile."""
        with self._database.transaction():
            changed = self._database.run(
                """UPDATE gaps SET settled_at = NULL WHERE id = :gap AND settled_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM gaps AS other WHERE other.settled_at IS NULL
                    AND other.normalised = gaps.normalised)""",
                {"gap": gap},
            )
            self._refresh(gap)
            return bool(changed)

    def _refresh(self, gap: str) -> None:
        """The conversations that met it stand as they do now."""
        for row in self._database.rows(
            "SELECT DISTINCT conversation FROM gap_sightings WHERE gap = ?", [gap]
        ):
            refresh(self._database, row["conversation"])

    def _select(self, condition: str, values: Sequence[object]) -> Sequence[Gap]:
        # Beside max(), SQLite takes the other columns from the row that holds the maximum.
        rows = self._database.rows(
            f"""SELECT gaps.id, question, reason, count(*) AS count, at AS last_at, conversation,
                max(gap_sightings.seq) AS newest,
                (SELECT min(at) FROM gap_sightings WHERE gap = gaps.id) AS first_at
            FROM gaps JOIN gap_sightings ON gap_sightings.gap = gaps.id
            WHERE settled_at IS NULL {condition}
            GROUP BY gaps.id ORDER BY count DESC, newest DESC""",
            values,
        )
        for row in rows:
            del row["newest"]
        return [Gap(**row) for row in rows]


def normalise(question: str) -> str:
    """`question` without case, width, blanks and punctuation: what makes two questions the same."""
    folded = unicodedata.normalize("NFKC", clean(question)).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c)[0] not in "PZCS")
    return kept or folded
