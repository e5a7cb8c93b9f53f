"""What was deleted of a customer's leaves the engine's memory, too, whoever deleted it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from desktop.background import Background
from desktop.bridge import EngineBridge
from desktop.session.intake import Intake
from engine.redline.gate import Gate
from engine.store.store import Store


class EngineMemory(QObject):
    """Has the engine, and the gate, forget conversations whose data was deleted.

    It looks when another process has written; after a deletion at this desk, `look` is to be
    called. What was deleted before the desk was opened no engine of its own has read.
    """

    def __init__(
        self, background: Background, store: Store, gate: Gate, bridge: EngineBridge, intake: Intake
    ) -> None:
        super().__init__(intake)
        self._run = background.runner(self)
        self._store, self._gate, self._bridge = store, gate, bridge
        self._seen: int | None = None
        intake.changed.connect(self.look)

    def look(self) -> None:
        """Look now."""

        def find() -> tuple[str, ...]:
            # On the store's thread alone, one look after the other.
            seen, (self._seen, erased) = self._seen, self._store.forgetting.since(self._seen or 0)
            return () if seen is None else erased

        def found(erased: tuple[str, ...]) -> None:
            if erased:
                self._bridge.forget(erased)
                self._gate.forget_texts()

        self._run(find).done(found).failed(lambda _: None)
