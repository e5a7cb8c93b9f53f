"""Which rules run: what ships with the company's version in force, and the version on trial.

A version that does not load (a newer program may read it otherwise) leaves what was in force
before it, or what ships; whoever asks is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from engine import compiled
from engine.errors import InputError, RuleError, StoreError, ZuoxiError
from engine.protocol import EngineConfig
from engine.redline.rules import load_rules, read_sources, refusal, sources_of
from engine.redline.schema import RuleSet
from engine.store.rule_draft import changes_hash
from engine.store.rule_versions import SHIPPED, RuleVersion
from engine.store.store import Store, open_store
from engine.texts import Both, both

if TYPE_CHECKING:
    # Below it is imported where it is used: what ships runs without it.
    from engine.redline.changes import Base, Changes

_KEPT = "company"


class Running(Struct, frozen=True):
    """What runs. `in_force` is None where it is what ships, `used` the number of what is used.

    `problem` says which version does not load.
    """

    rule_set: RuleSet
    in_force: RuleVersion | None = None
    trial: RuleVersion | None = None
    used: int = SHIPPED
    problem: RuleError | None = None

    @property
    def rules(self) -> str:
        """The hash of all that runs."""
        return self.rule_set.version


def read_base(folder: Path) -> Base:
    """The packs that ship, as they are written. Raises `RuleError`."""
    from engine.redline.changes import Base

    version = load_rules(folder).version
    sources, problems = read_sources(folder)
    if problems:
        raise refusal(problems)
    return Base(sources, version)


def running(store: Store, rules: Path) -> Running:
    """What runs now, by the versions in `store` over the packs in `rules`.

    Raises `StoreError`, and `RuleError` where not even what ships loads.
    """
    versions = store.rule_versions
    standing = versions.standing()
    numbers = [versions.in_force(), standing.trial.number if standing.trial else SHIPPED]
    if numbers == [SHIPPED, SHIPPED]:
        return Running(load_rules(rules))
    there = [one for one in (standing.in_force, standing.trial) if one is not None]
    said = [versions.changes(one.number).encode() for one in there]
    sources = [*sources_of(rules), str(numbers).encode(), *said]
    # Beside the packs, where nobody new may write: not in the data folder, which agents own.
    known = compiled.recall(rules, _KEPT, sources, RuleSet)
    if known is not None:
        return Running(known, standing.in_force, standing.trial, numbers[0])
    base = read_base(rules)
    used, rule_set, problem = _usable(store, base, numbers[0])
    if standing.trial is not None:
        try:
            rule_set = on_trial(rule_set, version_set(store, base, standing.trial.number))
        except RuleError as error:
            problem = problem or _broken("rules_trial_broken", numbers[1], error, used)
    if problem is None:
        compiled.keep(rules, _KEPT, sources, rule_set)
    return Running(rule_set, standing.in_force, standing.trial, used, problem)


def version_set(store: Store, base: Base, number: int) -> RuleSet:
    """The set that a version makes. Raises `RuleError`, `InputError` (`no_rule_version`)."""
    return set_of(base, version_changes(store, number))


def version_changes(store: Store, number: int) -> Changes:
    """What a version changes; nothing for what ships. Raises as `version_set`."""
    from engine.redline.changes import decoded
    from engine.redline.checking import COMPANY, problem_of

    if number == SHIPPED:
        return ()
    text = store.rule_versions.changes(number)
    if changes_hash(text) != store.rule_versions.get(number).hash:
        raise refusal([problem_of(COMPANY, "altered")])
    try:
        return decoded(text)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise refusal([problem_of(COMPANY, "schema", values={"why": str(error)})]) from error


def changes_in_use(store: Store, rules: Path) -> Changes:
    """What the version that is used changes of what ships. Raises as `running`."""
    return version_changes(store, running(store, rules).used)


def set_of(base: Base, changes: Changes) -> RuleSet:
    """The set that some changes make. Raises `RuleError` with the first problem."""
    from engine.redline.changes import company_set

    rule_set, problems = company_set(base, changes)
    if problems:
        raise refusal(problems)
    return rule_set


def on_trial(in_force: RuleSet, trial: RuleSet) -> RuleSet:
    """`in_force` with what `trial` adds and changes, which is only recorded."""
    known = set(in_force.rules)
    rules = [rule for rule in trial.rules if rule not in known]
    ids = {rule.id for rule in rules}
    spoken = set(in_force.scripts)
    scripts = [script for script in trial.scripts if script not in spoken]
    script_ids = {script.id for script in scripts}
    return msgspec.structs.replace(
        in_force,
        version=f"{in_force.version}+{trial.version}",
        rules=(
            *(rule for rule in in_force.rules if not (rule.shadow and rule.id in ids)),
            *(msgspec.structs.replace(rule, shadow=True) for rule in rules),
        ),
        scripts=(
            *(one for one in in_force.scripts if not (one.shadow and one.id in script_ids)),
            *(msgspec.structs.replace(script, shadow=True) for script in scripts),
        ),
    )


class RulesWatcher:
    """Tells when another set runs than at the last look; without a database, what ships does.

    A look costs a `stat` where nothing was written. Not for several threads at once.
    """

    def __init__(self, database: Path | None, rules: Path) -> None:
        self._database = database
        self._rules = rules
        self._written: tuple[object, ...] | None = None
        self._mark: tuple[int, int] | None = None

    @classmethod
    def of_engine(cls, config: EngineConfig) -> RulesWatcher:
        """What an engine of this configuration is to look at."""
        return cls(Path(config.database) if config.database else None, Path(config.rules))

    def look(self) -> Running | None:
        """What runs, if it is something else than before; always so at the first look.

        A database that cannot be read changes nothing. Raises `RuleError` where not even what
        ships loads.
        """
        first = self._written is None
        written = tuple(self._stats())
        if written == self._written:
            return None
        try:
            found = self._read(first)
        except StoreError as error:
            if not first:
                return None
            found = Running(load_rules(self._rules), problem=_no_store(error))
        self._written = written
        return found

    def _read(self, first: bool) -> Running | None:
        if self._database is None or not self._database.exists():
            return Running(load_rules(self._rules)) if first else None
        with open_store(self._database, read_only=True) as store:
            mark = store.rule_versions.mark()
            if mark == self._mark:
                return None
            found = running(store, self._rules)
        self._mark = mark
        return found

    def _stats(self) -> Iterator[object]:
        for end in ("", "-wal") if self._database else ():
            assert self._database is not None
            try:
                stat = self._database.with_name(self._database.name + end).stat()
            except OSError:
                yield None
            else:
                yield (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _usable(store: Store, base: Base, wanted: int) -> tuple[int, RuleSet, RuleError | None]:
    """The newest version that loads of those that are or were in force; at last what ships."""
    wrong: ZuoxiError | None = None
    for number in dict.fromkeys((wanted, *store.rule_versions.formerly_in_force())):
        try:
            rule_set = version_set(store, base, number)
        except (RuleError, InputError) as error:
            wrong = wrong or error
        else:
            problem = _broken("rules_version_broken", wanted, wrong, number) if wrong else None
            return number, rule_set, problem
    assert wrong is not None
    return SHIPPED, set_of(base, ()), _broken("rules_version_broken", wanted, wrong, SHIPPED)


def named(number: int) -> Both:
    """A version as a sentence names it."""
    return both("rules.named.version", number=number) if number else both("rules.named.shipped")


def _broken(code: str, number: int, error: ZuoxiError, used: int) -> RuleError:
    why = error.values.get("problem")
    if not isinstance(why, Both):
        why = Both(error.message, error.message)
    if rule := error.values.get("rule"):
        why = Both(f"{rule}：{why.zh}", f"{rule}: {why.en}")
    in_use = named(used)
    return RuleError(
        f"Version {number} of the rules does not load ({why.en}). In use instead: {in_use.en}.",
        code,
        number=number,
        why=why,
        used=in_use,
    )


def _no_store(error: StoreError) -> RuleError:
    return RuleError(
        f"Which version of the rules is in force cannot be read ({error.message}). In use "
        "instead: the rules that ship.",
        "rules_version_unread",
        why=error.message,
    )
