"""How fast the model reads and writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from engine.bench.figures import Figure, Target, measured
from engine.bench.peers import BareLoop
from engine.bench.timing import interleaved, medians
from engine.bench.workbench import REPLY_TOKENS, BenchError, SampleCase, Workbench
from engine.drafting.constraints import GroundedFree
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.llama import LlamaGenerator
from engine.drafting.prompt import ChatMessage
from engine.records import TokenCounts

_REPLIES = 4
_FEWEST_TOKENS = 32
_DECODE = Target("ratio", "≥", 0.8)


def decode(bench: Workbench) -> list[Figure]:
    """Tokens per second of grounded replies, beside a bare loop over the same prompts."""
    generator = bench.generator
    cases = bench.cases[:_REPLIES]
    chats = [bench.messages(case.turns, bench.evidence(case)) for case in cases]
    constraints = [_Constraints(bench, case) for case in cases]
    prompts = [generator.prompt_tokens(chat) for chat in chats]
    lengths = [
        _reply(generator, chat, constraint)[1].generated
        for chat, constraint in zip(chats, constraints, strict=True)
    ]
    total = sum(lengths)
    if total < _FEWEST_TOKENS:
        raise BenchError(f"The model wrote {total} tokens only.", "bench_silent", tokens=total)
    loop = BareLoop(
        Path(bench.config.model),
        gpu_layers=generator.offload.layers,
        threads=bench.threads,
        context=generator.context,
    )

    def ours() -> float:
        pairs = zip(chats, constraints, strict=True)
        return total / sum(_reply(generator, *pair)[0] for pair in pairs)

    def theirs() -> float:
        pairs = zip(prompts, lengths, strict=True)
        return total / sum(loop.seconds(*pair) for pair in pairs)

    try:
        value, peer = medians(ours, theirs, rounds=7, seconds=14)
    finally:
        loop.close()
    depth = round(sum(map(len, prompts)) / len(prompts))
    return [
        measured(
            "decode",
            value,
            "tokens/s",
            peer=bench.say("peer.decode"),
            peer_value=peer,
            target=_DECODE,
            note=bench.say("note.decode", tokens=total, depth=depth, threads=bench.threads),
        )
    ]


def first_token(bench: Workbench) -> list[Figure]:
    """Until the model can write: one more turn of a conversation it knows, and of one it forgot."""
    generator = bench.generator
    cases = [case for case in bench.cases if len(case.turns) > 2][:4]
    if not cases:
        raise BenchError("The sample has no conversation of several turns.", "bench_no_cases")
    warm: list[float] = []
    cold: list[float] = []
    counts: list[TokenCounts] = []
    for case in cases:
        evidence = bench.evidence(case)
        before = bench.messages(case.turns[:-2], evidence)
        now = bench.messages(case.turns, evidence)

        def known(
            before: Sequence[ChatMessage] = before, now: Sequence[ChatMessage] = now
        ) -> float:
            _forget(generator)
            _read(generator, before)
            seconds, tokens = _read(generator, now)
            counts.append(tokens)
            return seconds

        def forgotten(now: Sequence[ChatMessage] = now) -> float:
            _forget(generator)
            return _read(generator, now)[0]

        for values, more in zip(
            (warm, cold), interleaved(known, forgotten, rounds=3, seconds=3), strict=True
        ):
            values.append(median(more))
    prompt = sum(one.prompt for one in counts)
    share = sum(one.reused for one in counts) / prompt
    length = round(prompt / len(counts))
    return [
        measured(
            "first_token.warm",
            median(warm) * 1000,
            "ms",
            peer=bench.say("peer.first_token"),
            peer_value=median(cold) * 1000,
            note=bench.say("note.first_token", tokens=length),
        ),
        measured("first_token.reused", share * 100, "%"),
    ]


class _Constraints:
    """Makes the constraint of one reply, anew for each time it is written."""

    def __init__(self, bench: Workbench, case: SampleCase) -> None:
        own = bench.style.own_sentences("zh")
        self._numbers = (bench.evidence(case), [turn.text for turn in case.turns], own)
        self._room = bench.style.room("zh")
        self._vocabulary = bench.generator.vocabulary

    def new(self) -> GroundedFree:
        return GroundedFree(self._vocabulary, GroundedNumbers(*self._numbers), room=self._room)


def _reply(
    generator: LlamaGenerator, chat: Sequence[ChatMessage], constraints: _Constraints
) -> tuple[float, TokenCounts]:
    """The seconds that writing a reply takes, without reading the prompt, and the counts."""
    pieces = generator.generate(chat, constraints.new(), limit=REPLY_TOKENS)
    counts = next(pieces).tokens
    began = time.perf_counter()
    for piece in pieces:
        counts = piece.tokens
    return time.perf_counter() - began, counts


class _Nothing:
    """The constraint under which nothing is written."""

    def choose(self, logits: object) -> Sequence[int]:
        return ()


def _read(generator: LlamaGenerator, chat: Sequence[ChatMessage]) -> tuple[float, TokenCounts]:
    """The seconds until the prompt is read and the first token could be chosen."""
    began = time.perf_counter()
    pieces = generator.generate(chat, _Nothing(), limit=REPLY_TOKENS)
    counts = next(pieces).tokens
    seconds = time.perf_counter() - began
    for _ in pieces:  # So that the generator ends in good order.
        pass
    return seconds, counts


def _forget(generator: LlamaGenerator) -> None:
    """Have something else in memory, which shares no more than the template's first tokens."""
    _read(generator, [ChatMessage("user", "0")])
