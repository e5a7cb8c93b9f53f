"""How fast the model writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct

from engine.bench.figures import Figure, Target, measured
from engine.bench.peers import BareLoop
from engine.bench.replies import Asked, asked_of, constraint_of, speculation_set
from engine.bench.timing import interleaved, medians, over_each
from engine.bench.workbench import REPLY_TOKENS, BenchError, Workbench
from engine.drafting.llama import LlamaGenerator

_REPLIES = 12
_FEWEST_TOKENS = 32
_DECODE = Target("ratio", "≥", 0.95)


def decode(bench: Workbench) -> list[Figure]:
    """Tokens per second of grounded replies, beside a bare loop over the same prompts.

    Nothing is guessed ahead: each side computes one token after the other.
    """
    generator = bench.free_writer
    asked = asked_of(bench, bench.cases[:_REPLIES])
    with speculation_set(generator, False):
        replies = [_write(generator, one) for one in asked]
        total = _enough(replies)
        prompts = [generator.prompt_tokens(one.chat) for one in asked]
        loop = BareLoop(
            Path(bench.config.model),
            gpu_layers=generator.offload.layers,
            threads=generator.threads,
            context=generator.context,
        )

        try:
            # Reply by reply: the machine's pace changes within seconds, and 0.05 is what counts.
            ours, theirs = interleaved(
                over_each(asked, lambda one: _write(generator, one).seconds),
                over_each(
                    list(zip(prompts, replies, strict=True)),
                    lambda one: loop.seconds(one[0], one[1].steps),
                ),
                rounds=15 * len(asked),
                seconds=40,
            )
        finally:
            loop.close()
    steps = [reply.steps for reply in replies]
    value, peer = (_rate(steps, taken) for taken in (ours, theirs))
    depth = round(sum(map(len, prompts)) / len(prompts))
    return [
        measured(
            "decode",
            value,
            "tokens/s",
            peer=bench.say("peer.decode"),
            peer_value=peer,
            target=_DECODE,
            note=bench.say(
                "note.decode", tokens=total, depth=depth, threads=generator.threads.writing
            ),
        )
    ]


def speculation(bench: Workbench) -> list[Figure]:
    """The same grounded replies with tokens guessed ahead and without; not a letter may differ.

    Several tokens at once cost a small model almost what they cost one by one: there the guessing
    stops by itself. The target is held to a model of real size (`real_size.speculation`).
    """
    generator = bench.generator
    asked = asked_of(bench, bench.cases[:_REPLIES])
    with speculation_set(generator, False):
        plain = [_write(generator, one) for one in asked]
    total = _enough(plain)

    def rate(guessing: bool) -> float:
        with speculation_set(generator, guessing):
            written = [_write(generator, one) for one in asked]
        if [one.text for one in written] != [one.text for one in plain]:
            raise BenchError("Guessing ahead changed a reply.", "bench_differs")
        return total / sum(one.seconds for one in written)

    value, peer = medians(lambda: rate(True), lambda: rate(False), rounds=9, seconds=16)
    return [
        measured(
            "speculation",
            value,
            "tokens/s",
            peer=bench.say("peer.speculation"),
            peer_value=peer,
            note=bench.say("note.speculation", replies=len(asked), tokens=total),
        )
    ]


def _rate(steps: Sequence[int], seconds: Sequence[float]) -> float:
    """The median of the rounds' steps per second; `seconds` go through the replies in circles."""
    count = len(steps)
    rounds = [seconds[start : start + count] for start in range(0, len(seconds), count)]
    whole = [one for one in rounds if len(one) == count] or rounds
    return median(sum(steps[: len(one)]) / sum(one) for one in whole)


class _Written(Struct, frozen=True):
    """A reply: its text, the tokens computed one after the other, and the seconds they took."""

    text: str
    steps: int
    seconds: float


def _write(generator: LlamaGenerator, asked: Asked) -> _Written:
    """The reply; the reading of its prompt is not in the seconds."""
    text = ""
    tokens = 0
    began = time.perf_counter()
    for piece in generator.generate(
        asked.chat, constraint_of(generator, asked), limit=REPLY_TOKENS
    ):
        text += piece.text
        tokens = piece.tokens.generated
        if not tokens:
            began = time.perf_counter()
    # The last token of a reply that was cut off is not computed any more.
    return _Written(text, tokens - (tokens == REPLY_TOKENS), time.perf_counter() - began)


def _enough(replies: Sequence[_Written]) -> int:
    total = sum(reply.steps for reply in replies)
    if total < _FEWEST_TOKENS:
        raise BenchError(f"The model wrote {total} tokens only.", "bench_silent", tokens=total)
    return total
