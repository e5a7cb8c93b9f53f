"""The desk takes another rule set into force while it stands, whoever put it there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from desktop.background import Background, Lane
from engine.errors import ZuoxiError
from engine.redline.day_rules import DayRules
from engine.redline.gate import Gate
from engine.store.store import Store
from engine.workshop.running import RulesWatcher, Running

# Not the lane of long jobs: a rule that was published must not wait for an import to end.
_LANE: Final[Lane] = "rules"


class RulesInForce(QObject):
    """`look` is to be called when a version may have taken a step. `changed` tells what runs then;
    `trouble` of a version that does not load, once for each.
    """

    changed = Signal(object)
    trouble = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        gate: Gate,
        rules: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._gate = gate
        self.packs = rules
        self._watcher = RulesWatcher(store.path, rules)
        self._looking = self._again = False
        self._told: tuple[str, str] | None = None

    def look(self) -> None:
        """Look now; a set that differs is compiled aside and then put into force."""
        if self._looking:
            self._again = True
            return
        self._looking = True

        def find() -> tuple[Running, DayRules] | None:
            found = self._watcher.look()
            if found is None:
                return None
            same = found.rules == self._gate.version
            return found, self._gate.current if same else self._gate.made_ready(found.rule_set)

        self._background.run(self, find, _LANE).done(self._found).failed(self._blind)

    def tell(self, problem: ZuoxiError | None) -> None:
        """Tell of what does not load, unless that was told last."""
        said = (problem.code, problem.message) if problem is not None else None
        if problem is not None and said != self._told:
            self.trouble.emit(problem)
        self._told = said

    def _found(self, found: tuple[Running, DayRules] | None) -> None:
        if found is None:
            self._end()
            return
        running, day_rules = found

        def take() -> None:
            # In the lane in which texts are decided on, so that none is decided on by two sets.
            self._gate.take(day_rules)

        def taken(_: None) -> None:
            self.tell(running.problem)
            self.changed.emit(running)
            self._end()

        self._background.run(self, take).done(taken)

    def _blind(self, error: ZuoxiError) -> None:
        # What was in force stays so.
        self.tell(error)
        self._end()

    def _end(self) -> None:
        self._looking = False
        if self._again:
            self._again = False
            self.look()
