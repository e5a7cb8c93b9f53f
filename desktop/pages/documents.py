"""The knowledge page's section of documents: a list, and beside it the one that is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedLayout, QWidget

from desktop import theme
from desktop.session.documents import Documents
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.document_card import DocumentCard
from desktop.widgets.documents_delegate import DocumentDelegate, describe_document
from desktop.widgets.documents_values import DocumentFilter, DocumentView
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.listing import Listing
from desktop.widgets.retire_dialog import RetireDialog
from desktop.widgets.sifted_list import SiftedList
from engine.errors import ZuoxiError
from engine.texts import explain


class DocumentsSection(Dressed, QWidget):
    """`import_requested` asks for files, `retired` brings the name of a document that is to go,
    `busy` says that it cannot go now.

    What is in it is made by the steps of `build`.
    """

    import_requested = Signal()
    retired = Signal(str)
    busy = Signal()
    counted = Signal(int)

    def __init__(
        self, look: Look, documents: Documents, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._look, self._documents, self._clock = look, documents, clock
        self._listing: Listing | None = None
        self._blocked = ""
        self._built = self._focus_wanted = False
        self._whole = QStackedLayout(self)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(self._on_remedy)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(theme.HAIRLINE)
        self._splitter.setChildrenCollapsible(False)
        self.list = SiftedList(
            look,
            "documents",
            DocumentFilter(),
            DocumentDelegate(look),
            describe_document,
            lambda one: str(one.doc),
            clock,
        )
        self.card = DocumentCard(look, clock)
        for at, part in enumerate((self.list, self.card)):
            part.setMinimumWidth((theme.QUEUE_WIDTH, theme.CONVERSATION_MIN)[at])
            # Made in its place: put into it later, it would be styled once more.
            self._splitter.addWidget(part)
            self._splitter.setStretchFactor(at, at)
        self._splitter.setSizes([theme.DRAFT_WIDTH, 2 * theme.CONVERSATION_MIN])
        self._whole.addWidget(self._splitter)
        self._whole.addWidget(self._empty)

    def build(self) -> Iterator[None]:
        """Make what stands in it, a little in each step."""
        yield from self.list.build()
        yield from self.card.build()
        self.list.chosen.connect(self._on_chosen)
        self.list.table.delete_requested.connect(self.ask_to_retire)
        self.list.table.opened.connect(
            lambda: self.card.text.setFocus(Qt.FocusReason.OtherFocusReason)
        )
        self.card.retire_requested.connect(lambda _: self.ask_to_retire())
        self._documents.listed.connect(self._on_listed)
        self._documents.failed.connect(self._on_failed)
        self._documents.opened.connect(self._on_opened)
        self._documents.not_opened.connect(self._on_not_opened)
        self._built = True

    def refresh(self) -> None:
        """Look anew what there is."""
        if self._built:
            self._documents.refresh()

    def listing(self) -> Listing | None:
        """What is listed; None before it is known."""
        return self._listing

    def block(self, why: str) -> None:
        """Nothing can be retired now because of `why`; "" lets it."""
        self._blocked = why
        if self._built:
            self.card.block(why)

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

    def ask_to_retire(self) -> RetireDialog | None:
        """Ask whether the document that is looked at is to go; None where that cannot be."""
        shown = self.card.shown()
        if self._blocked:
            self.busy.emit()
        if shown is None or self._blocked:
            return None
        dialog = RetireDialog(self._look, shown, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.confirmed.connect(lambda one: self.retired.emit(one.doc))
        dialog.finished.connect(lambda _: self.list.focus_list())
        dialog.open()
        return dialog

    def state(self) -> QByteArray:
        """Where the columns stand."""
        return self._splitter.saveState()

    def restore(self, state: QByteArray) -> None:
        """Put the columns where they stood."""
        self._splitter.restoreState(state)

    def _on_listed(self, listing: Listing) -> None:
        self._listing = listing
        self.counted.emit(len(listing.rows))
        if listing.rows:
            self._whole.setCurrentWidget(self._splitter)
        else:
            self._empty.set_content("books", "documents.empty", "", "documents.import")
            self._whole.setCurrentWidget(self._empty)
            self._dress()
        self.list.set_listing(listing)
        if self._focus_wanted:
            self.focus_first()

    def _on_failed(self, error: ZuoxiError) -> None:
        self._listing = None
        self._empty.set_content("warning-circle", "documents.failed", "", "wordings.retry")
        self._empty.set_body(explain(error, self._look.language))
        self._whole.setCurrentWidget(self._empty)

    def _on_remedy(self) -> None:
        if self._listing is None:
            self.refresh()
        else:
            self.import_requested.emit()

    def _on_chosen(self, one: DocumentView | None) -> None:
        before = self.card.shown()
        self.card.show_document(one)
        # A document of the same name that was imported since has another text.
        same = (
            before is not None
            and one is not None
            and ((before.doc, before.imported) == (one.doc, one.imported))
        )
        if one is not None and not same:
            self._documents.open(one.doc)

    def _on_opened(self, doc: str, passages: object) -> None:
        shown = self.card.shown()
        if shown is not None and shown.doc == doc:
            self.card.show_passages(passages)  # type: ignore[arg-type]

    def _on_not_opened(self, doc: str, error: ZuoxiError) -> None:
        shown = self.card.shown()
        if shown is not None and shown.doc == doc:
            self.card.show_trouble(explain(error, self._look.language))

    def _dress(self) -> None:
        listing = self._listing
        if listing is not None and not listing.rows:
            kinds = " ".join(listing.kinds)
            self._empty.set_body(self._look.text("documents.empty.body", kinds=kinds))
