"""A customer asks for deletion: what there is is counted, and on a lead's word deleted."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from engine import forgetting
from engine.forgetting import Forgotten
from engine.paths import DataFolder
from engine.records import Language
from engine.store.forgetting import Held
from engine.store.store import Store
from engine.texts import text


class Traces(Struct, frozen=True):
    """What is kept of a customer: in one conversation, and in all under the same name."""

    customer: str
    one: tuple[str, ...]
    held: Held
    all: tuple[str, ...]
    all_held: Held


class Forgetting(QObject):
    """`found` brings the `Traces` of a customer, `done` a `Forgotten`, `trouble` an error."""

    found = Signal(object)
    done = Signal(object)
    trouble = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        folder: DataFolder,
        who: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`who` tells the lead's name; a deletion is recorded under it."""
        super().__init__(parent)
        self._background = background
        self._store, self._folder, self._who = store, folder, who

    def look(self, conversation: str) -> None:
        """Count what there is of the customer of a conversation; `found` follows."""
        store = self._store

        def count() -> Traces:
            (row,) = forgetting.found(store, conversation)
            one = (row.id,)
            named = tuple(each.id for each in forgetting.found(store, row.customer))
            return Traces(
                row.customer,
                one,
                forgetting.held(store, one),
                named,
                forgetting.held(store, named),
            )

        self._background.run(self, count).done(self.found.emit).failed(self.trouble.emit)

    def forget(self, conversations: tuple[str, ...]) -> None:
        """Delete what was written in these conversations, for good; `done` follows."""
        store, folder, who = self._store, self._folder, self._who()

        def act() -> Forgotten:
            return forgetting.forget(store, folder, conversations, who, "asked")

        self._background.run(self, act, "long").done(self.done.emit).failed(self.trouble.emit)


def became_words(became: Forgotten, language: Language) -> list[str]:
    """What a deletion came to, sentence by sentence."""
    lines = [text("customers.forgotten", language, n=became.held.conversations)]
    if not became.finished:
        lines.append(text("customers.unfinished", language))
    lines += [text("customers.left", language, path=path) for path in became.left]
    if became.older_records:
        lines.append(text("customers.older_records", language, n=became.older_records))
    return lines
