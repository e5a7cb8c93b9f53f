"""What the review page is filled with: frozen values, with no store and no Qt in them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from engine.records import Evidence, Hit, Level, Side

Verdict = Literal["right", "false_alarm", "missed"]
AppealState = Literal["open", "upheld", "dismissed", "deleted"]
Judged = Literal["", "none", "right", "false_alarm", "missed", "appealed"]
RequestState = Literal["asked", "told", "approved", "refused", "seen", "used", "expired"]


class HitFilter(Struct, frozen=True):
    """Which hits are looked at; an empty field does not narrow.

    `judged`: "none" are those without a verdict, "appealed" those with an appeal that nobody has
    answered. `trial`: whether the rule is on trial. `since` and `until` are seconds since 1970,
    half-open.
    """

    judged: Judged = "none"
    rule: str = ""
    category: str = ""
    level: Level | Literal[""] = ""
    side: Side | Literal[""] = ""
    who: str = ""
    trial: Literal["", "yes", "no"] = ""
    since: float | None = None
    until: float | None = None

    def narrowed(self) -> int:
        """How many fields narrow, beside the verdict."""
        return sum(
            value not in ("", None) for name, value in asdict(self).items() if name != "judged"
        )


class Appeal(Struct, frozen=True):
    """What the agent has to say against a hit, and the lead's answer ("" while there is none).

    `upheld` is None until a lead has answered; `closed` without that: it went with the customer's
    data. `own`: the lead who looks at it is that agent, and cannot answer it.
    """

    text: str
    who: str
    at: float
    answer: str = ""
    answered_by: str = ""
    upheld: bool | None = None
    closed: bool = False
    own: bool = False

    @property
    def state(self) -> AppealState:
        """Where it stands."""
        if self.upheld is None:
            return "deleted" if self.closed else "open"
        return "upheld" if self.upheld else "dismissed"


class HitRow(Struct, frozen=True):
    """One hit as it is reviewed. ``excerpt[start:end]`` are the characters that were hit.

    `who` is the agent concerned, "" for a customer's message; `message` None means that the text
    never became a message.
    """

    id: str
    conversation: str
    message: str | None
    hit: Hit
    excerpt: str
    start: int
    end: int
    at: float
    who: str = ""
    verdict: Verdict | None = None
    judged_by: str = ""
    note: str = ""
    appeal: Appeal | None = None


class RequestRow(Struct, frozen=True):
    """A text that a rule keeps back: an agent asks leave to send it, or told of having sent it.

    `own`: the lead who looks at it is that agent.
    """

    id: str
    conversation: str
    text: str
    hits: tuple[Hit, ...]
    reason: str
    who: str
    at: float
    state: RequestState = "asked"
    own: bool = False


class Accuracy(Struct, frozen=True):
    """How often a rule was right, by the verdicts; `low` and `high` bound the share (0…1) with
    95 % confidence."""

    rule: str
    right: int
    false_alarms: int
    low: float
    high: float
    missed: int = 0

    @property
    def share(self) -> float | None:
        """The share of hits that were right; None before the first verdict."""
        judged = self.right + self.false_alarms
        return self.right / judged if judged else None


class Choices(Struct, frozen=True):
    """What the filters offer: ids of rules and categories, and agents."""

    rules: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class Around(Struct, frozen=True):
    """What stands around a hit or a request: who the customer is, and what the draft rested on."""

    customer: str = ""
    label: str = ""
    channel: str = ""
    subject: str = ""
    evidence: tuple[Evidence, ...] = ()
    forgotten: bool = False


class MissedSpan(Struct, frozen=True):
    """A part of a message that a rule should have caught."""

    message: str
    start: int
    end: int
    category: str
    note: str = ""
