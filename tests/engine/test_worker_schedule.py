"""Whose turn it is in the engine: with generators that say when they are advanced."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drafting.generation import Piece
from engine.drafting.pipeline import Worked
from engine.drafting.scripted import ScriptedGenerator
from engine.protocol import (
    CancelRequest,
    DraftFinished,
    DraftRequest,
    DraftStarted,
    EngineConfig,
    Event,
    PrioritiseRequest,
    ReloadKnowledge,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    Shutdown,
    decode_event,
)
from engine.records import Turn
from engine.worker import Worker
from engine.worker.schedule import AT_ONCE, Schedule, Scheduled

QUESTION = (Turn("customer", "热水壶保修期多久？"),)
REPLY = "热水壶保修期12个月。"


def asked(name: str, priority: int = 1, *, alone: bool = False) -> DraftRequest:
    return DraftRequest(name, QUESTION, priority=priority, alone=alone, mode="free")


class Runner:
    """A schedule with drafts of three steps, and the order in which they were advanced."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.closed: list[str] = []

    def add(self, *requests: DraftRequest) -> None:
        for request in requests:
            self.schedule.add(request)

    def steps(self, request: DraftRequest) -> Iterator[Event | Worked]:
        try:
            for _ in range(3):
                yield Worked()
        finally:
            self.closed.append(request.id)

    def advance(self) -> Scheduled | None:
        draft = self.schedule.next()
        if draft is not None:
            if draft.steps is None:
                draft.steps = self.steps(draft.request)
            if next(draft.steps, None) is None:
                self.schedule.remove(draft.request.id)
        return draft

    def run(self, count: int) -> str:
        """The names of those advanced in `count` steps."""
        names = []
        for _ in range(count):
            draft = self.advance()
            names.append(draft.request.id if draft else "-")
        return "".join(names)


@pytest.fixture
def runner() -> Runner:
    return Runner()


def test_some_are_under_way_in_turn_and_the_next_begins_when_one_has_ended(runner: Runner) -> None:
    runner.add(*(asked(name) for name in "abcdef"))
    assert AT_ONCE == 4
    # Three steps each, and a fourth in which they end.
    assert runner.run(24) == "abcd" * 3 + "aebfcd" + "ef" * 3
    assert runner.run(1) == "-"
    assert len(runner.schedule) == 0


def test_those_of_a_lower_number_begin_first(runner: Runner) -> None:
    runner.add(asked("c", 3), asked("a", 1), asked("b", 2), asked("d", 3), asked("e", 2))
    assert runner.run(4) == "abec"


def test_the_open_one_goes_alone_and_the_others_go_on_where_they_were(runner: Runner) -> None:
    runner.add(*(asked(name) for name in "abcdef"))
    assert runner.run(5) == "abcda"
    runner.add(asked("o", 0))
    assert runner.run(4) == "oooo"
    assert runner.run(7) == "bcdabcd"
    assert runner.closed == ["o"]


def test_a_draft_that_is_opened_goes_first_and_one_that_is_left_waits_again(
    runner: Runner,
) -> None:
    runner.add(*(asked(name) for name in "abcdef"))
    runner.run(4)
    runner.schedule.prioritise("f", 0)
    assert runner.run(2) == "ff"
    runner.schedule.prioritise("f", 1)
    runner.schedule.prioritise("b", 0)
    assert runner.run(3) == "bbb"
    assert runner.run(3) == "acd"
    # The fourth step ended it, so that there is room for the one that was left.
    runner.schedule.prioritise("nobody", 0)
    assert runner.run(4) == "facd"


def test_one_that_must_be_alone_has_nothing_else_begun(runner: Runner) -> None:
    runner.add(asked("a"), asked("x", alone=True), asked("b"))
    assert runner.run(4) == "aaaa"
    runner.add(asked("o", 0))
    assert runner.run(4) == "oooo"
    assert runner.run(1) == "x"
    runner.add(asked("p", 0))
    assert runner.run(3) == "xxx"
    assert runner.run(6) == "pppp" + "bb"


def test_what_is_removed_is_closed_and_what_had_not_begun_never_begins(runner: Runner) -> None:
    runner.add(asked("a"), asked("b"))
    runner.run(1)
    assert runner.schedule.remove("a")
    assert runner.closed == ["a"]
    assert runner.schedule.remove("b")
    assert not runner.schedule.remove("b")
    assert runner.run(1) == "-"


def test_the_open_one_and_one_alone_share_no_batch(runner: Runner) -> None:
    runner.add(asked("a"))
    draft = runner.advance()
    assert draft is not None
    assert draft.shares()
    runner.schedule.prioritise("a", 0)
    assert not draft.shares()
    assert not Scheduled(asked("x", alone=True), 1).shares()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "alone", "prioritise", "remove", "step"]),
            st.integers(0, 12),
            st.integers(0, 3),
        ),
        max_size=120,
    )
)
def test_whatever_happens_all_end_and_few_are_under_way(moves: list[tuple[str, int, int]]) -> None:
    runner, known = Runner(), set()
    for move, number, priority in moves:
        name = f"r{number}"
        if move in ("add", "alone") and name not in known:
            known.add(name)
            runner.add(asked(name, priority, alone=move == "alone"))
        elif move == "prioritise":
            runner.schedule.prioritise(name, priority)
        elif move == "remove":
            runner.schedule.remove(name)
        elif move == "step":
            under_way = [one for one in runner.schedule._drafts.values() if one.steps]
            draft = runner.advance()
            if draft is not None and draft not in under_way:
                assert not any(one.request.alone for one in under_way)
                assert not (draft.request.alone and under_way)
                assert draft.priority == 0 or len(under_way) < AT_ONCE
    for _ in range(5 * len(known)):
        runner.advance()
    assert len(runner.schedule) == 0


class Counting(ScriptedGenerator):
    """The scripted generator, which notes each step by the conversation it is done for."""

    def __init__(self) -> None:
        super().__init__([REPLY])
        self.steps: list[str] = []
        self.open: set[str] = set()

    def generate(self, *args: Any, conversation: str = "", **options: Any) -> Iterator[Piece]:
        self.open.add(conversation)
        try:
            for piece in super().generate(*args, conversation=conversation, **options):
                self.steps.append(conversation)
                if conversation.startswith("broken"):
                    raise ArithmeticError("this draft and no other")
                yield piece
        finally:
            self.open.discard(conversation)


class Wire:
    """The desk's end: what the engine said, and what is to be asked when it has said so much."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.worker: Worker | None = None
        self.plans: list[tuple[Callable[[Event], bool], list[Any]]] = []

    def send_bytes(self, data: bytes) -> None:
        event = decode_event(data)
        self.events.append(event)
        for plan in list(self.plans):
            when, requests = plan
            if when(event):
                self.plans.remove(plan)
                self.ask(*requests)

    def ask(self, *requests: Any) -> None:
        assert self.worker is not None
        for request in requests:
            self.worker._inbox.put(request)

    def when(self, condition: Callable[[Event], bool], *requests: Any) -> None:
        self.plans.append((condition, list(requests)))

    def of(self, request: str) -> list[type]:
        return [type(event) for event in self.events if getattr(event, "id", "") == request]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(Worker, "_load_generator", lambda _: (made, ""))
    return made


@pytest.fixture
def wire(make_config: Callable[..., EngineConfig], generator: Counting) -> Wire:
    """A worker on this thread, loaded and not yet serving."""
    wire = Wire()
    wire.worker = Worker(make_config(mode="free"), wire)  # type: ignore[arg-type]
    assert wire.worker.load()
    wire.events.clear()
    return wire


def background(name: str) -> DraftRequest:
    return DraftRequest(name, QUESTION, priority=1, conversation=name)


def serve(wire: Wire, *until: str) -> None:
    """Serve until all of `until` are answered."""
    left = set(until)

    def last(event: Event) -> bool:
        if isinstance(event, (DraftFinished, RequestFailed, SearchFinished)):
            left.discard(event.id)
        return not left

    wire.when(last, Shutdown())
    assert wire.worker is not None
    wire.worker.serve()


def test_the_open_conversations_draft_begins_after_the_step_under_way(
    wire: Wire, generator: Counting
) -> None:
    others = [f"b{number}" for number in range(20)]
    wire.ask(*(background(name) for name in others))
    # In the middle of the third one's work the agent opens another conversation.
    asked_at: list[int] = []

    def working(event: Event) -> bool:
        if getattr(event, "id", "") == "b2" and len(generator.steps) > 20:
            asked_at.append(len(generator.steps))
            return True
        return False

    wire.when(working, DraftRequest("open", QUESTION, priority=0, conversation="open"))
    serve(wire, "open", *others)
    began = generator.steps.index("open")
    assert began - asked_at[0] <= 1
    whole = generator.steps.count("open")
    assert whole > 20
    assert generator.steps[began : began + whole] == ["open"] * whole
    # Those that were paused lost nothing: as many steps as any other, and one answer each.
    assert {generator.steps.count(name) for name in (*others, "open")} == {whole}
    for name in (*others, "open"):
        assert wire.of(name)[0] is DraftStarted
        assert wire.of(name).count(DraftStarted) == wire.of(name).count(DraftFinished) == 1
        assert wire.of(name)[-1] is DraftFinished
    texts = {event.draft.text for event in wire.events if isinstance(event, DraftFinished)}
    assert len(texts) == 1


def test_a_search_is_answered_and_a_draft_called_off_between_two_steps(
    wire: Wire, generator: Counting
) -> None:
    wire.ask(background("a"), background("b"))
    steps: list[int] = []

    def working(event: Event) -> bool:
        if getattr(event, "id", "") == "b" and len(generator.steps) > 6:
            steps.append(len(generator.steps))
            return True
        return False

    def answered(event: Event) -> bool:
        if isinstance(event, SearchFinished):
            steps.append(len(generator.steps))
        return isinstance(event, SearchFinished)

    wire.when(
        working,
        CancelRequest("a"),
        SearchRequest("gone", "保修"),
        SearchRequest("s", "保修"),
        CancelRequest("gone"),
        CancelRequest("nobody"),
    )
    wire.when(answered)
    serve(wire, "a", "b", "s", "gone")
    assert steps[0] == steps[1]
    assert wire.of("a")[-1] is RequestFailed
    assert wire.of("gone") == [RequestFailed]
    assert generator.steps[steps[0] :].count("a") == 0
    assert wire.of("b")[-1] is DraftFinished
    assert generator.open == set()


def test_what_fails_in_one_draft_fails_that_draft_only(wire: Wire, generator: Counting) -> None:
    wire.ask(background("broken"), background("whole"))
    serve(wire, "broken", "whole")
    failed = wire.events[[getattr(event, "id", "") for event in wire.events].index("broken") :]
    codes = [event.code for event in failed if isinstance(event, RequestFailed)]
    assert codes == ["internal"]
    assert "this draft" not in str(failed)
    assert wire.of("whole")[-1] is DraftFinished
    assert generator.open == set()


def test_a_draft_under_way_keeps_its_knowledge_and_the_next_one_has_the_new(
    make_config: Callable[..., EngineConfig],
    generator: Counting,
    tmp_path: Path,
    hashed_folder: Path,
) -> None:
    from engine.knowledge.embedding import load_embedder
    from engine.knowledge.index import import_documents

    folder, embedder = tmp_path / "knowledge", load_embedder(hashed_folder)
    for name, months in (("旧.md", 12), ("新.md", 24)):
        (tmp_path / name).write_text(f"## 保修\n热水壶保修期{months}个月。\n", "utf-8")
    import_documents(folder, [tmp_path / "旧.md"], embedder)
    wire = Wire()
    wire.worker = Worker(make_config(knowledge=str(folder)), wire)  # type: ignore[arg-type]
    assert wire.worker.load()

    def working(event: Event) -> bool:
        if getattr(event, "id", "") != "a" or len(generator.steps) < 3:
            return False
        import_documents(folder, [tmp_path / "新.md"], embedder)
        return True

    wire.ask(background("a"))
    wire.when(working, ReloadKnowledge("k"), background("b"))
    serve(wire, "a", "b")
    drafts = {event.id: event.draft for event in wire.events if isinstance(event, DraftFinished)}
    assert drafts["a"].release.knowledge == "1"
    assert drafts["b"].release.knowledge == "2"
    assert {item.doc for item in drafts["a"].evidence} == {"旧.md"}
    assert {item.doc for item in drafts["b"].evidence} == {"旧.md", "新.md"}


def test_a_change_of_priority_is_heard_while_drafts_are_written(
    wire: Wire, generator: Counting
) -> None:
    names = [f"b{number}" for number in range(6)]
    wire.ask(*(background(name) for name in names))
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()

    def working(_: Event) -> bool:
        if len(generator.steps) < 12:
            return False
        seen.put(len(generator.steps))
        return True

    wire.when(working, PrioritiseRequest("b5", 0))
    serve(wire, *names)
    at = seen.get_nowait()
    whole = generator.steps.count("b0")
    assert generator.steps[at + 1 : at + whole] == ["b5"] * (whole - 1)
