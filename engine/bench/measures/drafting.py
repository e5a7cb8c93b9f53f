"""How long an agent waits for a whole draft."""

from __future__ import annotations

from statistics import median

from engine.bench.figures import Figure, measured
from engine.bench.timing import interleaved, over
from engine.bench.workbench import BenchError, SampleCase, Workbench
from engine.drafting.pipeline import Drafter
from engine.protocol import DraftFinished, DraftRequest

_CASES = 12


def complete(bench: Workbench) -> list[Figure]:
    """From the message to the finished verbatim draft, beside the search that is part of it."""
    searcher = bench.searcher
    drafter = Drafter(
        searcher, bench.generator, bench.gate, bench.style, language=bench.language, mode="verbatim"
    )

    def draft(case: SampleCase) -> bool:
        """Whether there was something to draft."""
        request = DraftRequest("bench", case.turns, case.as_of, "verbatim")
        *_, last = drafter.draft(request)
        return isinstance(last, DraftFinished) and last.draft.status == "drafted"

    def search(case: SampleCase) -> None:
        searcher.search(case.question, k=8, as_of=case.as_of, turns=case.turns)

    drafted = [case for case in bench.cases[:_CASES] if draft(case)]
    if not drafted:
        raise BenchError("None of the sample's messages led to a draft.", "bench_no_drafts")
    ours, theirs = interleaved(
        over(drafted, draft), over(drafted, search), rounds=3 * len(drafted), seconds=12
    )
    return [
        measured(
            "draft.complete",
            median(ours) * 1000,
            "ms",
            peer=bench.say("peer.draft"),
            peer_value=median(theirs) * 1000,
            note=bench.say("note.draft", drafts=len(drafted), of=min(_CASES, len(bench.cases))),
        )
    ]
