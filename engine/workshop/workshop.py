"""The rule workshop: one draft that is edited, versions that are tried, approved and rolled back.

Nothing that fails its own examples is ever tried or put into force, and nobody puts an own version
into force.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from engine.errors import InputError
from engine.records import Language, Side, Turn
from engine.redline.changes import Changes
from engine.redline.gate import Gate
from engine.redline.rules import refusal
from engine.redline.schema import RuleSet
from engine.store.rule_versions import RuleVersion
from engine.store.store import Store
from engine.workshop.comparing import Difference, differences
from engine.workshop.editing import DraftEditor
from engine.workshop.running import (
    Running,
    changes_in_use,
    on_trial,
    version_changes,
    version_set,
)
from engine.workshop.trying import GateCache, Tried

Which = int | Literal["draft", "in_force"]
R = TypeVar("R")


class Workshop(DraftEditor):
    """The draft and the versions of one store, over the packs in `rules`.

    Safe from any thread; may take a second. Raises as the draft's editor does.
    """

    def __init__(self, store: Store, rules: Path) -> None:
        super().__init__(store, rules)
        self._gates = GateCache()

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
            changes = self._said(draft) if draft is not None else ()
            if draft is None or changes == changes_in_use(self._store, self._rules):
                raise InputError(
                    "The draft says the same as the rules in force. Nothing was changed.",
                    "rules_nothing_changed",
                )
            rule_set = self._set_of(changes)

            def hashes() -> tuple[str, str]:
                now = self.standing()
                in_force = version_set(self._store, base, now.used)
                return now.rules, on_trial(in_force, rule_set).version

            def start(former: str, rules: str) -> RuleVersion:
                return self._versions.start_trial(
                    draft, who, comment, rule_set=rule_set.version, former=former, rules=rules
                )

            return self._steadily(hashes, start)

    def ask(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Ask a second lead to publish a version. Raises `InputError` (`version_moved`)."""
        with self._lock:
            return self._steadily(
                lambda: (self.standing().rules, ""),
                lambda rules, _: self._versions.ask(number, who, comment, rules=rules),
            )

    def approve(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Put a version that was asked for into force, at once.

        Raises `InputError`: `own_version`, `version_not_asked`, `version_moved`, `no_name`;
        `RuleError` where it does not load any more.
        """
        with self._lock:
            rule_set = version_set(self._store, self._read(), number)
            return self._steadily(
                lambda: (self.standing().rules, rule_set.version),
                lambda former, rules: self._versions.publish(
                    number, who, comment, former=former, rules=rules
                ),
            )

    def refuse(self, number: int, who: str, comment: str) -> RuleVersion:
        """Turn down what somebody else asked to publish; it is the draft again where there is none.

        Raises `InputError`: `own_version`, `version_not_asked`, `version_moved`,
        `no_version_comment`, `no_name`.
        """
        with self._lock:
            return self._steadily(
                self._without_trial,
                lambda former, rules: self._versions.refuse(
                    number, who, comment, former=former, rules=rules
                ),
            )

    def withdraw(self, number: int, who: str, comment: str = "") -> RuleVersion:
        """Take a version from trial; it is the draft again where there is none.

        Raises `InputError`: `version_moved`, `no_name`.
        """
        with self._lock:
            return self._steadily(
                self._without_trial,
                lambda former, rules: self._versions.withdraw(
                    number, who, comment, former=former, rules=rules
                ),
            )

    def roll_back(self, number: int, who: str, comment: str) -> Running:
        """Put a version that was in force before, or what ships (0), into force again, at once.

        Raises `InputError`: `never_in_force`, `no_version_comment`, `no_name`; `RuleError` where it
        does not load any more.
        """
        with self._lock:
            base = self._read()
            restored = version_set(self._store, base, number)

            def hashes() -> tuple[str, str]:
                now = self.standing()
                if now.trial is None:
                    return now.rules, restored.version
                trial = version_set(self._store, base, now.trial.number)
                return now.rules, on_trial(restored, trial).version

            self._steadily(
                hashes,
                lambda former, rules: self._versions.restore(
                    number, who, comment, former=former, rules=rules
                ),
            )
            return self.standing()

    def diff(self, former: Which, changed: Which) -> tuple[Difference, ...]:
        """What differs between two versions, rule by rule. Raises `InputError`."""
        with self._lock:
            self._read()
            shipped = {key: change.text for key, (change, _) in self._shipped.items()}
            sides = []
            for which in (former, changed):
                own = {one.key: one.text for one in self.changes(which)}
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

    def _steadily(self, hashes: Callable[[], tuple[str, str]], step: Callable[[str, str], R]) -> R:
        """Take a step with the hashes of what runs before and after it, which belong together.

        What another process does while they are worked out makes them be worked out anew.
        """
        while True:
            mark = self._versions.mark()
            former, rules = hashes()
            with self._store.transaction():
                if self._versions.mark() == mark:
                    return step(former, rules)

    def _set_of(self, changes: Changes) -> RuleSet:
        rule_set, problems = self._found(changes)
        if problems:
            raise refusal(problems)
        return rule_set
