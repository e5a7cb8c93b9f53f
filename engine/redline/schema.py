"""What stands in a rule pack: the YAML files of ``assets/rules`` as frozen, validated values."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from engine.records import Action, Language, Level, Side
from engine.texts import Both

MAX_WORD = 40
MAX_EXPRESSION = 1_200
MAX_EXPRESSIONS = 200
MAX_EXAMPLES = 500

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=80)]
Word = Annotated[str, Meta(min_length=1, max_length=MAX_WORD)]
Expression = Annotated[str, Meta(min_length=1, max_length=MAX_EXPRESSION)]
Expressions = Annotated[tuple[Expression, ...], Meta(max_length=MAX_EXPRESSIONS)]
Example = Annotated[str, Meta(min_length=1, max_length=2000)]
Examples = Annotated[tuple[Example, ...], Meta(max_length=MAX_EXAMPLES)]
Scope = Literal["clause", "sentence"]
Check = Literal["none", "identity_card", "luhn", "mobile"]
RuleAction = Literal["log", "hint", "mask", "block", "handover"]
Override = Literal["free", "told", "approved", "never"]
Channel = Literal[
    "squeeze", "pinyin", "initials", "homophone", "split", "lookalike", "digits", "mixed"
]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
OF_MASKS: tuple[Channel, ...] = ("squeeze", "lookalike", "digits")
"""The disguises of numbers and addresses."""
SHORT_WORDS: frozenset[Level] = frozenset(("L3", "L4"))
"""The levels whose hits of two characters are seen through where their pack does not say."""


class Heard(Struct, frozen=True, forbid_unknown_fields=True):
    """What the side's classifier must find, with at least this chance: in a customer's words a
    hand-over of this category, in a reply what must not be sent of it."""

    category: Id
    least: Annotated[float, Meta(gt=0, lt=1)]


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """When a rule fires: any of `words`, any of `expressions`, or every group of `all` together.

    `words` and groups are plain wordings, compared after folding; words of three characters and
    more are also found with spaces and symbols between their characters. A group of `all` is found
    when the whole window is at most `within` characters long and lies in one `scope`; `ordered`
    asks for the groups in the order given. `expressions` are RE2 over the folded text (lower case,
    half width, simplified); the first group, where there is one, is the hit. `check` must hold for
    the characters of an expression's hit.

    Vetoes drop a hit: a `none` wording that overlaps it, touches it, or lies within `near`
    characters; a `none_before` expression that ends where the hit starts, a `none_after`
    expression that starts where it ends, or a `none_around` expression that overlaps it, all in the
    same sentence. ``@name`` in them stands for the pack's context of that name.

    `heard` asks the classifier of its side (`classifier.py`, `reply_classifier.py`): the hit is the
    clause that weighs most. `backed` drops an undisguised hit of words or expressions in a passage
    that it gives less than this chance of calling for any hand-over; `sure` are those of `words`
    that it never drops, such as a company adds to a rule that ships.
    """

    words: tuple[Word, ...] = ()
    all: tuple[tuple[Word, ...], ...] = ()
    within: Annotated[int, Meta(ge=1, le=120)] = 16
    ordered: bool = False
    expressions: Expressions = ()
    check: Check = "none"
    scope: Scope = "clause"
    none: tuple[Word, ...] = ()
    near: Annotated[int, Meta(ge=0, le=60)] = 0
    none_before: Expressions = ()
    none_after: Expressions = ()
    none_around: Expressions = ()
    heard: Heard | None = None
    backed: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    sure: tuple[Word, ...] = ()


class Basis(Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule rests on: a statute or standard by its official name, and the article."""

    law: Annotated[str, Meta(min_length=2, max_length=120)]
    article: Annotated[str, Meta(max_length=120)] = ""


class Effective(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The days on which something holds, both ends included; an end left out is open."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` is one of them."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )

    def meets(self, other: Effective) -> bool:
        """Whether some day is one of both."""
        starts = max(self.since or date.min, other.since or date.min)
        return starts <= min(self.until or date.max, other.until or date.max)


ALWAYS = Effective()


class Saying(Struct, frozen=True, forbid_unknown_fields=True):
    """Turns of one role that say any of the words or RE2 expressions, outside `none`."""

    by: Literal["customer", "agent"]
    words: tuple[Word, ...] = ()
    expressions: Expressions = ()
    none: tuple[Word, ...] = ()


class Dialogue(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of the whole conversation; all that is given must.

    `agent_turns`: the reply screened is the agent's first-th to last-th one. `said`: an earlier
    turn says it. `unsaid`: no turn since then (without `said`: no turn at all), the screened text
    included, says it.
    """

    agent_turns: tuple[Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]] | None = None
    said: Saying | None = None
    unsaid: Saying | None = None


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: what it watches for, what happens then, what people are told, and its examples.

    A hand-over without a `script` takes the first one of its category.
    A rule with a `dialogue` may match nothing by itself: then the conversation is what is wrong,
    and the hit is the empty span at the start. A `shadow` rule's hits are recorded and never act.
    `rewrite` is what may stand in a hit's place: a mask puts it there, else it is only offered.
    `before_storage`: what it masks in a customer's message is not even stored. Without an `owner`
    the pack's owner answers for it.

    `evasion` are the disguises it sees through (width, zero-width characters and traditional
    characters never help): signs between characters, pinyin, initials, characters of the same
    sound, characters written as their parts, look-alikes, digits for numerals, and signs or letters
    for characters (加❤, 加V). Left out, it is all of them, of a mask `OF_MASKS`, of level L0 only
    signs. Hits of two characters are seen through at L3 and L4 and where `evasion` is given, but
    never by their sound. `initials` are
    wordings that may be written as their initials (wx for 微信), in words and expressions alike.
    """

    id: Id
    side: Side | tuple[Side, ...]
    category: Id
    level: Level
    action: RuleAction
    name: Both
    why: Both
    advice: Both
    match: Match = Match()
    must_hit: Examples = ()
    must_miss: Examples = ()
    script: Both | None = None
    languages: tuple[Language, ...] = ("zh", "en")
    version: Annotated[int, Meta(ge=1)] = 1
    owner: Annotated[str, Meta(max_length=80)] = ""
    basis: tuple[Basis, ...] = ()
    effective: Effective = ALWAYS
    shadow: bool = False
    rewrite: Both | None = None
    before_storage: bool = False
    dialogue: Dialogue | None = None
    evasion: tuple[Channel, ...] | None = None
    initials: tuple[Word, ...] = ()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The disguises it sees through."""
        if self.evasion is not None:
            return self.evasion
        if self.level == "L0":
            return ("squeeze",)
        return OF_MASKS if self.action == "mask" else CHANNELS

    @property
    def short(self) -> bool:
        """Whether it sees through disguises of two characters."""
        return self.evasion is not None or self.level in SHORT_WORDS

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides this rule watches, always as a tuple."""
        return (self.side,) if isinstance(self.side, str) else self.side

    @property
    def matches(self) -> bool:
        """Whether it looks for anything in the text itself."""
        match = self.match
        return bool(match.words or match.all or match.expressions or match.heard)


class When(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's turns that make a script mandatory: any of the words or RE2 expressions."""

    words: tuple[Word, ...] = ()
    expressions: Expressions = ()
    none: tuple[Word, ...] = ()


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """A mandatory script (必答话术): `text` must be said when `when` holds, or `by_turn`.

    Any wording of `satisfied_by` or expression of `satisfied_if` in the reply fulfils it; without
    either, the text itself must stand there. `by_turn`: it is due, whatever the customer wrote, in
    the agent's reply of that number and the later ones until it was said.
    """

    id: Id
    name: Both
    text: Both
    when: When = When()
    must_hit: Examples = ()
    must_miss: Examples = ()
    satisfied_by: tuple[Word, ...] = ()
    satisfied_if: Expressions = ()
    by_turn: Annotated[int, Meta(ge=1)] | None = None
    version: Annotated[int, Meta(ge=1)] = 1
    owner: Annotated[str, Meta(max_length=80)] = ""
    basis: tuple[Basis, ...] = ()
    effective: Effective = ALWAYS
    shadow: bool = False


class PackHead(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for a pack, and which issue of it this is."""

    id: Id
    version: Annotated[int, Meta(ge=1)]
    owner: Annotated[str, Meta(min_length=1, max_length=80)]
    title: Both


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rules and scripts. `contexts` are named lists of veto expressions.

    `switched_off`, in a company's own pack only: the rules and scripts that ship and do nothing.
    """

    pack: PackHead
    contexts: dict[Id, Expressions] = {}
    rules: tuple[Rule, ...] = ()
    scripts: tuple[Script, ...] = ()
    switched_off: tuple[Id, ...] = ()


class RuleSet(Struct, frozen=True):
    """All packs of a folder, validated. `version` is a short hash of what they say."""

    version: str
    rules: tuple[Rule, ...] = ()
    scripts: tuple[Script, ...] = ()
    packs: tuple[PackHead, ...] = ()


STRENGTH: dict[Action, int] = {
    "none": 0,
    "log": 1,
    "hint": 2,
    "mask": 3,
    "block": 4,
    "handover": 5,
}
"""How strong each action is; of two, the stronger one decides."""

ACTIONS: dict[Level, frozenset[RuleAction]] = {
    "L0": frozenset(("log",)),
    "L1": frozenset(("log", "hint", "mask")),
    "L2": frozenset(("log", "hint", "mask", "block")),
    "L3": frozenset(("mask", "block", "handover")),
    "L4": frozenset(("mask", "block", "handover")),
}
"""What a rule of each level may do."""

OVERRIDES: dict[Level, Override] = {
    "L0": "free",
    "L1": "free",
    "L2": "told",
    "L3": "approved",
    "L4": "never",
}
"""Who may let a blocked text pass: anybody, the agent with a reason that the lead is told, the lead
beforehand, nobody."""
