"""What a lead lets pass, or is told of: texts that a red-line rule keeps back.

An agent *asks* for one text in one conversation. Somebody else approves or refuses it, once. An
approval covers that very text: it is used up by the send, and expires as soon as the agent asks for
another text or something else is sent. What an agent may send alone with a reason is *told* to the
lead, who notes having seen it.

    asked → approved → used        used → approved when the send is undone
    asked → refused                asked, approved → expired
    told → seen                    told → expired when the send is undone
    asked, approved, told → expired when the customer's data is deleted
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence

import msgspec

from engine.errors import InputError
from engine.records import Hit
from engine.store.audit import Audit, approval_content, hits_in_short, words_of
from engine.store.audit_records import approval_records
from engine.store.database import Database, Row
from engine.store.ids import new_id
from engine.store.rows import Approval
from engine.store.text import clean, sha256, to_json


class Approvals:
    """Every text that was asked for or told of."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def ask(
        self,
        conversation: str,
        text: str,
        reason: str,
        asker: str,
        hits: Sequence[Hit] = (),
        *,
        rules: str = "",
        at: float | None = None,
    ) -> Approval:
        """Ask a lead to let `text` pass; an approval of it, or the same request, stays as it is.

        What else was asked for in the conversation expires: another text, or this one with another
        reason. `rules` is the rule set's hash. Raises `InputError`: `no_reason_given`, `no_name`.
        """
        _named(asker)
        if not reason.strip():
            raise InputError(
                "A lead needs to know why. Nothing was asked; give a reason.", "no_reason_given"
            )
        with self._database.transaction():
            standing = self.standing_for(conversation, text)
            if standing is not None and (
                standing.state == "approved"
                or (standing.state == "asked" and standing.reason.strip() == clean(reason).strip())
            ):
                self._expire(conversation, but=standing.id)
                return standing
            self._expire(conversation)
            return self._add("asked", conversation, text, reason, asker, hits, rules, at)

    def tell(
        self,
        conversation: str,
        text: str,
        reason: str,
        asker: str,
        hits: Sequence[Hit] = (),
        *,
        decision: str | None = None,
        rules: str = "",
        at: float | None = None,
    ) -> Approval:
        """Leave word for the lead of what an agent sends with a reason alone."""
        with self._database.transaction():
            return self._add("told", conversation, text, reason, asker, hits, rules, at, decision)

    def decide(
        self,
        approval: str,
        approved: bool,
        who: str,
        comment: str = "",
        *,
        at: float | None = None,
    ) -> Approval:
        """Approve or refuse what was asked for; a refusal says why.

        Raises `InputError`: `no_approval`, `approval_closed` (answered, used or expired by now),
        `own_approval` (the asker's own), `no_name`, `no_comment`.
        """
        if not approved and not comment.strip():
            raise InputError(
                "The agent needs to know what is wrong. Nothing was stored; give a comment.",
                "no_comment",
            )
        to = "approved" if approved else "refused"
        return self._answer(approval, "asked", to, who, comment, at)

    def see(self, approval: str, who: str, comment: str = "", *, at: float | None = None) -> None:
        """Note that a lead has seen what was told. Raises `InputError` as `decide`."""
        self._answer(approval, "told", "seen", who, comment, at)

    def standing_for(self, conversation: str, text: str) -> Approval | None:
        """The newest answer, or question, about this very text in this conversation.

        Only what the audit tells of, too, counts.
        """
        rows = self._database.rows(
            """SELECT * FROM approvals WHERE conversation = ? AND bound = ?
                AND state IN ('asked', 'approved', 'refused')
            ORDER BY seq DESC""",
            [conversation, bound(conversation, text)],
        )
        return next((_stored(row) for row in rows if self._recorded(row)), None)

    def get(self, approval: str) -> Approval:
        """One of them. Raises `InputError` (`no_approval`)."""
        row = self._database.row("SELECT * FROM approvals WHERE id = ?", [approval])
        if row is None:
            raise InputError("There is no such request in the store.", "no_approval")
        return _stored(row)

    def queue(self, limit: int = 200) -> list[Approval]:
        """What waits for a lead: asked for and not answered, told and not seen; oldest first."""
        rows = self._database.rows(
            """SELECT * FROM approvals INDEXED BY approvals_open
            WHERE state IN ('asked', 'told') ORDER BY seq LIMIT ?""",
            [limit],
        )
        return [_stored(row) for row in rows]

    def approved(self, limit: int = 200) -> list[Approval]:
        """What a lead let pass and nobody has sent yet; oldest first."""
        rows = self._database.rows(
            """SELECT * FROM approvals INDEXED BY approvals_unsent
            WHERE state = 'approved' ORDER BY seq LIMIT ?""",
            [limit],
        )
        return [_stored(row) for row in rows]

    def without_effect(self) -> list[str]:
        """The ids of those that stand otherwise than the audit tells: they let nothing pass."""
        rows = self._database.rows(
            "SELECT * FROM approvals WHERE state IN ('asked', 'approved', 'told') ORDER BY seq"
        )
        return [str(row["id"]) for row in rows if not self._recorded(row)]

    def of(self, conversation: str) -> list[Approval]:
        """All of a conversation, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM approvals WHERE conversation = ? ORDER BY seq", [conversation]
        )
        return [_stored(row) for row in rows]

    def sent(self, conversation: str, decision: str, approval: str = "") -> None:
        """Something was sent: `approval`, if it rested on one, is used up; the others expire.

        To be called in the send's transaction. Raises `InputError` (`approval_closed`).
        """
        if approval:
            row = self._database.row(
                """SELECT * FROM approvals
                WHERE id = ? AND state = 'approved' AND conversation = ?""",
                [approval, conversation],
            )
            if row is None or not self._recorded(row):
                raise _closed()
            self._note("used", approval, conversation, decision=decision)
            self._database.run(
                "UPDATE approvals SET state = 'used', decision = ? WHERE id = ?",
                [decision, approval],
            )
        self._expire(conversation, but=approval)

    def undone(self, decision: str) -> None:
        """A send was taken back: its approval stands again; what was told of it is void."""
        for row in self._database.rows(
            "SELECT id, conversation, state FROM approvals WHERE decision = ?", [decision]
        ):
            if row["state"] == "used":
                state = "approved"
            elif row["state"] == "told":
                state = "expired"
            else:
                continue
            self._note(state, row["id"], row["conversation"], decision=decision)
            self._database.run("UPDATE approvals SET state = ? WHERE id = ?", [state, row["id"]])

    def _add(
        self,
        state: str,
        conversation: str,
        text: str,
        reason: str,
        asker: str,
        hits: Sequence[Hit],
        rules: str,
        at: float | None,
        decision: str | None = None,
    ) -> Approval:
        moment = time.time() if at is None else at
        row: Row = {
            "id": new_id(),
            "conversation": conversation,
            "bound": bound(conversation, text),
            "text": clean(text),
            "reason": clean(reason),
            "hits": to_json(list(hits)),
            "asker": clean(asker),
            "at": moment,
            "state": state,
            "decision": decision,
        }
        self._audit.add(
            "approval",
            row["id"],
            conversation=conversation,
            who=asker,
            rules=rules,
            detail={
                "step": state,
                "bound": row["bound"],
                "hits": hits_in_short([("", hit) for hit in hits]),
            },
            content=approval_content(row),
            words=words_of(hits),
            at=moment,
        )
        self._database.insert("approvals", row)
        return self.get(row["id"])

    def _answer(
        self, approval: str, from_: str, to: str, who: str, comment: str, at: float | None
    ) -> Approval:
        _named(who)
        moment = time.time() if at is None else at
        with self._database.transaction():
            row = self._database.row("SELECT * FROM approvals WHERE id = ?", [approval])
            asked = self.get(approval)
            if asked.state != from_ or row is None or not self._recorded(row):
                raise _closed()
            if same_person(asked.asker, who):
                raise InputError(
                    "Nobody answers an own request. It still waits for somebody else.",
                    "own_approval",
                )
            self._note(to, approval, asked.conversation, who=who, content=[comment], at=moment)
            self._database.run(
                """UPDATE approvals SET state = ?, answered_by = ?, answered_at = ?, comment = ?
                WHERE id = ?""",
                [to, who, moment, comment, approval],
            )
            return self.get(approval)

    def expire_all(self, conversation: str) -> None:
        """Nothing asked or told of a conversation waits for anybody any more."""
        self._expire(conversation, states=("asked", "approved", "told"))

    def _expire(
        self, conversation: str, *, but: str = "", states: Sequence[str] = ("asked", "approved")
    ) -> None:
        for row in self._database.rows(
            """SELECT id FROM approvals WHERE conversation = ? AND id != ?
                AND state IN (SELECT value FROM json_each(?))""",
            [conversation, but, to_json(list(states))],
        ):
            self._note("expired", row["id"], conversation)
            self._database.run("UPDATE approvals SET state = 'expired' WHERE id = ?", [row["id"]])

    def _recorded(self, row: Row) -> bool:
        """Whether the audit tells of this text, and of how the request stands.

        What was put into the table by another hand lets nothing pass, and nobody answers it.
        """
        told = approval_records(self._audit.about(row["id"]))
        return told is not None and told.says(row) and told.bound == row["bound"]

    def _note(
        self,
        step: str,
        approval: str,
        conversation: str,
        *,
        who: str = "",
        decision: str = "",
        content: object = None,
        at: float | None = None,
    ) -> None:
        detail = {"step": step} | ({"decision": decision} if decision else {})
        self._audit.add(
            "answer",
            approval,
            conversation=conversation,
            who=who,
            detail=detail,
            content=content,
            at=at,
        )


def bound(conversation: str, text: str) -> str:
    """What an approval is bound to: the SHA-256 of the conversation and the text, in hex."""
    return sha256(f"{conversation}\n{clean(text)}")


def same_person(first: str, second: str) -> bool:
    """Whether two names are one, however they are typed (case, width, blanks)."""
    return _folded(first) == _folded(second)


def _folded(name: str) -> str:
    folded = unicodedata.normalize("NFKC", clean(name)).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "ZC")


def _named(who: str) -> None:
    if not _folded(who):
        raise InputError(
            "Whoever asks or answers needs a name. Nothing was stored; enter it in the settings.",
            "no_name",
        )


def _closed() -> InputError:
    return InputError(
        "This request was answered, used or overtaken in the meantime. Nothing was changed.",
        "approval_closed",
    )


def _stored(row: Row) -> Approval:
    return Approval(
        **{name: value for name, value in row.items() if name not in ("seq", "bound", "hits")},
        hits=msgspec.json.decode(row["hits"], type=tuple[Hit, ...]),
    )
