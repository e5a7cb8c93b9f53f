"""Whether the database is sound: looked at once in each life of the desk, aside, and copied."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from engine.errors import StoreError, ZuoxiError
from engine.store.salvage import note_damage, noted_damage
from engine.store.store import Store

# When the window stands and the first messages are in.
_LOOK_AFTER_MS: Final = 3_000


class Soundness(QObject):
    """`trouble` tells of damage, which is noted beside the file and mended at the next start, and
    of what was done to the file past the program."""

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

        def find() -> list[ZuoxiError]:
            if found := store.damage():
                note_damage(store.path, found)
            else:
                store.back_up_daily()
            damage = noted_damage(store.path)
            return [damage] if damage is not None else _past_the_program(store)

        # Where it cannot look it finds nothing; whoever needs the file says so.
        self._background.run(self, find, "long").done(self._tell).failed(lambda _: None)

    def _tell(self, found: list[ZuoxiError]) -> None:
        for one in found:
            self.trouble.emit(one)


def _past_the_program(store: Store) -> list[ZuoxiError]:
    """What somebody did to a sound file with another program, as far as a start sees it."""
    found: list[ZuoxiError] = []
    if lost := store.guards_put_back:
        found.append(
            StoreError(
                f"{len(lost)} triggers that protect the audit were missing from {store.path}; "
                "they are back.",
                "guards_put_back",
                n=len(lost),
            )
        )
    if forged := store.rule_versions.without_effect():
        versions = ", ".join(map(str, forged))
        found.append(
            StoreError(
                f"Version {versions} of the rules has steps that the audit does not tell of; they "
                "are ignored.",
                "forged_rule_steps",
                versions=versions,
            )
        )
    return found
