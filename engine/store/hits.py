"""Red-line hits, and what the lead judged them to be."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.errors import InputError
from engine.records import Hit
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import StoredHit, Verdict
from engine.store.text import clean, to_json

_HIT = """SELECT hits.*, (SELECT verdict FROM hit_verdicts WHERE hit = hits.id
    ORDER BY seq DESC LIMIT 1) AS verdict FROM hits"""

_KEPT = 200
_AROUND = 500


class Hits:
    """Every hit, with the text it was found in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_all(
        self,
        conversation: str,
        message_id: str | None,
        screened: str,
        hits: Sequence[Hit],
        *,
        at: float | None = None,
    ) -> None:
        """Keep the hits of one screened text; `message_id` is None when it became no message.

        Of one rule's hits in one text, the first 200 are kept, each with its surroundings: a
        megabyte of telephone numbers would else be stored as often as there are numbers in it.
        """
        moment = time.time() if at is None else at
        if not hits:
            return
        counts: Counter[str] = Counter()
        with self._database.transaction():
            for hit in hits:
                counts[hit.rule] += 1
                if counts[hit.rule] > _KEPT:
                    continue
                self._database.insert(
                    "hits",
                    {
                        "id": new_id(),
                        "conversation": conversation,
                        "message": message_id,
                        "rule": hit.rule,
                        "body": to_json(hit),
                        "screened": clean(
                            screened[max(0, hit.start - _AROUND) : hit.end + _AROUND]
                        ),
                        "at": moment,
                    },
                )

    def of(self, conversation: str, *, messages: Sequence[str] | None = None) -> list[StoredHit]:
        """All hits in a conversation, or only those in `messages`, oldest first."""
        only, values = "", [conversation]
        if messages is not None:
            only = "AND message IN (SELECT value FROM json_each(?))"
            values.append(to_json(list(messages)))
        rows = self._database.rows(f"{_HIT} WHERE conversation = ? {only} ORDER BY seq", values)
        return [_stored(row) for row in rows]

    def page(self, *, unjudged: bool = False, limit: int = 200, offset: int = 0) -> list[StoredHit]:
        """Hits of all conversations, newest first; `unjudged`: only those without a verdict."""
        condition = "WHERE id NOT IN (SELECT hit FROM hit_verdicts)" if unjudged else ""
        rows = self._database.rows(
            f"{_HIT} {condition} ORDER BY seq DESC LIMIT ? OFFSET ?", [limit, offset]
        )
        return [_stored(row) for row in rows]

    def judge(self, hit_id: str, verdict: Verdict, who: str, note: str = "") -> None:
        """Add the lead's verdict; the newest counts. Raises `InputError` (`no_hit`)."""
        with self._database.transaction():
            if self._database.row("SELECT 1 FROM hits WHERE id = ?", [hit_id]) is None:
                raise InputError("There is no such hit in the store.", "no_hit")
            self._database.insert(
                "hit_verdicts",
                {"hit": hit_id, "verdict": verdict, "who": who, "note": note, "at": time.time()},
            )


def _stored(row: Row) -> StoredHit:
    return StoredHit(
        id=row["id"],
        conversation=row["conversation"],
        message=row["message"],
        hit=msgspec.json.decode(row["body"], type=Hit),
        screened=row["screened"],
        at=row["at"],
        verdict=row["verdict"],
    )
