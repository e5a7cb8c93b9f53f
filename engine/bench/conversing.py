"""Long conversations at the sample company, as customers have them and the pipeline drafts them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct

from engine.bench.workbench import BenchError, SampleCase
from engine.deciding import sendable
from engine.drafting import prompt
from engine.drafting.generation import Constraint, Generator, Piece, Shares, Vocabulary, alone
from engine.drafting.pipeline import Drafter
from engine.drafting.prompt import ChatMessage
from engine.model_card import ModelCard
from engine.protocol import DraftFinished, DraftRequest, ModelMemory, Offload
from engine.records import Draft, Language, Turn

# What agents write where the knowledge says nothing.
_OWN_WORDS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "您稍等一下，我帮您问问负责的同事，有消息马上告诉您。",
        "这个我先记下来，核实清楚以后在这里回复您，不会让您白等的。",
        "明白您的意思了，麻烦把订单号发我一下，我看看具体情况。",
    ),
    "en": (
        "One moment please, I am asking a colleague and will be right back with you.",
        "I see. Could you send me the order number, so that I can look into it?",
    ),
}


class Exchange(Struct, frozen=True):
    """What a customer writes before the agent answers, one message or several."""

    messages: tuple[str, ...]


class Conversation(Struct, frozen=True):
    """What one customer asks from beginning to end, on the day `as_of`."""

    name: str
    as_of: str
    exchanges: tuple[Exchange, ...]


def conversations(
    cases: Sequence[SampleCase], number: int, length: int, *, english: int = 1
) -> list[Conversation]:
    """`number` conversations of `length` exchanges, of real questions in the cases' own order.

    Each begins as a conversation of several turns in the sample and goes on with the questions of
    others; `english` of them are in English. Raises `BenchError` where the sample has too few.
    """
    found: list[Conversation] = []
    for language, wanted in (("en", english), ("zh", number - english)):
        own = [case for case in cases if _language(case) == language]
        openings = [case for case in own if len(case.turns) > 2]
        single = [exchange for case in own for exchange in _exchanges(case)]
        if wanted and (not openings or not single):
            raise BenchError("The sample has no conversation of several turns.", "bench_no_cases")
        more = itertools.cycle(single)
        for place, case in enumerate(itertools.islice(itertools.cycle(openings), wanted)):
            opening = _exchanges(case)
            others = (one for one in more if one not in opening)
            rest = itertools.islice(others, max(0, length - len(opening)))
            exchanges = (*opening, *rest)[:length]
            found.append(Conversation(f"{case.id}/{place}", case.as_of, exchanges))
    return found


def hold(
    talks: Sequence[Conversation], drafter: Drafter, finished: Callable[[str, Draft], None]
) -> None:
    """Have all of them at once, one exchange of each in turn, and tell of each draft.

    The agent sends what was drafted, and where nothing was, words of their own. What each draft
    rested on stays with the message that it answers, as in the store.
    """
    said: dict[str, tuple[Turn, ...]] = {talk.name: () for talk in talks}
    longest = max((len(talk.exchanges) for talk in talks), default=0)
    for place in range(longest):
        for talk in talks:
            if place >= len(talk.exchanges):
                continue
            asked = tuple(Turn("customer", text) for text in talk.exchanges[place].messages)
            turns = said[talk.name] + asked
            request = DraftRequest(
                f"{talk.name}-{place}", turns, talk.as_of, conversation=talk.name, alone=True
            )
            *_, last = drafter.draft(request)
            if not isinstance(last, DraftFinished):
                raise BenchError("A draft did not end.", "bench_no_drafts")
            draft = last.draft
            finished(talk.name, draft)
            sent = _sent(draft, turns, place)
            if draft.status == "drafted":
                # As the engine does when nothing else is asked for.
                for _ in drafter.read_on(request, draft.evidence, sent):
                    pass
            answered = (*turns[:-1], Turn("customer", turns[-1].text, draft.evidence))
            said[talk.name] = (*answered, Turn("agent", sent))


class Listening:
    """A generator that passes everything on, and measures each reply's first token.

    `beside` does the same work in another way and says in how many seconds: once before a reply
    and the next time after it, so that what else the machine does falls on both sides alike. One
    reply in `each` is measured.
    """

    def __init__(
        self,
        inner: Generator,
        beside: Callable[[Sequence[ChatMessage]], float],
        *,
        each: int = 1,
    ) -> None:
        self._inner = inner
        self._beside = beside
        self._each = each
        self._follow_ups = 0
        self._known: set[str] = set()
        self.followed: list[tuple[float, float]] = []
        """The seconds of both for each reply measured; a conversation's first is not."""

    @property
    def name(self) -> str:
        """See `Generator`."""
        return self._inner.name

    @property
    def card(self) -> ModelCard:
        """See `Generator`."""
        return self._inner.card

    @property
    def offload(self) -> Offload:
        """See `Generator`."""
        return self._inner.offload

    @property
    def vocabulary(self) -> Vocabulary:
        """See `Generator`."""
        return self._inner.vocabulary

    @property
    def context(self) -> int:
        """See `Generator`."""
        return self._inner.context

    @property
    def memory(self) -> ModelMemory:
        """See `Generator`."""
        return self._inner.memory

    @property
    def replies_at_once(self) -> int:
        """See `Generator`."""
        return self._inner.replies_at_once

    def count(self, text: str) -> int:
        """See `Generator`."""
        return self._inner.count(text)

    def forget(self, conversations: Collection[str]) -> None:
        """See `Generator`."""
        self._inner.forget(conversations)

    def read_ahead(
        self, messages: Sequence[ChatMessage], *, conversation: str = "", shares: Shares = alone
    ) -> Iterator[None]:
        """See `Generator`."""
        return self._inner.read_ahead(messages, conversation=conversation, shares=shares)

    def generate(
        self,
        messages: Sequence[ChatMessage],
        constraint: Constraint,
        *,
        limit: int,
        conversation: str = "",
        shares: Shares = alone,
    ) -> Iterator[Piece]:
        """See `Generator`."""
        follows = conversation in self._known and self._follow_ups % self._each == 0
        self._follow_ups += conversation in self._known
        self._known.add(conversation)
        earlier = follows and len(self.followed) % 2 == 0
        other = self._beside(messages) if earlier else 0.0
        began = time.perf_counter()
        first = 0.0
        for piece in self._inner.generate(
            messages, constraint, limit=limit, conversation=conversation, shares=shares
        ):
            if piece.tokens.generated and not first:
                first = time.perf_counter() - began
            yield piece
        if follows and first:
            self.followed.append((first, other if earlier else self._beside(messages)))

    def close(self) -> None:
        """Does nothing: the generator is somebody else's."""


def _exchanges(case: SampleCase) -> list[Exchange]:
    """What the customer of `case` writes each time before somebody answers."""
    groups = itertools.groupby(case.turns, key=lambda turn: turn.role)
    return [
        Exchange(tuple(turn.text for turn in group)) for role, group in groups if role == "customer"
    ]


def _language(case: SampleCase) -> Language:
    return prompt.reply_language(case.turns, "zh")


def _sent(draft: Draft, turns: Sequence[Turn], place: int) -> str:
    if draft.status == "drafted":
        return sendable(draft.text)
    words = _OWN_WORDS[prompt.reply_language(turns, "zh")]
    return words[place % len(words)]
