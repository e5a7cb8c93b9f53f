"""The knowledge page's section of questions that found no evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedLayout, QWidget

from desktop import theme
from desktop.in_turns import InTurns
from desktop.session.gaps import KnowledgeGaps
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.gap_card import GapCard
from desktop.widgets.gap_delegate import GapDelegate, describe_gap
from desktop.widgets.gap_values import FoundNow, GapFilter, GapView
from desktop.widgets.listing import Listing
from desktop.widgets.sifted_list import SiftedList
from engine.errors import ZuoxiError
from engine.texts import explain


class GapsSection(Dressed, QWidget):
    """`conversation_requested` names the conversation that a question came from."""

    conversation_requested = Signal(str)

    def __init__(
        self, look: Look, gaps: KnowledgeGaps, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._look, self._gaps, self._clock = look, gaps, clock
        self._listing: Listing | None = None
        self._built = self._focus_wanted = False
        self._whole = QStackedLayout(self)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(gaps.refresh)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(theme.HAIRLINE)
        self._splitter.setChildrenCollapsible(False)
        self.list = SiftedList(
            look,
            "gaps",
            GapFilter(),
            GapDelegate(look),
            describe_gap,
            lambda one: str(one.id),
            clock,
        )
        self.card = GapCard(look, clock)
        for at, part in enumerate((self.list, self.card)):
            part.setMinimumWidth((theme.QUEUE_WIDTH, theme.CONVERSATION_MIN)[at])
            # Made in its place: put into it later, it would be styled once more.
            self._splitter.addWidget(part)
            self._splitter.setStretchFactor(at, at)
        self._splitter.setSizes([theme.DRAFT_WIDTH, 2 * theme.CONVERSATION_MIN])
        self._whole.addWidget(self._splitter)
        self._whole.addWidget(self._empty)
        self._turns = InTurns(self)
        self._turns.done.connect(self._on_built)
        self._turns.start(chain(self.list.build(), self.card.build()))

    def _on_built(self) -> None:
        self._built = True
        gaps, card = self._gaps, self.card
        self.list.chosen.connect(self._on_chosen)
        self.list.table.opened.connect(self._on_open)
        card.conversation_requested.connect(lambda _: self._on_open())
        card.search_requested.connect(self._on_search)
        card.settle_requested.connect(lambda gap: gaps.settle(gap.id))
        gaps.listed.connect(self._on_listed)
        gaps.failed.connect(self._on_failed)
        gaps.found.connect(self._on_found)
        gaps.not_found.connect(self._on_not_found)
        gaps.ready_changed.connect(lambda _: self._block_search())
        gaps.refresh()

    def refresh(self) -> None:
        """Look anew what there is."""
        if self._built:
            self._gaps.refresh()

    def listing(self) -> Listing | None:
        """What is listed; None before it is known."""
        return self._listing

    def focus_first(self) -> None:
        """Put the focus on the list, as soon as there is one."""
        self._focus_wanted = self._listing is None
        if self._listing is not None and self._listing.rows:
            self.list.focus_list()

    def focus_search(self) -> None:
        """Put the cursor into the search line."""
        if self._built:
            self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.list.search.selectAll()

    def _on_listed(self, listing: Listing) -> None:
        self._listing = listing
        if listing.rows:
            self._whole.setCurrentWidget(self._splitter)
        else:
            self._empty.set_content("check-circle", "gaps.empty", "gaps.empty.body")
            self._whole.setCurrentWidget(self._empty)
        self.list.set_listing(listing)
        if self._focus_wanted:
            self.focus_first()

    def _on_failed(self, error: ZuoxiError) -> None:
        self._listing = None
        self._empty.set_content("warning-circle", "gaps.failed", "", "wordings.retry")
        self._empty.set_body(explain(error, self._look.language))
        self._whole.setCurrentWidget(self._empty)

    def _on_chosen(self, gap: GapView | None) -> None:
        self.card.show_gap(gap)
        self._block_search()

    def _block_search(self) -> None:
        ready = self._gaps.can_search
        self.card.block_search("" if ready else self._look.text("gaps.search.off"))

    def _on_open(self) -> None:
        gap = self.card.shown()
        if gap is not None:
            self.conversation_requested.emit(gap.conversation)

    def _on_search(self, gap: GapView) -> None:
        self.card.begin_search()
        self._gaps.search(gap)

    def _on_found(self, gap: str, found: Sequence[FoundNow]) -> None:
        shown = self.card.shown()
        if shown is not None and shown.id == gap:
            self.card.show_found(found)

    def _on_not_found(self, gap: str, message: str) -> None:
        shown = self.card.shown()
        if shown is not None and shown.id == gap:
            self.card.show_trouble(message)

    def _dress(self) -> None:
        if self._built:
            self._block_search()
