"""A company's own changes to the rules that ship, each the YAML text of one rule, and their set.

The texts are untrusted: they are read as packs are, without aliases, and refused with their line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.redline.checking import (
    COMPANY,
    At,
    Example,
    Problem,
    due,
    expression_problems,
    failing,
    problem_of,
    script_problems,
    sense_problems,
    tried,
    unreadable,
)
from engine.redline.packs import MAX_FILE, PackError, Places, Source, Step, read_text
from engine.redline.rules import Progress, examined, with_contexts
from engine.redline.schema import Expressions, Id, Pack, PackHead, Rule, RuleSet, Script
from engine.store.text import to_json
from engine.texts import Both

Kind = Literal["rule", "script", "context"]
Key = tuple[Kind, str]
"""What a change is about: its kind and id."""


class Change(Struct, frozen=True):
    """One rule, script or context in the company's own words; without text it is switched off.

    `pack` is the pack whose contexts a rule may use, beside the company's own.
    """

    kind: Kind
    id: str
    text: str = ""
    pack: str = ""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.kind, self.id


Changes = tuple[Change, ...]


class Checked(Struct, frozen=True):
    """What one text says, as it is written, and what is wrong with it.

    `rule` is None where it cannot be read.
    """

    kind: Kind
    id: str = ""
    rule: Rule | Script | None = None
    problems: tuple[Problem, ...] = ()
    examples: tuple[Example, ...] = ()


class Base:
    """The packs that a company's changes are made to; they are known to load."""

    def __init__(self, sources: Sequence[Source], version: str) -> None:
        self.sources = tuple(msgspec.structs.replace(one, checked=True) for one in sources)
        self.version = version
        self._packs = {one.pack.pack.id: one.pack for one in sources}
        self.homes: dict[Key, str] = {}
        self.rules: dict[str, Rule] = {}
        for source in sources:
            head = source.pack.pack.id
            self.rules |= {rule.id: rule for rule in source.pack.rules}
            self.homes |= {("rule", rule.id): head for rule in source.pack.rules}
            self.homes |= {("script", script.id): head for script in source.pack.scripts}

    def contexts(self, change: Change) -> dict[str, tuple[str, ...]]:
        """The contexts that the changed rule may name."""
        home = self._packs.get(self.homes.get(change.key, change.pack))
        return dict(home.contexts) if home else {}

    def owner(self, change: Change) -> str:
        """Who answers for a rule that does not say."""
        home = self._packs.get(self.homes.get(change.key, ""))
        return home.pack.owner if home else ""


def encoded(changes: Changes) -> str:
    """Changes as the store keeps them."""
    return to_json(sorted(changes, key=lambda one: (one.kind, one.id)))


def decoded(text: str) -> Changes:
    """What `encoded` wrote. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(text, type=Changes)


def checked(change: Change, base: Base, contexts: Mapping[str, tuple[str, ...]]) -> Checked:
    """One change by itself: what it says, its problems, and its examples one by one.

    `contexts` are the company's own. Lines count within the change's text.
    """
    try:
        source, part = _read(change, base, contexts)
    except PackError as error:
        problem = unreadable(COMPANY, error, change.id)
        return Checked(change.kind, change.id, problems=(problem,))
    if part is None:
        at = At(source, change.id, ())
        said = source.pack.contexts[change.id]
        wrong = tuple(one for each in said for one in expression_problems(at, each))
        return Checked(change.kind, change.id, problems=wrong)
    at = At(source, part.id, (_LISTS[change.kind], 0))
    problems = []
    if change.id and part.id != change.id:
        problems.append(at.problem("renamed", "id", id=change.id))
    if isinstance(part, Script):
        problems += script_problems(at, part)
        compiles = all(problem.code != "expression" for problem in problems)
        examples = tuple(due(part)) if compiles else ()
        return Checked(change.kind, part.id, part, tuple(problems), examples)
    try:
        rule = with_contexts(part, source.pack)
    except KeyError as error:
        wanted = f"@{error.args[0]}"
        problems.append(at.problem("no_context", value=wanted, context=wanted))
        return Checked(change.kind, part.id, part, tuple(problems))
    senseless = list(sense_problems(at, rule))
    problems += senseless
    # With too few examples, those that there are show all the same what they do.
    examples = tuple(tried(rule)) if all(p.code == "no_examples" for p in senseless) else ()
    if not senseless:
        problems += failing(at, examples)
    return Checked(change.kind, part.id, part, tuple(problems), examples)


def company_set(
    base: Base, changes: Changes, told: Progress = lambda _done, _total: None
) -> tuple[RuleSet, list[Problem]]:
    """The set that `changes` make of `base`, and everything that keeps it from loading.

    A changed rule takes the place of all that ship under its id. Without changes it is what ships.
    `told` is called with how many of the changed rules are checked.
    """
    problems: list[Problem] = []
    gone = {one.key for one in changes}
    sources = [_without(source, gone) for source in base.sources]
    contexts, wrong = own_contexts(changes)
    problems += wrong
    for change in changes:
        if not change.text:
            if change.key not in base.homes:
                problems.append(problem_of(COMPANY, "not_shipped", rule=change.id))
        elif change.kind != "context":
            try:
                source, part = _read(change, base, contexts)
            except PackError as error:
                problems.append(unreadable(COMPANY, error, change.id))
                continue
            if part is not None and part.id != change.id:
                at = At(source, part.id, (_LISTS[change.kind], 0))
                problems.append(at.problem("renamed", "id", id=change.id))
            sources.append(source)
    version = version_of(base.version, changes)
    rule_set, found = examined(sources, version, sound=not problems, told=told)
    heads = tuple(source.pack.pack for source in base.sources)
    return msgspec.structs.replace(rule_set, packs=heads), problems + found


def version_of(base: str, changes: Changes) -> str:
    """The short hash of the set that `changes` make of the packs of this hash."""
    if not changes:
        return base
    return hashlib.sha256(f"{base}\n{encoded(changes)}".encode()).hexdigest()[:12]


def own_contexts(changes: Changes) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """The company's own contexts by name, and what is wrong with their texts."""
    contexts: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for change in changes:
        if change.kind == "context" and change.text:
            try:
                value, _ = read_text(_bytes(change.text), Expressions)
                contexts[msgspec.convert(change.id, Id)] = value
            except PackError as error:
                problems.append(unreadable(COMPANY, error, change.id))
            except msgspec.ValidationError as error:
                problems.append(
                    problem_of(COMPANY, "schema", rule=change.id, values={"why": str(error)})
                )
    return contexts, problems


def split(pack: str) -> list[tuple[Change, int]]:
    """A whole pack's text as changes, one for each rule, script and context, and their lines.

    What it switches off is among them. Raises `PackError`.
    """
    value, places = read_text(_bytes(pack), Pack)
    lines = pack.splitlines()
    home = value.pack.id
    made: list[tuple[Change, int]] = []
    for number, rule in enumerate(value.rules):
        text = _as_written(lines, places, ("rules", number), rule)
        line = places.line(("rules", number))
        made.append((Change("rule", rule.id, text, home), line))
    for number, script in enumerate(value.scripts):
        text = _as_written(lines, places, ("scripts", number), script)
        made.append((Change("script", script.id, text, home), places.line(("scripts", number))))
    made += [
        (Change("rule", one), places.line(("switched_off", number)))
        for number, one in enumerate(value.switched_off)
    ]
    for name, expressions in value.contexts.items():
        text = msgspec.yaml.encode(list(expressions)).decode()
        made.append((Change("context", name, text, home), places.line(("contexts", name))))
    return made


_LISTS: Mapping[Kind, str] = {"rule": "rules", "script": "scripts", "context": "contexts"}


class _Inner(Places):
    """The places of a text that holds one rule alone, asked for as if it stood in a pack."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def line(self, path: tuple[Step, ...], value: str = "") -> int:
        return self._places.line(path[2:], value)


def _read(
    change: Change, base: Base, contexts: Mapping[str, tuple[str, ...]]
) -> tuple[Source, Rule | Script | None]:
    """A change as a pack of one; raises `PackError`."""
    if change.kind == "context":
        value, places = read_text(_bytes(change.text), Expressions)
        head = _head(change, "")
        return Source(COMPANY, Pack(head, {change.id: value}), places), None
    head = _head(change, base.owner(change))
    if change.kind == "script":
        script, places = read_text(_bytes(change.text), Script)
        return Source(COMPANY, Pack(head, scripts=(script,)), _Inner(places)), script
    rule, places = read_text(_bytes(change.text), Rule)
    rule = _sure_of_its_own(rule, base.rules.get(change.id))
    known = base.contexts(change) | dict(contexts)
    return Source(COMPANY, Pack(head, known, rules=(rule,)), _Inner(places)), rule


def _sure_of_its_own(rule: Rule, shipped: Rule | None) -> Rule:
    """`rule`, in which the wordings that the company added hold whatever the classifier says."""
    match = rule.match
    if not match.backed or shipped is None:
        return rule
    added = tuple(word for word in match.words if word not in shipped.match.words)
    match = msgspec.structs.replace(match, sure=(*match.sure, *added))
    return msgspec.structs.replace(rule, match=match)


def _head(change: Change, owner: str) -> PackHead:
    # No two packs of a set have one id, and no rule's id holds a colon.
    return PackHead(f"{COMPANY}:{change.kind}:{change.id}", 1, owner, Both("", ""))


def _bytes(text: str) -> bytes:
    if len(text) > MAX_FILE:
        raise PackError("too_large", size=MAX_FILE // 1_000_000)
    return text.encode("utf-8", "replace")


def _without(source: Source, gone: set[Key]) -> Source:
    pack = source.pack
    rules = tuple(rule for rule in pack.rules if ("rule", rule.id) not in gone)
    scripts = tuple(script for script in pack.scripts if ("script", script.id) not in gone)
    kept = msgspec.structs.replace(pack, rules=rules, scripts=scripts)
    return msgspec.structs.replace(source, pack=kept)


def _as_written(
    lines: Sequence[str], places: Places, path: tuple[Step, ...], part: Rule | Script
) -> str:
    """The text of one item of a list, comments and all; written anew where it says less alone."""
    text = _cut(lines, places.node(path))
    try:
        if read_text(_bytes(text), type(part))[0] == part:
            return text
    except PackError:
        pass
    return msgspec.yaml.encode(part).decode()


def _cut(lines: Sequence[str], node: Any) -> str:
    """The lines of one item of a list, moved to the left, without what stands behind it."""
    start, end = node.start_mark, node.end_mark
    if start.line == end.line:
        return str(lines[start.line][start.column : end.column])
    inner = list(lines[start.line : end.line + (end.column > 0)])
    inner[0] = " " * start.column + inner[0][start.column :]
    if end.column and end.line < len(lines) and lines[end.line][: end.column].strip():
        inner[-1] = inner[-1][: end.column]
    elif end.column:
        inner.pop()
    while inner and (not inner[-1].strip() or inner[-1].lstrip().startswith("#")):
        inner.pop()
    shift = start.column
    return "\n".join(line[min(shift, len(line) - len(line.lstrip())) :] for line in inner) + "\n"
