"""Questions without an answer, behind their page: listed, searched for anew, settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.bridge import EngineBridge
from desktop.widgets.gap_values import FoundNow, GapView, listing_of_gaps
from desktop.widgets.listing import Listing
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.protocol import RequestFailed, SearchFinished

_FOUND: Final = 3


class KnowledgeGaps(QObject):
    """`listed` follows `refresh`, `found` or `not_found` (with the gap's id) a `search`.

    `settled` brings the id of a gap that was settled; `reopen` takes that back, or `not_reopened`
    says why not. `ready_changed` comes when the engine may have become ready to search, or unready.
    """

    listed = Signal(object)
    failed = Signal(object)
    found = Signal(str, object)
    not_found = Signal(str, str)
    settled = Signal(str)
    not_reopened = Signal(str, object)
    ready_changed = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        bridge: EngineBridge,
        today: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`today` gives the ISO date by which evidence counts."""
        super().__init__(parent)
        self._background, self._store = background, store
        self._bridge, self._today = bridge, today
        self._asked: dict[str, str] = {}
        bridge.search_finished.connect(self._on_found)
        bridge.request_failed.connect(self._on_not_found)
        bridge.state_changed.connect(self.ready_changed)

    @property
    def can_search(self) -> bool:
        """Whether the engine answers."""
        return self._bridge.state.phase == "ready"

    def refresh(self) -> None:
        """Read the open gaps."""
        store = self._store
        self._background.run(self, lambda: _read(store)).done(self.listed.emit).failed(
            self.failed.emit
        )

    def search(self, gap: GapView) -> None:
        """Ask what the knowledge holds on the question now."""
        if self.can_search:
            request = self._bridge.search(gap.question, k=_FOUND, as_of=self._today())
            self._asked[request] = gap.id

    def settle(self, gap: str) -> None:
        """Close a gap, because the knowledge answers it now."""
        store = self._store

        def done(changed: bool) -> None:
            if changed:
                self.settled.emit(gap)
            self.refresh()

        self._background.run(self, lambda: store.gaps.settle(gap)).done(done)

    def reopen(self, gap: str) -> None:
        """Take `settle` back."""
        store = self._store
        self._background.run(self, lambda: store.gaps.reopen(gap)).done(
            lambda _: self.refresh()
        ).failed(lambda error: self.not_reopened.emit(gap, error))

    def _on_found(self, event: SearchFinished) -> None:
        gap = self._asked.pop(event.id, None)
        if gap is not None:
            passages = [one.passage for one in event.found]
            shown = tuple(FoundNow(one.doc, one.title, one.section, one.text) for one in passages)
            self.found.emit(gap, shown)

    def _on_not_found(self, event: RequestFailed) -> None:
        gap = self._asked.pop(event.id, None)
        if gap is not None:
            self.not_found.emit(gap, event.message)


def _read(store: Store) -> Listing:
    asked: dict[str, str] = {}
    answered: dict[str, str] = {}
    for one in store.missed.questions():
        if one.why == "gap":
            # The newest comes first.
            asked.setdefault(one.question, one.customer)
            if one.answer:
                answered.setdefault(one.question, one.answer)
    return listing_of_gaps(
        GapView(
            id=gap.id,
            question=gap.question,
            reason=gap.reason,
            count=gap.count,
            first_at=gap.first_at,
            last_at=gap.last_at,
            conversation=gap.conversation,
            customer=asked.get(gap.question, ""),
            answer=answered.get(gap.question, ""),
        )
        for gap in store.gaps.list()
    )
