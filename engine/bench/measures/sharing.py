"""What drafts that wait cost the open conversation, and what they gain from one another."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from random import Random
from statistics import median

from msgspec.structs import replace

from engine.bench.figures import Figure, Target, measured
from engine.bench.replies import Asked, asked_of, constraint_of, speculation_set
from engine.bench.served import Course, Served, served
from engine.bench.timing import interleaved, medians
from engine.bench.workbench import REPLY_TOKENS, BenchError, SampleCase, Workbench
from engine.drafting import prompt
from engine.drafting.finishing import frame
from engine.drafting.generation import Piece
from engine.protocol import EngineConfig

_QUEUED = 20
_TOGETHER = 4
_CASES = 16
_PATIENCE = 30.0
_PREEMPTION = Target("ratio", "≤", 1.2)


def preemption(bench: Workbench) -> list[Figure]:
    """The open conversation's first text while 20 others wait, beside the same with none."""
    with served(_config(bench)) as engine:
        talks = _Talks(bench, engine)
        cases = [case for case in bench.cases[:_CASES] if talks.whole(case, priority=0)]
        if not cases:
            raise BenchError("None of the sample's messages led to a draft.", "bench_no_drafts")
        random = Random(5)
        alone, beset = itertools.cycle(cases), itertools.cycle(cases[::-1])

        def with_others() -> float:
            waiting = [
                talks.ask(case, priority=1)
                for case in itertools.islice(itertools.cycle(bench.cases), _QUEUED)
            ]
            engine.course(waiting[0], lambda course: bool(course.started), _PATIENCE)
            # The customer may write at any moment of what is under way.
            time.sleep(random.uniform(0.0, 0.15))
            try:
                return talks.first_token(next(beset), beset=True)
            finally:
                talks.give_up(waiting)

        ours, theirs = interleaved(
            with_others,
            lambda: talks.first_token(next(alone)),
            # Of 45 pairs the medians' ratio still moves by 0.06 from one run to the next.
            rounds=6 * len(cases),
            seconds=60,
        )
        texts = talks.first_texts
    note = bench.say("note.preemption", queued=_QUEUED, times=len(ours))
    peer = bench.say("peer.preemption")
    return [
        measured(
            "preemption",
            median(ours) * 1000,
            "ms",
            peer=peer,
            peer_value=median(theirs) * 1000,
            target=_PREEMPTION,
            note=note,
        ),
        measured(
            "preemption.text",
            median(texts[True]) * 1000,
            "ms",
            peer=peer,
            peer_value=median(texts[False]) * 1000,
            note=note,
        ),
    ]


def batching(bench: Workbench) -> list[Figure]:
    """Four background drafts at once, beside the same one after the other."""
    return [_replies_together(bench), _drafts_together(bench)]


def _replies_together(bench: Workbench) -> Figure:
    """Writing alone, in this process: their prompts are read before the time is taken."""
    generator = bench.generator
    asked = asked_of(bench, bench.cases[:_TOGETHER])
    names = itertools.count()

    def begun(one: Asked, *, shares: bool) -> Iterator[Piece]:
        pieces = generator.generate(
            one.chat,
            constraint_of(generator, one),
            limit=REPLY_TOKENS,
            conversation=f"batch-{next(names)}",
            shares=lambda: shares,
        )
        for piece in pieces:
            if piece.tokens.generated:
                break
        return pieces

    def together() -> float:
        replies = [begun(one, shares=True) for one in asked]
        began = time.perf_counter()
        tokens = [0] * len(replies)
        unfinished = list(enumerate(replies))
        while unfinished:
            for place, pieces in list(unfinished):
                piece = next(pieces, None)
                if piece is None:
                    unfinished.remove((place, pieces))
                else:
                    tokens[place] = piece.tokens.generated
        return sum(tokens) / (time.perf_counter() - began)

    def in_turn() -> float:
        tokens = 0
        seconds = 0.0
        for one in asked:
            pieces = begun(one, shares=False)
            began = time.perf_counter()
            *_, last = pieces
            seconds += time.perf_counter() - began
            tokens += last.tokens.generated
        return tokens / seconds

    # Guessing ahead is for one reply alone, and has a figure of its own.
    with speculation_set(generator, False):
        value, peer = medians(together, in_turn, rounds=9, seconds=10)
    return measured(
        "batching.writing",
        value,
        "tokens/s",
        peer=bench.say("peer.batching"),
        peer_value=peer,
        note=bench.say("note.batching", drafts=len(asked)),
    )


def _drafts_together(bench: Workbench) -> Figure:
    """Whole free drafts in the engine process, from the request to the end of the last."""
    with served(_config(bench)) as engine:
        talks = _Talks(bench, engine, free=True)
        cases = [case for case in bench.cases[:_CASES] if talks.whole(case, priority=1)]
        cases = cases[:_TOGETHER]
        if len(cases) < _TOGETHER:
            raise BenchError("Too few of the sample's messages led to a draft.", "bench_no_drafts")

        def together() -> float:
            began = time.perf_counter()
            requests = [talks.ask(case, priority=1) for case in cases]
            return sum(talks.tokens(one) for one in requests) / (time.perf_counter() - began)

        def in_turn() -> float:
            began = time.perf_counter()
            tokens = sum(talks.whole(case, priority=1) for case in cases)
            return tokens / (time.perf_counter() - began)

        value, peer = medians(together, in_turn, rounds=9, seconds=15)
    return measured(
        "batching.drafts",
        value,
        "tokens/s",
        peer=bench.say("peer.batching"),
        peer_value=peer,
        note=bench.say("note.batching_drafts", drafts=len(cases)),
    )


class _Talks:
    """Conversations at an engine, each with a name of its own, so that none was read before."""

    def __init__(self, bench: Workbench, engine: Served, *, free: bool = False) -> None:
        self._bench = bench
        self._engine = engine
        self._free = free
        self._names = itertools.count()
        self.first_texts: dict[bool, list[float]] = {True: [], False: []}
        """The seconds until the first text of each open draft, with others waiting and without."""

    def ask(self, case: SampleCase, *, priority: int) -> str:
        """The request's id."""
        return self._engine.client.draft(
            case.turns,
            as_of=case.as_of,
            mode="free" if self._free else "auto",
            conversation=f"{case.id}-{next(self._names)}",
            priority=priority,
        )

    def tokens(self, request: str) -> int:
        """How many tokens the draft has in the end; 0 when there is none."""
        course = self._engine.course(request, _ended, _PATIENCE)
        draft = course.draft
        return draft.tokens.generated if draft and draft.status == "drafted" else 0

    def whole(self, case: SampleCase, *, priority: int) -> int:
        """The tokens of a draft that nothing else is asked beside."""
        return self.tokens(self.ask(case, priority=priority))

    def first_token(self, case: SampleCase, *, beset: bool = False) -> float:
        """The seconds until the model's first text for the open conversation.

        What the style begins every draft with is there before; the draft is finished afterwards.
        """
        began = time.perf_counter()
        request = self.ask(case, priority=0)
        course = self._engine.course(request, _ended, _PATIENCE)
        self.first_texts[beset].append(course.reached(1) - began)
        language = prompt.reply_language(case.turns, self._bench.language)
        said = prompt.said_by_agent(case.turns)
        opening, _ = frame(self._bench.style, case.message, language, said)
        return course.reached(len(opening) + 1) - began

    def give_up(self, requests: Sequence[str]) -> None:
        """Call `requests` off, and wait until they are gone."""
        for request in requests:
            self._engine.client.cancel(request)
        for request in requests:
            self._engine.ended(request, _PATIENCE)


def _ended(course: Course) -> bool:
    return bool(course.ended)


def _config(bench: Workbench) -> EngineConfig:
    return replace(bench.config, knowledge=str(bench.sample_knowledge))
