"""Replies to the sample company's customers, to be written in their own words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from engine.bench.workbench import SampleCase, Workbench
from engine.drafting.constraints import GroundedFree
from engine.drafting.generation import Generator
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.llama import LlamaGenerator
from engine.drafting.prompt import ChatMessage


class Asked(Struct, frozen=True):
    """A reply to be written: its prompt, and what its constraint is made of."""

    chat: Sequence[ChatMessage]
    numbers: GroundedNumbers
    room: int


def asked_of(bench: Workbench, cases: Iterable[SampleCase]) -> list[Asked]:
    """The replies to `cases`, each resting on the documents that it is about."""
    own = bench.style.own_sentences("zh")
    room = bench.style.room("zh")
    found = []
    for case in cases:
        evidence = bench.evidence(case)
        numbers = GroundedNumbers(evidence, [turn.text for turn in case.turns], own)
        found.append(Asked(bench.messages(case.turns, evidence), numbers, room))
    return found


def constraint_of(generator: Generator, asked: Asked) -> GroundedFree:
    """The constraint of one writing of it, made anew for each."""
    return GroundedFree(generator.vocabulary, asked.numbers, room=asked.room)


@contextlib.contextmanager
def speculation_set(generator: LlamaGenerator, wanted: bool) -> Iterator[None]:
    """Have `generator` guess ahead, or not, for a while."""
    before, generator.speculation = generator.speculation, wanted
    try:
        yield
    finally:
        generator.speculation = before
