"""Questions without an answer as they are listed, and what they are sifted by: frozen values, no
store and no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from msgspec import Struct

from desktop.widgets.listing import Listing

GapOnly = Literal["", "again", "answered"]
GapOrder = Literal["newest", "count"]


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


def listing_of_gaps(rows: Iterable[GapView]) -> Listing:
    """The listing of these questions, those asked last first."""
    return Listing.of(sorted(rows, key=lambda one: -one.last_at), GapFilter)


class FoundNow(Struct, frozen=True):
    """What the knowledge holds on a question now."""

    doc: str
    title: str
    section: str
    text: str
