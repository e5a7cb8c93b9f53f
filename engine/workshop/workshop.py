"""The rule workshop: one draft that is edited, versions that are tried, approved and rolled back.

What a person changes is kept with every edit, even while it is wrong. Nothing that fails its own
examples is ever tried or put into force, and nobody puts an own version into force.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.errors import InputError
from engine.records import Language, Side, Turn
from engine.redline.changes import (
    Base,
    Change,
    Changes,
    Checked,
    Kind,
    checked,
    company_set,
    decoded,
    encoded,
    own_contexts,
)
from engine.redline.checking import Problem
from engine.redline.gate import Gate
from engine.redline.rules import refusal
from engine.redline.schema import Rule, RuleSet, Script
from engine.store.rule_versions import RuleVersion
from engine.store.store import Store
from engine.workshop.comparing import Difference, differences
from engine.workshop.running import (
    Running,
    changes_in_use,
    on_trial,
    read_base,
    running,
    version_changes,
    version_set,
)
from engine.workshop.shipped import Key, shipped
from engine.workshop.trying import GateCache, Tried

Origin = Literal["shipped", "changed", "added", "off"]
Which = int | Literal["draft", "in_force"]


class WorkshopRule(Struct, frozen=True):
    """A rule, script or context as the draft has it.

    `origin` is told beside what ships, `edited` beside what is in force. `rule` is None where it is
    off, a context, or cannot be read; `former` is what is in force under its id.
    """

    kind: Kind
    id: str
    pack: str
    text: str
    origin: Origin
    edited: bool
    rule: Rule | Script | None = None
    former: Rule | Script | None = None
    problems: tuple[Problem, ...] = ()


class WorkingDraft(Struct, frozen=True):
    """What is being edited: it began as version `base`."""

    base: int
    changes: Changes
    authors: tuple[str, ...]
    at: float


class Workshop:
    """The rules of one store, over the packs in `rules`. Safe from any thread; may take a second.

    Raises `RuleError` where what ships does not load, and `StoreError`.
    """

    def __init__(self, store: Store, rules: Path) -> None:
        self._store = store
        self._versions = store.rule_versions
        self._draft = store.rule_draft
        self._rules = rules
        self._lock = threading.RLock()
        self._base_read: Base | None = None
        self._shipped: dict[Key, tuple[Change, Rule | Script]] = {}
        self._gates = GateCache()
        self._checked = lru_cache(2_000)(self._check)
        self._found = lru_cache(4)(self._find)

    def rules(self) -> tuple[WorkshopRule, ...]:
        """Everything in the draft: what ships in its order, then what was added."""
        with self._lock:
            self._read()
            changes = self._by_key(self._edited())
            in_use = changes_in_use(self._store, self._rules)
            keys = dict.fromkeys((*self._shipped, *changes))
            return tuple(self._shown(key, changes, in_use) for key in keys)

    def one(self, kind: Kind, rule: str) -> WorkshopRule:
        """One of `rules`. Raises `InputError` (`no_rule`)."""
        with self._lock:
            self._read()
            changes = self._by_key(self._edited())
            if (kind, rule) not in self._shipped and (kind, rule) not in changes:
                raise _no_rule(rule)
            return self._shown((kind, rule), changes, changes_in_use(self._store, self._rules))

    def check(self, text: str, *, kind: Kind = "rule", pack: str = "", id: str = "") -> Checked:
        """What a text says as a rule, its problems and its examples; nothing is kept.

        `pack` is whose contexts it may use; with `id`, that must be its id.
        """
        with self._lock:
            self._read()
            return self._checked(Change(kind, id, text, pack), _contexts(self._edited()))

    def put(
        self, text: str, who: str, *, kind: Kind = "rule", id: str = "", pack: str = ""
    ) -> WorkshopRule:
        """Keep the text of one rule in the draft, even while it is wrong.

        Without `id` it is a new rule. Raises `InputError`: `rule_no_id` (the text says none that
        can be read), `rule_id_taken`, `rule_empty`, `no_name`.
        """
        if not text.strip():
            raise InputError(
                "A rule without text is switched off or restored instead. Nothing was changed.",
                "rule_empty",
            )
        with self._lock:
            self._read()
            changes = self._by_key(self._edited())
            if not id:
                id = self.check(text, kind=kind, pack=pack).id
                if not id:
                    raise InputError(
                        "The new rule has no id that can be read. Nothing was added.", "rule_no_id"
                    )
                if (kind, id) in self._shipped or (kind, id) in changes:
                    raise InputError(
                        f"There is a rule {id} already. Nothing was added.",
                        "rule_id_taken",
                        id=id,
                    )
            shipped = self._shipped.get((kind, id))
            if shipped is not None and shipped[0].text.strip() == text.strip():
                changes.pop((kind, id), None)
            else:
                changes[kind, id] = Change(kind, id, text, shipped[0].pack if shipped else pack)
            self._keep(changes, who)
            return self.one(kind, id)

    def put_all(self, changes: Sequence[Change], who: str) -> None:
        """Keep several changes in the draft at once. Raises `InputError` (`no_name`)."""
        with self._lock:
            self._read()
            merged = self._by_key(self._edited()) | self._by_key(tuple(changes))
            self._keep(merged, who)

    def switch_off(self, kind: Kind, rule: str, who: str) -> WorkshopRule:
        """A rule that ships does nothing any more. Raises `InputError` (`no_rule`, `no_name`)."""
        with self._lock:
            self._read()
            if (kind, rule) not in self._shipped:
                raise _no_rule(rule)
            self._keep(self._by_key(self._edited()) | {(kind, rule): Change(kind, rule)}, who)
            return self.one(kind, rule)

    def restore(self, kind: Kind, rule: str, who: str) -> None:
        """A rule is again as it ships; one that was added is gone. Raises as `switch_off`."""
        with self._lock:
            self._read()
            changes = self._by_key(self._edited())
            if changes.pop((kind, rule), None) is None and (kind, rule) not in self._shipped:
                raise _no_rule(rule)
            self._keep(changes, who)

    def discard(self, who: str) -> None:
        """Forget the draft. Raises `InputError` (`no_name`): as to edit it, that takes a name."""
        self._draft.drop(who)

    def working(self) -> WorkingDraft | None:
        """What is being edited, if anything is."""
        draft = self._draft.get()
        if draft is None:
            return None
        return WorkingDraft(draft.base, decoded(draft.changes), draft.authors, draft.at)

    def problems(self) -> tuple[Problem, ...]:
        """All that keeps the draft from being tried."""
        with self._lock:
            return self._found(self._edited())[1]

    def standing(self) -> Running:
        """What runs now."""
        return running(self._store, self._rules)

    def versions(self) -> tuple[RuleVersion, ...]:
        """All versions, newest first."""
        return self._versions.all()

    def start_trial(self, who: str, comment: str) -> RuleVersion:
        """Make the draft a version on trial: what it adds and changes only records hits.

        Raises `RuleError` (`rules_invalid`), `InputError`: `rules_nothing_changed`,
        `rules_on_trial` (another version is), `no_version_comment`, `no_name`.
        """
        with self._lock:
            base = self._read()
            draft = self._draft.get()
            if draft is None or decoded(draft.changes) == changes_in_use(self._store, self._rules):
                raise InputError(
                    "The draft says the same as the rules in force. Nothing was changed.",
                    "rules_nothing_changed",
                )
            rule_set = self._set_of(decoded(draft.changes))
            now = self.standing()
            return self._versions.start_trial(
                draft,
                who,
                comment,
                rule_set=rule_set.version,
                former=now.rules,
                rules=on_trial(version_set(self._store, base, now.used), rule_set).version,
            )

    def ask(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Ask a second lead to publish a version. Raises `InputError` (`version_moved`)."""
        return self._versions.ask(number, who, comment, rules=self.standing().rules)

    def approve(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Put a version that was asked for into force, at once.

        Raises `InputError`: `own_version`, `version_moved`, `no_name`; `RuleError` where it does
        not load any more.
        """
        with self._lock:
            rule_set = version_set(self._store, self._read(), number)
            former = self.standing().rules
            return self._versions.publish(
                number, who, comment, former=former, rules=rule_set.version
            )

    def refuse(self, number: int, who: str, comment: str) -> RuleVersion:
        """Turn down what somebody else asked to publish; it is the draft again where there is none.

        Raises `InputError`: `own_version`, `version_moved`, `no_version_comment`, `no_name`.
        """
        with self._lock:
            former, rules = self._without_trial()
            return self._versions.refuse(number, who, comment, former=former, rules=rules)

    def withdraw(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Take a version from trial; it is the draft again where there is none.

        Raises `InputError`: `version_moved`, `no_name`.
        """
        with self._lock:
            former, rules = self._without_trial()
            return self._versions.withdraw(number, who, comment, former=former, rules=rules)

    def roll_back(self, number: int, who: str, comment: str) -> Running:
        """Put a version that was in force before, or what ships (0), into force again, at once.

        Raises `InputError`: `never_in_force`, `no_version_comment`, `no_name`; `RuleError` where it
        does not load any more.
        """
        with self._lock:
            rule_set = version_set(self._store, self._read(), number)
            now = self.standing()
            if now.trial is not None:
                tried = version_set(self._store, self._read(), now.trial.number)
                rule_set = on_trial(rule_set, tried)
            self._versions.restore(number, who, comment, former=now.rules, rules=rule_set.version)
            return self.standing()

    def diff(self, former: Which, changed: Which) -> tuple[Difference, ...]:
        """What differs between two versions, rule by rule. Raises `InputError`."""
        with self._lock:
            self._read()
            shipped = {key: change.text for key, (change, _) in self._shipped.items()}
            sides = []
            for which in (former, changed):
                own = {(one.kind, one.id): one.text for one in self.changes(which)}
                sides.append(shipped | own)
            return differences(*sides)

    def changes(self, which: Which) -> Changes:
        """What a version changes of what ships. Raises `InputError`, `RuleError`."""
        if which == "draft":
            return self._edited()
        if which == "in_force":
            return changes_in_use(self._store, self._rules)
        return version_changes(self._store, which)

    def rule_set(self, which: Which) -> RuleSet:
        """The set of a version. Raises `RuleError` where it does not load, `InputError`."""
        with self._lock:
            return self._set_of(self.changes(which))

    def gate(self, which: Which) -> Gate:
        """The gate of a version; the last few are remembered. Raises as `rule_set`."""
        return self._gates.of(self.rule_set(which))

    def try_text(
        self, text: str, side: Side, language: Language = "zh", turns: Sequence[Turn] = ()
    ) -> Tried:
        """A text under what is in force and under the draft. Raises `RuleError`."""
        gates = self.gate("in_force"), self.gate("draft")
        return Tried(*(gate.screen(text, side, language=language, turns=turns) for gate in gates))

    def trial_hits(self) -> dict[str, int]:
        """How often the rules on trial have hit since the trial began, by rule."""
        return self._versions.trial_hits()

    def _without_trial(self) -> tuple[str, str]:
        """The hash of what runs, and of what runs once nothing is on trial."""
        now = self.standing()
        return now.rules, version_set(self._store, self._read(), now.used).version

    def _read(self) -> Base:
        if self._base_read is None:
            base = read_base(self._rules)
            self._shipped = shipped(base, self._rules)
            self._base_read = base
        return self._base_read

    def _edited(self) -> Changes:
        """What the draft changes; without one, what the version on trial or in force does."""
        draft = self._draft.get()
        if draft is not None:
            return decoded(draft.changes)
        return version_changes(self._store, self._begun_at())

    def _begun_at(self) -> int:
        """What an edit begins with: what is tried, else what is used; never what does not load."""
        now = self.standing()
        broken = now.problem is not None and now.problem.code == "rules_trial_broken"
        return now.trial.number if now.trial is not None and not broken else now.used

    def _keep(self, changes: dict[Key, Change], who: str) -> None:
        self._draft.keep(self._begun_at(), encoded(tuple(changes.values())), who)

    def _by_key(self, changes: Changes) -> dict[Key, Change]:
        return {(change.kind, change.id): change for change in changes}

    def _find(self, changes: Changes) -> tuple[RuleSet, tuple[Problem, ...]]:
        rule_set, problems = company_set(self._read(), changes)
        return rule_set, tuple(problems)

    def _set_of(self, changes: Changes) -> RuleSet:
        rule_set, problems = self._found(changes)
        if problems:
            raise refusal(problems)
        return rule_set

    def _check(self, change: Change, contexts: Changes) -> Checked:
        return checked(change, self._read(), own_contexts(contexts)[0])

    def _shown(self, key: Key, changes: dict[Key, Change], in_force: Changes) -> WorkshopRule:
        change = changes.get(key)
        former = self._by_key(in_force).get(key)
        shipped, rule = self._shipped.get(key, (None, None))
        contexts = _contexts(tuple(changes.values()))
        was = rule
        if former is not None:
            was = self._checked(former, _contexts(in_force)).rule if former.text else None
        if change is None:
            assert shipped is not None
            return WorkshopRule(
                *key, shipped.pack, shipped.text, "shipped", bool(former), rule, was
            )
        if not change.text:
            text, pack = (shipped.text, shipped.pack) if shipped else ("", "")
            return WorkshopRule(*key, pack, text, "off", former != change, None, was)
        found = self._checked(change, contexts)
        origin: Origin = "changed" if shipped else "added"
        edited = former != change
        return WorkshopRule(
            *key, change.pack, change.text, origin, edited, found.rule, was, found.problems
        )


def _contexts(changes: Changes) -> Changes:
    return tuple(change for change in changes if change.kind == "context")


def _no_rule(rule: str) -> InputError:
    return InputError(f"There is no rule {rule}. Nothing was changed.", "no_rule", id=rule)
