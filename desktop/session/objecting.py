"""What an agent has to say against a rule that keeps a text back, and what a lead answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSettings, Signal

from desktop.background import Background
from engine import deciding
from engine.records import Hit, Language
from engine.redline.gate import Gate
from engine.store.rows import Appeal, Appealed
from engine.store.store import Store
from engine.store.text import clean, sha256


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
        self._memory: QSettings | None = None
        self._who, self._found = "", list[Appealed]()

    def remember(self, memory: QSettings) -> None:
        """`memory` knows, over a restart, up to which answer each agent has heard."""
        self._memory = memory
        self._catch_up()

    def start(self, who: str) -> None:
        """Follow what `who` filed before this start, and say what was answered meanwhile."""

        def done(found: list[Appealed]) -> None:
            self._waiting = {one.appeal.id for one in found if one.appeal.answered_at is None}
            self._who, self._found = who, found
            self._catch_up()

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

    def _catch_up(self) -> None:
        if self._memory is None or not self._who:
            return
        heard = float(str(self._memory.value(_heard(self._who), 0.0)))
        news = [one for one in self._found if (one.appeal.answered_at or 0.0) > heard]
        news = [one for one in news if one.appeal.upheld is not None]
        if len(news) == 1:
            self._say(news[0])
        elif news:
            upheld = sum(bool(one.appeal.upheld) for one in news)
            counts = {"n": len(news), "upheld": upheld, "dismissed": len(news) - upheld}
            self.said.emit("desk.appeal.meanwhile", counts)
        self._heard(news)

    def _heard(self, news: Sequence[Appealed]) -> None:
        if self._memory is not None and news:
            newest = max(one.appeal.answered_at or 0.0 for one in news)
            self._memory.setValue(_heard(news[0].appeal.who), newest)

    def _say(self, one: Appealed) -> None:
        key = "upheld" if one.appeal.upheld else "dismissed"
        rule = one.hit.hit.name or one.hit.hit.rule
        self.said.emit(f"desk.appeal.{key}", {"name": one.appeal.answered_by, "rule": rule})

    def _seen(self, found: Sequence[Appealed]) -> None:
        self._looking = False
        for one in found:
            appeal = one.appeal
            if appeal.id in self._waiting and appeal.answered_at is not None:
                self._waiting.discard(appeal.id)
                if appeal.upheld is not None:
                    self._say(one)
                    self._heard([one])

    def _not_seen(self, _error: object) -> None:
        self._looking = False


def _heard(who: str) -> str:
    """Where the memory keeps it; no name stands there."""
    return f"appeals/{sha256(clean(who))[:16]}"


def own_word(found: Sequence[Appealed], conversation: str, hit: Hit | None) -> Appeal | None:
    """The newest of these appeals that speaks against this very hit in this conversation."""
    for one in found:
        there = one.hit.hit
        same = hit is not None and (there.rule, there.text) == (hit.rule, hit.text)
        erased = one.appeal.answered_at is not None and one.appeal.upheld is None
        if same and not erased and one.hit.conversation == conversation:
            return one.appeal
    return None
