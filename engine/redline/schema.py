"""What stands in a rule pack: the YAML files of ``assets/rules`` as frozen, validated values."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from engine.records import Action, Language, Level, Side
from engine.texts import Both

MAX_WORD = 40
MAX_EXPRESSION = 600

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=80)]
Word = Annotated[str, Meta(min_length=1, max_length=MAX_WORD)]
Expression = Annotated[str, Meta(min_length=1, max_length=MAX_EXPRESSION)]
Example = Annotated[str, Meta(min_length=1, max_length=2000)]
Scope = Literal["clause", "sentence"]
Check = Literal["none", "identity_card", "luhn", "mobile"]
RuleAction = Literal["log", "hint", "mask", "block", "handover"]


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
    """

    words: tuple[Word, ...] = ()
    all: tuple[tuple[Word, ...], ...] = ()
    within: Annotated[int, Meta(ge=1, le=120)] = 16
    ordered: bool = False
    expressions: tuple[Expression, ...] = ()
    check: Check = "none"
    scope: Scope = "clause"
    none: tuple[Word, ...] = ()
    near: Annotated[int, Meta(ge=0, le=60)] = 0
    none_before: tuple[Expression, ...] = ()
    none_after: tuple[Expression, ...] = ()
    none_around: tuple[Expression, ...] = ()


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: what it watches for, what happens then, what people are told, and its examples."""

    id: Id
    side: Side | tuple[Side, ...]
    category: Id
    level: Level
    action: RuleAction
    name: Both
    why: Both
    advice: Both
    match: Match
    must_hit: tuple[Example, ...]
    must_miss: tuple[Example, ...]
    script: Both | None = None
    languages: tuple[Language, ...] = ("zh", "en")

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides this rule watches, always as a tuple."""
        return (self.side,) if isinstance(self.side, str) else self.side


class When(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's turns that make a script mandatory: any of the words or RE2 expressions."""

    words: tuple[Word, ...] = ()
    expressions: tuple[Expression, ...] = ()
    none: tuple[Word, ...] = ()


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """A mandatory script (必答话术): `text` must be said when `when` holds.

    Any wording of `satisfied_by` in the reply fulfils it; without one, the text itself must stand
    there.
    """

    id: Id
    name: Both
    when: When
    text: Both
    must_hit: tuple[Example, ...]
    must_miss: tuple[Example, ...]
    satisfied_by: tuple[Word, ...] = ()


class PackHead(Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for a pack, and which issue of it this is."""

    id: Id
    version: Annotated[int, Meta(ge=1)]
    owner: Annotated[str, Meta(min_length=1, max_length=80)]
    title: Both


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rules and scripts. `contexts` are named lists of veto expressions."""

    pack: PackHead
    contexts: dict[Id, tuple[Expression, ...]] = {}
    rules: tuple[Rule, ...] = ()
    scripts: tuple[Script, ...] = ()


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
