"""Holds what is stored against the audit's records: who, when, how it stands, what was written.

`audit_check` walks the chain and calls `by_record` for each record; afterwards `by_row` goes
through the tables, piece by piece, for rows that no record tells of or that say something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.store.audit import Audit, rule_step_content
from engine.store.audit_records import Record, approval_records, step_key
from engine.store.audit_seals import Seals
from engine.store.blank import FORGOTTEN
from engine.store.database import Database, Row

_PIECE = 500
_MOST = 20

Say = Callable[[Any, int, str], None]
"""Is told what is wrong, at which record, about what."""

# Where the row of a record stands that is not held against its fingerprint by the walk.
_ROWS = {
    "verdict": "SELECT 1 FROM hit_verdicts WHERE hit = :subject",
    "case": "SELECT 1 FROM handovers WHERE id = :subject",
    "appeal": "SELECT 1 FROM appeals WHERE id = :part",
    "undo": "SELECT 1 FROM decision_undos WHERE decision = :subject",
    "send": "SELECT 1 FROM messages WHERE id = :subject AND state = 'sent'",
}


OF_ROWS = frozenset(_ROWS)
"""The kinds of records that `by_record` looks at."""


class StoredRows:
    """The rows of one database, beside its records. `older` counts those without, by right."""

    def __init__(self, database: Database, audit: Audit, seals: Seals, say: Say) -> None:
        self._database = database
        self._audit = audit
        self._seals = seals
        self._say = say
        self._marks = audit.older()
        self.older = 0

    def by_record(self, told: Record) -> None:
        """Hold a record, whose conversation's data is not deleted, against its row's being."""
        if (query := _ROWS.get(told.kind)) is None:
            return
        values = {"subject": told.subject, "part": told.detail.get("appeal", "")}
        if self._database.row(query, values) is None:
            self._say("row_missing", told.number, told.subject)

    def sent_as_decided(self, number: int, decision: Row, *, deleted: bool) -> None:
        """Hold what left, or is to leave, against the decision it rests on.

        Where its words were `deleted`, nothing may stand there.
        """
        if decision["outgoing"] is None:
            return
        row = self._database.row("SELECT * FROM messages WHERE id = ?", [decision["outgoing"]])
        if row is None:
            self._say("row_missing", number, decision["outgoing"])
        elif (
            row["text"] not in ((FORGOTTEN,) if deleted else (decision["text"],))
            or row["decision"] != decision["id"]
            or row["role"] != "agent"
        ):
            self._say("row_altered", number, row["id"])

    def by_row(self) -> None:
        """Go through all rows that must have a record."""
        for row in self._each("approvals"):
            self._approval(row)
        for row in self._each("handovers"):
            self._case(row)
        for row in self._each("appeals"):
            self._appeal(row)
        for row in self._each("messages", "decision IS NOT NULL OR state IN ('pending', 'undone')"):
            self._message(row)
        self._verdicts()
        self._steps()
        for row in self._database.rows(
            """SELECT messages.id FROM deliveries JOIN messages ON messages.id = message
            WHERE decision IS NULL AND seq > ? LIMIT ?""",
            [self._marks.get("messages", 0), _MOST],
        ):
            self._say("unrecorded", 0, row["id"])

    def slipped_in(self, hits: int) -> None:
        """Name hits without a record; `hits` is how many the records told of."""
        mark = self._marks.get("hits", 0)
        counted = self._database.row("SELECT count(*) AS n, sum(seq <= ?) AS o FROM hits", [mark])
        if counted is None or counted["n"] <= hits:
            return
        for row in self._database.rows(
            """SELECT id, seq FROM hits WHERE id NOT IN (
                SELECT coalesce(json_extract(hit.value, '$.id'), '')
                FROM audit, json_each(audit.body, '$.detail.hits') AS hit
                WHERE json_valid(body) AND json_extract(body, '$.kind') = 'hits')"""
        ):
            if row["seq"] > mark:
                self._say("unrecorded", 0, row["id"])
            else:
                self.older += 1

    def _each(self, table: str, which: str = "TRUE") -> Iterator[Row]:
        last = 0
        while rows := self._database.rows(
            f"SELECT * FROM {table} WHERE seq > ? AND ({which}) ORDER BY seq LIMIT ?",
            [last, _PIECE],
        ):
            last = rows[-1]["seq"]
            yield from rows

    def _without_record(self, table: str, seq: int, subject: str) -> None:
        if seq <= self._marks.get(table, 0):
            self.older += 1
        else:
            self._say("unrecorded", 0, subject)

    def _altered(self, told: Sequence[Record], subject: str) -> None:
        self._say("row_altered", told[-1].number, subject)

    def _sealed(self, told: Record, content: object, *, blank: bool) -> bool:
        """Whether what is stored is what was recorded, or nothing where it was deleted."""
        if not told.seal:
            return True
        if self._seals.erased(told.conversation) > told.number:
            return blank
        return self._seals.is_whole(told.conversation, told.seal, content)

    def _approval(self, row: Row) -> None:
        records = self._audit.about(row["id"])
        told = approval_records(records)
        if told is None:
            self._without_record("approvals", row["seq"], row["id"])
        elif not told.says(row) or not (
            told.answered is None
            or self._sealed(told.answered, [row["comment"]], blank=not row["comment"])
        ):
            self._altered(records, row["id"])

    def _case(self, row: Row) -> None:
        told = [one for one in self._audit.about(row["id"]) if one.kind == "case"]
        if not told or told[0].step != "opened":
            self._without_record("handovers", row["seq"], row["id"])
            return
        opened, taken, closed = told[0], None, None
        for one in told[1:]:
            taken = one if one.step == "taken" else None if one.step == "returned" else taken
            closed = one if one.step == "closed" else closed
        parts = ("category", "rule", "message")
        sound = (
            all((row[name] or "") == opened.detail.get(name, "") for name in parts)
            and row["conversation"] == opened.conversation
            and opened.about_then(row["opened_at"])
            and row["taken_by"] == (taken.who if taken else "")
            and _then(taken, row["taken_at"])
            and _then(closed, row["closed_at"])
            and self._sealed(opened, [row["script"]], blank=True)
            and (closed is None or self._sealed(closed, [row["note"]], blank=not row["note"]))
        )
        if not sound:
            self._altered(told, row["id"])

    def _appeal(self, row: Row) -> None:
        told = [
            one
            for one in self._audit.about(row["hit"])
            if one.kind == "appeal" and one.detail.get("appeal") == row["id"]
        ]
        if not told or told[0].step != "made":
            self._without_record("appeals", row["seq"], row["id"])
            return
        made, answered = told[0], told[-1] if len(told) > 1 else None
        upheld = None if answered is None else int(answered.step == "upheld")
        sound = (
            row["who"] == made.who
            and made.about_then(row["at"])
            and row["upheld"] == upheld
            and row["answered_by"] == (answered.who if answered else "")
            # A deletion ends an appeal that nobody has answered.
            and (answered is None or answered.about_then(row["answered_at"]))
            and self._sealed(made, [row["text"]], blank=not row["text"])
            and (
                answered is None or self._sealed(answered, [row["answer"]], blank=not row["answer"])
            )
        )
        if not sound:
            self._altered(told, row["id"])

    def _message(self, row: Row) -> None:
        decision = row["decision"]
        acts = self._audit.about(decision) if decision else []
        if not acts:
            self._without_record("messages", row["seq"], row["id"])
            return
        undone = any(one.kind == "undo" for one in acts)
        found = self._database.row(
            """SELECT outgoing, EXISTS (
                SELECT 1 FROM decision_undos WHERE decision = decisions.id) AS undone
            FROM decisions WHERE id = ?""",
            [decision],
        )
        if found is not None and found["outgoing"] != row["id"]:
            self._say("unrecorded", 0, row["id"])
        elif found is not None and found["undone"] and not undone:
            self._say("unrecorded", 0, decision)
        sent = any(one.kind == "send" for one in self._audit.about(row["id"]))
        should = "undone" if undone else "sent" if sent else "pending"
        if row["state"] == should or row["seq"] <= self._marks.get("messages", 0):
            return
        # What the record says was sent and is not, is told with that record.
        if should != "sent":
            self._altered(acts, row["id"])

    def _verdicts(self) -> None:
        last = ""
        while hits := self._database.rows(
            "SELECT DISTINCT hit FROM hit_verdicts WHERE hit > ? ORDER BY hit LIMIT ?",
            [last, _PIECE],
        ):
            last = hits[-1]["hit"]
            for one in hits:
                self._verdicts_on(one["hit"])
        for row in self._database.rows(
            """SELECT id FROM hits WHERE verdict IS NOT coalesce((SELECT verdict FROM hit_verdicts
                WHERE hit = hits.id ORDER BY seq DESC LIMIT 1), '') LIMIT ?""",
            [_MOST],
        ):
            told = [one for one in self._audit.about(row["id"]) if one.kind == "verdict"]
            if told:
                self._altered(told, row["id"])
            else:
                self._say("unrecorded", 0, row["id"])

    def _verdicts_on(self, hit: str) -> None:
        rows = self._database.rows("SELECT * FROM hit_verdicts WHERE hit = ? ORDER BY seq", [hit])
        told = [one for one in self._audit.about(hit) if one.kind == "verdict"]
        # From the newest on: the oldest may be older than their records.
        while rows and told:
            row, one = rows.pop(), told.pop()
            sound = (
                row["verdict"] == one.detail.get("verdict")
                and row["who"] == one.who
                and one.about_then(row["at"])
                and self._sealed(one, [row["verdict"], row["note"]], blank=not row["note"])
            )
            if not sound:
                self._altered([one], hit)
        for row in rows:
            self._without_record("hit_verdicts", row["seq"], hit)
        for one in told:
            self._say("row_missing", one.number, hit)

    def _steps(self) -> None:
        """The steps of the rules' versions, in their order; each version has one at least."""
        mark = self._marks.get("rule_steps", 0)
        told, at = self._audit.rule_steps(), 0
        versions = {
            row["number"]: row
            for row in self._database.rows(
                "SELECT number, authors, comment, base, rule_set, at FROM rule_versions"
            )
        }
        stepped: set[object] = set()
        for row in self._each("rule_steps"):
            stepped.add(row["version"])
            subject = str(row["version"])
            same = [n for n in range(at, len(told)) if told[n].step_key == step_key(row)]
            if not same:
                here = told[at] if at < len(told) else None
                if here and here.version == row["version"] and here.about_then(row["at"]):
                    self._altered([here], subject)
                    at += 1
                else:
                    self._without_record("rule_steps", row["seq"], subject)
                continue
            for one in told[at : same[0]]:
                self._say("row_missing", one.number, str(one.version))
            one, at = told[same[0]], same[0] + 1
            if not one.seal:
                self.older += 1
            content = rule_step_content(row, versions.get(row["version"]))
            # A version that is gone is told with its record by the walk.
            whole = row["step"] != "trial" or row["version"] in versions
            sealed_so = not whole or self._sealed(one, content, blank=False)
            if not one.about_then(row["at"]) or not sealed_so:
                self._altered([one], subject)
        for one in told[at:]:
            self._say("row_missing", one.number, str(one.version))
        if not mark:
            for number in versions.keys() - stepped:
                self._say("unrecorded", 0, str(number))


def _then(told: Record | None, seconds: object) -> bool:
    return seconds is None if told is None else told.about_then(seconds)
