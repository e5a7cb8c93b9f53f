"""Whether a typed text may leave: what the rules say of it, and what a lead said."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.deciding import sendable
from engine.records import Hit, Screening
from engine.redline.gate import STOPPING, override_of
from engine.redline.schema import Override
from engine.store.approvals import same_person
from engine.store.rows import Appeal, Approval
from engine.store.text import clean

_ANSWERABLE = ("asked", "approved", "refused")
_STANDING = ("asked", "approved")


class Clearance(Struct, frozen=True):
    """How a text stands.

    `override` says who may let it pass where a rule keeps it back; None where none does, or where
    the rules could not be asked. `approval` is about this very text, `other` a request that stands
    for another text of the conversation. `appeal` is the agent's own word against the gravest hit.
    `own` says that the agent is the lead who let it pass: then somebody else has to send it.
    """

    text: str = ""
    screening: Screening = Screening()
    override: Override | None = None
    approval: Approval | None = None
    other: Approval | None = None
    appeal: Appeal | None = None
    own: bool = False

    @property
    def stopping(self) -> tuple[Hit, ...]:
        """The hits that keep the text back, the first one of each rule."""
        hits = [hit for hit in self.screening.hits if hit.action in STOPPING]
        return tuple({hit.rule: hit for hit in reversed(hits)}.values())[::-1]

    @property
    def gravest(self) -> Hit | None:
        """The hit that is told at length; None where none keeps the text back."""
        return max(self.stopping, key=lambda hit: hit.level, default=None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The scripts that are missing, where that is all that keeps the text back."""
        return () if self.screening.action in STOPPING else self.screening.scripts

    @property
    def approved(self) -> bool:
        """Whether a lead, and not the agent, lets this very text pass."""
        found = self.approval
        passed = found is not None and found.state == "approved"
        return self.override == "approved" and passed and not self.own


def clearance(
    text: str, screening: Screening, approvals: Sequence[Approval], agent: str = ""
) -> Clearance:
    """What `screening` and the conversation's `approvals`, oldest first, mean for `text`.

    `agent` is who would send it.
    """
    forms = {clean(text), sendable(text)}
    same = [one for one in approvals if one.text in forms and one.state in _ANSWERABLE]
    others = [one for one in approvals if one.text not in forms and one.state in _STANDING]
    kept_back = any(hit.action in STOPPING for hit in screening.hits)
    found = same[-1] if same else None
    return Clearance(
        text,
        screening,
        override_of(screening) if kept_back else None,
        found,
        others[-1] if others else None,
        own=found is not None and same_person(found.answered_by, agent),
    )
