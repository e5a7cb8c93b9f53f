"""The values that flow through Zuoxi: frozen, without storage ids, without behaviour.

Offsets are Python string indices (code points) into the text they belong to, half-open.
Dates are ISO strings (``2026-11-22``), times are seconds, durations in ``*_ms`` are milliseconds.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Role = Literal["customer", "agent", "system"]
Side = Literal["customer", "model", "agent"]
Level = Literal["L0", "L1", "L2", "L3", "L4"]
Action = Literal["none", "log", "hint", "mask", "block", "handover"]
DraftStatus = Literal["drafted", "abstained", "handover", "failed"]
DraftMode = Literal["auto", "verbatim", "free"]
Language = Literal["zh", "en"]
DecisionAction = Literal["accepted", "edited", "rewritten", "rejected", "handed_over"]
RejectReason = Literal[
    "wrong_fact",
    "wrong_evidence",
    "incomplete",
    "tone",
    "misunderstood",
    "length",
    "red_line",
    "other",
]


class Passage(Struct, frozen=True):
    """A piece of a knowledge document. `doc` is the file's name, `ordinal` its place in it."""

    doc: str
    title: str
    section: str
    text: str
    ordinal: int = 0
    valid_from: str | None = None
    valid_until: str | None = None
    internal: bool = False
    tags: tuple[str, ...] = ()


class Found(Struct, frozen=True):
    """A passage that a search returned. `score` grows with relevance; `rank` starts at 1.

    `cosine` is the vector similarity (−1…1), `coverage` the share (0…1) of the query's weight
    (inverse document frequency over character 1- and 2-grams) that the passage covers.
    """

    rank: int
    passage: Passage
    score: float
    cosine: float = 0.0
    coverage: float = 0.0


class Evidence(Struct, frozen=True):
    """A passage as a draft cites it, a snapshot kept with it; `[n]` in the text is `n`."""

    n: int
    doc: str
    title: str
    section: str
    text: str
    score: float
    valid_from: str | None = None
    valid_until: str | None = None


class Turn(Struct, frozen=True, omit_defaults=True):
    """One message as the drafting pipeline sees it.

    `evidence` is what the draft for a customer's turn rested on: it stays in the prompt of the
    turns after it, so that a conversation's prompt only grows and is never read twice.
    """

    role: Role
    text: str
    evidence: tuple[Evidence, ...] = ()


class Hit(Struct, frozen=True):
    """One match of a red-line rule; `start`/`end` index the screened text, `text` is that slice.

    `trial`: the rule is on trial, so the hit was only recorded.
    """

    rule: str
    category: str
    level: Level
    action: Action
    start: int
    end: int
    text: str
    side: Side = "agent"
    name: str = ""
    why: str = ""
    advice: str = ""
    rewrite: str = ""
    trial: bool = False


class Screening(Struct, frozen=True):
    """What the rules say of one text: all hits, the strongest action, the scripts that apply.

    `shadow` are the hits of rules on trial: they are recorded, shown to no agent and never act.
    """

    hits: tuple[Hit, ...] = ()
    action: Action = "none"
    scripts: tuple[str, ...] = ()
    shadow: tuple[Hit, ...] = ()


class Span(Struct, frozen=True):
    """A stretch of a text."""

    start: int
    end: int
    text: str


class NumberSource(Struct, frozen=True):
    """A number in a draft and where it stands: evidence `n`, the conversation, or the style."""

    start: int
    end: int
    text: str
    source: Literal["evidence", "conversation", "style"]
    n: int = 0


class Release(Struct, frozen=True):
    """What made a draft: model and adapter by name and short hash, and versions of the rest."""

    model: str = ""
    adapter: str = ""
    rules: str = ""
    knowledge: str = ""
    prompt: str = ""


class Timings(Struct, frozen=True):
    """Milliseconds: the search, the first released token after the request, the whole draft."""

    search: float = 0.0
    first_token: float = 0.0
    total: float = 0.0


class TokenCounts(Struct, frozen=True):
    """Tokens of the prompt, those of them that were not evaluated again, and those generated."""

    prompt: int = 0
    reused: int = 0
    generated: int = 0


class Draft(Struct, frozen=True):
    """The reply proposed for the newest customer message.

    `reason` says why there is no text (abstained, failed) in the agent's language;
    `category` and `script` are set on a hand-over. An abstention with a `category` is no gap in
    the knowledge: `nothing_asked`.
    """

    status: DraftStatus
    text: str = ""
    evidence: tuple[Evidence, ...] = ()
    hits: tuple[Hit, ...] = ()
    unsupported: tuple[Span, ...] = ()
    numbers: tuple[NumberSource, ...] = ()
    script: str | None = None
    category: str = ""
    reason: str = ""
    style: str = ""
    mode: DraftMode = "auto"
    release: Release = Release()
    ms: Timings = Timings()
    tokens: TokenCounts = TokenCounts()
