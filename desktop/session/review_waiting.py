"""How many requests wait for a lead, for the rail: also while the review page was never opened."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.session.desk_session import DeskSession
from engine.store.store import Store


class Waiting(QObject):
    """Counts when an agent asks, decides, or opens a conversation; `counted` follows."""

    counted = Signal(int)

    def __init__(
        self, background: Background, store: Store, session: DeskSession, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        for signal in (session.composing.asked, session.decided, session.undone, session.opened):
            signal.connect(lambda *_: self.count())

    def count(self) -> None:
        """Find out how many wait now."""
        approvals = self._store.approvals
        self._run(lambda: len(approvals.queue())).done(self.counted.emit).failed(lambda _: None)
