"""The generator over a real model: several replies at once, each step by step."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from engine.drafting.chat_template import ChatTemplate
from engine.drafting.generation import Constraint, Logits, Piece, Shares, TextAssembler, alone
from engine.drafting.llama.context import CHUNK, NativeContext, Run, Threads
from engine.drafting.llama.library import Library
from engine.drafting.llama.memory import ConversationMemory, Track, common_length
from engine.drafting.llama.speculation import LookUp, Pays
from engine.drafting.llama.vocabulary import LlamaVocabulary
from engine.drafting.prompt import ChatMessage
from engine.errors import ModelError
from engine.model_card import ModelCard
from engine.protocol import ModelMemory, Offload
from engine.records import TokenCounts

# A reply that others wait behind reads its prompt in steps of about so long.
_STEP_SECONDS = 0.04
_SHORTEST_STEP = 16
# So many tokens one by one make it a reply of its own wording.
_SINGLES = 2


class LlamaGenerator:
    """One model that writes several replies, each for a conversation of its own.

    A reply hands its tokens in as a *step* and is then left until it is advanced again; only
    then are they read, together with the steps of other replies that share their time. So who
    advances the replies decides what is computed next, and nothing is computed ahead of it.
    """

    def __init__(
        self,
        library: Library,
        model: Any,
        native: NativeContext,
        *,
        name: str,
        file: str,
        offload: Offload,
        threads: Threads,
        saved_bytes: int,
        card: ModelCard,
    ) -> None:
        self.name = name
        self.card = card
        self.offload = offload
        self.threads = threads
        # One sequence is left for the open conversation's reply.
        self.replies_at_once = native.plan.sequences - 1
        self.context = native.plan.context
        self.speculation = True
        """Whether tokens may be guessed ahead; it changes the speed only."""
        self._api = api = library.api
        self._model = model
        self._native = native
        template = api.llama_model_chat_template(model, None)
        if not template:
            self.close()
            raise ModelError(
                f"{file} has no chat template, so it cannot be told how to answer. "
                "Choose an instruction-tuned model.",
                "model_template",
                name=file,
                detail="missing",
            )
        self.vocabulary = LlamaVocabulary(api, model)
        self._template = ChatTemplate(
            template.decode("utf-8", "replace"),
            begin=self.vocabulary.begin,
            end=self.vocabulary.end,
        )
        # A template may fail only when it is used: better now than at the first draft.
        self._template.render([ChatMessage("system", "."), ChatMessage("user", ".")])
        self._memory = ConversationMemory(native, native.plan.sequences, saved_bytes)
        self._beginnings: dict[str, list[int]] = {}
        self._waiting: list[_Step] = []
        self._guessing = Pays()
        self._sharing = Pays()

    @property
    def memory(self) -> ModelMemory:
        """How full the memory of the conversations is."""
        return self._memory.use

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return len(self.vocabulary.tokenize(text))

    def prompt_tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The tokens of the prompt that asks for a reply to `messages`."""
        return [
            token
            for part in self._template.render(messages)
            for token in self.vocabulary.tokens(part.text, control=part.from_template)
        ]

    def forget(self, conversations: Collection[str]) -> None:
        """See `Generator.forget`. Texts are forgotten of all conversations, to be cut up anew."""
        self._memory.forget(conversations)
        self.vocabulary.forget_texts()

    def read_ahead(
        self, messages: Sequence[ChatMessage], *, conversation: str = "", shares: Shares = alone
    ) -> Iterator[None]:
        """See `Generator.read_ahead`."""
        silence = _Silence()
        for _ in self.generate(
            messages, silence, limit=1, conversation=conversation, shares=shares
        ):
            yield

    def generate(
        self,
        messages: Sequence[ChatMessage],
        constraint: Constraint,
        *,
        limit: int,
        conversation: str = "",
        shares: Shares = alone,
    ) -> Iterator[Piece]:
        """See `Generator.generate`. Raises `ModelError` ``model_context`` when all is too long."""
        prompt = self.prompt_tokens(messages)
        if len(prompt) + limit > self.context:
            raise ModelError(
                f"The prompt has {len(prompt)} tokens; with the reply that is more than the "
                f"context of {self.context}. Raise the context in the settings.",
                "model_context",
                tokens=len(prompt),
                context=self.context,
            )
        track = self._memory.open(conversation, prompt)
        reply = _Reply(track, prompt, shares)
        try:
            counts = TokenCounts(len(prompt), len(track.tokens), 0)
            for _ in self._read_prompt(reply, self._beginning(messages)):
                yield Piece("", counts)
            # Until the reply goes on another one may read.
            reply.rows = [np.array(row) for row in reply.rows]
            yield Piece("", counts)
            yield from self._write(reply, constraint, limit, counts)
        finally:
            if reply.step in self._waiting:
                self._waiting.remove(reply.step)
            self._memory.cut(track, common_length(track.tokens, reply.tokens))
            self._memory.close(track)

    def _read_prompt(self, reply: _Reply, beginning: Sequence[int]) -> Iterator[None]:
        """Read it chunk by chunk, stopping where what all conversations share ends."""
        prompt = reply.tokens
        shared = len(beginning) if common_length(beginning, prompt) == len(beginning) else 0
        if self._memory.begins(beginning):
            shared = 0
        place = len(reply.track.tokens)
        while place < len(prompt):
            end = min(len(prompt), place + self._chunk(reply))
            if place < shared < end:
                end = shared
            self._hand_in(_Step(reply, place, prompt[place:end]))
            if place:
                yield
            self._take(reply)
            place = end
            if place == shared:
                self._memory.keep_beginning(reply.track)

    def _chunk(self, reply: _Reply) -> int:
        if not reply.shares():
            return CHUNK
        fitting = int(self._memory.reading_speed * _STEP_SECONDS) or CHUNK
        return max(_SHORTEST_STEP, min(CHUNK, fitting))

    def _beginning(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The tokens of the system message: what all prompts with it begin with."""
        system = messages[0]
        if system.role != "system":
            return []
        known = self._beginnings.get(system.content)
        if known is None:
            one, other = (
                self.prompt_tokens([system, ChatMessage("user", text)]) for text in ("0", "啊")
            )
            known = self._beginnings[system.content] = one[: common_length(one, other)]
        return known

    def _write(
        self, reply: _Reply, constraint: Constraint, limit: int, counts: TokenCounts
    ) -> Iterator[Piece]:
        text = TextAssembler(self.vocabulary.pieces)
        ahead = _Ahead(reply, wanted=self.speculation)
        generated = 0
        while True:
            written, chosen = self._follow(constraint, reply.rows, ahead.guesses, limit - generated)
            new = written + chosen
            generated += len(new)
            reply.tokens += new
            self._memory.cut(reply.track, len(reply.tokens) - len(chosen))
            if ahead.watching and not reply.shares():
                self._guessing.measured(bool(ahead.guesses), len(written) + 1, reply.seconds)
            ahead.went_on(written, chosen)
            if not chosen or generated >= limit:
                yield Piece(text.add(new), _with(counts, generated))
                return
            ahead.guesses = []
            if ahead.watching and not reply.shares() and self._guessing.now():
                ahead.guess(limit - generated)
            place = len(reply.tokens) - len(chosen)
            if len(chosen) == 1 and not ahead.guesses and not reply.shares():
                yield Piece(text.add(new), _with(counts, generated))
                self._read_next(reply, place)
                continue
            self._hand_in(
                _Step(reply, place, chosen + ahead.guesses, wanted=1 + len(ahead.guesses))
            )
            yield Piece(text.add(new), _with(counts, generated))
            self._take(reply)

    def _read_next(self, reply: _Reply, place: int) -> None:
        """Read the last token of a reply that shares its time with none: most of all steps."""
        track = reply.track
        began = time.perf_counter()
        if self._memory.seat(track) != place:
            self._seat(reply, place, ())
        token = reply.tokens[place]
        reply.rows = [self._native.read_token(_sequence(track), place, token)]
        track.tokens.append(token)
        reply.seconds = time.perf_counter() - began

    def _follow(
        self, constraint: Constraint, rows: Sequence[Logits], guesses: Sequence[int], room: int
    ) -> tuple[list[int], list[int]]:
        """What is chosen from `rows`: the tokens that were guessed, and those behind them."""
        written: list[int] = []
        for place, row in enumerate(rows):
            chosen = list(constraint.choose(row))[: room - len(written)]
            if place < len(guesses) and chosen == [guesses[place]]:
                written += chosen
                continue
            return written, chosen
        return written, []

    def _hand_in(self, step: _Step) -> None:
        step.reply.step = step
        self._waiting.append(step)

    def _take(self, reply: _Reply) -> None:
        """Have the step of `reply` read, if it was not with another's; its logits are in `rows`."""
        step = reply.step
        assert step is not None
        if step in self._waiting:
            self._read(step)
        reply.step = None

    def _read(self, step: _Step) -> None:
        """Read `step`, and with it what else waits, where both share their time and it pays."""
        reply = step.reply
        together = [step]
        others: list[_Step] = []
        joining = False
        if len(self._waiting) > 1 and reply.shares():
            others = [one for one in self._waiting if one is not step and one.reply.shares()]
            joining = bool(others) and len(step.tokens) == 1 and self._sharing.now()
        if joining:
            beside = others[: self._native.plan.sequences - 1]
            together += [other for other in beside if len(other.tokens) == 1]
        began = time.perf_counter()
        tracks = [one.reply.track for one in together] if joining else ()
        runs = []
        for one in together:
            self._seat(one.reply, one.first, tracks)
            runs.append(Run(_sequence(one.reply.track), one.first, one.tokens, one.wanted))
        try:
            places = self._native.read(runs)
        except ModelError:
            # None of it was read; each of the others meets the failure, if it lasts, by itself.
            self._waiting.remove(step)
            raise
        for one, its_places in zip(together, places, strict=True):
            one.reply.track.tokens += one.tokens
            one.reply.rows = list(map(self._native.logits, its_places))
            if one is not step:
                one.reply.rows = [np.array(row) for row in one.reply.rows]
            self._waiting.remove(one)
        reply.seconds = seconds = time.perf_counter() - began
        if len(step.tokens) >= _SHORTEST_STEP:
            self._memory.measured(len(step.tokens), seconds)
        elif others and len(step.tokens) == 1:
            self._sharing.measured(joining, len(together), seconds)

    def _seat(self, reply: _Reply, first: int, beside: Sequence[Track]) -> None:
        """Have all that stands before `first` in memory, reading again what was lost."""
        track = reply.track
        held = self._memory.seat(track, beside)
        if held > first:
            self._memory.cut(track, first)
            held = len(track.tokens)
        for place in range(held, first, CHUNK):
            tokens = reply.tokens[place : min(first, place + CHUNK)]
            self._native.read([Run(_sequence(track), place, tokens)])
            track.tokens += tokens

    def close(self) -> None:
        """Free the model's memory. The generator is of no use afterwards."""
        self._native.close()
        if self._model:
            self._api.llama_model_free(self._model)
            self._model = None


class _Silence:
    """Under which nothing is written."""

    def choose(self, _: Logits) -> Sequence[int]:
        return ()


class _Reply:
    """A reply under way: all its tokens, prompt and written, and the logits behind the last."""

    def __init__(self, track: Track, prompt: list[int], shares: Shares) -> None:
        self.track = track
        self.tokens = prompt
        self.shares = shares
        self.step: _Step | None = None
        self.rows: list[Logits] = []
        self.seconds = 0.0


class _Ahead:
    """The guesses of one reply. A reply that is given in whole runs of tokens needs none."""

    def __init__(self, reply: _Reply, *, wanted: bool) -> None:
        self._reply = reply
        self._wanted = wanted
        self._look_up: LookUp | None = None
        self._singles = 0
        self.guesses: list[int] = []

    @property
    def watching(self) -> bool:
        """Whether it is a reply that can be guessed."""
        return self._look_up is not None

    def went_on(self, written: Sequence[int], chosen: Sequence[int]) -> None:
        """The guesses `written` were right, and `chosen` comes behind them."""
        self._singles = self._singles + 1 if len(chosen) == 1 else 0
        if self._look_up is not None:
            for token in [*written, *chosen]:
                self._look_up.add(token)
        elif self._wanted and self._singles == _SINGLES:
            self._look_up = LookUp(self._reply.tokens)

    def guess(self, room: int) -> None:
        """Guess what comes next, at most `room` tokens."""
        if self._look_up is not None and self._singles:
            self.guesses = self._look_up.guess(room)


class _Step:
    """Tokens of a reply that are to be read next, from place `first` on."""

    def __init__(self, reply: _Reply, first: int, tokens: list[int], *, wanted: int = 1) -> None:
        self.reply = reply
        self.first = first
        self.tokens = tokens
        self.wanted = wanted


def _sequence(track: Track) -> int:
    assert track.sequence is not None
    return track.sequence


def _with(counts: TokenCounts, generated: int) -> TokenCounts:
    return TokenCounts(counts.prompt, counts.reused, generated)
