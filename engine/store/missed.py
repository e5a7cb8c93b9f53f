"""Questions that the knowledge was found wanting in, and the wordings nobody wants proposed."""

from __future__ import annotations

import time

import msgspec

from engine.records import Draft
from engine.store.database import Database, Row
from engine.store.gaps import normalise
from engine.store.rows import MissedQuestion, MissedWhy
from engine.store.text import clean

_MOST = 2000
# Nobody asks the same in more words than these; to fold a megabyte would take long.
_LONG = 2000

_GAPS = """SELECT gaps.question, gap_sightings.conversation, conversations.customer,
        gap_sightings.at
    FROM gap_sightings JOIN gaps ON gaps.id = gap_sightings.gap
    JOIN conversations ON conversations.id = gap_sightings.conversation
    WHERE gaps.settled_at IS NULL ORDER BY gap_sightings.seq DESC LIMIT ?"""

# An accepted draft is of interest for its text only: as the answer to what was missed before.
_DECISIONS = """SELECT decisions.conversation, conversations.customer, decisions.action,
        decisions.reason, decisions.text, decisions.at, messages.text AS question,
        CASE WHEN decisions.action = 'accepted' THEN NULL ELSE drafts.body END AS body
    FROM decisions JOIN messages ON messages.id = decisions.message
    JOIN conversations ON conversations.id = decisions.conversation
    LEFT JOIN drafts ON drafts.id = decisions.draft
    WHERE decisions.action != 'handed_over' AND NOT EXISTS (
        SELECT 1 FROM decision_undos WHERE decision = decisions.id)
        AND coalesce(conversations.forgotten_at, 0) < decisions.at
    ORDER BY decisions.seq DESC LIMIT ?"""

# Rejections that say that the search found the wrong thing, or not enough.
_NOT_FOUND = ("wrong_evidence", "incomplete", "misunderstood")


class Missed:
    """What the knowledge did not find, read from gaps and decisions; and what was dismissed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def questions(self, most: int = _MOST) -> list[MissedQuestion]:
        """The newest ones, each question of a conversation once, with what answered it.

        Of open gaps, of drafts rejected because of what the search found, and of drafts that were
        changed before they were sent; among the newest `most` gaps and decisions.
        """
        answers: dict[tuple[str, str], str] = {}
        found: dict[tuple[str, str], MissedQuestion] = {}
        rows = self._database.rows(_DECISIONS, [most])
        for row in rows:
            if row["text"]:
                # The first that was sent for it; rows come newest first.
                answers[_asked(row)] = row["text"]
        for row in self._database.rows(_GAPS, [most]):
            _note(found, answers, row, "gap", None)
        for row in rows:
            if row["action"] == "rejected" and row["reason"] in _NOT_FOUND:
                _note(found, answers, row, "rejected", row["body"])
            elif row["action"] in ("edited", "rewritten") and row["body"]:
                _note(found, answers, row, "changed", row["body"])
        return sorted(found.values(), key=lambda one: -one.at)

    def dismiss(self, wording: str, *, at: float | None = None) -> None:
        """Never propose `wording` again; dismissing it twice does nothing."""
        self._database.run(
            "INSERT INTO dismissed_wordings (wording, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [clean(wording), time.time() if at is None else at],
        )

    def restore(self, wording: str) -> None:
        """Let `wording` be proposed again."""
        self._database.run("DELETE FROM dismissed_wordings WHERE wording = ?", [clean(wording)])

    def dismissed(self) -> frozenset[str]:
        """The wordings that were dismissed, as they were given."""
        rows = self._database.rows("SELECT wording FROM dismissed_wordings")
        return frozenset(str(row["wording"]) for row in rows)


def _note(
    found: dict[tuple[str, str], MissedQuestion],
    answers: dict[tuple[str, str], str],
    row: Row,
    why: MissedWhy,
    body: str | None,
) -> None:
    key = (row["conversation"], row["question"])
    if key in found:
        return
    draft = _draft(body)
    found[key] = MissedQuestion(
        question=row["question"],
        customer=row["customer"],
        conversation=row["conversation"],
        at=row["at"],
        why=why,
        answer=answers.get(_asked(row), ""),
        drafted=draft.text,
        evidence=draft.evidence,
    )


def _asked(row: Row) -> tuple[str, str]:
    """Where a question was asked, and what makes it the same as that of a gap."""
    return row["conversation"], normalise(row["question"][:_LONG])


def _draft(body: str | None) -> Draft:
    try:
        return msgspec.json.decode(body, type=Draft) if body else Draft("abstained")
    except msgspec.DecodeError:
        # One that cannot be read tells nothing; whoever opens its conversation is told.
        return Draft("abstained")
