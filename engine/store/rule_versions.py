"""Versions of a company's own rules: what was changed, who tried, approved and published it.

A version holds all that the company has changed, as text that this module does not look into. It
never changes; steps are added to it:

    trial → asked → published (by somebody else) → superseded by the next one, or rolled back
    trial, asked → withdrawn; asked → refused
    restored: what was in force once is so again, or what ships (version 0)

Beside them is one draft (`rule_draft.py`), which becomes the next version.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import InputError
from engine.store.approvals import same_person
from engine.store.audit import Audit, rule_step_content
from engine.store.audit_records import counted_steps, step_key
from engine.store.database import Database, Row
from engine.store.rule_draft import RuleDraft, RuleDrafts, changes_hash, named, with_author
from engine.store.text import clean, to_json

Step = Literal["trial", "asked", "published", "refused", "withdrawn", "restored"]
State = Literal["trial", "asked", "in_force", "superseded", "rolled_back", "withdrawn", "refused"]
SHIPPED = 0
"""The number that stands for the rules as they ship."""

_RUNNING: tuple[State, ...] = ("trial", "asked")


class RuleStep(Struct, frozen=True):
    """What was done with a version. `at` is in seconds."""

    step: Step
    who: str
    at: float
    comment: str = ""


class RuleVersion(Struct, frozen=True):
    """A version as it stands: how many `changes` it holds, and the hash of the whole set it made
    (`rule_set`) when it was made."""

    number: int
    state: State
    authors: tuple[str, ...]
    at: float
    comment: str
    base: int
    rule_set: str
    hash: str
    changes: int = 0
    steps: tuple[RuleStep, ...] = ()

    @property
    def published_by(self) -> str:
        """Who approved it, "" if nobody has."""
        return next((one.who for one in reversed(self.steps) if one.step == "published"), "")


class Standing(Struct, frozen=True):
    """Which versions run: one in force (None: what ships), one on trial beside it."""

    in_force: RuleVersion | None = None
    trial: RuleVersion | None = None


class RuleVersions:
    """All versions of one database."""

    def __init__(self, database: Database, audit: Audit, draft: RuleDrafts) -> None:
        self._database = database
        self._audit = audit
        self._draft = draft

    def all(self) -> tuple[RuleVersion, ...]:
        """Every version, newest first."""
        rows = self._database.rows(
            """SELECT number, base, hash, rule_set, authors, comment, at,
                iif(json_valid(changes), json_array_length(changes), 0) AS changes
            FROM rule_versions ORDER BY number DESC"""
        )
        steps = self._steps()
        states = _states(steps)
        of: dict[int, list[RuleStep]] = {}
        for one in steps:
            done = RuleStep(one["step"], one["who"], one["at"], one["comment"])
            of.setdefault(one["version"], []).append(done)
        return tuple(
            RuleVersion(
                **{**row, "authors": msgspec.json.decode(row["authors"], type=tuple[str, ...])},
                state=states.get(row["number"], "withdrawn"),
                steps=tuple(of.get(row["number"], ())),
            )
            for row in rows
        )

    def get(self, number: int) -> RuleVersion:
        """One version. Raises `InputError` (`no_rule_version`)."""
        for version in self.all():
            if version.number == number:
                return version
        raise InputError(
            f"There is no version {number} of the rules. Nothing was changed.",
            "no_rule_version",
            number=number,
        )

    def changes(self, number: int) -> str:
        """What a version holds. Raises `InputError` (`no_rule_version`)."""
        row = self._database.row("SELECT changes FROM rule_versions WHERE number = ?", [number])
        if row is None:
            self.get(number)
            return ""
        return str(row["changes"])

    def standing(self) -> Standing:
        """Which versions run now."""
        in_force = trial = None
        for version in self.all():
            if version.state == "in_force":
                in_force = version
            elif version.state in _RUNNING:
                trial = version
        return Standing(in_force, trial)

    def in_force(self) -> int:
        """The number of what is in force, 0 for what ships."""
        return self._were()[0]

    def formerly_in_force(self) -> list[int]:
        """The versions that were in force before the one that is, newest first; at last 0."""
        return self._were()[1:]

    def mark(self) -> tuple[int, int]:
        """What changes whenever another version runs: compare it to the last one."""
        row = self._database.row(
            """SELECT (SELECT max(seq) FROM rule_steps) AS steps,
                (SELECT max(number) FROM rule_versions) AS versions"""
        )
        return ((row["steps"] or 0), (row["versions"] or 0)) if row else (0, 0)

    def start_trial(
        self, draft: RuleDraft, who: str, comment: str, *, rule_set: str, former: str, rules: str
    ) -> RuleVersion:
        """Make `draft` a version, and have it run on trial.

        `rule_set` is the hash of the set it makes; `former` and `rules` those of what ran before
        and runs now. The draft is gone then, if it is still the same. Raises `InputError`:
        `no_name`, `no_version_comment`, `rules_on_trial` (another one is), `version_moved`.
        """
        named(who)
        if not comment.strip():
            raise InputError(
                "A version needs a word about what it changes. Nothing was changed.",
                "no_version_comment",
            )
        with self._database.transaction():
            on_trial = self.standing().trial
            if on_trial is not None:
                raise InputError(
                    f"Version {on_trial.number} is on trial: end that first. Nothing was changed.",
                    "rules_on_trial",
                    number=on_trial.number,
                )
            kept = self._draft.get()
            # Who edited it since it was read, and left the same text, is an author too.
            authors = with_author((kept or draft).authors, who)
            if kept is not None:
                if kept.changes != draft.changes:
                    raise _moved()
                self._draft.drop(who)
            self._database.insert(
                "rule_versions",
                {
                    "base": draft.base,
                    "changes": draft.changes,
                    "hash": changes_hash(draft.changes),
                    "rule_set": rule_set,
                    "authors": to_json(list(authors)),
                    "comment": comment,
                    "at": time.time(),
                },
            )
            row = self._database.row("SELECT max(number) AS number FROM rule_versions")
            number = int(row["number"]) if row else 0
            self._step(number, "trial", who, comment, former=former, rules=rules)
            return self.get(number)

    def ask(self, number: int, who: str, comment: str = "", *, rules: str = "") -> RuleVersion:
        """Ask a second lead to publish a version on trial. `rules` is the hash of what runs."""
        return self._go(number, "asked", ("trial",), who, comment, former=rules, rules=rules)

    def publish(
        self, number: int, who: str, comment: str = "", *, former: str = "", rules: str = ""
    ) -> RuleVersion:
        """Put what was asked for into force.

        Raises `InputError`: `own_version` where `who` is one of its authors or asked for it,
        `version_not_asked`, `version_moved` where nobody asks for it any more, `no_name`.
        """
        return self._go(number, "published", ("asked",), who, comment, former=former, rules=rules)

    def refuse(
        self, number: int, who: str, comment: str, *, former: str = "", rules: str = ""
    ) -> RuleVersion:
        """Turn down what was asked for; it is the draft again where there is none.

        Raises `InputError`: `own_version` (withdraw it instead), `no_version_comment`,
        `version_not_asked`, `version_moved`, `no_name`.
        """
        if not comment.strip():
            raise InputError(
                "The authors need to know what is wrong. Nothing was changed; give a comment.",
                "no_version_comment",
            )
        with self._database.transaction():
            asked: tuple[State, ...] = ("asked",)
            ended = self._go(number, "refused", asked, who, comment, former=former, rules=rules)
            self._edit_again(ended)
            return ended

    def withdraw(
        self, number: int, who: str, comment: str = "", *, former: str = "", rules: str = ""
    ) -> RuleVersion:
        """Take a version from trial; it is the draft again where there is none.

        Raises `InputError`: `version_moved`, `no_name`.
        """
        with self._database.transaction():
            ended = self._go(
                number, "withdrawn", _RUNNING, who, comment, former=former, rules=rules
            )
            self._edit_again(ended)
            return ended

    def restore(
        self, number: int, who: str, comment: str, *, former: str = "", rules: str = ""
    ) -> None:
        """Put a version that was in force, or what ships (0), into force again.

        Raises `InputError`: `never_in_force`, `no_name`, `no_version_comment`.
        """
        named(who)
        if not comment.strip():
            raise InputError(
                "A roll-back needs a reason. Nothing was changed.", "no_version_comment"
            )
        with self._database.transaction():
            if number != SHIPPED:
                self.get(number)
            if number not in self.formerly_in_force():
                raise InputError(
                    f"Version {number} was never in force, or is. Nothing was changed.",
                    "never_in_force",
                    number=number,
                )
            self._step(number, "restored", who, comment, former=former, rules=rules)

    def without_effect(self) -> list[int]:
        """The versions of which steps are stored that the audit does not tell of."""
        counted = {one["seq"] for one in self._steps()}
        rows = self._database.rows("SELECT seq, version FROM rule_steps ORDER BY version")
        return list(dict.fromkeys(one["version"] for one in rows if one["seq"] not in counted))

    def trial_hits(self) -> dict[str, int]:
        """How often the rules on trial have hit since the version on trial began, by id."""
        trial = self.standing().trial
        if trial is None:
            return {}
        rows = self._database.rows(
            """SELECT rule, count(*) AS n FROM hits INDEXED BY hits_for_review
            WHERE at >= ? AND trial = 1 GROUP BY rule""",
            [trial.steps[0].at],
        )
        return {row["rule"]: row["n"] for row in rows}

    def _were(self) -> list[int]:
        steps = reversed(self._steps())
        were = [one["version"] for one in steps if one["step"] in ("published", "restored")]
        return list(dict.fromkeys([*were, SHIPPED]))

    def _steps(self) -> list[Row]:
        """The steps that the audit tells of, too; one put in by another hand does nothing.

        Where the audit is gone altogether nothing can be sent, and the rules stay as they were.
        """
        rows = self._database.rows("SELECT * FROM rule_steps ORDER BY seq")
        if not rows or self._audit.is_lost():
            return rows
        told = counted_steps(self._audit.rule_steps())
        older = self._audit.older().get("rule_steps", 0)
        recorded: list[Row] = []
        for row in rows:
            key = step_key(row)
            if told[key]:
                told[key] -= 1
                recorded.append(row)
            elif row["seq"] <= older:
                recorded.append(row)
        return recorded

    def _go(
        self,
        number: int,
        step: Step,
        from_: Sequence[State],
        who: str,
        comment: str,
        *,
        former: str,
        rules: str,
    ) -> RuleVersion:
        named(who)
        with self._database.transaction():
            version = self.get(number)
            answering = step in ("published", "refused")
            if version.state not in from_:
                raise _not_asked(number) if answering and version.state == "trial" else _moved()
            if answering:
                self._not_own(version, who)
            self._step(number, step, who, comment, former=former, rules=rules)
            return self.get(number)

    def _step(
        self, number: int, step: Step, who: str, comment: str, *, former: str, rules: str
    ) -> None:
        moment = time.time()
        done: Row = {
            "version": number,
            "step": step,
            "who": clean(who),
            "comment": clean(comment),
            "rules": rules,
            "at": moment,
        }
        row = self._database.row("SELECT * FROM rule_versions WHERE number = ?", [number])
        self._audit.rules_changed(
            former,
            rules,
            who=who,
            approved_by=who if step == "published" else "",
            why=step,
            version=number,
            changes=str(row["hash"]) if row else "",
            content=rule_step_content(done, row),
            at=moment,
        )
        self._database.insert("rule_steps", done)

    def _not_own(self, version: RuleVersion, who: str) -> None:
        asked = [one.who for one in version.steps if one.step == "asked"]
        if any(same_person(one, who) for one in (*version.authors, *asked)):
            raise InputError(
                "Nobody answers for an own version. It still waits for somebody else.",
                "own_version",
                number=version.number,
            )

    def _edit_again(self, version: RuleVersion) -> None:
        if self._draft.get() is None:
            self._draft.put(version.base, self.changes(version.number), version.authors)


def _states(steps: Sequence[Row]) -> dict[int, State]:
    """How every version stands after all steps, in order."""
    states: dict[int, State] = {}
    now = SHIPPED
    for one in steps:
        number, step = one["version"], one["step"]
        if step in ("published", "restored"):
            states[now] = "superseded" if step == "published" else "rolled_back"
            states[number] = "in_force"
            now = number
        else:
            states[number] = step
    return states


def _not_asked(number: int) -> InputError:
    return InputError(
        f"Nobody has asked to publish version {number} yet. Nothing was changed.",
        "version_not_asked",
        number=number,
    )


def _moved() -> InputError:
    return InputError(
        "The version was changed, published or withdrawn in the meantime. Nothing was changed; "
        "look at it again.",
        "version_moved",
    )
