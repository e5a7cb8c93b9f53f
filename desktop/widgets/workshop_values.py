"""What the rule workshop is filled with: frozen values, with no store and no Qt in them."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from engine.records import Hit, Level, Side
from engine.redline.schema import Channel, RuleAction
from engine.texts import Both

Change = Literal["", "changed", "added", "off"]
"""How a rule of the draft differs from the one in force."""
PartKind = Literal["rule", "script", "context"]
Stage = Literal["draft", "trial", "asked", "in_force"]
"""Where the newest set of rules stands; `in_force`: nothing is changed."""
VersionState = Literal[
    "trial", "asked", "in_force", "superseded", "rolled_back", "withdrawn", "refused"
]
RowState = Literal["", "changed", "trial", "off", "own", "wrong"]
ReplayKind = Literal["new", "lost", "altered", "flipped"]
Judged = Literal["", "right", "false_alarm", "missed"]

REPLAY_KINDS: Final[tuple[ReplayKind, ...]] = ("new", "lost", "altered", "flipped")
STAGES: Final[tuple[Stage, ...]] = ("draft", "trial", "asked", "in_force")
NO_WORDS: Final = Both("", "")


class RuleRow(Struct, frozen=True):
    """One rule (or script, or context) in the list. `own`: it is not as it ships. `problems` keep
    it from being tried; of `judged` hits `right` were right, and `missed` were marked by leads."""

    id: str
    name: str
    kind: PartKind = "rule"
    sides: tuple[Side, ...] = ()
    category: str = ""
    level: Level = "L0"
    action: RuleAction = "log"
    own: bool = False
    trial: bool = False
    change: Change = ""
    problems: int = 0
    right: int = 0
    judged: int = 0
    missed: int = 0

    @property
    def key(self) -> tuple[PartKind, str]:
        """What names it among all."""
        return self.kind, self.id

    @property
    def share(self) -> float | None:
        """How many of the judged hits were right (0…1); None before the first verdict."""
        return self.right / self.judged if self.judged else None


class RuleFilter(Struct, frozen=True):
    """Which rules are listed; an empty field does not narrow."""

    words: str = ""
    side: Side | Literal[""] = ""
    category: str = ""
    level: Level | Literal[""] = ""
    state: RowState = ""

    def lets(self, one: RuleRow, category: str) -> bool:
        """Whether a rule is listed; `category` is its category in words."""
        if self.side and self.side not in one.sides:
            return False
        if (self.category and one.category != self.category) or (
            self.level and one.level != self.level
        ):
            return False
        states = {
            "changed": one.change in ("changed", "added"),
            "trial": one.trial,
            "off": one.change == "off",
            "own": one.own,
            "wrong": one.problems > 0,
        }
        if self.state and not states[self.state]:
            return False
        words = self.words.casefold().split()
        read = f"{one.name} {one.id} {category}".casefold()
        return all(word in read for word in words)


class RuleForm(Struct, frozen=True):
    """What the form shows of a rule; everything else of it stands in its text alone.

    `groups` are those of `all`, a line each with ``/`` between the wordings. `channels` None means
    the ones of its level. `since` and `until` are ISO days or "". `basis`: law and article.
    """

    name: Both = NO_WORDS
    sides: tuple[Side, ...] = ()
    category: str = ""
    level: Level = "L1"
    action: RuleAction = "hint"
    words: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    within: int = 16
    ordered: bool = False
    expressions: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    near: int = 0
    none_before: tuple[str, ...] = ()
    none_after: tuple[str, ...] = ()
    none_around: tuple[str, ...] = ()
    channels: tuple[Channel, ...] | None = None
    why: Both = NO_WORDS
    advice: Both = NO_WORDS
    script: Both = NO_WORDS
    rewrite: Both = NO_WORDS
    shadow: bool = False
    since: str = ""
    until: str = ""
    owner: str = ""
    basis: tuple[str, ...] = ()


class ProblemLine(Struct, frozen=True):
    """What is wrong with a rule's text: the line (from 1; 0: the whole) and why, in words."""

    line: int
    words: str


class ExampleMark(Struct, frozen=True):
    """How an example fares: `ok` when the rule does what it should; `spans` are what it hits."""

    text: str
    ok: bool
    spans: tuple[tuple[int, int], ...] = ()


class Checked(Struct, frozen=True):
    """A rule's text, checked. `form` is None while the text is no rule that a form can show, and
    `read` tells whether it is a rule, script or context at all."""

    text: str
    problems: tuple[ProblemLine, ...] = ()
    form: RuleForm | None = None
    read: bool = True
    hits: tuple[ExampleMark, ...] = ()
    misses: tuple[ExampleMark, ...] = ()


class Opened(Struct, frozen=True):
    """What is edited: its row, its text as the draft has it, whether it ships, and what it was."""

    row: RuleRow
    text: str
    ships: bool = True
    former: str = ""


class Tried(Struct, frozen=True):
    """A text screened by the rules in force and by the changed ones; `broken`: not by these, as
    they do not load."""

    text: str
    in_force: tuple[Hit, ...] = ()
    changed: tuple[Hit, ...] = ()
    broken: bool = False


class ReplayRow(Struct, frozen=True):
    """A stored text that the changed set treats otherwise; ``text[start:end]`` was hit.

    `flips`: "better" when a lead's verdict comes true, "worse" when it is undone.
    """

    kind: Literal["new", "lost", "altered"]
    hit: Hit
    text: str
    start: int
    end: int
    at: float
    conversation: str = ""
    verdict: Judged = ""
    flips: Literal["", "better", "worse"] = ""


class RuleCount(Struct, frozen=True):
    """What a replay found of one rule."""

    rule: str
    name: str
    new: int = 0
    lost: int = 0
    altered: int = 0
    better: int = 0
    worse: int = 0


class ReplayView(Struct, frozen=True):
    """A replay under way or done; `left` in seconds. Of each kind `rows` are the first."""

    phase: Literal["none", "running", "done", "cancelled", "failed", "stale"] = "none"
    done: int = 0
    total: int = 0
    left: float | None = None
    new: int = 0
    lost: int = 0
    altered: int = 0
    better: int = 0
    worse: int = 0
    rules: tuple[RuleCount, ...] = ()
    problem: str = ""

    def count(self, kind: ReplayKind) -> int:
        """How many there are of one kind."""
        return self.better + self.worse if kind == "flipped" else int(getattr(self, kind))


class VersionStep(Struct, frozen=True):
    """Something that was done with a version, by whom and when (seconds since 1970)."""

    step: str
    who: str
    at: float
    comment: str = ""


class VersionRow(Struct, frozen=True):
    """One version of the rules, made from version `base`; 0 are those that ship."""

    number: int
    state: VersionState
    authors: tuple[str, ...] = ()
    at: float = 0.0
    comment: str = ""
    base: int = 0
    rule_set: str = ""
    changes: int = 0
    steps: tuple[VersionStep, ...] = ()


class RuleDiff(Struct, frozen=True):
    """How one rule differs between two versions: a unified diff, line by line."""

    rule: str
    name: str
    change: Literal["added", "removed", "changed"]
    lines: tuple[str, ...] = ()


class Standing(Struct, frozen=True):
    """How the rules stand: what is in force (None: as they ship), what is on trial, what is edited.

    `who` looks at it, and `own` says that she or he is an author of what is coming. `trial_hits`:
    what the rules on trial have found so far. `problem` is the first of `problems`, `trouble` what
    did not load, in words.
    """

    in_force: VersionRow | None = None
    trial: VersionRow | None = None
    changes: int = 0
    problems: int = 0
    problem: str = ""
    who: str = ""
    own: bool = False
    trial_hits: int = 0
    trouble: str = ""

    @property
    def stage(self) -> Stage:
        """The furthest step that waits for somebody."""
        if self.trial is not None:
            return "asked" if self.trial.state == "asked" else "trial"
        return "draft" if self.changes else "in_force"
