"""The engine process is killed, aborted and stopped under load: every request is answered once."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from engine.client import EngineClient, Patience
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    RequestFailed,
    SearchFinished,
)
from engine.records import Turn

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from desktop.app import Desk

ROOT = Path(__file__).parents[2]
SECONDS = 180.0
PATIENCE = Patience(beat=0.2, silence=6.0, step=40.0, loading=40.0)
SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGABRT)
WORDS = {signal.SIGKILL: "SIGKILL", signal.SIGABRT: "SIGABRT", signal.SIGSTOP: "长时间没有响应"}
DRAFTS, SEARCHES = 6, 3
QUESTIONS = (
    "热水壶保修期多久？",
    "过了保修期上门要多少钱？",
    "不想要了能退吗，邮费谁出？",
    "发票丢了还能保修吗？",
)
DOCUMENT = """# 保修
热水壶保修期12个月，从签收那天算起。请保留发票。
保修期内免费上门检修。过了保修期上门费30元，换件另算。

# 退货
签收后7天内可以无理由退货，邮费由客户承担。质量问题退货，邮费由我们承担。
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, fault_rules: Path) -> EngineConfig:
    """A real model of random weights, a real index and rules."""
    from engine.knowledge.embedding import HashedEmbedder, load_embedder
    from engine.knowledge.index import import_documents
    from engine.learning.starter.tiny import write_tiny_gguf

    root = tmp_path_factory.mktemp("parts")
    (root / "保修.md").write_text(DOCUMENT, "utf-8")
    HashedEmbedder(256).save(root / "embedder")
    import_documents(root / "knowledge", [root / "保修.md"], load_embedder(root / "embedder"))
    return EngineConfig(
        model=str(write_tiny_gguf(root / "tiny.gguf")),
        embedder=str(root / "embedder"),
        knowledge=str(root / "knowledge"),
        rules=str(fault_rules),
        style=str(ROOT / "assets" / "styles" / "warm_shop.yaml"),
        context=2048,
        threads=1,
        mode="verbatim",
    )


class Load:
    """A client that is kept busy, and what became of everything that was asked of it."""

    def __init__(self, config: EngineConfig, dice: random.Random) -> None:
        self._dice = dice
        self._lock = threading.Lock()
        self.ends: dict[str, list[Event]] = {}
        self.late: list[Event] = []
        self.restarts: list[EngineRestarted] = []
        self.ready = self.answers = self.begun = 0
        self.step = ""
        self.gone: EngineFailed | None = None
        self.client = EngineClient(config, self._hear, patience=PATIENCE)
        self.open: dict[str, str] = {}

    def _hear(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, EngineRestarted):
                self.restarts.append(event)
                self.step = ""
            elif isinstance(event, EngineStarting):
                self.step = event.step
            elif isinstance(event, EngineFailed):
                self.gone = event
            elif isinstance(event, EngineReady):
                self.ready += 1
            elif (request := getattr(event, "id", "")) and self.ends.get(request):
                self.late.append(event)
            elif isinstance(event, DraftStarted):
                self.begun += 1
            elif isinstance(event, (DraftFinished, SearchFinished, RequestFailed)):
                self.ends.setdefault(request, []).append(event)
                self.open.pop(request, None)
                self.answers += not isinstance(event, RequestFailed)

    def fill(self) -> None:
        """Have as many drafts and searches in flight as there should be."""
        waiting = Counter(self.open.values())
        for _ in range(DRAFTS - waiting["draft"]):
            self.draft()
        for _ in range(SEARCHES - waiting["search"]):
            self._note(self.client.search(self._dice.choice(QUESTIONS), k=3), "search")
        drafts = [key for key, kind in list(self.open.items()) if kind == "draft"]
        if drafts and self._dice.random() < 0.1:
            self.client.prioritise(self._dice.choice(drafts), self._dice.randrange(3))
        if drafts and self._dice.random() < 0.03:
            self.client.cancel(self._dice.choice(drafts))

    def draft(self) -> str:
        turns = [Turn("customer", self._dice.choice(QUESTIONS))]
        number = self._dice.randrange(9)
        return self._note(
            self.client.draft(
                turns,
                mode=self._dice.choice(("free", "verbatim")),
                conversation=f"c{number}",
                priority=self._dice.randrange(4),
            ),
            "draft",
        )

    def _note(self, request: str, kind: str) -> str:
        with self._lock:
            if not self.ends.get(request):
                self.open[request] = kind
        return request

    def until(self, what: str, condition: Callable[[], bool], *, busy: bool = True) -> None:
        ends = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < ends, f"{what} did not come about; {self.gone}"
            assert self.gone is None, self.gone
            if busy:
                self.fill()
            time.sleep(0.01)

    def strike(self, how: signal.Signals) -> int:
        """Send the process that there is a signal, at a random moment of its life."""
        seen, answers = len(self.restarts), self.answers
        # At any moment, its start included; one after the other without an answer it is given up.
        if self.restarts and self.restarts[-1].attempt > 1:
            self.until("an answer", lambda: self.answers > answers)
        elif self._dice.random() < 0.8:
            ready, begun = self.ready, self.begun
            self.until("a new life", lambda: self.ready > min(ready, seen))
            self.until("a draft", lambda: self.begun > begun)
        if self.restarts:
            # A second death in a row while the model loads is laid to the model, which is left out.
            past_the_model = ("embedder", "knowledge")
            self.until("the loaded model", lambda: self.step in past_the_model)
        ends = time.monotonic() + self._dice.random()
        self.until("the moment", lambda: time.monotonic() > ends)
        self.until("a process", lambda: self.client.pid is not None)
        pid = self.client.pid
        assert pid is not None
        os.kill(pid, how)
        self.until("its end", lambda: len(self.restarts) > seen)
        return pid


def open_handles() -> tuple[int, int, int]:
    process = psutil.Process()
    return process.num_fds(), len(process.children(recursive=True)), threading.active_count()


@pytest.mark.timeout(3600)
def test_whatever_ends_it_every_request_is_answered_once_and_nothing_is_left_behind(
    parts: EngineConfig, rounds: Callable[[int], int]
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    warm = Load(parts, random.Random(seed))
    warm.client.start()  # What Python starts once, its resource tracker, is there from now on.
    warm.until("ready", lambda: warm.ready > 0, busy=False)
    warm.client.close()
    before = open_handles()

    load = Load(parts, random.Random(seed))
    load.client.start()
    pids = set()
    for number in range(rounds(50)):
        how = SIGNALS[number % len(SIGNALS)]
        pids.add(load.strike(how))
        assert load.restarts[-1].why == WORDS[how], load.restarts[-1]
        print(f"{number + 1}: {how.name}, {len(load.ends)} ended, {len(load.open)} open")
    load.until("the answers", lambda: not load.open, busy=False)
    last = load.draft()
    load.until("the last answer", lambda: last in load.ends, busy=False)
    assert isinstance(load.ends[last][0], DraftFinished)
    load.client.close()

    ends = [event for events in load.ends.values() for event in events]
    assert load.late == []
    assert {len(events) for events in load.ends.values()} == {1}
    failures = [event for event in ends if isinstance(event, RequestFailed)]
    assert {event.code for event in failures} <= {"engine_restarted", "cancelled"}
    assert all(event.message for event in failures)
    codes = Counter(event.code for event in failures)
    print(
        f"{len(load.restarts)} deaths, {len(ends)} requests: {len(ends) - len(failures)} answered, "
        f"{codes['engine_restarted']} failed in words, {codes['cancelled']} called off"
    )
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not [one for one in psutil.Process().children() if one.status() == "zombie"]
    assert open_handles() == before


@pytest.fixture
def aborting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An engine that aborts at each start."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "engine" / "odd_engines")
    return importlib.import_module("odd_engines").aborts_at_once


@pytest.fixture
def dead_engine_desk(
    parts: EngineConfig, tmp_path: Path, fault_desk: Callable[..., Desk], aborting: Any
) -> Iterator[Desk]:
    from msgspec.structs import replace

    # Another module's desk may still be open.
    before = set(multiprocessing.active_children())
    config = replace(parts, model=str(tmp_path))
    desk = fault_desk(tmp_path / "data", configure=lambda *_: config)
    desk.bridge._client = EngineClient(config, desk.bridge._from_client, target=aborting)
    desk.bridge.start()
    yield desk
    desk.close()
    assert set(multiprocessing.active_children()) <= before


def test_an_engine_that_dies_at_every_start_leaves_a_desk_that_works_and_can_be_started_again(
    qtbot: QtBot, dead_engine_desk: Desk, parts: EngineConfig
) -> None:
    from engine.client import client as module

    desk, long = dead_engine_desk, int(SECONDS * 1000)
    talk = desk.store.conversations.receive("何", QUESTIONS[0]).conversation
    qtbot.waitUntil(lambda: desk.bridge.state.phase == "failed", timeout=long)
    notice = desk.window.notices.shown
    assert notice is not None
    assert notice.key == "failed.engine_gone"
    assert "SIGABRT" in notice.details
    assert "3" in notice.details
    assert "没有草稿也可以照常回复" in notice.details
    assert desk.bridge.pid is None

    # Without drafts the agent answers by hand.
    desk.session.open(talk)
    qtbot.waitUntil(lambda: desk.session.phase == "unavailable")
    desk.session.send("您好，保修期是12个月。")
    qtbot.waitUntil(lambda: desk.session.phase == "sending")
    other = desk.store.conversations.receive("吕", QUESTIONS[0]).conversation

    # The cause is gone: the notice's own button starts it, and what waits is drafted for.
    desk.bridge._client._target = module._serve
    desk._config = parts
    assert notice.act is not None
    notice.act()
    qtbot.waitUntil(lambda: desk.bridge.state.drafts, timeout=long)
    qtbot.waitUntil(lambda: desk.store.drafts.latest(other) is not None, timeout=long)
    stored = desk.store.drafts.latest(other)
    assert stored is not None
    assert stored.draft.status == "drafted"
    assert desk.store.drafts.latest(talk) is None
