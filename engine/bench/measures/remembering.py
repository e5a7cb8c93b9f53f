"""What a conversation that goes on need not read again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from engine.bench.conversing import Listening, conversations, hold
from engine.bench.figures import Figure, Target, measured
from engine.bench.workbench import BenchError, Workbench
from engine.drafting.llama import load_generator
from engine.drafting.pipeline import Drafter
from engine.drafting.prompt import ChatMessage
from engine.records import Draft, TokenCounts

_CONVERSATIONS = 8
_EXCHANGES = 10
_EACH = 3
_WARM = Target("ratio", "≤", 0.25)
_REUSED = Target("value", "≥", 80)


def first_token(bench: Workbench) -> list[Figure]:
    """Eight long conversations in turn: the first token of each reply, and what was read for it.

    Beside it the same prompt in a generator that has just been loaded.
    """
    talks = conversations(bench.cases, _CONVERSATIONS, _EXCHANGES)
    generator = load_generator(
        Path(bench.config.model),
        gpu_layers=bench.config.gpu_layers,
        threads=bench.config.threads,
        context=bench.config.context,
    )
    listening = Listening(generator, lambda messages: _cold(bench, messages), each=_EACH)
    drafter = Drafter(bench.searcher, listening, bench.gate, bench.style, language=bench.language)
    counts: list[TokenCounts] = []

    def finished(_: str, draft: Draft) -> None:
        if draft.tokens.prompt:
            counts.append(draft.tokens)

    try:
        hold(talks, drafter, finished)
    finally:
        generator.close()
    if not listening.followed:
        raise BenchError("None of the sample's messages led to a draft.", "bench_no_drafts")
    warm, cold = (median(pair[side] for pair in listening.followed) for side in (0, 1))
    read = sum(one.prompt for one in counts)
    note = bench.say(
        "note.first_token",
        conversations=len(talks),
        exchanges=_EXCHANGES,
        drafts=len(counts),
        tokens=round(read / len(counts)),
        longest=max(one.prompt for one in counts),
    )
    return [
        measured(
            "first_token.warm",
            warm * 1000,
            "ms",
            peer=bench.say("peer.first_token"),
            peer_value=cold * 1000,
            target=_WARM,
            note=note,
        ),
        measured(
            "first_token.reused",
            100 * sum(one.reused for one in counts) / read,
            "%",
            target=_REUSED,
            note=note,
        ),
    ]


class _Nothing:
    """The constraint under which nothing is written."""

    def choose(self, logits: object) -> Sequence[int]:
        return ()


def _cold(bench: Workbench, messages: Sequence[ChatMessage]) -> float:
    """The seconds until a generator that knows nothing has read `messages`."""
    generator = load_generator(
        Path(bench.config.model),
        gpu_layers=bench.config.gpu_layers,
        threads=bench.config.threads,
        context=bench.config.context,
    )
    try:
        # The very first reading also makes room in memory, which is not what is asked here.
        for _ in generator.generate([ChatMessage("user", "0")], _Nothing(), limit=1):
            pass
        began = time.perf_counter()
        for _ in generator.generate(messages, _Nothing(), limit=1):
            pass
        return time.perf_counter() - began
    finally:
        generator.close()
