"""All measures, the quick ones first, so that a bound in time cuts off as little as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from engine.bench.disguising import KINDS
from engine.bench.figures import Figure
from engine.bench.measures import (
    disguises,
    drafting,
    generation,
    real_size,
    redline_quality,
    remembering,
    responding,
    retrieval,
    screening,
    sharing,
    starting,
    storing,
)
from engine.bench.measures.real_size import names_of
from engine.bench.workbench import Workbench
from engine.errors import InputError


class Measure(Struct, frozen=True):
    """One measurement: the `figures` it makes, and the `seconds` after which it is stopped.

    A `long` one is made only when it is asked for.
    """

    figures: tuple[str, ...]
    run: Callable[[Workbench], Sequence[Figure]]
    seconds: float = 60.0
    long: bool = False


MEASURES = (
    Measure(("redline",), screening.redline),
    Measure(redline_quality.names(), redline_quality.right),
    Measure(("redline.large", "redline.large.ratio"), disguises.speed),
    Measure(("redline.evasion", *(f"redline.evasion.{kind}" for kind in KINDS)), disguises.evasion),
    Measure(("redline.growth",), disguises.growth, 120.0),
    Measure(("store.decision",), storing.decision),
    Measure(("store.page",), storing.queue_page),
    Measure(("decode",), generation.decode),
    Measure(("speculation",), generation.speculation),
    Measure(("first_token.warm", "first_token.reused"), remembering.first_token, 240.0),
    Measure(("preemption", "preemption.text"), sharing.preemption, 120.0),
    Measure(("draft.complete",), drafting.complete),
    Measure(("search.sample",), retrieval.search_sample),
    Measure(("import",), retrieval.importing, 100.0),
    Measure(("desk.standing", "desk.memory"), starting.desk, 120.0),
    Measure(("desk.block",), responding.block, 120.0),
    Measure(("engine.start",), starting.engine_start, 80.0),
    Measure(("search.large",), retrieval.search_large, 80.0),
    Measure(("batching.writing", "batching.drafts"), sharing.batching, 120.0, long=True),
    Measure(("search.huge",), retrieval.search_huge, 150.0, long=True),
    Measure(names_of("real_size.0_6b"), real_size.small, 300.0, long=True),
    Measure(("real_size.0_6b.speculation",), real_size.dictated, 200.0, long=True),
    Measure(names_of("real_size.0_6b", "torch"), real_size.small_in_torch, 400.0, long=True),
    Measure(names_of("real_size.4b"), real_size.large, 1200.0, long=True),
    Measure(names_of("real_size.4b", "torch"), real_size.large_in_torch, 1200.0, long=True),
)


def choose(
    prefix: str, measures: Sequence[Measure] = MEASURES, *, full: bool = False
) -> list[Measure]:
    """The measures of the figures whose names begin with `prefix`, cut down to those figures.

    Without a prefix, the long ones only if all are wanted (`full`). Raises `InputError` when there
    are none.
    """
    chosen = []
    for measure in measures:
        wanted = tuple(name for name in measure.figures if name.startswith(prefix))
        if wanted and (prefix or full or not measure.long):
            chosen.append(replace(measure, figures=wanted))
    if not chosen:
        names = ", ".join(name for measure in measures for name in measure.figures)
        raise InputError(
            f"No figure's name begins with {prefix!r}. There are: {names}.",
            "bench_unknown",
            name=prefix[:40],
            names=names,
        )
    return chosen
