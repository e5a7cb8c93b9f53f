"""Whether the database is sound: looked at once in each life of the desk, aside, and copied."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from engine.errors import ZuoxiError
from engine.store.salvage import note_damage, noted_damage
from engine.store.store import Store

# When the window stands and the first messages are in.
_LOOK_AFTER_MS: Final = 3_000


class Soundness(QObject):
    """`trouble` tells of damage; it is noted beside the file, and mended at the next start."""

    trouble = Signal(object)

    def __init__(self, background: Background, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._store = store
        QTimer.singleShot(_LOOK_AFTER_MS, self, self.look)

    def look(self) -> None:
        """Read through the whole file once, through a connection of its own; a sound one is
        copied beside itself if the last copy is a day old."""
        store = self._store

        def find() -> ZuoxiError | None:
            if found := store.damage():
                note_damage(store.path, found)
            else:
                store.back_up_daily()
            return noted_damage(store.path)

        # Where it cannot look it finds nothing; whoever needs the file says so.
        self._background.run(self, find, "long").done(self._tell).failed(lambda _: None)

    def _tell(self, damage: ZuoxiError | None) -> None:
        if damage is not None:
            self.trouble.emit(damage)
