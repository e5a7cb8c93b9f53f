"""The real engine process: real model, real index, real rules, and every part of them missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from engine.client import EngineClient
from engine.knowledge.embedding import HashedEmbedder, load_embedder
from engine.knowledge.index import import_documents, remove_document
from engine.knowledge.own_wordings import add_pair
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    EvidenceFound,
    KnowledgeReloaded,
    RequestFailed,
    SearchFinished,
    TextReleased,
)
from engine.records import Draft, Turn

SECONDS = 90
QUESTION = [Turn("customer", "热水壶保修期多久？")]


class Desk:
    """A client and what it has told, for one test."""

    def __init__(self, config: EngineConfig) -> None:
        self.events: list[Event] = []
        self.client = EngineClient(config, self.events.append)
        self.client.start()

    def until(self, kind: type, request: str | None = None) -> Event:
        for _ in range(SECONDS * 50):
            for event in list(self.events):
                if isinstance(event, kind) and request in (None, getattr(event, "id", None)):
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no {kind.__name__} among {[type(e).__name__ for e in self.events]}")

    def ready(self) -> EngineReady:
        event = self.until(EngineReady)
        assert isinstance(event, EngineReady)
        return event

    def draft(self, message: str = "", **options: object) -> Draft:
        turns = [Turn("customer", message)] if message else QUESTION
        request = self.client.draft(turns, **options)  # type: ignore[arg-type]
        event = self.until(DraftFinished, request)
        assert isinstance(event, DraftFinished)
        return event.draft

    def failure(self, request: str) -> RequestFailed:
        event = self.until(RequestFailed, request)
        assert isinstance(event, RequestFailed)
        return event

    def found(self, query: str) -> list[str]:
        event = self.until(SearchFinished, self.client.search(query))
        assert isinstance(event, SearchFinished)
        return [item.passage.doc for item in event.found]


@pytest.fixture
def open_desk(make_config: Callable[..., EngineConfig]) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def begin(**changes: object) -> Desk:
        desks.append(Desk(make_config(**changes)))
        return desks[-1]

    yield begin
    for desk in desks:
        desk.client.close()


def test_it_tells_each_step_and_then_drafts_and_searches(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    ready = desk.ready()
    steps = [event.step for event in desk.events if isinstance(event, EngineStarting)]
    assert steps == ["process", "model", "embedder", "knowledge"]
    assert ready.model.startswith("starter@")
    assert ready.embedder == "hashed-256"
    assert (ready.knowledge, ready.model_error, ready.knowledge_error) == ("1", "", "")
    assert ready.passages > 0
    assert ready.rules
    draft = desk.draft()
    assert draft.status == "drafted"
    assert "12个月" in draft.text
    kinds = [type(event) for event in desk.events if getattr(event, "id", "") == "r1"]
    assert kinds[:2] == [DraftStarted, EvidenceFound]
    assert TextReleased in kinds
    assert kinds[-1] is DraftFinished
    assert desk.found("邮费谁出")[0] == "退货.md"
    assert desk.draft("法庭上见").status == "handover"


def test_a_process_killed_while_drafting_is_replaced_and_the_draft_comes(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk()
    desk.ready()
    killed: list[int] = []

    def kill_at_the_first_word(event: Event) -> None:
        desk.events.append(event)
        if isinstance(event, DraftStarted) and not killed and desk.client.pid:
            killed.append(desk.client.pid)
            os.kill(desk.client.pid, signal.SIGKILL)

    desk.client._on_event = kill_at_the_first_word
    assert desk.draft(mode="free").status in ("drafted", "failed")
    restarted = desk.until(EngineRestarted)
    assert isinstance(restarted, EngineRestarted)
    assert restarted.why == "SIGKILL"
    assert not psutil.pid_exists(killed[0])
    assert len([event for event in desk.events if isinstance(event, DraftFinished)]) == 1


def test_a_draft_can_be_called_off_and_the_next_one_comes(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.ready()
    first, second = (desk.client.draft(QUESTION, mode="free") for _ in range(2))
    desk.client.cancel(second)
    desk.client.cancel(first)
    assert desk.failure(second) == RequestFailed(second, "cancelled", "已取消。")
    assert desk.draft().status == "drafted"


def test_the_open_conversations_draft_is_written_by_itself_and_searches_wait_for_none(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk()
    desk.ready()
    asked: list[str] = []

    def open_another_at_the_first_word(event: Event) -> None:
        desk.events.append(event)
        if isinstance(event, DraftStarted) and not asked:
            asked.append(desk.client.draft(QUESTION, mode="free", conversation="o", priority=0))
            asked.append(desk.client.search("保修期"))

    desk.client._on_event = open_another_at_the_first_word
    others = [
        desk.client.draft(QUESTION, mode="free", conversation=f"c{number}") for number in range(8)
    ]
    desk.until(DraftStarted, others[0])
    opened, search = asked
    desk.until(DraftFinished, opened)
    desk.until(SearchFinished, search)
    ids = [getattr(event, "id", "") for event in desk.events]
    kinds = [(type(event), getattr(event, "id", "")) for event in desk.events]
    began, ended = kinds.index((DraftStarted, opened)), kinds.index((DraftFinished, opened))
    assert set(ids[began : ended + 1]) <= {opened, search}
    assert any((DraftFinished, other) not in kinds[:ended] for other in others)
    for other in others:
        assert isinstance(desk.until(DraftFinished, other), DraftFinished)
    starts = [event for event in desk.events if isinstance(event, DraftStarted)]
    assert len(starts) == len(others) + 1


@pytest.mark.parametrize("wrong", ["missing", "cut", "no model"])
def test_without_a_usable_model_it_searches_and_says_why_it_does_not_draft(
    open_desk: Callable[..., Desk], tmp_path: Path, tiny_gguf: Path, wrong: str
) -> None:
    path = tmp_path / "broken.gguf"
    if wrong == "cut":
        path.write_bytes(tiny_gguf.read_bytes()[:50_000])
    elif wrong == "no model":
        path.write_bytes(b"GGUF of no kind")
    desk = open_desk(model=str(path))
    ready = desk.ready()
    assert "broken.gguf" in ready.model_error
    assert ready.model == ""
    assert ready.passages > 0
    failure = desk.failure(desk.client.draft(QUESTION))
    assert failure.message == ready.model_error
    assert desk.found("保修期")[0] == "家电维修.md"
    assert desk.draft("法庭上见").status == "handover"
    assert not [event for event in desk.events if isinstance(event, EngineRestarted)]


def test_broken_rules_refuse_the_start_once_and_in_words(
    open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text("rules: 3", "utf-8")
    for folder in (tmp_path, tmp_path / "nowhere"):
        desk = open_desk(rules=str(folder))
        failed = desk.until(EngineFailed)
        assert isinstance(failed, EngineFailed)
        assert failed.code == "rules_invalid"
        assert failed.message
        assert desk.failure(desk.client.draft(QUESTION)).code == "rules_invalid"
        assert not [event for event in desk.events if isinstance(event, EngineRestarted)]


def test_a_missing_style_refuses_the_start_in_words(
    open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    failed = open_desk(style=str(tmp_path / "none.yaml")).until(EngineFailed)
    assert isinstance(failed, EngineFailed)
    assert failed.code == "style"


def test_a_restart_with_another_configuration_recovers(
    open_desk: Callable[..., Desk], tmp_path: Path, make_config: Callable[..., EngineConfig]
) -> None:
    desk = open_desk(rules=str(tmp_path / "nowhere"))
    desk.until(EngineFailed)
    desk.client.restart(make_config())
    assert desk.ready().rules
    assert desk.draft().status == "drafted"


def test_a_missing_embedder_is_told_and_every_request_says_so(
    open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = open_desk(embedder=str(tmp_path / "none"))
    ready = desk.ready()
    assert str(tmp_path / "none") in ready.knowledge_error
    assert ready.embedder == ""
    assert desk.failure(desk.client.search("保修")).code == "embedder_missing"
    assert desk.failure(desk.client.draft(QUESTION)).code == "embedder_missing"
    # What was missing is there now: nothing need be started anew.
    HashedEmbedder(256).save(tmp_path / "none")
    assert desk.found("保修期")[0] == "家电维修.md"
    assert desk.draft().status == "drafted"


def test_knowledge_of_another_embedder_is_told(
    open_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    HashedEmbedder(64).save(tmp_path / "other")
    desk = open_desk(embedder=str(tmp_path / "other"))
    ready = desk.ready()
    assert "hashed-256" in ready.knowledge_error
    assert "hashed-64" in ready.knowledge_error
    assert ready.knowledge_code == "embedder_mismatch"
    assert ready.embedder == "hashed-64"
    assert desk.failure(desk.client.search("保修")).code == "embedder_mismatch"


def test_damaged_knowledge_is_told_and_ends_nothing(
    open_desk: Callable[..., Desk], tmp_path: Path, document_folder: Path, hashed_folder: Path
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [document_folder], load_embedder(hashed_folder))
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".md", ".json"):
            path.write_bytes(b"\x00" * 64)
    desk = open_desk(knowledge=str(folder))
    assert desk.ready().knowledge_error
    assert desk.failure(desk.client.search("保修")).message
    assert not [event for event in desk.events if isinstance(event, EngineRestarted)]


def test_new_knowledge_is_used_once_it_is_reloaded(
    open_desk: Callable[..., Desk], tmp_path: Path, hashed_folder: Path
) -> None:
    folder = tmp_path / "knowledge"
    desk = open_desk(knowledge=str(folder))
    assert desk.ready().passages == 0
    assert desk.draft().status == "abstained"
    (tmp_path / "保修.md").write_text("## 保修\n热水壶保修期12个月。\n", "utf-8")
    import_documents(folder, [tmp_path / "保修.md"], load_embedder(hashed_folder))
    told = len(desk.events)
    event = desk.until(KnowledgeReloaded, desk.client.reload_knowledge())
    assert isinstance(event, KnowledgeReloaded)
    assert (event.knowledge, event.passages) == ("1", 1)
    # A window would take a step for a new start.
    assert not [event for event in desk.events[told:] if isinstance(event, EngineStarting)]
    assert desk.draft().status == "drafted"


def test_knowledge_that_another_process_changed_is_not_used_any_more(
    open_desk: Callable[..., Desk], tmp_path: Path, hashed_folder: Path
) -> None:
    """As `zuoxi kb import` and `kb remove` do while a window is open."""
    folder, embedder = tmp_path / "knowledge", load_embedder(hashed_folder)
    for name, months in (("保修.md", 12), ("其他.md", 1)):
        (tmp_path / name).write_text(f"## {name}\n热水壶保修期{months}个月。\n", "utf-8")
    import_documents(folder, [tmp_path / "保修.md"], embedder)
    desk = open_desk(knowledge=str(folder))
    desk.ready()
    assert desk.found("热水壶保修期") == ["保修.md"]
    import_documents(folder, [tmp_path / "其他.md"], embedder)
    assert sorted(desk.found("热水壶保修期")) == ["保修.md", "其他.md"]
    remove_document(folder, "保修.md")
    remove_document(folder, "其他.md")
    assert desk.found("热水壶保修期") == []
    assert desk.draft().status == "abstained"


def test_an_accepted_wording_counts_from_the_next_draft_in_the_same_process(
    open_desk: Callable[..., Desk], knowledge_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(knowledge_folder, tmp_path / "knowledge")
    desk = open_desk(knowledge=str(tmp_path / "knowledge"))
    desk.ready()
    engine = desk.client.pid
    assert desk.draft("壶嘴漏汤").status == "abstained"
    add_pair(tmp_path / "knowledge", "壶嘴漏汤", "上门检修")
    draft = desk.draft("壶嘴漏汤")
    assert draft.status == "drafted"
    assert draft.evidence[0].section == "上门检修"
    assert desk.client.pid == engine


def test_one_bad_request_ends_nothing(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(generator="scripted")
    desk.ready()
    failure = desk.failure(desk.client.search("保修", as_of="the day after"))
    assert failure.code == "knowledge_date"
    assert desk.found("保修期")[0] == "家电维修.md"
    assert desk.draft(mode="free").status == "failed"


def test_the_scripted_generator_opens_and_closes_without_leaks(
    make_config: Callable[..., EngineConfig],
) -> None:
    def cycle() -> int:
        desk = Desk(make_config(generator="scripted"))
        desk.ready()
        pid = desk.client.pid
        desk.client.close()
        assert pid is not None
        return pid

    cycle()
    process = psutil.Process()
    files, threads = process.num_fds(), process.num_threads()
    pids = [cycle() for _ in range(3)]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert process.num_fds() == files
    # A library may have started one of its own meanwhile; three cycles would leave three.
    assert process.num_threads() <= threads + 1


PARENT = """
import sys, time
import msgspec
from engine.client import EngineClient
from engine.protocol import DraftStarted, EngineConfig, EngineReady
from engine.records import Turn

if __name__ == "__main__":
    config = msgspec.json.decode(sys.argv[1], type=EngineConfig)

    def told(event):
        if isinstance(event, EngineReady):
            print(client.pid, flush=True)

    client = EngineClient(config, told)
    client.start()
    time.sleep(600)
"""


def test_the_engine_ends_when_its_owner_is_killed(
    make_config: Callable[..., EngineConfig], tmp_path: Path
) -> None:
    script = tmp_path / "owner.py"
    script.write_text(PARENT, "utf-8")
    root = str(Path(__file__).parents[2])
    owner = subprocess.Popen(
        [sys.executable, str(script), msgspec.json.encode(make_config()).decode()],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert owner.stdout is not None
    engine = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    gone, alive = psutil.wait_procs([engine], timeout=SECONDS)
    assert (gone, alive) == ([engine], [])
