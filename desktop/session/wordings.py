"""The wordings behind their page: read, proposed and changed off the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.widgets.values import OwnWording, WordingView
from engine.errors import ZuoxiError
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.knowledge.own_wordings import Pair
    from engine.learning.wordings import Observed

T = TypeVar("T")


class Proposed(Struct, frozen=True):
    """What is proposed, which own words no document says, whether there is knowledge at all."""

    wordings: tuple[WordingView, ...]
    unsaid: frozenset[str]
    empty: bool


class OwnTable(Struct, frozen=True):
    """The own table; `unread` are the numbers of lines that have no effect."""

    wordings: tuple[OwnWording, ...]
    unread: tuple[int, ...]


class Wordings(QObject):
    """`own_read` and `proposed` follow `refresh`; each change is followed by another one.

    `done` says what was done (a text key and its values); `refused` gives the error and the name of
    what it concerns: a proposal's wording, a pair's two words, or None for a new pair.
    """

    own_read = Signal(object)
    proposed = Signal(object)
    failed = Signal(object)
    done = Signal(str, object)
    refused = Signal(object, object)

    def __init__(
        self, background: Background, store: Store, knowledge: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._store = store
        self._knowledge = knowledge
        self._round = 0
        self._undo: Callable[[], object] | None = None

    def refresh(self) -> None:
        """Read the own table, and find out what to propose."""
        self._round += 1
        now = self._round
        store, knowledge = self._store, self._knowledge

        def observe() -> Observed:
            from engine.learning.wordings import observe

            return observe(store)

        def think(observed: Observed) -> None:
            # A job may keep the lane of long ones for minutes; what is read now may be old then.
            self._background.run(self, lambda: _propose(knowledge, observed), "long").done(
                lambda found: self._proposed(now, found)
            ).failed(self.failed.emit)

        self._background.run(self, lambda: _own(knowledge)).done(self.own_read.emit).failed(
            self.failed.emit
        )
        self._background.run(self, observe).done(think).failed(self.failed.emit)

    def accept(self, proposal: str, said: str, policy: str) -> None:
        """Add a pair that was proposed, perhaps in other words; it is not proposed again."""
        knowledge, store = self._knowledge, self._store

        def keep() -> Pair:
            from engine.knowledge.own_wordings import add_pair

            pair = add_pair(knowledge, said, policy)
            if said != proposal:
                store.missed.dismiss(proposal)
            return pair

        def undo() -> None:
            _remove(knowledge, said, policy)
            store.missed.restore(proposal)

        self._change(keep, "wordings.accepted", proposal, undo, said=said, policy=policy)

    def dismiss(self, proposal: str) -> None:
        """Never propose that wording again."""
        store = self._store
        self._change(
            lambda: store.missed.dismiss(proposal),
            "wordings.dismissed",
            proposal,
            lambda: store.missed.restore(proposal),
            said=proposal,
        )

    def add(self, said: str, policy: str) -> None:
        """Add a pair to the own table."""
        knowledge = self._knowledge

        def keep() -> Pair:
            from engine.knowledge.own_wordings import add_pair

            return add_pair(knowledge, said, policy)

        undo = _undoing(knowledge, said, policy)
        self._change(keep, "wordings.accepted", None, undo, said=said, policy=policy)

    def change(self, old: OwnWording, said: str, policy: str) -> None:
        """Put another pair in the place of `old`."""
        knowledge = self._knowledge

        def swap(one: tuple[str, str], other: tuple[str, str]) -> Pair:
            from engine.knowledge.own_wordings import Pair, change_pair

            return change_pair(knowledge, Pair(*one), *other)

        before, after = (old.said, old.policy), (said, policy)
        self._change(
            lambda: swap(before, after),
            "wordings.changed",
            before,
            lambda: swap(after, before),
            said=said,
            policy=policy,
        )

    def remove(self, old: OwnWording) -> None:
        """Take a pair out of the own table."""
        knowledge = self._knowledge

        def put_back() -> Pair:
            from engine.knowledge.own_wordings import add_pair

            return add_pair(knowledge, old.said, old.policy)

        self._change(
            lambda: _remove(knowledge, old.said, old.policy),
            "wordings.removed",
            (old.said, old.policy),
            put_back,
            said=old.said,
            policy=old.policy,
        )

    def undo(self) -> None:
        """Take the last change back; done once only."""
        undo, self._undo = self._undo, None
        if undo is not None:
            self._background.run(self, undo).done(self._undone).failed(
                lambda error: self.refused.emit(error, None)
            )

    def _change(
        self,
        op: Callable[[], T],
        key: str,
        concerned: object,
        undo: Callable[[], object],
        **values: str,
    ) -> None:
        def done(_: T) -> None:
            self._undo = undo
            self.done.emit(key, values)
            self.refresh()

        def failed(error: ZuoxiError) -> None:
            self.refused.emit(error, concerned)

        self._background.run(self, op).done(done).failed(failed)

    def _undone(self, _: object) -> None:
        self.done.emit("", {})
        self.refresh()

    def _proposed(self, asked: int, found: Proposed) -> None:
        if asked == self._round:
            self.proposed.emit(found)


def _own(knowledge: Path) -> OwnTable:
    from engine.knowledge.own_wordings import own_pairs
    from engine.knowledge.synonyms import OWN_TABLE, synonyms_of

    _, bad = synonyms_of(knowledge)
    pairs = own_pairs(knowledge)
    return OwnTable(
        tuple(OwnWording(pair.said, pair.policy) for pair in pairs),
        tuple(one.line for one in bad if one.file == OWN_TABLE),
    )


def _propose(knowledge: Path, observed: Observed) -> Proposed:
    from engine.knowledge.own_wordings import own_pairs
    from engine.knowledge.synonyms import synonyms_of
    from engine.knowledge.vocabulary import read_vocabulary
    from engine.learning.wordings import propose

    vocabulary = read_vocabulary(knowledge)
    found = propose(observed, vocabulary, synonyms_of(knowledge)[0])
    views = tuple(
        WordingView(one.said, one.policies, one.count, one.last_at, "".join(one.examples[:1]))
        for one in found
    )
    unsaid = {pair.policy for pair in own_pairs(knowledge) if not vocabulary.says(pair.policy)}
    return Proposed(views, frozenset(unsaid), not vocabulary.weights.frequency)


def _remove(knowledge: Path, said: str, policy: str) -> None:
    from engine.knowledge.own_wordings import remove_pair

    remove_pair(knowledge, said, policy)


def _undoing(knowledge: Path, said: str, policy: str) -> Callable[[], None]:
    return lambda: _remove(knowledge, said, policy)
