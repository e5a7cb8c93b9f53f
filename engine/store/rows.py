"""What comes out of the store: frozen values with their ids.

Times are epoch seconds; ids are UUIDv7 strings, so they sort by the time they were made.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.records import DecisionAction, Draft, Evidence, Hit, RejectReason, Role

MessageState = Literal["received", "pending", "sent", "undone"]
StandingDraft = Literal["none", "drafted", "abstained", "handover", "failed"]
Filter = Literal["all", "waiting", "ready", "handed_over", "answered", "gaps"]
Verdict = Literal["right", "false_alarm", "missed"]
ApprovalState = Literal["asked", "approved", "refused", "used", "expired", "told", "seen"]
MissedWhy = Literal["gap", "rejected", "changed"]


class ExternalKey(Struct, frozen=True):
    """How a channel names a message: `source` is the channel's own name for itself.

    A key that has been received once is never stored a second time.
    """

    source: str
    conversation: str
    message: str


class StoredMessage(Struct, frozen=True):
    """One message. A customer's is `received`; an agent's is `pending` until `due`, then `sent`."""

    id: str
    conversation: str
    role: Role
    text: str
    at: float
    state: MessageState
    kind: str = ""
    due: float | None = None
    sent_at: float | None = None
    decision: str | None = None


class Departure(Struct, frozen=True):
    """A final message that its channel is to have. `source` is the channel's name for itself.

    `source` is None where no channel brought the conversation: then there is nobody to deliver to.
    """

    message: StoredMessage
    source: str | None = None


class ConversationRow(Struct, frozen=True):
    """A conversation as a list shows it.

    `waiting_since` is the time of the first customer message that no agent message followed, None
    when answered or closed. `forgotten_at` is when the customer's data was deleted.
    `draft_status` tells of the undecided draft for `newest_message`, the
    newest customer message; `rejected` is set when the agent rejected the last draft for it.
    `handed_over` is the category of the open hand-over case. `preview` is one line.
    """

    id: str
    customer: str
    channel: str
    label: str
    subject: str
    opened_at: float
    last_at: float
    preview: str
    messages: int
    customer_messages: int
    agent_messages: int
    pending: int
    waiting_since: float | None = None
    newest_message: str | None = None
    draft_status: StandingDraft = "none"
    rejected: bool = False
    handed_over: str | None = None
    gap: bool = False
    closed_at: float | None = None
    forgotten_at: float | None = None


class Counts(Struct, frozen=True):
    """How many conversations each filter of the list finds."""

    all: int = 0
    waiting: int = 0
    ready: int = 0
    handed_over: int = 0
    answered: int = 0
    gaps: int = 0


class StoredDraft(Struct, frozen=True):
    """A draft for customer message `message`; `decided` once a standing decision is on it."""

    id: str
    conversation: str
    message: str
    draft: Draft
    at: float
    decided: bool = False


class StoredDecision(Struct, frozen=True):
    """What the agent did. `outgoing` is the message that leaves at `due`, None if nothing is sent.

    `message` is the customer message it answers; `edit_distance` counts code points between the
    draft as it could have been sent and `text`; `seconds` is how long the agent took.
    """

    id: str
    conversation: str
    action: DecisionAction
    at: float
    text: str = ""
    message: str | None = None
    draft: str | None = None
    edit_distance: int = 0
    reason: RejectReason | None = None
    comment: str = ""
    seconds: float = 0.0
    who: str = ""
    hits: tuple[Hit, ...] = ()
    override: str | None = None
    approved_by: str = ""
    outgoing: str | None = None
    due: float | None = None
    undone: bool = False


class DayCounts(Struct, frozen=True):
    """Standing decisions since local midnight, by action."""

    accepted: int = 0
    edited: int = 0
    rewritten: int = 0
    rejected: int = 0
    handed_over: int = 0


class StoredHandover(Struct, frozen=True):
    """A case for a senior human; open while `closed_at` is None."""

    id: str
    conversation: str
    category: str
    rule: str
    script: str
    message: str | None
    opened_at: float
    taken_by: str = ""
    taken_at: float | None = None
    closed_at: float | None = None
    note: str = ""


class StoredHit(Struct, frozen=True):
    """A rule's hit with the text around it (500 characters to either side) and what the lead
    judged it to be. The hit's own offsets count from the start of the whole text.

    `draft` is set where a draft was hit, `agent` where an agent's text was. `missed` is the verdict
    on what no rule had found and a lead marked.
    """

    id: str
    conversation: str
    message: str | None
    hit: Hit
    screened: str
    at: float
    verdict: Verdict | None = None
    draft: str | None = None
    agent: str = ""


class Approval(Struct, frozen=True):
    """A text that a rule kept back, and what became of it (`engine.store.approvals`).

    `hits` index `text`; `reason` is the asker's, `comment` the answerer's; `decision` is the send.
    """

    id: str
    conversation: str
    text: str
    reason: str
    asker: str
    at: float
    state: ApprovalState
    hits: tuple[Hit, ...] = ()
    answered_by: str = ""
    answered_at: float | None = None
    comment: str = ""
    decision: str | None = None


class Appeal(Struct, frozen=True):
    """An agent's word against a hit. `upheld` is None until somebody else has answered it."""

    id: str
    hit: str
    who: str
    text: str
    at: float
    upheld: bool | None = None
    answer: str = ""
    answered_by: str = ""
    answered_at: float | None = None


class Appealed(Struct, frozen=True):
    """An appeal with the hit it speaks against."""

    appeal: Appeal
    hit: StoredHit


class RulePrecision(Struct, frozen=True):
    """How often a rule was right, by the lead's verdicts; `missed` is what it should have found.

    `precision` is the share of right ones among those judged, None where none were; `low` and
    `high` bound it with 95 % confidence (Wilson).
    """

    rule: str
    hits: int
    right: int
    false_alarms: int
    missed: int
    precision: float | None = None
    low: float = 0.0
    high: float = 1.0


class Gap(Struct, frozen=True):
    """A question the knowledge held no answer to, and how often it came."""

    id: str
    question: str
    reason: str
    count: int
    first_at: float
    last_at: float
    conversation: str


class MissedQuestion(Struct, frozen=True):
    """A customer's question for which the search had not found what answered it.

    `answer` is what was sent for it, "" if nothing was; `drafted` and `evidence` are the draft's
    that was not good enough. `customer` is who asked.
    """

    question: str
    customer: str
    conversation: str
    at: float
    why: MissedWhy
    answer: str = ""
    drafted: str = ""
    evidence: tuple[Evidence, ...] = ()


class Composer(Struct, frozen=True):
    """What an agent has typed and not sent."""

    conversation: str
    text: str
    at: float


class Thumb(Struct, frozen=True):
    """A thumbs-down on a draft."""

    id: str
    draft: str
    who: str
    comment: str
    at: float
