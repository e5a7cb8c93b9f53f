"""The rules that are in force on one day, compiled side by side as they are asked for."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING

from engine.records import Side
from engine.redline.schema import Rule, RuleSet

if TYPE_CHECKING:
    # Below it is imported where something is compiled: a window stands before that.
    from engine.redline.dialogue import DialogueChecks
    from engine.redline.matching import Matcher


class DayRules:
    """One rule set as it stands on `day`; what is compiled is kept. Safe from any thread."""

    def __init__(self, rule_set: RuleSet, day: date) -> None:
        self.rule_set = rule_set
        self.day = day
        self.rules = tuple(rule for rule in rule_set.rules if rule.effective.holds(day))
        self.scripts = tuple(s for s in rule_set.scripts if s.effective.holds(day))
        self.by_id = {rule.id: rule for rule in self.rules if not rule.shadow}
        self._compiling = threading.RLock()
        self._live: dict[Side, Matcher] = {}
        self._shadow: dict[Side, Matcher] = {}
        self._storage: Matcher | None = None
        self._dialogue: DialogueChecks | None = None

    def same_as(self, rule_set: RuleSet, day: date) -> bool:
        """Whether the same rules are in force on `day`: then nothing need be compiled anew."""
        return self.rules == tuple(r for r in rule_set.rules if r.effective.holds(day)) and (
            self.scripts == tuple(s for s in rule_set.scripts if s.effective.holds(day))
        )

    def make_ready(self, *sides: Side) -> None:
        """Compile the rules of `sides`, and the scripts, now."""
        for side in sides:
            for matcher in (self.live(side), self.shadow(side)):
                if matcher is not None:
                    matcher.make_ready()
        self.dialogue()

    @property
    def compiled(self) -> tuple[Side, ...]:
        """The sides that something was screened for, or that were made ready."""
        return tuple(self._live)

    def live(self, side: Side) -> Matcher:
        """The rules of `side` that act."""
        return self._matcher(self._live, side, shadow=False)

    def shadow(self, side: Side) -> Matcher | None:
        """The rules of `side` that are on trial; None when there are none."""
        if not any(rule.shadow and side in rule.sides for rule in self.rules):
            return None
        return self._matcher(self._shadow, side, shadow=True)

    def storage(self) -> Matcher | None:
        """The rules whose hits in a customer's message are not stored; None without any."""
        if self._storage is None:
            rules = [r for r in self.rules if r.before_storage and not r.shadow]
            if not rules:
                return None
            from engine.redline.matching import Matcher

            with self._compiling:
                self._storage = Matcher(rules)
        return self._storage

    def dialogue(self) -> DialogueChecks:
        """What is asked of whole conversations."""
        if self._dialogue is None:
            from engine.redline.dialogue import DialogueChecks

            with self._compiling:
                if self._dialogue is None:
                    self._dialogue = DialogueChecks(
                        self.scripts, [r for r in self.rules if r.dialogue]
                    )
        return self._dialogue

    def forget_texts(self) -> None:
        """Keep nothing of the conversations that were looked at."""
        if self._dialogue is not None:
            self._dialogue.forget_texts()

    def about_turns(self, side: Side) -> list[Rule]:
        """The rules of `side` that look at nothing but the conversation."""
        return [r for r in self.rules if r.dialogue and not r.matches and side in r.sides]

    def _matcher(self, known: dict[Side, Matcher], side: Side, *, shadow: bool) -> Matcher:
        found = known.get(side)
        if found is None:
            from engine.redline.matching import Matcher

            with self._compiling:
                found = known.get(side)
                if found is None:
                    rules = [r for r in self.rules if side in r.sides and r.shadow == shadow]
                    found = known[side] = Matcher(rules, side)
        return found
