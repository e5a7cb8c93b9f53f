"""The engine's rule workshop as its page sees it; all of it for threads other than the UI's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from desktop.session import workshop_text
from desktop.session.workshop_diff import readable
from desktop.widgets.workshop_history import DRAFT
from desktop.widgets.workshop_values import (
    Change,
    Checked,
    ExampleMark,
    Opened,
    PartKind,
    ProblemLine,
    ReplayRow,
    ReplayView,
    RuleCount,
    RuleDiff,
    RuleForm,
    RuleRow,
    Standing,
    Tried,
    VersionRow,
    VersionStep,
)
from engine.errors import RuleError
from engine.records import Hit, Language, Side
from engine.redline.schema import Rule, Script
from engine.store.approvals import same_person
from engine.store.rule_versions import RuleVersion
from engine.store.store import Store
from engine.texts import explain

if TYPE_CHECKING:
    from engine.redline.checking import Problem
    from engine.store.rule_versions import RuleVersion
    from engine.workshop.comparing import Difference
    from engine.workshop.listing import WorkshopRule
    from engine.workshop.replay import Replayed
    from engine.workshop.workshop import Workshop

Key = tuple[PartKind, str]
FIRST: Final = 500
"""How many texts of each kind a replay keeps to look at."""


class Edit(Struct, frozen=True):
    """What a person changed of one rule: its text (None: as it was kept last), then in its form
    (from `before`), then its examples."""

    text: str | None = None
    before: RuleForm | None = None
    form: RuleForm | None = None
    examples: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Written(Struct, frozen=True):
    """An edit that is kept: how the rule stands now, and what came of its check."""

    row: RuleRow
    checked: Checked


class Listing(Struct, frozen=True):
    """All rules, in order, how they stand, and when the draft was changed last."""

    rows: tuple[RuleRow, ...]
    standing: Standing
    edited_at: float = 0.0


class WorkshopSource:
    """Speaks to one `Workshop`; what it raises are `ZuoxiError`s."""

    def __init__(self, store: Store, rules: Path) -> None:
        self._store, self._rules = store, rules
        self._made: Workshop | None = None

    @property
    def workshop(self) -> Workshop:
        """The workshop itself, made when it is first needed."""
        if self._made is None:
            from engine.workshop.workshop import Workshop

            self._made = Workshop(self._store, self._rules)
        return self._made

    def listing(self, who: str, language: Language) -> Listing:
        """What the page shows at first, and after every step."""
        workshop = self.workshop
        figures = {one.rule: one for one in self._store.reviews.precision()}
        trial, working = workshop.standing().trial, workshop.working()
        tried: set[Key] = set()
        fresh: set[Key] | None = None
        if trial is not None:
            tried = _keys(workshop.diff("in_force", trial.number))
            fresh = _keys(workshop.diff(trial.number, "draft")) if working is not None else set()
        rows = []
        for one in workshop.rules():
            row = row_of(one, language)
            known = figures.get(one.id)
            if fresh is not None and row.key not in fresh and row.change != "off":
                row = replace(row, change="")
            rows.append(
                replace(
                    row,
                    trial=row.trial or row.key in tried,
                    right=known.right if known else 0,
                    judged=known.right + known.false_alarms if known else 0,
                    missed=known.missed if known else 0,
                )
            )
        changes = sum(one.edited for one in workshop.rules()) if fresh is None else len(fresh)
        standing = self._standing(who, language, changes if working is not None else 0)
        return Listing(tuple(rows), standing, working.at if working is not None else 0.0)

    def _standing(self, who: str, language: Language, changes: int) -> Standing:
        """How the rules stand, without what is wrong across rules."""
        workshop = self.workshop
        now = workshop.standing()
        hits = sum(workshop.trial_hits().values()) if now.trial is not None else 0
        authors = now.trial.authors if now.trial is not None else ()
        return Standing(
            in_force=version_of(now.in_force) if now.in_force is not None else None,
            trial=version_of(now.trial) if now.trial is not None else None,
            changes=changes,
            who=who,
            own=any(same_person(author, who) for author in authors),
            trial_hits=hits,
            trouble=explain(now.problem, language) if now.problem is not None else "",
        )

    def problems(self, language: Language) -> tuple[str, ...]:
        """All that keeps the draft from being tried, in words."""
        return tuple(_said(one, language) for one in self.workshop.problems())

    def open(self, key: Key, language: Language) -> tuple[Opened, Checked]:
        """A rule to edit, with its text checked."""
        one = self.workshop.one(*key)
        checked = self.check(one.text, key[0], one.pack, language)
        return Opened(row_of(one, language), one.text, one.origin != "added"), checked

    def check(self, text: str, kind: PartKind, pack: str, language: Language) -> Checked:
        """A text as it would stand in the rules."""
        found = self.workshop.check(text, kind=kind, pack=pack)
        marks: dict[str, list[ExampleMark]] = {"hit": [], "miss": []}
        for one in found.examples:
            marks[one.kind].append(ExampleMark(one.text, one.holds, one.spans))
        rule = found.rule
        return Checked(
            text,
            tuple(ProblemLine(one.line, one.told(language)) for one in found.problems),
            workshop_text.form_of(rule) if isinstance(rule, Rule) else None,
            rule is not None,
            tuple(marks["hit"]),
            tuple(marks["miss"]),
        )

    def write(self, key: Key, edit: Edit, who: str, language: Language) -> Written:
        """Keep an edit. Raises `InputError` (`workshop_text`) where a form has no text to go to."""
        text = edit.text if edit.text is not None else self.workshop.one(*key).text
        if edit.form is not None and edit.before is not None:
            text = workshop_text.with_form(text, edit.before, edit.form)
        for kind, examples in edit.examples:
            text = workshop_text.with_examples(text, kind, examples)
        kept = self.workshop.put(text, who, kind=key[0], id=key[1])
        return Written(row_of(kept, language), self.check(text, key[0], kept.pack, language))

    def add(self, who: str) -> Key:
        """A new rule in the draft; its key."""
        known = {one.id for one in self.workshop.rules()}
        number = next(n for n in range(1, len(known) + 2) if f"own.rule_{n}" not in known)
        text = workshop_text.new_rule(f"own.rule_{number}", "新规则", "New rule")
        kept = self.workshop.put(text, who)
        return kept.kind, kept.id

    def switch_off(self, key: Key, who: str) -> None:
        """Take a rule out of the draft."""
        self.workshop.switch_off(*key, who)

    def restore(self, key: Key, who: str) -> None:
        """Have a rule as it ships; an added one goes."""
        self.workshop.restore(*key, who)

    def step(self, name: str, number: int, who: str, comment: str) -> None:
        """Take a step: discard, start, ask, approve, refuse, withdraw or roll_back."""
        workshop = self.workshop
        if name == "discard":
            workshop.discard(who)
        elif name == "start":
            workshop.start_trial(who, comment)
        elif name == "ask":
            workshop.ask(number, who, comment)
        elif name == "approve":
            workshop.approve(number, who, comment)
        elif name == "refuse":
            workshop.refuse(number, who, comment)
        elif name == "withdraw":
            workshop.withdraw(number, who, comment)
        elif name == "roll_back":
            workshop.roll_back(number, who, comment)
        else:
            raise ValueError(name)

    def try_text(self, text: str, side: Side, language: Language) -> Tried:
        """A text screened by both sets; a draft with problems is said to have them."""
        try:
            found = self.workshop.try_text(text, side, language)
        except RuleError:
            now = self.workshop.gate("in_force").screen(text, side, language=language)
            return Tried(text, now.hits, broken=True)
        return Tried(text, found.former.hits, found.changed.hits)

    def versions(self) -> tuple[tuple[VersionRow, ...], int]:
        """All versions, the newest first, down to the shipped rules; and which is in force."""
        workshop = self.workshop
        now, working = workshop.standing().in_force, workshop.working()
        in_force = now.number if now is not None else 0
        rows = [version_of(one) for one in workshop.versions()]
        if working is not None:
            draft = VersionRow(
                DRAFT,
                "trial",
                working.authors,
                working.at,
                base=working.base,
                changes=len(working.changes),
            )
            rows.insert(0, draft)
        rows.append(VersionRow(0, "superseded" if in_force else "in_force"))
        return tuple(rows), in_force

    def diff(self, former: int, changed: int, language: Language) -> tuple[RuleDiff, ...]:
        """What lies between two versions."""
        names = {(one.kind, one.id): row_of(one, language).name for one in self.workshop.rules()}

        def which(number: int) -> int | Literal["draft"]:
            return "draft" if number == DRAFT else number

        return tuple(
            RuleDiff(one.id, names.get((one.kind, one.id), one.id), one.what, readable(one.lines))
            for one in self.workshop.diff(which(former), which(changed))
        )

    def replay(self, language: Language) -> Iterator[Replayed]:
        """The draft (or what is on trial) over everything stored, beside what is in force."""
        from engine.workshop.replay import replay

        workshop = self.workshop
        working, trial = workshop.working(), workshop.standing().trial
        changed: int | Literal["draft"] = "draft"
        if working is None and trial is not None:
            changed = trial.number
        former = workshop.rule_set("in_force")
        yield from replay(self._store, former, workshop.rule_set(changed), language=language)


def _keys(found: Iterable[Difference]) -> set[Key]:
    return {(one.kind, one.id) for one in found}


def row_of(one: WorkshopRule, language: Language) -> RuleRow:
    """A rule of the workshop as a row, without what leads said of it."""
    known = one.rule or one.former
    change: Change = ""
    if one.origin == "off":
        change = "off"
    elif one.edited:
        change = "changed" if one.former is not None else "added"
    own = one.origin != "shipped"
    if not isinstance(known, (Rule, Script)):
        return RuleRow(one.id, one.id, one.kind, own=own, change=change,
                       problems=len(one.problems))  # fmt: skip
    name = known.name.of(language)
    if isinstance(known, Script):
        return RuleRow(one.id, name, one.kind, own=own, trial=known.shadow, change=change,
                       problems=len(one.problems))  # fmt: skip
    return RuleRow(
        id=one.id,
        name=name,
        kind=one.kind,
        sides=known.sides,
        category=known.category,
        level=known.level,
        action=known.action,
        own=own,
        trial=known.shadow,
        change=change,
        problems=len(one.problems),
    )


def version_of(one: RuleVersion) -> VersionRow:
    """A version as a row."""
    return VersionRow(
        number=one.number,
        state=one.state,
        authors=one.authors,
        at=one.at,
        comment=one.comment,
        base=one.base,
        rule_set=one.rule_set,
        changes=one.changes,
        steps=tuple(VersionStep(s.step, s.who, s.at, s.comment) for s in one.steps),
    )


def replay_view(found: Replayed, left: float | None, names: dict[str, str]) -> ReplayView:
    """How far a replay is."""
    totals = found.totals
    rules = sorted(
        (
            RuleCount(rule, names.get(rule, rule), n.new, n.lost, n.altered, n.better, n.worse)
            for rule, n in totals.rules.items()
        ),
        key=lambda one: (-(one.new + one.lost + one.altered), one.rule),
    )
    return ReplayView(
        "running",
        found.done,
        found.total,
        left,
        totals.new,
        totals.lost,
        totals.altered,
        totals.better,
        totals.worse,
        tuple(rules),
    )


def replay_rows(found: Replayed) -> tuple[ReplayRow, ...]:
    """The texts of one step of a replay."""
    return tuple(
        ReplayRow(
            kind=one.what,
            hit=Hit(
                rule=one.rule,
                category="",
                level=one.level,
                action=one.action,
                start=one.start,
                end=one.end,
                text=one.excerpt[one.start : one.end],
                side=one.side,
                name=one.name,
            ),
            text=one.excerpt,
            start=one.start,
            end=one.end,
            at=one.at,
            conversation=one.conversation,
            verdict=one.verdict,
            flips=one.flips,
        )
        for one in found.rows
    )


def _said(problem: Problem, language: Language) -> str:
    words = problem.told(language)
    where: Iterable[str] = (problem.rule, str(problem.line) if problem.line else "")
    place = ":".join(part for part in where if part)
    return f"{place}: {words}" if place else words
