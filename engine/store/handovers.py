"""Cases that were handed over to a senior human: opened, taken, returned, closed.

Each of these is an act in the audit, with whoever did it.
"""

from __future__ import annotations

import time

from engine.errors import InputError
from engine.store.audit import Audit
from engine.store.conversations import Conversations
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import StoredHandover
from engine.store.standing import refresh


class Handovers:
    """At most one open case per conversation."""

    def __init__(self, database: Database, conversations: Conversations, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        self._conversations = conversations

    def open(
        self,
        conversation: str,
        category: str,
        rule: str = "",
        script: str = "",
        message_id: str | None = None,
        *,
        who: str = "",
        at: float | None = None,
    ) -> StoredHandover:
        """Open a case; while one is open it is returned instead, unchanged.

        `script` is the text the customer must be told; `who` opens it, "" where a rule does.
        Raises `InputError` (`no_conversation`).
        """
        with self._database.transaction():
            self._conversations.get(conversation)
            if (standing := self.open_case(conversation)) is not None:
                return standing
            case, moment = new_id(), time.time() if at is None else at
            opened = {"category": category, "rule": rule, "message": message_id}
            self._note("opened", case, conversation, who, moment, [script], **opened)
            self._database.insert(
                "handovers",
                {
                    "id": case,
                    "conversation": conversation,
                    "category": category,
                    "rule": rule,
                    "script": script,
                    "message": message_id,
                    "opened_at": moment,
                },
            )
            refresh(self._database, conversation)
            return self.get(case)

    def get(self, case: str) -> StoredHandover:
        """One case. Raises `InputError` (`no_handover`)."""
        row = self._database.row("SELECT * FROM handovers WHERE id = ?", [case])
        if row is None:
            raise InputError("There is no such hand-over.", "no_handover")
        return _stored(row)

    def open_case(self, conversation: str) -> StoredHandover | None:
        """The conversation's open case."""
        row = self._database.row(
            "SELECT * FROM handovers WHERE conversation = ? AND closed_at IS NULL", [conversation]
        )
        return _stored(row) if row else None

    def of(self, conversation: str) -> list[StoredHandover]:
        """All cases of a conversation, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM handovers WHERE conversation = ? ORDER BY seq", [conversation]
        )
        return [_stored(row) for row in rows]

    def all_open(self) -> list[StoredHandover]:
        """All open cases, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM handovers INDEXED BY handovers_open WHERE closed_at IS NULL ORDER BY seq"
        )
        return [_stored(row) for row in rows]

    def take(self, case: str, who: str, *, at: float | None = None) -> bool:
        """Note who takes an open case; False when it was taken or closed already."""
        moment = time.time() if at is None else at
        changes: Row = {"taken_by": who, "taken_at": moment}
        return self._act("taken", case, who, moment, changes, where="taken_at IS NULL")

    def give_back(self, case: str, who: str, *, at: float | None = None) -> bool:
        """Return a case that was taken: it waits for somebody again; False when nobody had it."""
        moment = time.time() if at is None else at
        changes: Row = {"taken_by": "", "taken_at": None}
        return self._act("returned", case, who, moment, changes, where="taken_at IS NOT NULL")

    def keep_note(self, case: str, note: str) -> bool:
        """Keep what is noted so far about an open case; False when it is closed."""
        return bool(
            self._database.run(
                "UPDATE handovers SET note = ? WHERE id = ? AND closed_at IS NULL", [note, case]
            )
        )

    def close(self, case: str, note: str = "", *, who: str = "", at: float | None = None) -> bool:
        """Close a case: drafting goes on; False when it was closed already."""
        moment = time.time() if at is None else at
        return self._act("closed", case, who, moment, {"closed_at": moment, "note": note}, [note])

    def _act(
        self,
        step: str,
        case: str,
        who: str,
        moment: float,
        changes: Row,
        content: object = None,
        *,
        where: str = "TRUE",
    ) -> bool:
        """Record what changes an open case and change it; False where it is not as `where` says."""
        with self._database.transaction():
            row = self._database.row(
                f"""SELECT conversation FROM handovers
                WHERE id = ? AND closed_at IS NULL AND {where}""",
                [case],
            )
            if row is None:
                return False
            conversation = row["conversation"]
            self._note(step, case, conversation, who, moment, content)
            assigned = ", ".join(f"{name} = :{name}" for name in changes)
            self._database.run(
                f"UPDATE handovers SET {assigned} WHERE id = :case", changes | {"case": case}
            )
            refresh(self._database, conversation)
            return True

    def _note(
        self,
        step: str,
        case: str,
        conversation: str,
        who: str,
        at: float,
        content: object = None,
        **more: str | None,
    ) -> None:
        detail = {"step": step} | {name: value for name, value in more.items() if value}
        self._audit.add(
            *("case", case),
            conversation=conversation,
            who=who,
            detail=detail,
            content=content,
            at=at,
        )


def _stored(row: Row) -> StoredHandover:
    del row["seq"]
    return StoredHandover(**row)
