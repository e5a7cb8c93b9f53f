"""Hits as a list of any length shows them: where they all are at once, rows where one looks."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from engine.store.database import Database, Row
from engine.store.drafts import Drafts
from engine.store.hits import Hits, stored_appeal, stored_hit
from engine.store.reviews import of_another
from engine.store.rows import Appeal, StoredDraft, StoredHit, Verdict
from engine.store.seeking import Sought, places_of
from engine.store.text import to_json


class ListedHit(Struct, frozen=True):
    """A hit at its `place`, with who judged it last and the newest appeal against it."""

    place: int
    hit: StoredHit
    judged_by: str = ""
    note: str = ""
    appeal: Appeal | None = None


class Occurring(Struct, frozen=True):
    """Ids of rules and categories that were hit, and agents whose texts were."""

    rules: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class Said(Struct, frozen=True):
    """A verdict as it stood, "" for none, and the hits of which it was said with that note."""

    verdict: Verdict | str
    note: str
    places: tuple[int, ...]


class Listing:
    """What a review page scrolls through. A hit's place is its number in the order of arrival."""

    def __init__(self, database: Database, hits: Hits, drafts: Drafts) -> None:
        self._database = database
        self._hits = hits
        self._drafts = drafts

    def places(self, sought: Sought) -> array[int]:
        """Where all hits that match are, newest first."""
        places, values = places_of(sought)
        row = self._database.row(f"SELECT json_group_array(seq) AS places FROM ({places})", values)
        return array("q", msgspec.json.decode(row["places"], type=list[int]) if row else [])

    def rows(self, places: Sequence[int]) -> list[ListedHit]:
        """The hits at these places, in this order; what is gone is left out."""
        wanted = to_json(list(places))
        rows = self._database.rows(
            "SELECT * FROM hits WHERE seq IN (SELECT value FROM json_each(?))", [wanted]
        )
        ids = to_json([row["id"] for row in rows])
        judged = self._by_hit(
            """SELECT * FROM hit_verdicts WHERE seq IN (SELECT max(seq) FROM hit_verdicts
                WHERE hit IN (SELECT value FROM json_each(?)) GROUP BY hit)""",
            ids,
        )
        appeals = self._by_hit(
            """SELECT * FROM appeals WHERE seq IN (SELECT max(seq) FROM appeals
                WHERE hit IN (SELECT value FROM json_each(?)) GROUP BY hit)""",
            ids,
        )
        made = {row["seq"]: _listed(row, judged, appeals) for row in rows}
        return [made[place] for place in places if place in made]

    def occurring(self) -> Occurring:
        """What can be looked for."""

        def distinct(sql: str) -> tuple[str, ...]:
            return tuple(str(row["one"]) for row in self._database.rows(sql) if row["one"])

        return Occurring(
            distinct("SELECT DISTINCT rule AS one FROM hits INDEXED BY hits_by_rule ORDER BY 1"),
            distinct("SELECT DISTINCT category AS one FROM hits ORDER BY 1"),
            distinct(
                "SELECT DISTINCT agent AS one FROM hits INDEXED BY hits_by_agent "
                "WHERE agent != '' ORDER BY 1"
            ),
        )

    def said(self, places: Sequence[int]) -> list[Said]:
        """What stands as verdicts on these hits, to be said again with `say`."""
        rows = self._database.rows(
            """SELECT hits.seq AS place, hits.verdict AS verdict, coalesce((
                SELECT note FROM hit_verdicts WHERE hit = hits.id ORDER BY seq DESC LIMIT 1), '')
                AS note
            FROM hits WHERE seq IN (SELECT value FROM json_each(?))""",
            [to_json(list(places))],
        )
        grouped: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            note = row["note"] if row["verdict"] else ""
            grouped.setdefault((row["verdict"], note), []).append(row["place"])
        return [Said(verdict, note, tuple(at)) for (verdict, note), at in grouped.items()]

    def say(self, said: Said, who: str) -> None:
        """One verdict on several hits, all or none; "" takes theirs back.

        Raises `InputError` (`own_hit`: one of them is in a text that `who` wrote).
        """
        with self._database.transaction():
            for row in self._database.rows(
                "SELECT id, agent FROM hits WHERE seq IN (SELECT value FROM json_each(?))",
                [to_json(list(said.places))],
            ):
                of_another(row, who)
                self._hits.judge(row["id"], said.verdict, who, said.note)  # type: ignore[arg-type]

    def draft_behind(self, hit: StoredHit) -> StoredDraft | None:
        """The draft that was hit, that a hit reply came from, or that answered a hit message."""
        row = self._database.row(
            """SELECT coalesce(:draft,
                (SELECT decisions.draft FROM messages
                    JOIN decisions ON decisions.id = messages.decision
                    WHERE messages.id = :message),
                (SELECT id FROM drafts WHERE message = :message ORDER BY seq DESC LIMIT 1))
            AS draft""",
            {"draft": hit.draft, "message": hit.message},
        )
        return self._drafts.get(row["draft"]) if row and row["draft"] else None

    def _by_hit(self, sql: str, ids: str) -> dict[str, Row]:
        return {row["hit"]: row for row in self._database.rows(sql, [ids])}


def _listed(row: Row, judged: dict[str, Row], appeals: dict[str, Row]) -> ListedHit:
    verdict = judged.get(row["id"]) if row["verdict"] else None
    appeal = appeals.get(row["id"])
    return ListedHit(
        place=row["seq"],
        hit=stored_hit(row),
        judged_by=verdict["who"] if verdict else "",
        note=verdict["note"] if verdict else "",
        appeal=stored_appeal(appeal) if appeal else None,
    )
