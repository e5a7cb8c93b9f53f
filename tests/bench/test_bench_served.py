"""A real engine process as a measure sees it: what came when, and how it fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from engine.bench.served import Course, Served, served
from engine.bench.workbench import BenchError, Workbench


@pytest.fixture(scope="module")
def engine(bench: Workbench) -> Iterator[Served]:
    with served(replace(bench.config, knowledge=str(bench.sample_knowledge))) as engine:
        yield engine


def _ended(course: Course) -> bool:
    return bool(course.ended)


def test_a_drafts_course_is_in_order_and_ends_with_the_draft(
    bench: Workbench, engine: Served
) -> None:
    case = bench.cases[1]
    request = engine.client.draft(case.turns, as_of=case.as_of, conversation="c", priority=0)
    course = engine.course(request, _ended, 60)
    assert course.draft is not None
    assert course.draft.status == "drafted"
    times = [course.started, *(time for time, _ in course.released), course.ended]
    assert times == sorted(times)
    lengths = [length for _, length in course.released]
    assert lengths == sorted(lengths)
    assert course.reached(1) == course.released[0][0]
    assert course.reached(100_000) == course.ended


def test_memory_is_that_of_the_engine_process(engine: Served) -> None:
    resident, shared = engine.memory()
    assert resident > 50 * 2**20
    assert 0 <= shared < resident


def test_what_is_given_up_has_ended_and_is_a_failure_to_whoever_wants_it(
    bench: Workbench, engine: Served
) -> None:
    requests = [
        engine.client.draft(case.turns, conversation=f"gone-{place}", priority=3)
        for place, case in enumerate(bench.cases[:12])
    ]
    for request in requests:
        engine.client.cancel(request)
    for request in requests:
        engine.ended(request, 60)
    with pytest.raises(BenchError, match="cancelled"):
        engine.course(requests[-1], _ended, 60)


def test_patience_ends(engine: Served) -> None:
    with pytest.raises(BenchError, match="in time"):
        engine.course("no such request", _ended, 0.05)


def test_an_engine_without_its_model_is_no_measuring_place(bench: Workbench) -> None:
    config = replace(
        bench.config,
        model=str(bench.folder / "none.gguf"),
        knowledge=str(bench.sample_knowledge),
        language="en",
    )
    with pytest.raises(BenchError, match=r"none\.gguf"), served(config):
        pass
