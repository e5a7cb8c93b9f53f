"""The draft of a company's rules: what ships and what is in force, with what a person changes.

It is kept with every edit, even while it is wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import InputError, RuleError
from engine.redline.changes import (
    Base,
    Change,
    Changes,
    Checked,
    Key,
    Kind,
    checked,
    company_set,
    decoded,
    encoded,
    own_contexts,
)
from engine.redline.checking import Problem
from engine.redline.rules import Progress
from engine.redline.schema import Rule, RuleSet, Script
from engine.store.rule_draft import RuleDraft
from engine.store.store import Store
from engine.workshop.listing import Listing, WorkshopRule, contexts_of
from engine.workshop.running import Running, changes_in_use, read_base, running, version_changes
from engine.workshop.shipped import shipped

_CHECKS = 5_000
_SETS = 4


class WorkingDraft(Struct, frozen=True):
    """What is being edited: it began as version `base`."""

    base: int
    changes: Changes
    authors: tuple[str, ...]
    at: float


class DraftEditor:
    """The draft of one store, over the packs in `rules`. Safe from any thread; may take a second.

    Raises `RuleError` where what ships does not load or the draft cannot be read, and `StoreError`.
    """

    def __init__(self, store: Store, rules: Path) -> None:
        self._store = store
        self._versions = store.rule_versions
        self._draft = store.rule_draft
        self._rules = rules
        self._lock = threading.RLock()
        self._base_read: Base | None = None
        self._shipped: dict[Key, tuple[Change, Rule | Script]] = {}
        self._checked = lru_cache(_CHECKS)(self._check)
        self._sets: dict[Changes, tuple[RuleSet, tuple[Problem, ...]]] = {}

    @property
    def base(self) -> Base:
        """The packs that ship, read once."""
        with self._lock:
            return self._read()

    def rules(self) -> tuple[WorkshopRule, ...]:
        """Everything in the draft: what ships in its order, then what was added."""
        with self._lock:
            return tuple(self._listing())

    def one(self, kind: Kind, rule: str) -> WorkshopRule:
        """One of `rules`. Raises `InputError` (`no_rule`)."""
        with self._lock:
            listing = self._listing()
            if (kind, rule) not in listing:
                raise _no_rule(rule)
            return listing.one((kind, rule))

    def check(self, text: str, *, kind: Kind = "rule", pack: str = "", id: str = "") -> Checked:
        """What a text says as a rule, its problems and its examples; nothing is kept.

        `pack` is whose contexts it may use; with `id`, that must be its id.
        """
        with self._lock:
            self._read()
            return self._checked(Change(kind, id, text, pack), contexts_of(self._edited()))

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
            new = not id
            if new:
                id = self.check(text, kind=kind, pack=pack).id
                if not id:
                    raise InputError(
                        "The new rule has no id that can be read. Nothing was added.", "rule_no_id"
                    )

            def edit(changes: dict[Key, Change]) -> None:
                if new and ((kind, id) in self._shipped or (kind, id) in changes):
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

            self._edit(who, edit)
            return self.one(kind, id)

    def put_all(
        self,
        changes: Sequence[Change],
        who: str,
        *,
        off: Sequence[str] = (),
        restore: Sequence[str] = (),
        anew: bool = False,
    ) -> None:
        """Keep several changes in the draft at once, or none of them.

        After `changes` the rules and scripts with the ids `off` are switched off, and those with
        the ids `restore` restored; `anew` forgets the draft before that. Raises as `switch_off`.
        """

        def edit(known: dict[Key, Change]) -> None:
            known |= {one.key: one for one in changes}
            kinds = {id: kind for kind, id in (*self._shipped, *known)}
            for rule in off:
                self._off(known, kinds.get(rule, "rule"), rule)
            for rule in restore:
                self._restored(known, kinds.get(rule, "rule"), rule)

        with self._lock:
            self._read()
            self._edit(who, edit, anew=anew)

    def switch_off(self, kind: Kind, rule: str, who: str) -> WorkshopRule:
        """A rule that ships does nothing any more. Raises `InputError` (`no_rule`, `no_name`)."""
        with self._lock:
            self._read()
            self._edit(who, lambda changes: self._off(changes, kind, rule))
            return self.one(kind, rule)

    def restore(self, kind: Kind, rule: str, who: str) -> None:
        """A rule is again as it ships; one that was added is gone. Raises as `switch_off`."""
        with self._lock:
            self._read()
            self._edit(who, lambda changes: self._restored(changes, kind, rule))

    def discard(self, who: str) -> None:
        """Forget the draft. Raises `InputError` (`no_name`): as to edit it, that takes a name."""
        self._draft.drop(who)

    def working(self) -> WorkingDraft | None:
        """What is being edited, if anything is."""
        draft = self._draft.get()
        if draft is None:
            return None
        return WorkingDraft(draft.base, self._said(draft), draft.authors, draft.at)

    def problems(self, told: Progress = lambda _done, _total: None) -> tuple[Problem, ...]:
        """All that keeps the draft from being tried; `told` hears how many rules are checked."""
        with self._lock:
            return self._found(self._edited(), told)[1]

    def standing(self) -> Running:
        """What runs now."""
        return running(self._store, self._rules)

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
            return self._said(draft)
        return version_changes(self._store, self._begun()[0])

    def _begun(self) -> tuple[int, tuple[str, ...]]:
        """What an edit begins with: what is tried, else what is used; never what does not load.

        Whoever wrote what is tried is an author of what comes of it: it is in force nowhere yet.
        """
        now = self.standing()
        broken = now.problem is not None and now.problem.code == "rules_trial_broken"
        if now.trial is None or broken:
            return now.used, ()
        return now.trial.number, now.trial.authors

    def _edit(
        self, who: str, edit: Callable[[dict[Key, Change]], None], *, anew: bool = False
    ) -> None:
        """Keep what `edit` makes of the draft, whatever another process does meanwhile."""
        while True:
            seen, mark = self._draft.get(), self._versions.mark()
            if seen is None or anew:
                begun, authors = self._begun()
                before = version_changes(self._store, begun)
            else:
                begun, authors, before = seen.base, seen.authors, self._said(seen)
            changes = {one.key: one for one in before}
            edit(changes)
            with self._store.transaction():
                if (self._draft.get(), self._versions.mark()) != (seen, mark):
                    continue
                if anew:
                    self._draft.drop(who)
                kept = encoded(tuple(changes.values()))
                self._draft.keep(begun, kept, who, authors=authors)
                return

    def _said(self, draft: RuleDraft) -> Changes:
        try:
            return decoded(draft.changes)
        except msgspec.DecodeError as error:
            raise RuleError(
                "The stored draft of the rules cannot be read. The rules in force are as they "
                "were; discard the draft.",
                "rule_draft_unread",
            ) from error

    def _off(self, changes: dict[Key, Change], kind: Kind, rule: str) -> None:
        if (kind, rule) not in self._shipped:
            raise _no_rule(rule)
        changes[kind, rule] = Change(kind, rule)

    def _restored(self, changes: dict[Key, Change], kind: Kind, rule: str) -> None:
        if changes.pop((kind, rule), None) is None and (kind, rule) not in self._shipped:
            raise _no_rule(rule)

    def _listing(self) -> Listing:
        self._read()
        in_force = changes_in_use(self._store, self._rules)
        return Listing(self._shipped, self._edited(), in_force, self._checked)

    def _found(
        self, changes: Changes, told: Progress = lambda _done, _total: None
    ) -> tuple[RuleSet, tuple[Problem, ...]]:
        """The set that some changes make, and its problems; those of the last few are kept."""
        found = self._sets.pop(changes, None)
        if found is None:
            rule_set, problems = company_set(self._read(), changes, told)
            found = rule_set, tuple(problems)
        self._sets[changes] = found
        while len(self._sets) > _SETS:
            del self._sets[next(iter(self._sets))]
        return found

    def _check(self, change: Change, contexts: Changes) -> Checked:
        return checked(change, self._read(), own_contexts(contexts)[0])


def _no_rule(rule: str) -> InputError:
    return InputError(f"There is no rule {rule}. Nothing was changed.", "no_rule", id=rule)
