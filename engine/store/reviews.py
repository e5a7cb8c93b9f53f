"""The lead's review of hits: found by what they are, judged, appealed against, counted."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.errors import InputError
from engine.records import Hit, Level, Side
from engine.store.approvals import same_person
from engine.store.audit import Audit
from engine.store.conversations import message_by_id
from engine.store.database import Database, Row
from engine.store.hits import Hits, no_hit, stored_appeal, stored_hit
from engine.store.ids import new_id
from engine.store.rows import Appeal, Appealed, RulePrecision, StoredHit, Verdict
from engine.store.seeking import Sought, places_of

_PIECE = 500
_CONFIDENT = 1.959964  # The normal distribution's 97.5 % quantile: 95 % lie within.


class Page(Struct, frozen=True):
    """Hits, newest first. `after` is what the next page is asked with, None on the last one."""

    hits: tuple[StoredHit, ...]
    after: int | None = None


class Reviews:
    """What leads look through, over the same hits that everything else writes."""

    def __init__(self, database: Database, hits: Hits, audit: Audit) -> None:
        self._database = database
        self._hits = hits
        self._audit = audit

    def page(
        self, sought: Sought | None = None, *, limit: int = 100, after: int | None = None
    ) -> Page:
        """The newest `limit` hits that match, or those behind the page that said `after`."""
        rows = self._rows(sought or Sought(), limit + 1, after)
        more = len(rows) > limit
        rows = rows[:limit]
        hits = tuple(stored_hit(row) for row in rows)
        return Page(hits, rows[-1]["seq"] if more else None)

    def each(self, sought: Sought | None = None) -> Iterator[StoredHit]:
        """All hits that match, newest first, read piece by piece."""
        after: int | None = None
        while True:
            page = self.page(sought, limit=_PIECE, after=after)
            yield from page.hits
            after = page.after
            if after is None:
                return

    def count(self, sought: Sought | None = None) -> int:
        """How many hits match."""
        places, values = places_of(sought or Sought())
        row = self._database.row(f"SELECT count(*) AS n FROM ({places})", values)
        return int(row["n"]) if row else 0

    def get(self, hit: str) -> StoredHit:
        """One hit. Raises `InputError` (`no_hit`)."""
        return stored_hit(self._row(hit))

    def judge_all(self, hits: Sequence[str], verdict: Verdict, who: str, note: str = "") -> None:
        """One verdict for several hits, all or none.

        Raises `InputError`: `no_hit`, `own_hit` (of a text that `who` wrote).
        """
        with self._database.transaction():
            for hit in hits:
                of_another(self._row(hit), who)
                self._hits.judge(hit, verdict, who, note)

    def verdicts(self, hit: str) -> list[tuple[Verdict, str, str, float]]:
        """All verdicts on a hit, oldest first: verdict, who, note, time; the last one counts."""
        rows = self._database.rows(
            "SELECT verdict, who, note, at FROM hit_verdicts WHERE hit = ? ORDER BY seq", [hit]
        )
        return [(row["verdict"], row["who"], row["note"], row["at"]) for row in rows]

    def missed(
        self,
        message: str,
        start: int,
        end: int,
        who: str,
        *,
        rule: str = "",
        category: str = "",
        level: Level = "L0",
        note: str = "",
    ) -> StoredHit:
        """Mark a stretch of a stored message that no rule found; it is judged as missed at once.

        `rule` is the one that should have, if there is one. Raises `InputError`: `no_message`,
        `bad_span` when the stretch is empty or not inside the message, `already_missed`.
        """
        with self._database.transaction():
            found = message_by_id(self._database, message)
            if not 0 <= start < end <= len(found.text):
                raise InputError(
                    "The marked stretch is not inside the message. Nothing was stored.", "bad_span"
                )
            if any(
                known.verdict == "missed" and (known.hit.start, known.hit.end) == (start, end)
                for known in self._hits.of(found.conversation, messages=[message])
            ):
                raise InputError(
                    "This stretch is marked as missed already. Nothing was stored.",
                    "already_missed",
                )
            side: Side = "customer" if found.role == "customer" else "agent"
            hit = Hit(rule, category, level, "none", start, end, found.text[start:end], side)
            agent = self._database.row(
                "SELECT who FROM decisions WHERE id = ?", [found.decision or ""]
            )
            (hit_id,) = self._hits.add_all(
                found.conversation,
                message,
                found.text,
                [hit],
                agent=agent["who"] if agent else "",
            )
            self._hits.judge(hit_id, "missed", who, note)
            return self.get(hit_id)

    def appeal(self, hit: str, who: str, text: str, *, at: float | None = None) -> Appeal:
        """An agent's word against a hit; said again while it waits, it is the same appeal.

        Raises `InputError`: `no_hit`, `no_name`, `no_reason_given`, `appeal_waits` (another one
        against this hit is not answered yet).
        """
        if not text.strip() or not who.strip():
            raise InputError(
                "An appeal needs a name and a reason. Nothing was stored.",
                "no_reason_given" if who.strip() else "no_name",
            )
        moment = time.time() if at is None else at
        with self._database.transaction():
            row = self._row(hit)
            if (standing := self._open_appeal(hit)) is not None:
                if same_person(standing.who, who) and standing.text.strip() == text.strip():
                    return standing
                raise InputError(
                    "An appeal against this hit is already waiting. Nothing was stored.",
                    "appeal_waits",
                )
            appeal = new_id()
            self._audit.add(
                "appeal",
                hit,
                conversation=row["conversation"],
                who=who,
                detail={"step": "made", "appeal": appeal},
                content=[text],
                at=moment,
            )
            self._database.insert(
                "appeals", {"id": appeal, "hit": hit, "who": who, "text": text, "at": moment}
            )
            return self._appeal(appeal)

    def answer(
        self, appeal: str, upheld: bool, who: str, answer: str = "", *, at: float | None = None
    ) -> Appeal:
        """Answer an agent's appeal; one that is upheld makes the hit a false alarm.

        Raises `InputError`: `no_appeal`, `approval_closed` (answered before), `own_approval` (by
        who made it), `own_hit` (by who wrote the text), `no_name`, `no_comment` (turned down
        without a word).
        """
        if not who.strip():
            raise InputError("An answer needs a name. Nothing was stored.", "no_name")
        if not upheld and not answer.strip():
            raise InputError("A refusal needs a comment. Nothing was stored.", "no_comment")
        moment = time.time() if at is None else at
        with self._database.transaction():
            made = self._appeal(appeal)
            if made.answered_at is not None:
                raise InputError("This appeal was answered before.", "approval_closed")
            if same_person(made.who, who):
                raise InputError("Nobody answers an own appeal.", "own_appeal")
            of_another(self._row(made.hit), who)
            self._audit.add(
                "appeal",
                made.hit,
                conversation=self._row(made.hit)["conversation"],
                who=who,
                detail={"step": "upheld" if upheld else "turned_down", "appeal": appeal},
                content=[answer],
                at=moment,
            )
            self._database.run(
                """UPDATE appeals SET upheld = ?, answer = ?, answered_by = ?, answered_at = ?
                WHERE id = ?""",
                [upheld, answer, who, moment, appeal],
            )
            if upheld:
                self._hits.judge(made.hit, "false_alarm", who, answer)
            return self._appeal(appeal)

    def appeals(self, hit: str) -> list[Appeal]:
        """All appeals against a hit, oldest first."""
        rows = self._database.rows("SELECT * FROM appeals WHERE hit = ? ORDER BY seq", [hit])
        return [stored_appeal(row) for row in rows]

    def appeals_by(self, who: str, *, limit: int = 50) -> list[Appealed]:
        """What this agent said against hits, newest first, each with the hit and its answer."""
        rows = self._database.rows(
            "SELECT * FROM appeals WHERE who = ? ORDER BY seq DESC LIMIT ?", [who, limit]
        )
        return [Appealed(stored_appeal(row), self.get(row["hit"])) for row in rows]

    def precision(
        self, *, since: float | None = None, until: float | None = None
    ) -> list[RulePrecision]:
        """Each rule's count of hits and verdicts, the one with most false alarms first.

        What was missed without a rule that should have found it has the rule "".
        """
        rows = self._database.rows(
            """SELECT rule, sum(verdict != 'missed') AS hits, sum(verdict = 'right') AS right,
                sum(verdict = 'false_alarm') AS false_alarms, sum(verdict = 'missed') AS missed
            FROM hits INDEXED BY hits_by_rule
            WHERE (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
            GROUP BY rule""",
            {"since": since, "until": until},
        )
        found = [_precision(row) for row in rows]
        return sorted(found, key=lambda one: (-one.false_alarms, -one.hits, one.rule))

    def _rows(self, sought: Sought, limit: int, after: int | None) -> list[Row]:
        places, values = places_of(sought, after)
        # The index finds the places in order; only those of the page are then read.
        return self._database.rows(
            f"SELECT * FROM hits WHERE seq IN ({places} LIMIT :limit) ORDER BY seq DESC",
            {**values, "limit": limit},
        )

    def _row(self, hit: str) -> Row:
        row = self._database.row("SELECT * FROM hits WHERE id = ?", [hit])
        if row is None:
            raise no_hit()
        return row

    def _open_appeal(self, hit: str) -> Appeal | None:
        row = self._database.row(
            "SELECT * FROM appeals WHERE hit = ? AND answered_at IS NULL", [hit]
        )
        return stored_appeal(row) if row else None

    def _appeal(self, appeal: str) -> Appeal:
        row = self._database.row("SELECT * FROM appeals WHERE id = ?", [appeal])
        if row is None:
            raise InputError("There is no such appeal in the store.", "no_appeal")
        return stored_appeal(row)


def of_another(hit: Row, who: str) -> None:
    """Refuse who judges a hit in an own text: `InputError` (`own_hit`)."""
    if hit["agent"] and same_person(hit["agent"], who):
        raise InputError("Nobody judges hits in an own text. Nothing was changed.", "own_hit")


def wilson(successes: int, tries: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score; the whole of 0…1 without any try."""
    if not tries:
        return 0.0, 1.0
    share, squared = successes / tries, _CONFIDENT**2
    middle = (share + squared / (2 * tries)) / (1 + squared / tries)
    half = math.sqrt(share * (1 - share) / tries + squared / (4 * tries**2))
    half *= _CONFIDENT / (1 + squared / tries)
    return max(0.0, middle - half), min(1.0, middle + half)


def _precision(row: Row) -> RulePrecision:
    judged = row["right"] + row["false_alarms"]
    low, high = wilson(row["right"], judged)
    share = row["right"] / judged if judged else None
    return RulePrecision(**row, precision=share, low=low, high=high)
