"""Red-line hits, and what the lead judged them to be."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.errors import InputError
from engine.records import Hit
from engine.store.audit import Audit, hits_content, hits_in_short, words_of
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import Appeal, StoredHit, Verdict
from engine.store.text import clean, to_json

_HIT = "SELECT * FROM hits"

_KEPT = 200
_AROUND = 500


class Hits:
    """Every hit, with the text it was found in."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def add_all(
        self,
        conversation: str,
        message_id: str | None,
        screened: str,
        hits: Sequence[Hit],
        *,
        at: float | None = None,
        rules: str = "",
        agent: str = "",
        draft: str | None = None,
    ) -> list[str]:
        """Keep the hits of one screened text; `message_id` is None when it became no message.

        `rules` is the rule set's hash, `agent` who wrote the text, `draft` the draft it is of. The
        ids of those kept, in order.

        Of one rule's hits in one text, the first 200 are kept, each with its surroundings: a
        megabyte of telephone numbers would else be stored as often as there are numbers in it.
        """
        if not hits:
            return []
        moment = time.time() if at is None else at
        counts: Counter[str] = Counter()
        kept: list[tuple[str, Hit]] = []
        rows: list[Row] = []
        for hit in hits:
            counts[hit.rule] += 1
            if counts[hit.rule] > _KEPT:
                continue
            kept.append((new_id(), hit))
            rows.append(
                {
                    "id": kept[-1][0],
                    "conversation": conversation,
                    "message": message_id,
                    "draft": draft,
                    "rule": hit.rule,
                    "body": to_json(hit),
                    "screened": _around(screened, hit),
                    "at": moment,
                    "category": hit.category,
                    "level": hit.level,
                    "side": hit.side,
                    "agent": clean(agent),
                    "trial": hit.trial,
                }
            )
        with self._database.transaction():
            self._audit.add(
                "hits",
                message_id or draft or "",
                conversation=conversation,
                who=agent,
                rules=rules,
                detail={"hits": hits_in_short(kept)},
                content=hits_content(rows),
                words=words_of([hit for _, hit in kept]),
                at=moment,
            )
            for row in rows:
                self._database.insert("hits", row)
        return [hit_id for hit_id, _ in kept]

    def of(self, conversation: str, *, messages: Sequence[str] | None = None) -> list[StoredHit]:
        """All hits in a conversation, or only those in `messages`, oldest first."""
        only, values = "", [conversation]
        if messages is not None:
            only = "AND message IN (SELECT value FROM json_each(?))"
            values.append(to_json(list(messages)))
        rows = self._database.rows(f"{_HIT} WHERE conversation = ? {only} ORDER BY seq", values)
        return [stored_hit(row) for row in rows]

    def kept_back(self, conversation: str, screened: str, hit: Hit) -> StoredHit | None:
        """This very hit in this very text, if it was kept before; of a text that was not sent."""
        row = self._database.row(
            f"""{_HIT} WHERE conversation = ? AND rule = ? AND message IS NULL AND draft IS NULL
                AND body = ? AND screened = ? ORDER BY seq DESC LIMIT 1""",
            [conversation, hit.rule, to_json(hit), _around(screened, hit)],
        )
        return stored_hit(row) if row else None

    def page(self, *, unjudged: bool = False, limit: int = 200, offset: int = 0) -> list[StoredHit]:
        """Hits of all conversations, newest first; `unjudged`: only those without a verdict."""
        condition = "WHERE verdict = ''" if unjudged else ""
        rows = self._database.rows(
            f"{_HIT} {condition} ORDER BY seq DESC LIMIT ? OFFSET ?", [limit, offset]
        )
        return [stored_hit(row) for row in rows]

    def judge(self, hit_id: str, verdict: Verdict, who: str, note: str = "") -> None:
        """Add the lead's verdict; the newest counts. Raises `InputError` (`no_hit`)."""
        with self._database.transaction():
            row = self._database.row("SELECT conversation FROM hits WHERE id = ?", [hit_id])
            if row is None:
                raise no_hit()
            moment = time.time()
            self._audit.add(
                "verdict",
                hit_id,
                conversation=row["conversation"],
                who=who,
                detail={"verdict": verdict},
                content=[verdict, note],
                at=moment,
            )
            self._database.insert(
                "hit_verdicts",
                {"hit": hit_id, "verdict": verdict, "who": who, "note": note, "at": moment},
            )
            self._database.run("UPDATE hits SET verdict = ? WHERE id = ?", [verdict, hit_id])


def no_hit() -> InputError:
    """The refusal of a hit that is not in the store."""
    return InputError("There is no such hit in the store.", "no_hit")


def stored_hit(row: Row) -> StoredHit:
    """A row of `hits` as it leaves the store."""
    return StoredHit(
        id=row["id"],
        conversation=row["conversation"],
        message=row["message"],
        hit=msgspec.json.decode(row["body"], type=Hit),
        screened=row["screened"],
        at=row["at"],
        verdict=row["verdict"] or None,
        draft=row["draft"],
        agent=row["agent"],
    )


def stored_appeal(row: Row) -> Appeal:
    """A row of `appeals` as it leaves the store."""
    kept = {name: value for name, value in row.items() if name not in ("seq", "upheld")}
    return Appeal(**kept, upheld=None if row["upheld"] is None else bool(row["upheld"]))


def _around(screened: str, hit: Hit) -> str:
    return clean(screened[max(0, hit.start - _AROUND) : hit.end + _AROUND])
