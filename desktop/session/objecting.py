"""What an agent has to say against a rule that keeps a text back, and what a lead answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from engine import deciding
from engine.records import Hit, Language
from engine.redline.gate import Gate
from engine.store.rows import Appeal, Appealed
from engine.store.store import Store


class Objecting(QObject):
    """`filed` brings the appeal that was stored, `failed` why none was; `listed` brings all of an
    agent's own, newest first. `said` brings the key of a sentence and its values.
    """

    filed = Signal(object)
    failed = Signal(object)
    listed = Signal(object)
    said = Signal(str, object)

    def __init__(
        self, background: Background, store: Store, gate: Gate, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._gate = gate
        self._waiting: set[str] = set()
        self._looking = False

    def start(self, who: str) -> None:
        """Follow what `who` filed before this start."""

        def done(found: list[Appealed]) -> None:
            self._waiting = {one.appeal.id for one in found if one.appeal.answered_at is None}

        if who.strip():
            reviews = self._store.reviews
            self._run(lambda: reviews.appeals_by(who)).done(done).failed(lambda _: None)

    def file(
        self, conversation: str, text: str, hit: Hit, why: str, who: str, language: Language
    ) -> None:
        """File an appeal against a hit of a text that is typed and not sent."""

        def act() -> Appeal:
            return deciding.object_to(
                self._store, self._gate, conversation, hit, why, who, text=text, language=language
            )

        def done(appeal: Appeal) -> None:
            self._waiting.add(appeal.id)
            self.filed.emit(appeal)

        self._run(act).done(done).failed(self.failed.emit)

    def read(self, who: str) -> None:
        """Read what `who` filed; `listed` follows."""
        reviews = self._store.reviews
        self._run(lambda: reviews.appeals_by(who)).done(self.listed.emit).failed(self.failed.emit)

    def look(self, who: str) -> None:
        """A lead may have answered: look, and say so."""
        if self._looking or not self._waiting:
            return
        self._looking = True
        reviews = self._store.reviews
        self._run(lambda: reviews.appeals_by(who)).done(self._seen).failed(self._not_seen)

    def _seen(self, found: Sequence[Appealed]) -> None:
        self._looking = False
        for one in found:
            appeal = one.appeal
            if appeal.id in self._waiting and appeal.answered_at is not None:
                self._waiting.discard(appeal.id)
                if appeal.upheld is not None:
                    key = "upheld" if appeal.upheld else "dismissed"
                    rule = one.hit.hit.name or one.hit.hit.rule
                    self.said.emit(f"desk.appeal.{key}", {"name": appeal.answered_by, "rule": rule})

    def _not_seen(self, _error: object) -> None:
        self._looking = False


def own_word(found: Sequence[Appealed], conversation: str, hit: Hit | None) -> Appeal | None:
    """The newest of these appeals that speaks against this very hit in this conversation."""
    for one in found:
        there = one.hit.hit
        same = hit is not None and (there.rule, there.text) == (hit.rule, hit.text)
        erased = one.appeal.answered_at is not None and one.appeal.upheld is None
        if same and not erased and one.hit.conversation == conversation:
            return one.appeal
    return None
