"""All that was said, conversation by conversation, as the rules saw it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from engine.records import Draft, Side, Turn
from engine.store.database import Database, Row
from engine.store.hits import stored_hit
from engine.store.rows import StoredHit, Verdict

Source = Literal["message", "draft", "kept_back"]

_PIECE = 100
_AROUND = 500

_KEPT_BACK = """message IS NULL AND (draft IS NULL OR EXISTS (
    SELECT 1 FROM drafts WHERE id = hits.draft AND status != 'drafted'))"""


class Judged(Struct, frozen=True):
    """A stretch of a text and what a lead judged it to be; `rule` is "" where no rule had hit."""

    rule: str
    start: int
    end: int
    verdict: Verdict


class PastText(Struct, frozen=True):
    """One text that was screened, and how many turns stood before it.

    Of what was kept back (an agent's text, or a model's) there is only what stood around a hit.
    """

    source: Source
    side: Side
    text: str
    at: float
    before: int
    message: str | None = None
    draft: str | None = None
    judged: tuple[Judged, ...] = ()


class PastConversation(Struct, frozen=True):
    """A conversation with everything in it that was screened."""

    id: str
    turns: tuple[Turn, ...]
    texts: tuple[PastText, ...]


class History:
    """What rules can be run over again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def total(self) -> int:
        """How many texts there are."""
        row = self._database.row(
            f"""SELECT (SELECT count(*) FROM messages
                    WHERE state != 'undone' AND role IN ('customer', 'agent'))
                + (SELECT count(*) FROM drafts WHERE status = 'drafted')
                + (SELECT count(*) FROM (SELECT DISTINCT conversation, at, screened FROM hits
                    WHERE {_KEPT_BACK})) AS n"""
        )
        return int(row["n"]) if row else 0

    def conversations(self) -> Iterator[PastConversation]:
        """Every conversation, in the order in which they began, read one by one."""
        after = -1
        while found := self._database.rows(
            "SELECT rowid AS place, id FROM conversations WHERE rowid > ? ORDER BY rowid LIMIT ?",
            [after, _PIECE],
        ):
            for row in found:
                yield self._read(row["id"])
            after = found[-1]["place"]

    def _read(self, conversation: str) -> PastConversation:
        messages = self._database.rows(
            """SELECT id, role, text, at FROM messages
            WHERE conversation = ? AND state != 'undone' ORDER BY seq""",
            [conversation],
        )
        judged = [
            stored_hit(row)
            for row in self._database.rows(
                "SELECT * FROM hits WHERE conversation = ? AND verdict != '' ORDER BY seq",
                [conversation],
            )
        ]
        places = {row["id"]: place for place, row in enumerate(messages)}
        texts = [_message(row, place, judged) for place, row in enumerate(messages)]
        texts += [
            _draft(row, places.get(row["message"], -1) + 1, judged)
            for row in self._database.rows(
                """SELECT drafts.id AS id, message, body, drafts.at AS at
                FROM messages JOIN drafts ON drafts.message = messages.id
                WHERE messages.conversation = ? AND status = 'drafted' ORDER BY drafts.seq""",
                [conversation],
            )
        ]
        for row in self._database.rows(
            f"SELECT * FROM hits WHERE conversation = ? AND {_KEPT_BACK} GROUP BY at, screened",
            [conversation],
        ):
            before = sum(one["at"] <= row["at"] for one in messages)
            texts.append(_kept_back(stored_hit(row), before, judged))
        turns = tuple(Turn(row["role"], row["text"]) for row in messages)
        spoken = tuple(one for one in texts if one is not None)
        return PastConversation(conversation, turns, spoken)


def _message(row: Row, before: int, judged: list[StoredHit]) -> PastText | None:
    if row["role"] == "system":
        return None
    side: Side = "customer" if row["role"] == "customer" else "agent"
    said = tuple(_judged(one) for one in judged if one.message == row["id"])
    return PastText("message", side, row["text"], row["at"], before, row["id"], judged=said)


def _draft(row: Row, before: int, judged: list[StoredHit]) -> PastText:
    text = msgspec.json.decode(row["body"], type=Draft).text
    said = tuple(_judged(one) for one in judged if one.draft == row["id"])
    return PastText("draft", "model", text, row["at"], before, row["message"], row["id"], said)


def _kept_back(kept: StoredHit, before: int, judged: list[StoredHit]) -> PastText:
    said = tuple(
        _judged(one, max(0, one.hit.start - _AROUND))
        for one in judged
        if one.message is None and one.at == kept.at and one.screened == kept.screened
    )
    return PastText(
        "kept_back", kept.hit.side, kept.screened, kept.at, before, None, kept.draft, said
    )


def _judged(one: StoredHit, shift: int = 0) -> Judged:
    hit = one.hit
    assert one.verdict is not None
    return Judged(hit.rule, hit.start - shift, hit.end - shift, one.verdict)
