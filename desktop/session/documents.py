"""The documents behind their page: listed and read off the UI thread, from what imports stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.widgets.documents_values import DocState, DocumentView, listing_of_documents
from desktop.widgets.listing import Listing
from engine.errors import ZuoxiError

if TYPE_CHECKING:
    from engine.knowledge.catalogue import DocumentRow
    from engine.knowledge.formats.confinement import Confinement
    from engine.records import Passage

# A large file may take longer to read than somebody who looks at it waits.
_SECONDS: Final = 20.0


class Documents(QObject):
    """`listed` follows `refresh`; `opened` or `not_opened`, with the document's name, `open`.

    Of documents that are opened quickly one after another only the last one is read.
    """

    listed = Signal(object)
    failed = Signal(object)
    opened = Signal(str, object)
    not_opened = Signal(str, object)

    def __init__(
        self,
        background: Background,
        knowledge: Path,
        today: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`today` gives the ISO date by which documents are in force or not."""
        super().__init__(parent)
        self._background, self._knowledge, self._today = background, knowledge, today
        self._wanted = self._read = ""
        self._given_up = False
        self._confinement: Confinement | None = None

    def refresh(self) -> None:
        """List what there is."""
        knowledge, today = self._knowledge, self._today()
        self._background.run(self, lambda: _listing(knowledge, today), "knowledge").done(
            self.listed.emit
        ).failed(self.failed.emit)

    def open(self, doc: str) -> None:
        """Read a document's passages."""
        self._wanted = doc
        if not self._read:
            self._next()
        elif self._read != doc:
            self._give_up()

    def stop(self) -> None:
        """Read nothing more, because the program ends."""
        self._wanted = ""
        self._give_up()

    def _give_up(self) -> None:
        """Whatever comes of the reading under way, or about to begin, is not shown."""
        self._given_up = True
        if self._confinement is not None:
            self._confinement.give_up()

    def _next(self) -> None:
        knowledge, doc = self._knowledge, self._wanted
        self._read = doc
        if not doc:
            return
        self._given_up, self._confinement = False, None

        def read() -> tuple[Passage, ...]:
            from engine.knowledge.formats.confinement import Confinement
            from engine.knowledge.reading import passages_of

            with Confinement(_SECONDS) as confinement:
                self._confinement = confinement
                if self._given_up:
                    return ()
                return passages_of(knowledge, doc, confinement)

        def done(passages: tuple[Passage, ...]) -> None:
            if doc == self._wanted and not self._given_up:
                self._wanted = ""
                self.opened.emit(doc, passages)
            self._next()

        def failed(error: ZuoxiError) -> None:
            if doc == self._wanted and not self._given_up:
                self._wanted = ""
                self.not_opened.emit(doc, error)
            self._next()

        self._background.run(self, read, "knowledge").done(done).failed(failed)


def _listing(knowledge: Path, today: str) -> Listing:
    from engine.knowledge.catalogue import list_documents
    from engine.knowledge.formats.kinds import KINDS

    return listing_of_documents((_view(one, today) for one in list_documents(knowledge)), KINDS)


def _view(row: DocumentRow, today: str) -> DocumentView:
    starts, ends = row.valid_from or "", row.valid_until or ""
    state: DocState = "in_force"
    if starts > today:
        state = "upcoming"
    elif ends and ends < today:
        state = "expired"
    return DocumentView(
        doc=row.doc,
        title=row.title,
        state=state,
        starts=starts,
        ends=ends,
        internal=row.internal,
        partly_internal=row.partly_internal,
        tags=row.tags,
        passages=row.passages,
        imported=row.imported,
        sought="\n".join((row.title, row.doc, *row.tags)).casefold(),
    )
