"""What waits for a lead, for the rail: also while the pages about it were never opened."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.session.desk_session import DeskSession
from desktop.session.rules_in_force import RulesInForce
from engine.store.approvals import same_person
from engine.store.store import Store
from engine.workshop.running import Running


class Waiting(QObject):
    """Counts when an agent asks, decides, or opens a conversation, and when a version of the rules
    takes a step; `counted` follows, with the page's name."""

    counted = Signal(str, int)

    def __init__(
        self,
        background: Background,
        store: Store,
        session: DeskSession,
        rules: RulesInForce,
        who: Callable[[], str],
        parent: QObject,
    ) -> None:
        """`who` tells whose desk it is: an own version waits for somebody else."""
        super().__init__(parent)
        self._run = background.runner(self)
        self._store, self._who = store, who
        rules.changed.connect(self._on_rules)
        for signal in (session.composing.asked, session.decided, session.undone, session.opened):
            signal.connect(lambda *_: self.count())

    def count(self) -> None:
        """Find out how many wait now."""
        approvals = self._store.approvals
        self._run(lambda: len(approvals.queue())).done(self._on_counted).failed(lambda _: None)

    def _on_counted(self, count: int) -> None:
        self.counted.emit("review", count)

    def _on_rules(self, running: Running) -> None:
        trial = running.trial
        asked = trial is not None and trial.state == "asked"
        own = trial is not None and any(same_person(one, self._who()) for one in trial.authors)
        self.counted.emit("workshop", int(asked and not own))
