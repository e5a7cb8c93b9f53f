"""How a conversation stands: who waits, since when, with which draft.

The columns of `conversations` that a list needs are computed here, and only here, from the
messages, drafts, decisions and cases; whoever writes one of those calls `refresh` in the same
transaction. So an undo needs no memory of what was before.
"""

from __future__ import annotations

from engine.store.database import Database, Row
from engine.store.text import one_line

_PREVIEW_LENGTH = 120

_WAITING, _HANDED_OVER, _ANSWERED = 0, 1, 2

# Seconds; greater than any epoch time, so that those who wait come before those who do not.
_FAR = 1e12


def refresh(database: Database, conversation: str) -> None:
    """Bring the conversation's row up to date. To be called inside a transaction."""
    counted = database.row(
        """SELECT count(*) AS messages,
            coalesce(sum(role = 'customer'), 0) AS customer_messages,
            coalesce(sum(role = 'agent'), 0) AS agent_messages,
            coalesce(sum(state = 'pending'), 0) AS pending,
            max(seq) AS last,
            max(CASE WHEN role = 'agent' THEN seq END) AS answered,
            max(CASE WHEN role = 'customer' THEN seq END) AS newest
        FROM messages WHERE conversation = ? AND state != 'undone'""",
        [conversation],
    )
    stored = database.row("SELECT * FROM conversations WHERE id = ?", [conversation])
    if counted is None or stored is None:
        return
    last = _message(database, counted.pop("last"))
    newest = _message(database, counted.pop("newest"))
    waiting_since = _waiting_since(database, conversation, counted.pop("answered"))
    if stored["closed_at"] is not None:
        waiting_since = None
    case = database.row(
        "SELECT category FROM handovers WHERE conversation = ? AND closed_at IS NULL",
        [conversation],
    )
    draft_status, rejected = _draft(database, newest["id"] if newest else "")
    last_at = last["at"] if last else stored["opened_at"]
    urgency = _ANSWERED if waiting_since is None else _WAITING
    if case is not None:
        urgency = _HANDED_OVER
    database.run(
        """UPDATE conversations SET last_at = :last_at, preview = :preview, messages = :messages,
            customer_messages = :customer_messages, agent_messages = :agent_messages,
            pending = :pending, waiting_since = :waiting_since, newest_message = :newest_message,
            draft_status = :draft_status, rejected = :rejected, handed_over = :handed_over,
            gap = :gap, urgency = :urgency, sort_key = :sort_key
        WHERE id = :id""",
        {
            **counted,
            "id": conversation,
            "last_at": last_at,
            "preview": one_line(last["text"], _PREVIEW_LENGTH) if last else "",
            "waiting_since": waiting_since,
            "newest_message": newest["id"] if newest else None,
            "draft_status": draft_status,
            "rejected": rejected,
            "handed_over": case["category"] if case else None,
            "gap": draft_status == "abstained" or _has_gap(database, conversation),
            "urgency": urgency,
            "sort_key": _FAR - last_at if waiting_since is None else waiting_since,
        },
    )


def _message(database: Database, seq: int | None) -> Row | None:
    if seq is None:
        return None
    return database.row("SELECT id, text, at FROM messages WHERE seq = ?", [seq])


def _waiting_since(database: Database, conversation: str, answered: int | None) -> float | None:
    row = database.row(
        """SELECT at FROM messages
        WHERE conversation = ? AND role = 'customer' AND seq > ? ORDER BY seq LIMIT 1""",
        [conversation, answered or 0],
    )
    return float(row["at"]) if row else None


def _draft(database: Database, message: str) -> tuple[str, bool]:
    """The status of the undecided draft for `message`, and whether the agent rejected it."""
    row = database.row(
        """SELECT status, (
            SELECT action FROM decisions
            WHERE draft = drafts.id AND NOT EXISTS (
                SELECT 1 FROM decision_undos WHERE decision = decisions.id)
            ORDER BY seq DESC LIMIT 1) AS action
        FROM drafts WHERE message = ? ORDER BY seq DESC LIMIT 1""",
        [message],
    )
    if row is None:
        return "none", False
    if row["action"] is None:
        return str(row["status"]), False
    return "none", row["action"] == "rejected"


def _has_gap(database: Database, conversation: str) -> bool:
    row = database.row(
        """SELECT 1 FROM gap_sightings JOIN gaps ON gaps.id = gap_sightings.gap
        WHERE gap_sightings.conversation = ? AND gaps.settled_at IS NULL LIMIT 1""",
        [conversation],
    )
    return row is not None
