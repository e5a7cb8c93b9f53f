"""Loading rule packs: a folder of YAML files in, one validated `RuleSet` out, or a `RuleError`.

A pack loads only if its schema holds and every example of every rule does what it says. That this
was found to be so is kept beside the packs, for these very bytes and this very program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import Struct

from engine import compiled
from engine.errors import RuleError
from engine.paths import CHARACTERS
from engine.redline.dialogue import Watch, example_turns, satisfying
from engine.redline.matching import Matcher, PhraseFinder, compile_expression
from engine.redline.normalise import CLAUSE_ENDS, fold
from engine.redline.packs import MAX_FILE, PackError, Source, Step, packs_in, read_pack
from engine.redline.schema import ACTIONS, STRENGTH, Match, Pack, Rule, RuleSet, Saying, Script
from engine.texts import Both

MAX_RULES = 5_000
MAX_WORDS = 200_000
_CHECKED = "checked"
_LIBRARIES = ("re2", "ahocorasick_rs", "opencc", "yaml", "msgspec")


class Problem(Struct, frozen=True):
    """One thing that keeps a pack from loading; `rule` and `example` may be empty, `line` 0."""

    file: str
    rule: str
    example: str
    message: str
    line: int = 0

    def in_words(self) -> str:
        """The problem in one line."""
        file = f"{self.file}:{self.line}" if self.line else self.file
        where = ", ".join(part for part in (file, self.rule) if part)
        example = f": {self.example[:80]!r}" if self.example else ""
        return f"{where}: {self.message}{example}"


def load_rules(folder: Path) -> RuleSet:
    """The rule set in `folder` (all ``*.yaml``).

    Raises `RuleError` with the first problem's file and line, rule and example; nothing loads by
    halves.
    """
    sources = _sources(folder)
    known = compiled.recall(folder, _CHECKED, sources, RuleSet) if sources else None
    if known is not None:
        return known
    rule_set, problems = _read(folder)
    if problems:
        first = problems[0]
        raise RuleError(
            first.in_words(),
            code="rules_invalid",
            file=f"{first.file}:{first.line}" if first.line else first.file,
            rule=first.rule,
            example=first.example[:80],
            problem=first.message,
            count=len(problems),
        )
    # A pack that was changed while it was being checked is not what was read before.
    if sources and sources == _sources(folder):
        compiled.keep(folder, _CHECKED, sources, rule_set)
    return rule_set


def check_rules(folder: Path) -> list[Problem]:
    """Everything that keeps the packs in `folder` from loading; empty when they load."""
    return _read(folder)[1]


def _sources(folder: Path) -> list[bytes]:
    """What the outcome of a check rests on: the packs, and the program that checks them.

    Empty where something cannot be read: nothing is kept then.
    """
    try:
        packs = packs_in(folder)
        if any(path.stat().st_size > MAX_FILE for path in packs):
            return []
        parts = [sys.version.encode()]
        program = sorted(Path(__file__).parent.glob("*.py"))
        for path in (*program, *sorted(CHARACTERS.glob("*.txt")), *packs):
            parts += [path.name.encode("utf-8", "surrogateescape"), path.read_bytes()]
        for name in _LIBRARIES:
            spec = find_spec(name)
            if spec is None or spec.origin is None:
                return []
            stat = Path(spec.origin).stat()
            parts.append(f"{name} {stat.st_size} {stat.st_mtime_ns}".encode())
    except OSError:
        return []
    return parts


def _read(folder: Path) -> tuple[RuleSet, list[Problem]]:
    import hashlib  # Here, as YAML and RE2 below: what was checked before needs none of them.

    problems: list[Problem] = []
    sources: list[Source] = []
    digest = hashlib.sha256()
    try:
        paths = packs_in(folder)
    except OSError as error:
        paths = []
        problems.append(Problem(folder.name, "", "", f"cannot be read ({error.strerror})"))
    if not paths and not problems:
        problems.append(Problem(folder.name, "", "", "no rule pack (*.yaml) stands here"))
    for path in paths:
        try:
            source = read_pack(path)
        except PackError as error:
            problems.append(Problem(path.name, "", "", str(error), error.line))
            continue
        sources.append(source)
        digest.update(msgspec.json.encode(source.pack))
    problems.extend(_twice(sources))
    rules: list[Rule] = []
    scripts: list[Script] = []
    said: list[tuple[_At, Both]] = []
    for source in sources:
        for number, written in enumerate(source.pack.rules):
            at = _At(source, written.id, ("rules", number))
            try:
                rule = _with_contexts(written, source.pack)
            except KeyError as error:
                wanted = f"@{error.args[0]}"
                problems.append(at.problem(f"the pack has no context {wanted!r}", value=wanted))
                continue
            found = list(_rule_problems(at, rule))
            problems.extend(found)
            if not found:
                problems.extend(_example_problems(at, rule))
            rules.append(rule)
            said += [(at, both) for both in (rule.script, rule.rewrite) if both is not None]
        for number, script in enumerate(source.pack.scripts):
            at = _At(source, script.id, ("scripts", number))
            problems.extend(_script_problems(at, script))
            scripts.append(script)
            said.append((at, script.text))
    if not problems:
        problems.extend(_own_words(rules, said))
    rules = _with_scripts(rules)
    heads = tuple(source.pack.pack for source in sources)
    version = digest.hexdigest()[:12]
    return RuleSet(version, tuple(rules), tuple(scripts), heads), problems


def _with_scripts(rules: list[Rule]) -> list[Rule]:
    """The rules in which a hand-over without a script has the one of its category, if there is."""
    known: dict[str, Both] = {}
    for rule in rules:
        if rule.script is not None:
            known.setdefault(rule.category, rule.script)
    return [
        msgspec.structs.replace(rule, script=known.get(rule.category))
        if rule.action == "handover" and rule.script is None
        else rule
        for rule in rules
    ]


class _At(Struct, frozen=True):
    """Where a rule or script stands: its file, and the way to it there."""

    source: Source
    identity: str
    path: tuple[Step, ...]

    def problem(self, message: str, *inside: Step, value: str = "", example: str = "") -> Problem:
        """A problem with it, in the line of what stands `inside` it and reads `value`."""
        line = self.source.places.line((*self.path, *inside), value or example)
        return Problem(self.source.file, self.identity, example, message, line)


def _twice(sources: list[Source]) -> Iterator[Problem]:
    seen: dict[str, list[tuple[str, Rule | Script | None]]] = {}
    count = words = 0
    for source in sources:
        pack = source.pack
        parts: list[tuple[_At, Rule | Script | None]] = [
            (_At(source, pack.pack.id, ("pack", "id")), None)
        ]
        parts += [(_At(source, r.id, ("rules", n)), r) for n, r in enumerate(pack.rules)]
        parts += [(_At(source, s.id, ("scripts", n)), s) for n, s in enumerate(pack.scripts)]
        for at, part in parts:
            for file, other in seen.setdefault(at.identity, []):
                if part is None or other is None or type(part) is not type(other):
                    yield at.problem(f"the id is used in {file} too")
                elif part.version == other.version:
                    yield at.problem(f"the id is used in {file} too, in the same version")
                elif part.effective.meets(other.effective):
                    versions = f"{other.version} and {part.version}"
                    yield at.problem(f"versions {versions} are in force on the same days ({file})")
            seen[at.identity].append((source.file, part))
        count += len(pack.rules)
        for rule in pack.rules:
            match = rule.match
            words += len(match.words) + len(match.none) + sum(len(group) for group in match.all)
    if count > MAX_RULES or words > MAX_WORDS:
        yield Problem("", "", "", f"more than {MAX_RULES} rules or {MAX_WORDS} words")


def _with_contexts(rule: Rule, pack: Pack) -> Rule:
    """`rule` with its owner, and each ``@name`` replaced by that context of the pack.

    Raises `KeyError` where the pack has no such context.
    """
    parts: dict[str, tuple[str, ...]] = {}
    for part in ("none_before", "none_after", "none_around"):
        expressions: list[str] = []
        for expression in getattr(rule.match, part):
            if expression.startswith("@"):
                expressions.extend(pack.contexts[expression[1:]])
            else:
                expressions.append(expression)
        parts[part] = tuple(expressions)
    match = msgspec.structs.replace(rule.match, **parts)
    return msgspec.structs.replace(rule, match=match, owner=rule.owner or pack.pack.owner)


def _rule_problems(at: _At, rule: Rule) -> Iterator[Problem]:
    match = rule.match
    if not rule.matches and rule.dialogue is None:
        yield at.problem("matches nothing: no words, no groups, no expressions, no dialogue")
    if not rule.sides:
        yield at.problem("watches no side", "side")
    if rule.action not in ACTIONS[rule.level]:
        allowed = ", ".join(sorted(ACTIONS[rule.level]))
        message = f"a rule of level {rule.level} cannot {rule.action}; it may: {allowed}"
        yield at.problem(message, "action")
    if rule.action == "mask" and rule.rewrite is not None and "model" in rule.sides:
        yield at.problem("what a model writes is shown as it comes: nothing replaces it", "rewrite")
    if rule.before_storage and (rule.action != "mask" or rule.sides != ("customer",)):
        yield at.problem("only a customer's text can be masked before storage", "before_storage")
    if (
        rule.effective.since
        and rule.effective.until
        and rule.effective.since > rule.effective.until
    ):
        yield at.problem("ends before it begins", "effective")
    if len(rule.must_hit) < 1 or len(rule.must_miss) < 1:
        yield at.problem("needs examples that it must hit and must miss")
    if match.all and (len(match.all) < 2 or not all(match.all)):
        yield at.problem("'all' needs two groups or more, none of them empty", "match", "all")
    yield from _wording_problems(at, match)
    for part in ("expressions", "none_before", "none_after", "none_around"):
        for expression in getattr(match, part):
            yield from _expression_problems(at, expression)
    if rule.dialogue is not None:
        yield from _dialogue_problems(at, rule)


def _dialogue_problems(at: _At, rule: Rule) -> Iterator[Problem]:
    dialogue = rule.dialogue
    assert dialogue is not None
    if "model" in rule.sides or len(rule.sides) != 1:
        yield at.problem("a dialogue is looked at for a customer or for an agent", "side")
    if not rule.matches and rule.action not in ("log", "hint"):
        yield at.problem("what is wrong with a conversation as a whole is hinted at", "action")
    if dialogue.agent_turns is None and dialogue.said is None and dialogue.unsaid is None:
        yield at.problem("a dialogue needs agent_turns, said or unsaid", "dialogue")
    turns = dialogue.agent_turns
    if turns is not None and turns[0] > turns[1]:
        yield at.problem("the first turn comes after the last", "dialogue", "agent_turns")
    for saying in (dialogue.said, dialogue.unsaid):
        yield from _saying_problems(at, saying)


def _saying_problems(at: _At, saying: Saying | None) -> Iterator[Problem]:
    if saying is None:
        return
    if not (saying.words or saying.expressions):
        yield at.problem("a saying needs words or expressions", "dialogue")
    for expression in saying.expressions:
        yield from _expression_problems(at, expression)


def _wording_problems(at: _At, match: Match) -> Iterator[Problem]:
    for word in (*match.words, *match.none, *(w for group in match.all for w in group)):
        folded = fold(word).text.strip()
        if not folded or not any(character.isalnum() for character in folded):
            yield at.problem("a wording has no letter or digit", "match", example=word)
        elif not CLAUSE_ENDS.isdisjoint(folded):
            message = "a wording holds punctuation that ends a clause"
            yield at.problem(message, "match", example=word)


def _expression_problems(at: _At, expression: str) -> Iterator[Problem]:
    import re2

    try:
        compiled = compile_expression(expression)
    except re2.error as error:
        reason = error.args[0] if error.args else "not RE2"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        yield at.problem(f"not a valid RE2 expression ({reason})", example=expression)
        return
    if compiled.search("") is not None:
        yield at.problem("an expression matches the empty text", example=expression)


def _example_problems(at: _At, rule: Rule) -> Iterator[Problem]:
    matcher = Matcher([rule])
    watch = Watch((), (rule,))

    def hits(example: str) -> bool:
        turns, text = example_turns(example) if rule.dialogue else ((), example)
        folded = fold(text).text
        found = not rule.matches or any(not one.vetoed for one in matcher.find(folded))
        return found and watch.holds(rule, rule.sides[0], folded, turns)

    for example in rule.must_hit:
        if not hits(example):
            message = "an example that must hit does not"
            yield at.problem(message, "must_hit", example=example)
    for example in rule.must_miss:
        if hits(example):
            yield at.problem("an example that must miss hits", "must_miss", example=example)


def _script_problems(at: _At, script: Script) -> Iterator[Problem]:
    when = script.when
    if not (when.words or when.expressions) and script.by_turn is None:
        yield at.problem("a script is never due: no words, no expressions, no turn")
        return
    expressions = (*when.expressions, *script.satisfied_if)
    bad = [problem for e in expressions for problem in _expression_problems(at, e)]
    if bad:
        yield from bad
        return
    finder = PhraseFinder.of_when(when)
    for example in script.must_hit:
        if not finder.found_in(fold(example).text):
            message = "an example that must hit does not"
            yield at.problem(message, "must_hit", example=example)
    for example in script.must_miss:
        if finder.found_in(fold(example).text):
            yield at.problem("an example that must miss hits", "must_miss", example=example)
    said = satisfying(script)
    for text in (script.text.zh, script.text.en):
        if not said.found_in(fold(text).text):
            yield at.problem("the script does not satisfy itself", "text", example=text)


def _own_words(rules: list[Rule], said: list[tuple[_At, Both]]) -> Iterator[Problem]:
    """Scripts and rewrites that the agents' own rules would keep back."""
    matcher = Matcher([rule for rule in rules if "agent" in rule.sides])
    for at, both in said:
        for text in (both.zh, both.en):
            for found in matcher.find(fold(text).text):
                if not found.vetoed and STRENGTH[found.rule.action] >= STRENGTH["mask"]:
                    message = f"what is to be said breaks the rule {found.rule.id}"
                    yield at.problem(message, example=text)
