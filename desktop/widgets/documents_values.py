"""What the lists of documents and of gaps are filled with: frozen values, no store and no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from msgspec import Struct

DocState = Literal["in_force", "upcoming", "expired"]
DocOnly = Literal["", "in_force", "upcoming", "expired", "internal"]
DocOrder = Literal["imported", "title", "ends"]
GapOnly = Literal["", "again", "answered"]
GapOrder = Literal["newest", "count"]

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


class Listing(Struct, frozen=True):
    """All rows of a list, the newest first, and how many each of its filters lets through.

    `kinds` are the endings of the files that can be imported, with their dots.
    """

    rows: tuple[Any, ...] = ()
    counts: dict[str, int] = {}
    kinds: tuple[str, ...] = ()


def listing_of_documents(rows: Iterable[DocumentView], kinds: Iterable[str] = ()) -> Listing:
    """The listing of these documents, those imported last first."""
    ordered = tuple(sorted(rows, key=lambda one: (-one.imported, one.doc)))
    return Listing(ordered, _counts(DocumentFilter, ordered), tuple(kinds))


def listing_of_gaps(rows: Iterable[GapView]) -> Listing:
    """The listing of these questions, those asked last first."""
    ordered = tuple(sorted(rows, key=lambda one: -one.last_at))
    return Listing(ordered, _counts(GapFilter, ordered))


def _counts(sieve: Any, rows: tuple[Any, ...]) -> dict[str, int]:
    return {one: sum(map(sieve(only=one).lets, rows)) for one in sieve.onlys()}


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


class GapView(Struct, frozen=True):
    """A question that the knowledge held no answer to.

    `count` is how often it came, `first_at` and `last_at` when (seconds since 1970), `conversation`
    where it came last and `customer` who asked there; `answer` is what an agent sent for it, "" if
    that is not known.
    """

    id: str
    question: str
    reason: str = ""
    count: int = 1
    first_at: float = 0.0
    last_at: float = 0.0
    conversation: str = ""
    customer: str = ""
    answer: str = ""


class GapFilter(Struct, frozen=True):
    """Which questions are listed, and in which order."""

    words: str = ""
    only: GapOnly = ""
    order: GapOrder = "newest"

    def take(self, rows: tuple[GapView, ...]) -> list[GapView]:
        """Those of a listing's rows that it lets through, in its order."""
        found = [one for one in rows if self.lets(one)]
        for word in self.words.casefold().split():
            found = [one for one in found if word in one.question.casefold()]
        if self.order == "count":
            found.sort(key=lambda one: -one.count)
        return found

    @staticmethod
    def onlys() -> tuple[GapOnly, ...]:
        """What can be shown alone; "" is everything."""
        return get_args(GapOnly)

    @staticmethod
    def orders() -> tuple[GapOrder, ...]:
        """The orders there are."""
        return get_args(GapOrder)

    def lets(self, one: GapView) -> bool:
        """Whether it is of the kind that is shown."""
        if self.only == "again":
            return one.count > 1
        return not self.only or bool(one.answer)


class FoundNow(Struct, frozen=True):
    """What the knowledge holds on a question now."""

    doc: str
    title: str
    section: str
    text: str
