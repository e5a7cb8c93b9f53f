"""Loading rule packs: a folder of YAML files in, one validated `RuleSet` out, or a `RuleError`.

A pack loads only if its schema holds and every example of every rule does what it says. That this
was found to be so is kept beside the packs, for these very bytes and this very program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine import compiled
from engine.errors import RuleError
from engine.paths import CHARACTERS, CLASSIFIER, RULES
from engine.redline.packs import MAX_FILE, PackError, Source, packs_in, read_pack
from engine.redline.required import keep_traits
from engine.redline.schema import Pack, Rule, RuleSet, Script
from engine.texts import Both

if TYPE_CHECKING:
    # Below it is imported where it is used: what was checked before needs no checking.
    from engine.redline.checking import At, Problem

Progress = Callable[[int, int], None]
"""Is told how much of a work is done, and of how much."""
MAX_RULES = 5_000
MAX_WORDS = 200_000
_CHECKED = "checked"
_LIBRARIES = ("re2", "ahocorasick_rs", "opencc", "yaml", "msgspec")


def load_rules(folder: Path) -> RuleSet:
    """The rule set in `folder` (all ``*.yaml``).

    Raises `RuleError` with the first problem's file and line, rule and example; nothing loads by
    halves.
    """
    sources = sources_of(folder)
    known = compiled.recall(folder, _CHECKED, sources, RuleSet) if sources else None
    if known is not None:
        return known
    rule_set, problems = _read(folder)
    if problems:
        raise refusal(problems)
    # A pack that was changed while it was being checked is not what was read before.
    if sources and sources == sources_of(folder):
        compiled.keep(folder, _CHECKED, sources, rule_set)
        if folder == RULES:
            keep_traits(e for rule in rule_set.rules for e in rule.match.expressions)
    return rule_set


def refusal(problems: Sequence[Problem]) -> RuleError:
    """The error of a set with these problems: the first one in full, and how many there are."""
    first = problems[0]
    return RuleError(
        first.in_words(),
        code="rules_invalid",
        where=Both(first.where("zh"), first.where("en")),
        rule=first.rule,
        example=first.example[:80],
        problem=Both(first.told("zh"), first.told("en")),
        count=len(problems),
    )


def check_rules(folder: Path) -> list[Problem]:
    """Everything that keeps the packs in `folder` from loading; empty when they load."""
    return _read(folder)[1]


def sources_of(folder: Path) -> list[bytes]:
    """What the outcome of a check rests on: the packs, and the program that checks them.

    Empty where something cannot be read: nothing is kept then.
    """
    try:
        packs = packs_in(folder)
        if any(path.stat().st_size > MAX_FILE for path in packs):
            return []
        parts = [sys.version.encode()]
        program = sorted(Path(__file__).parent.glob("*.py"))
        tables = (*sorted(CHARACTERS.glob("*.txt")), *sorted(CLASSIFIER.iterdir()))
        for path in (*program, *tables, *packs):
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


def read_sources(folder: Path) -> tuple[list[Source], list[Problem]]:
    """The packs in `folder` as they are written, and what keeps others from being read."""
    from engine.redline.checking import problem_of, unreadable

    sources: list[Source] = []
    try:
        paths = packs_in(folder)
    except OSError as error:
        return [], [problem_of(folder.name, "unreadable", values={"why": error.strerror})]
    if not paths:
        return [], [problem_of(folder.name, "no_packs")]
    problems: list[Problem] = []
    for path in paths:
        try:
            sources.append(read_pack(path))
        except PackError as error:
            problems.append(unreadable(path.name, error))
    return sources, problems


def _read(folder: Path) -> tuple[RuleSet, list[Problem]]:
    import hashlib

    from engine.redline.classifier import classifier_files
    from engine.redline.reply_classifier import reply_classifier_files

    sources, problems = read_sources(folder)
    digest = hashlib.sha256()
    for source in sources:
        digest.update(msgspec.json.encode(source.pack))
        if any(rule.match.heard or rule.match.backed for rule in source.pack.rules):
            for path in (*classifier_files(), *reply_classifier_files()):
                digest.update(path.read_bytes())
    rule_set, found = examined(sources, digest.hexdigest()[:12], sound=not problems)
    return rule_set, problems + found


def examined(
    sources: Sequence[Source],
    version: str,
    *,
    sound: bool = True,
    told: Progress = lambda _done, _total: None,
) -> tuple[RuleSet, list[Problem]]:
    """The set that some packs make, and everything that keeps it from loading.

    What stands in a source that was checked before is not tried again, only beside the others.
    Where nothing else is wrong, and `sound`, what is to be said is held against the agents' rules.
    `told` is called with how many of the rules and scripts to be tried are.
    """
    from engine.redline.checking import At, own_words, rule_problems, script_problems

    problems: list[Problem] = list(_too_many(sources)) or list(_twice(sources))
    total = sum(len(s.pack.rules) + len(s.pack.scripts) for s in sources if not s.checked)
    done = 0
    old: list[tuple[At, Rule]] = []
    new: list[tuple[At, Rule]] = []
    rules: list[Rule] = []
    scripts: list[Script] = []
    said_before: list[tuple[At, Both]] = []
    said: list[tuple[At, Both]] = []
    for source in sources:
        if source.pack.switched_off:
            problems.append(At(source, "", ("switched_off",)).problem("off_here"))
        saying = said_before if source.checked else said
        for number, written in enumerate(source.pack.rules):
            at = At(source, written.id, ("rules", number))
            try:
                rule = with_contexts(written, source.pack)
            except KeyError as error:
                wanted = f"@{error.args[0]}"
                problems.append(at.problem("no_context", value=wanted, context=wanted))
                continue
            if not source.checked:
                problems.extend(rule_problems(at, rule))
                told(done := done + 1, total)
            rules.append(rule)
            (old if source.checked else new).append((at, rule))
            saying += [(at, words) for words in (rule.script, rule.rewrite) if words is not None]
        for number, script in enumerate(source.pack.scripts):
            at = At(source, script.id, ("scripts", number))
            if not source.checked:
                problems.extend(script_problems(at, script))
                told(done := done + 1, total)
            scripts.append(script)
            saying.append((at, script.text))
    if sound and not problems:
        problems.extend(own_words(old, said))
        problems.extend(own_words(new, said_before + said))
    heads = tuple(source.pack.pack for source in sources)
    return RuleSet(version, tuple(_with_scripts(rules)), tuple(scripts), heads), problems


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


def _too_many(sources: Sequence[Source]) -> Iterator[Problem]:
    from engine.redline.checking import problem_of

    rules = [rule for source in sources for rule in source.pack.rules]
    words = sum(
        len(rule.match.words) + len(rule.match.none) + sum(map(len, rule.match.all))
        for rule in rules
    )
    if len(rules) > MAX_RULES or words > MAX_WORDS:
        values = {"rules": MAX_RULES, "words": MAX_WORDS}
        yield problem_of("", "too_many", values=values)


def _twice(sources: Sequence[Source]) -> Iterator[Problem]:
    """Ids that stand for more than one thing on a day; of each such thing the first clash."""
    from engine.redline.checking import At

    seen: dict[str, list[tuple[str, Rule | Script | None]]] = {}
    for source in sources:
        pack = source.pack
        parts: list[tuple[At, Rule | Script | None]] = [
            (At(source, pack.pack.id, ("pack", "id")), None)
        ]
        parts += [(At(source, r.id, ("rules", n)), r) for n, r in enumerate(pack.rules)]
        parts += [(At(source, s.id, ("scripts", n)), s) for n, s in enumerate(pack.scripts)]
        for at, part in parts:
            before = seen.setdefault(at.identity, [])
            for file, other in before:
                if part is None or other is None or type(part) is not type(other):
                    yield at.problem("id_twice", other=file)
                elif part.version == other.version:
                    yield at.problem("id_version_twice", other=file)
                elif part.effective.meets(other.effective):
                    first, second = other.version, part.version
                    yield at.problem("versions_meet", first=first, second=second, other=file)
                else:
                    continue
                break
            before.append((source.file, part))


def with_contexts(rule: Rule, pack: Pack) -> Rule:
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
