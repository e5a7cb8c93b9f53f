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
from engine.redline.matching import Matcher, PhraseFinder, compile_expression
from engine.redline.normalise import CLAUSE_ENDS, fold
from engine.redline.schema import Match, Pack, Rule, RuleSet, Script

MAX_FILE = 2_000_000
MAX_RULES = 5_000
MAX_WORDS = 200_000
_CHECKED = "checked"
_LIBRARIES = ("re2", "ahocorasick_rs", "opencc", "yaml", "msgspec")


class Problem(Struct, frozen=True):
    """One thing that keeps a pack from loading; `rule` and `example` may be empty."""

    file: str
    rule: str
    example: str
    message: str

    def line(self) -> str:
        """The problem in one line."""
        where = ", ".join(part for part in (self.file, self.rule) if part)
        example = f": {self.example[:80]!r}" if self.example else ""
        return f"{where}: {self.message}{example}"


def load_rules(folder: Path) -> RuleSet:
    """The rule set in `folder` (all ``*.yaml``).

    Raises `RuleError` with the first problem's file, rule and example; nothing loads by halves.
    """
    sources = _sources(folder)
    known = compiled.recall(folder, _CHECKED, sources, RuleSet) if sources else None
    if known is not None:
        return known
    rule_set, problems = _read(folder)
    if problems:
        first = problems[0]
        raise RuleError(
            first.line(),
            code="rules_invalid",
            file=first.file,
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
        packs = _packs(folder)
        if any(path.stat().st_size > MAX_FILE for path in packs):
            return []
        parts = [sys.version.encode()]
        for path in (*sorted(Path(__file__).parent.glob("*.py")), *packs):
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


def _packs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))


def _read(folder: Path) -> tuple[RuleSet, list[Problem]]:
    problems: list[Problem] = []
    import hashlib  # Here, as YAML and RE2 below: what was checked before needs none of them.

    packs: list[tuple[str, Pack]] = []
    digest = hashlib.sha256()
    try:
        paths = _packs(folder)
    except OSError as error:
        paths = []
        problems.append(Problem(folder.name, "", "", f"cannot be read ({error.strerror})"))
    if not paths and not problems:
        problems.append(Problem(folder.name, "", "", "no rule pack (*.yaml) stands here"))
    for path in paths:
        try:
            pack = _decode(path)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            problems.append(Problem(path.name, "", "", _one_line(error)))
            continue
        packs.append((path.name, pack))
        digest.update(msgspec.json.encode(pack))
    problems.extend(_twice(packs))
    rules: list[Rule] = []
    scripts: list[Script] = []
    for name, pack in packs:
        for rule in pack.rules:
            try:
                ready = _with_contexts(rule, pack)
            except KeyError as error:
                message = f"the pack has no context {error.args[0]!r}"
                problems.append(Problem(name, rule.id, "", message))
                continue
            found = list(_rule_problems(name, ready))
            problems.extend(found)
            if not found:
                problems.extend(_example_problems(name, ready))
            rules.append(ready)
        for script in pack.scripts:
            problems.extend(_script_problems(name, script))
            scripts.append(script)
    heads = tuple(pack.pack for _, pack in packs)
    version = digest.hexdigest()[:12]
    return RuleSet(version, tuple(rules), tuple(scripts), heads), problems


def _decode(path: Path) -> Pack:
    if path.stat().st_size > MAX_FILE:
        raise ValueError(f"larger than {MAX_FILE // 1_000_000} MB")
    data = path.read_bytes()
    import yaml

    try:
        # Aliases can blow a small file up to any size in memory, and packs need none.
        tokens = yaml.scan(data, Loader=yaml.CSafeLoader)
        if any(isinstance(token, yaml.AliasToken) for token in tokens):
            raise ValueError("YAML aliases are not allowed")
        return msgspec.yaml.decode(data, type=Pack)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (yaml.YAMLError, KeyError, AttributeError, TypeError) as error:
        # A tag with a wrong value raises anything.
        raise ValueError(f"not valid YAML ({error})") from error


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return " ".join(str(error).split())[:300]


def _twice(packs: list[tuple[str, Pack]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    count = words = 0
    for name, pack in packs:
        ids = [pack.pack.id, *(r.id for r in pack.rules), *(s.id for s in pack.scripts)]
        for identity in ids:
            if identity in seen:
                yield Problem(name, identity, "", f"the id is used in {seen[identity]} too")
            seen[identity] = name
        count += len(pack.rules)
        for rule in pack.rules:
            match = rule.match
            words += len(match.words) + len(match.none) + sum(len(group) for group in match.all)
    if count > MAX_RULES or words > MAX_WORDS:
        yield Problem("", "", "", f"more than {MAX_RULES} rules or {MAX_WORDS} words")


def _with_contexts(rule: Rule, pack: Pack) -> Rule:
    """`rule` with each ``@name`` replaced by that context of the pack; `KeyError` without one."""
    parts: dict[str, tuple[str, ...]] = {}
    for part in ("none_before", "none_after", "none_around"):
        expressions: list[str] = []
        for expression in getattr(rule.match, part):
            if expression.startswith("@"):
                expressions.extend(pack.contexts[expression[1:]])
            else:
                expressions.append(expression)
        parts[part] = tuple(expressions)
    return msgspec.structs.replace(rule, match=msgspec.structs.replace(rule.match, **parts))


def _rule_problems(file: str, rule: Rule) -> Iterator[Problem]:
    match = rule.match
    if not (match.words or match.all or match.expressions):
        yield Problem(file, rule.id, "", "matches nothing: no words, no groups, no expressions")
    if not rule.sides:
        yield Problem(file, rule.id, "", "watches no side")
    if len(rule.must_hit) < 1 or len(rule.must_miss) < 1:
        yield Problem(file, rule.id, "", "needs examples that it must hit and must miss")
    if match.all and (len(match.all) < 2 or not all(match.all)):
        yield Problem(file, rule.id, "", "'all' needs two groups or more, none of them empty")
    yield from _wording_problems(file, rule.id, match)
    for part in ("expressions", "none_before", "none_after", "none_around"):
        for expression in getattr(match, part):
            yield from _expression_problems(file, rule.id, expression)


def _wording_problems(file: str, identity: str, match: Match) -> Iterator[Problem]:
    for word in (*match.words, *match.none, *(w for group in match.all for w in group)):
        folded = fold(word).text.strip()
        if not folded or not any(character.isalnum() for character in folded):
            yield Problem(file, identity, word, "a wording has no letter or digit")
        elif not CLAUSE_ENDS.isdisjoint(folded):
            yield Problem(file, identity, word, "a wording holds punctuation that ends a clause")


def _expression_problems(file: str, identity: str, expression: str) -> Iterator[Problem]:
    import re2

    try:
        compiled = compile_expression(expression)
    except re2.error as error:
        reason = error.args[0] if error.args else "not RE2"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        yield Problem(file, identity, expression, f"not a valid RE2 expression ({reason})")
        return
    if compiled.search("") is not None:
        yield Problem(file, identity, expression, "an expression matches the empty text")


def _example_problems(file: str, rule: Rule) -> Iterator[Problem]:
    matcher = Matcher([rule])
    for example in rule.must_hit:
        if all(found.vetoed for found in matcher.find(fold(example).text)):
            yield Problem(file, rule.id, example, "an example that must hit does not")
    for example in rule.must_miss:
        if any(not found.vetoed for found in matcher.find(fold(example).text)):
            yield Problem(file, rule.id, example, "an example that must miss hits")


def _script_problems(file: str, script: Script) -> Iterator[Problem]:
    if not (script.when.words or script.when.expressions):
        yield Problem(file, script.id, "", "a script is never due: no words, no expressions")
        return
    bad = [p for e in script.when.expressions for p in _expression_problems(file, script.id, e)]
    if bad:
        yield from bad
        return
    finder = PhraseFinder.of_when(script.when)
    for example in script.must_hit:
        if not finder.found_in(fold(example).text):
            yield Problem(file, script.id, example, "an example that must hit does not")
    for example in script.must_miss:
        if finder.found_in(fold(example).text):
            yield Problem(file, script.id, example, "an example that must miss hits")
    said = PhraseFinder(words=script.satisfied_by or (script.text.zh, script.text.en))
    for text in (script.text.zh, script.text.en):
        if not said.found_in(fold(text).text):
            yield Problem(file, script.id, text, "the script does not satisfy itself")
