"""Documents as they are listed, and what they are sifted by: frozen values, no store and no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from msgspec import Struct

from desktop.widgets.listing import Listing

DocState = Literal["in_force", "upcoming", "expired"]
DocOnly = Literal["", "in_force", "upcoming", "expired", "internal"]
DocOrder = Literal["imported", "title", "ends"]

_NO_END = "9999"


class DocumentView(Struct, frozen=True):
    """A document of the knowledge in use.

    `starts` and `ends` are ISO dates, both days included, "" where it is open; `imported` is in
    seconds since 1970, 0 where it is not known; `sought` is what a search looks at, case folded.
    """

    doc: str
    title: str
    state: DocState = "in_force"
    starts: str = ""
    ends: str = ""
    internal: bool = False
    partly_internal: bool = False
    tags: tuple[str, ...] = ()
    passages: int = 0
    imported: float = 0.0
    sought: str = ""


class DocumentFilter(Struct, frozen=True):
    """Which documents are listed, and in which order."""

    words: str = ""
    only: DocOnly = ""
    order: DocOrder = "imported"

    def take(self, rows: tuple[DocumentView, ...]) -> list[DocumentView]:
        """Those of a listing's rows that it lets through, in its order."""
        found = [one for one in rows if self.lets(one)] if self.only else list(rows)
        for word in self.words.casefold().split():
            found = [one for one in found if word in one.sought]
        if self.order == "title":
            found.sort(key=lambda one: (one.title.casefold(), one.doc))
        elif self.order == "ends":
            found.sort(key=lambda one: (one.ends or _NO_END, one.doc))
        return found

    @staticmethod
    def onlys() -> tuple[DocOnly, ...]:
        """What can be shown alone; "" is everything."""
        return get_args(DocOnly)

    @staticmethod
    def orders() -> tuple[DocOrder, ...]:
        """The orders there are."""
        return get_args(DocOrder)

    def lets(self, one: DocumentView) -> bool:
        """Whether it is of the kind that is shown."""
        if self.only == "internal":
            return one.internal or one.partly_internal
        return not self.only or one.state == self.only


def listing_of_documents(rows: Iterable[DocumentView], kinds: Iterable[str] = ()) -> Listing:
    """The listing of these documents, those imported last first."""
    return Listing.of(sorted(rows, key=lambda one: (-one.imported, one.doc)), DocumentFilter, kinds)
