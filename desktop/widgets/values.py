"""What the widgets are filled with: frozen values, with no store, engine or Qt in them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.records import Hit, Level, Role

Origin = Literal["", "accepted", "edited", "rewritten", "withdrawn", "sending"]
EnginePhase = Literal["starting", "ready", "drafting", "restarted", "no_model", "failed"]
QueueFilter = Literal["all", "waiting", "ready", "handover", "gap", "replied"]
QueueState = Literal[
    "", "queued", "drafting", "ready", "rejected", "gap", "handover", "failed", "replied"
]
BannerKind = Literal["info", "warning", "error"]


class Bubble(Struct, frozen=True):
    """One message as it is shown. `at` and `undo_until` are seconds since 1970 (0: none).

    `origin` says how an agent's message came about; while it is "sending", `decision_id` is what
    `ConversationView.undo_requested` names until `undo_until`.
    """

    id: str
    role: Role
    text: str
    at: float
    origin: Origin = ""
    hits: tuple[Hit, ...] = ()
    decision_id: str = ""
    undo_until: float = 0.0


class ConversationHead(Struct, frozen=True):
    """The header of a conversation. `channel` is a channel's id; `waiting` seconds or none."""

    name: str
    label: str = ""
    channel: str = ""
    subject: str = ""
    waiting: float | None = None


class CaseView(Struct, frozen=True):
    """A hand-over as its card shows it. `opened_at`: seconds since 1970; `owner` "": nobody."""

    category: str
    level: Level = "L3"
    rule: str = ""
    why: str = ""
    advice: str = ""
    script: str = ""
    script_inserted: bool = False
    opened_at: float = 0.0
    owner: str = ""
    note: str = ""
    closed: bool = False


class Availability(Struct, frozen=True):
    """Why an action cannot be done now, in the person's language; "" means that it can."""

    accept: str = ""
    edit: str = ""
    reject: str = ""
    redraft: str = ""
    thumbs_down: str = ""
    hand_over: str = ""


class WordingView(Struct, frozen=True):
    """A proposed wording: what customers say, what documents may call it (likeliest first), in how
    many conversations, the newest of them (seconds since 1970), and a question as an example."""

    said: str
    policies: tuple[str, ...] = ()
    count: int = 1
    last_at: float = 0.0
    example: str = ""


class OwnWording(Struct, frozen=True):
    """A pair of the company's own table; `in_use`: whether some document says `policy`."""

    said: str
    policy: str
    in_use: bool = True


class RailPage(Struct, frozen=True):
    """A page in the rail: its name is the text ``desktop.page.<id>``, `icon` a Phosphor name."""

    id: str
    icon: str
    at_bottom: bool = False


PAGES = (
    RailPage("desk", "headset"),
    RailPage("knowledge", "books"),
    RailPage("review", "shield-check"),
    RailPage("workshop", "scales"),
    RailPage("settings", "gear", at_bottom=True),
)
