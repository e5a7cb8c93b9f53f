"""READ FIRST. From the newest customer message to a draft, as a plain generator of events.

message → red line (hand-over?) → search → evidence (enough?) → prompt → constrained generation
→ streaming screen → style → Draft. `list(drafter.draft(request))` is all there is to a test.
"""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.drafting import evidence as evidence_
from engine.drafting import prompt
from engine.drafting.body import Body
from engine.drafting.civilities import asks_nothing
from engine.drafting.constraints import GroundedFree, Menu, Verbatim
from engine.drafting.finishing import emphasise, frame, sentences_closed, without_ungrounded_end
from engine.drafting.generation import Constraint, Generator, Shares, alone
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.prompt import ChatMessage
from engine.drafting.quoting import quotable_sentences
from engine.drafting.screening import StreamScreen
from engine.drafting.style import StyleProfile
from engine.errors import ModelError, RuleError
from engine.knowledge.search import SearchResult
from engine.model_card import UNMEASURED
from engine.protocol import (
    DraftFinished,
    DraftRequest,
    DraftStarted,
    Event,
    EvidenceFound,
    TextReleased,
    TextWithdrawn,
)
from engine.records import (
    Draft,
    DraftMode,
    Evidence,
    Found,
    Hit,
    Language,
    Release,
    Timings,
    TokenCounts,
    Turn,
)
from engine.redline.gate import STOPPING, Gate, masked
from engine.texts import text

_REPLY_TOKENS = 300


class Knowledge(Protocol):
    """What drafting needs of a knowledge base (`engine.knowledge.search.Searcher`)."""

    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def passage_count(self) -> int: ...  # noqa: D102
    @property
    def answerable(self) -> float: ...  # noqa: D102

    def search(  # noqa: D102
        self, query: str, *, k: int, as_of: str | None, turns: Sequence[Turn]
    ) -> SearchResult: ...


class Worked(Struct, frozen=True):
    """A step of work was done that shows nothing yet: whoever drives may turn to another draft.

    It never crosses the pipe.
    """


_WORKED = Worked()


class Drafter:
    """Drafts replies for one company: its knowledge, rules and style, and a model."""

    def __init__(
        self,
        knowledge: Knowledge,
        generator: Generator | None,
        gate: Gate,
        style: StyleProfile,
        *,
        language: Language = "zh",
        mode: DraftMode = "auto",
        model_error: str = "",
    ) -> None:
        self.knowledge = knowledge
        self._generator = generator
        self._gate = gate
        self._style = style
        self._language: Language = language
        self._mode = mode
        self._model_error = model_error

    def read_ahead(self) -> None:
        """Have the model read what all its prompts will begin with."""
        if self._generator is not None:
            beginning = prompt.system_message(self._style, self._language)
            for _ in self._generator.read_ahead([beginning, ChatMessage("user", "0")]):
                pass

    def read_on(
        self,
        request: DraftRequest,
        evidence: Sequence[Evidence],
        sent: str,
        shares: Shares = alone,
    ) -> Iterator[Worked]:
        """Have the model read `request` and the reply `sent` to it, written from `evidence`.

        The conversation's next prompt begins so, unless the agent writes something else.
        """
        if self._generator is None:
            return
        asked = replace(request.turns[-1], evidence=tuple(evidence))
        turns = (*request.turns[:-1], asked, Turn("agent", sent))
        messages = self._messages(turns, (), prompt.reply_language(request.turns, self._language))
        for _ in self._generator.read_ahead(
            messages, conversation=request.conversation, shares=shares
        ):
            yield _WORKED

    def _messages(
        self,
        turns: Sequence[Turn],
        evidence: Sequence[Evidence],
        language: Language,
        avoid: Sequence[str] = (),
    ) -> list[ChatMessage]:
        assert self._generator is not None
        return prompt.build_messages(
            turns,
            evidence,
            self._style,
            language,
            budget=self._generator.context - _REPLY_TOKENS - 64,
            count=self._generator.count,
            avoid=avoid,
        )

    def draft(self, request: DraftRequest, shares: Shares = alone) -> Iterator[Event | Worked]:
        """The events of one draft, `DraftFinished` last. Raises `ModelError`.

        Between two items it can be left for another draft (`shares` as in `Generator.generate`),
        or for good by closing it.
        """
        yield DraftStarted(request.id)
        yield from _Drafting(self, request, shares).events()

    def mode_for(self, request: DraftRequest) -> DraftMode:
        """`auto` is what was measured to be the better for this model (`ModelCard.mode`)."""
        mode = request.mode if request.mode != "auto" else self._mode
        if mode != "auto":
            return mode
        return self._generator.card.mode if self._generator else UNMEASURED

    @property
    def release(self) -> Release:
        """What a draft made now is made from."""
        return Release(
            model=self._generator.name if self._generator else "",
            rules=self._gate.version,
            knowledge=self.knowledge.version,
            prompt=f"{prompt.VERSION}/{self._style.id}",
        )


class _Drafting:
    """One request on its way through."""

    def __init__(self, drafter: Drafter, request: DraftRequest, shares: Shares) -> None:
        self._drafter = drafter
        self._gate = drafter._gate
        self._style = drafter._style
        self._request = request
        self._shares = shares
        self._began = time.perf_counter()
        self._search_ms = self._first_ms = 0.0
        self._message = prompt.newest_message(request.turns)
        self._language = prompt.reply_language(request.turns, drafter._language)
        said = prompt.said_by_agent(request.turns)
        self._frame = frame(self._style, self._message, self._language, said)
        self._hits: tuple[Hit, ...] = ()
        self._evidence: tuple[Evidence, ...] = ()
        self._outdated: tuple[Found, ...] = ()

    def events(self) -> Iterator[Event | Worked]:
        handover = self._screen_customer()
        if handover:
            yield handover
            return
        if asks_nothing(self._message):
            yield self._abstained("drafting.abstain.no_question", "nothing_asked")
            return
        result = self._search()
        if not self._evidence:
            yield self._nothing_to_rest_on()
            return
        yield EvidenceFound(self._request.id, self._evidence)
        yield from self._write(result.relevance)

    def _screen_customer(self) -> DraftFinished | None:
        ui_language = self._drafter._language
        try:
            screening = self._gate.screen(self._message, "customer", language=self._language)
            self._hits = screening.hits
            handover = self._gate.handover(screening, self._language)
        except RuleError:
            # Fail closed: nothing is drafted that nobody could check.
            handover = ("rules_failed", text("drafting.handover.rules_failed", ui_language))
        if not handover:
            return None
        category, script = handover
        return self._finished(Draft("handover", category=category, script=script))

    def _search(self) -> SearchResult:
        began = time.perf_counter()
        turns = self._request.turns
        result = self._drafter.knowledge.search(
            prompt.newest_text(turns), k=8, as_of=self._request.as_of, turns=turns
        )
        answerable = self._drafter.knowledge.answerable
        self._outdated = evidence_.outdated(result.found, result.expired, answerable)
        if result.answered and not self._outdated:
            self._evidence = evidence_.numbered(result.found)
        self._search_ms = _ms_since(began)
        return result

    def _nothing_to_rest_on(self) -> DraftFinished:
        if not self._drafter.knowledge.passage_count:
            return self._abstained("drafting.abstain.empty")
        if self._outdated:
            docs = "、".join(dict.fromkeys(item.passage.doc for item in self._outdated[:3]))
            return self._abstained("drafting.abstain.expired", docs=docs)
        return self._abstained("drafting.abstain.no_evidence")

    def _write(self, relevance: Mapping[str, float]) -> Iterator[Event | Worked]:
        generator = self._drafter._generator
        if generator is None:
            # What keeps the model from loading is told in the person's language already.
            why = self._drafter._model_error
            raise ModelError(why, "model_unusable") if why else ModelError("There is no model.")
        mode = self._drafter.mode_for(self._request)
        avoid: list[Hit] = []
        tokens = TokenCounts()
        for attempt in range(2):
            if attempt:
                yield TextWithdrawn(self._request.id, avoid[0].name)
            body = yield from self._attempt(generator, mode, relevance, avoid)
            tokens = body.tokens
            if not body.blocked:
                yield self._drafted(body, mode)
                return
            avoid += body.blocked
        self._hits += tuple(avoid)
        yield TextWithdrawn(self._request.id, avoid[0].name)
        reason = text("drafting.failed.red_line", self._drafter._language, rule=avoid[0].name)
        yield self._finished(Draft("failed", reason=reason, mode=mode, tokens=tokens))

    def _attempt(
        self,
        generator: Generator,
        mode: DraftMode,
        relevance: Mapping[str, float],
        avoid: Sequence[Hit],
    ) -> Steps[Event | Worked, None, Body]:
        """One try: its events go out, what it came to is returned."""
        body = Body()
        opening, closing = self._frame
        room = self._style.room(self._language) - len(opening) - len(closing)
        wordings = [hit.text for hit in avoid]
        turns = self._request.turns
        messages = self._drafter._messages(turns, self._evidence, self._language, wordings)
        constraint = self._constraint(generator, mode, relevance, room, avoid)
        screen = StreamScreen(self._gate, self._language)
        released = screen.feed(opening)
        for piece in generator.generate(
            messages,
            constraint,
            limit=_REPLY_TOKENS,
            conversation=self._request.conversation,
            shares=self._shares,
        ):
            body.tokens = piece.tokens
            released += screen.feed(body.add(piece.text))
            if screen.blocked:
                break
            if released:
                yield self._released(released)
                released = ""
            else:
                yield _WORKED
        if not screen.blocked:
            released += screen.feed(closing) + screen.finish()
            if released and not screen.blocked:
                yield self._released(released)
        body.blocked = screen.blocked
        return body

    def _constraint(
        self,
        generator: Generator,
        mode: DraftMode,
        relevance: Mapping[str, float],
        room: int,
        avoid: Sequence[Hit],
    ) -> Constraint:
        if mode == "free":
            numbers = self._numbers()
            return GroundedFree(generator.vocabulary, numbers, room=room)
        quotable = quotable_sentences(self._evidence, self._language, [hit.text for hit in avoid])
        gap = " " if self._language == "en" else ""
        menu = Menu(
            list(quotable),
            [f"[{item.n}]{gap}" for item in quotable.values()],
            [relevance.get(sentence, 0.0) for sentence in quotable],
            connectives=self._style.connectives.of(self._language),
            room=room,
            most=self._style.max_sentences,
        )
        trust = generator.card.trust
        return Verbatim(generator.vocabulary, menu, limit=_REPLY_TOKENS, trust=trust)

    def _numbers(self) -> GroundedNumbers:
        conversation = [turn.text for turn in self._request.turns]
        return GroundedNumbers(
            self._evidence, conversation, self._style.own_sentences(self._language)
        )

    def _released(self, released: str) -> TextReleased:
        if not self._first_ms:
            self._first_ms = _ms_since(self._began)
        return TextReleased(self._request.id, released)

    def _drafted(self, body: Body, mode: DraftMode) -> DraftFinished:
        numbers = self._numbers()
        if mode == "free":
            body.text = without_ungrounded_end(body.text, numbers)
        if not body.text:
            reason = text("drafting.failed.empty", self._drafter._language)
            return self._finished(Draft("failed", reason=reason, mode=mode, tokens=body.tokens))
        opening, closing = self._frame
        if mode == "verbatim":
            body.text = sentences_closed(body.text, self._language)
        reply = opening + body.text + closing
        reply = masked(reply, self._gate.screen(reply, "model", language=self._language))
        if self._style.bold_amounts:
            reply = emphasise(reply)
        screening = self._gate.screen(reply, "model", language=self._language)
        self._hits += screening.hits
        if screening.action in STOPPING:
            # The streaming screen stops it before; what it let through must not pass here.
            names = "、".join(dict.fromkeys(hit.name for hit in screening.hits))
            reason = text("drafting.failed.red_line", self._drafter._language, rule=names)
            return self._finished(Draft("failed", reason=reason, mode=mode, tokens=body.tokens))
        own = self._style.own_sentences(self._language)
        unsupported = [
            *evidence_.sentences_without_evidence(reply, self._evidence, own),
            *numbers.unsupported(reply),
        ]
        return self._finished(
            Draft(
                "drafted",
                reply,
                unsupported=tuple(sorted(unsupported, key=lambda span: span.start)),
                numbers=numbers.trace(reply),
                mode=mode,
                tokens=body.tokens,
            )
        )

    def _abstained(self, reason: str, category: str = "", **values: str) -> DraftFinished:
        told = text(reason, self._drafter._language, **values)
        return self._finished(Draft("abstained", category=category, reason=told))

    def _finished(self, draft: Draft) -> DraftFinished:
        whole = replace(
            draft,
            evidence=self._evidence,
            hits=self._hits,
            style=self._style.id,
            release=self._drafter.release,
            ms=Timings(self._search_ms, self._first_ms, _ms_since(self._began)),
        )
        return DraftFinished(self._request.id, whole)


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
