"""What the review page reads from the store and writes to it; all of it for the store's threads."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from desktop.widgets.review_values import (
    Accuracy,
    Appeal,
    Around,
    Choices,
    HitFilter,
    HitRow,
    Judged,
    MissedSpan,
    RequestRow,
    Verdict,
)
from engine.errors import InputError
from engine.records import Language
from engine.store.approvals import same_person
from engine.store.listing import ListedHit, Said
from engine.store.rows import Approval, StoredHit
from engine.store.seeking import Sought
from engine.store.store import Store

PIECE: Final = 1000
"""How many hits are judged in one step, so that nothing else waits for long."""

_AROUND: Final = 500

Former = tuple[Said, ...]
"""What was said of hits before."""


class ReviewSource:
    """The store as the review page sees it. Every call may raise `StoreError`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def requests(self, who: str) -> list[RequestRow]:
        """What waits for a lead, the oldest first."""
        return [_request(one, who) for one in self._store.approvals.queue()]

    def find(self, wanted: HitFilter) -> array[int]:
        """The places of all hits that a filter lets through, newest first."""
        return self._store.listing.places(sought(wanted))

    def rows(self, places: Sequence[int], who: str) -> list[HitRow]:
        """The hits at these places, as `who` looks at them."""
        return [hit_row(one, who) for one in self._store.listing.rows(places)]

    def choices(self) -> Choices:
        """What the filters can offer."""
        found = self._store.listing.occurring()
        return Choices(found.rules, found.categories, found.agents)

    def accuracy(self) -> tuple[Accuracy, ...]:
        """How often each rule was right."""
        return tuple(
            Accuracy(one.rule, one.right, one.false_alarms, one.low, one.high, one.missed)
            for one in self._store.reviews.precision()
        )

    def judge(self, places: Sequence[int], verdict: Verdict, who: str, note: str) -> Former:
        """Say what these hits are; what was said before comes back.

        Raises `InputError` (`no_hit`) when one of them is gone.
        """
        former: list[Said] = []
        for piece in _pieces(places):
            former += self._store.listing.said(piece)
            self._store.listing.say(Said(verdict, note, piece), who)
        return tuple(former)

    def restore(self, former: Iterable[Said], who: str) -> None:
        """Say again what was said before."""
        for said in former:
            for piece in _pieces(said.places):
                self._store.listing.say(Said(said.verdict, said.note, piece), who)

    def mark_missed(self, span: MissedSpan, who: str) -> None:
        """Keep a miss. Raises `InputError` (`no_message`, `bad_span`)."""
        self._store.reviews.missed(
            span.message, span.start, span.end, who, category=span.category, note=span.note
        )

    def answer(self, row: HitRow, upheld: bool, text: str, who: str) -> None:
        """Answer an appeal; one that is not upheld confirms the hit.

        Raises `InputError`: `no_appeal`, `approval_closed`, `own_appeal`, `no_name`.
        """
        store = self._store
        open_ones = [one for one in store.reviews.appeals(row.id) if one.answered_at is None]
        if not open_ones:
            raise InputError("This appeal was answered before.", "approval_closed")
        with store.transaction():
            store.reviews.answer(open_ones[-1].id, upheld, who, text)
            if not upheld:
                store.hits.judge(row.id, "right", who, text)

    def decide(self, request: RequestRow, approved: bool, comment: str, who: str) -> RequestRow:
        """Let a text pass or not; what was only told of is noted as seen.

        Raises `InputError`: `no_approval`, `approval_closed`, `own_approval`, `no_name`,
        `no_comment`.
        """
        approvals = self._store.approvals
        if request.state == "told":
            approvals.see(request.id, who, comment)
        else:
            approvals.decide(request.id, approved, who, comment)
        return _request(approvals.get(request.id), who)

    def around(self, row: HitRow | RequestRow) -> Around:
        """Who the customer is, and what the draft rested on."""
        store = self._store
        conversation = store.conversations.get(row.conversation)
        if isinstance(row, HitRow):
            draft = store.listing.draft_behind(store.reviews.get(row.id))
        else:
            draft = store.drafts.latest(row.conversation)
        return Around(
            customer=conversation.customer,
            label=conversation.label,
            channel=conversation.channel,
            subject=conversation.subject,
            evidence=draft.draft.evidence if draft else (),
            forgotten=conversation.forgotten_at is not None,
        )

    def export(self, path: Path, wanted: HitFilter, language: Language) -> int:
        """Write the hits of a filter to a file, by its name's end; how many.

        Raises `InputError` (`export_form`, `export_failed`).
        """
        # Here: nobody needs it before the first export.
        from engine.learning.review_export import export_reviews

        return export_reviews(self._store, path, sought(wanted), language=language)


def sought(wanted: HitFilter) -> Sought:
    """A filter of the page as the store understands it."""
    judged = wanted.judged
    verdicts: dict[Judged, Verdict | Literal["unjudged"]] = {
        "none": "unjudged",
        "right": "right",
        "false_alarm": "false_alarm",
        "missed": "missed",
    }
    return Sought(
        rule=wanted.rule,
        category=wanted.category,
        level=wanted.level or None,
        side=wanted.side or None,
        agent=wanted.who,
        verdict=verdicts.get(judged),
        since=wanted.since,
        until=wanted.until,
        appealed=judged == "appealed",
        trial={"yes": True, "no": False}.get(wanted.trial),
    )


def hit_row(listed: ListedHit, who: str) -> HitRow:
    """A hit as it is reviewed, with the place of the hit characters in what is kept around them."""
    hit, appeal = listed.hit, listed.appeal
    start, end = place_in(hit)
    return HitRow(
        id=hit.id,
        conversation=hit.conversation,
        message=hit.message,
        hit=hit.hit,
        excerpt=hit.screened,
        start=start,
        end=end,
        at=hit.at,
        who=hit.agent,
        verdict=hit.verdict,
        judged_by=listed.judged_by,
        note=listed.note,
        appeal=Appeal(
            appeal.text,
            appeal.who,
            appeal.at,
            appeal.answer,
            appeal.answered_by,
            appeal.upheld,
            appeal.answered_at is not None,
            bool(who) and same_person(appeal.who, who),
        )
        if appeal is not None
        else None,
    )


def place_in(hit: StoredHit) -> tuple[int, int]:
    """Where the hit characters stand in the text that is kept around them."""
    start = min(hit.hit.start, _AROUND)
    length = hit.hit.end - hit.hit.start
    if hit.screened[start : start + length] != hit.hit.text:
        # Characters that cannot be kept were joined or replaced before it.
        found = hit.screened.find(hit.hit.text) if hit.hit.text else -1
        start = found if found >= 0 else min(start, len(hit.screened))
    return start, min(len(hit.screened), start + length)


def _pieces(places: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for first in range(0, len(places), PIECE):
        yield tuple(places[first : first + PIECE])


def _request(approval: Approval, who: str) -> RequestRow:
    return RequestRow(
        id=approval.id,
        conversation=approval.conversation,
        text=approval.text,
        hits=approval.hits,
        reason=approval.reason,
        who=approval.asker,
        at=approval.at,
        state=approval.state,
        own=bool(who) and same_person(approval.asker, who),
    )
