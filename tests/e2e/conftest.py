"""The real window on the real engine, with the models and the sample company that ship."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QLineEdit

from desktop.app import Desk, build_desk
from desktop.demo.hands import Hands
from desktop.session.intake import ReplayChannel
from desktop.session.sample import Sample, read_sample
from engine import settings as settings_file
from engine.channels.replay import Opening, PastTurn, Reply, Scene
from engine.deciding import decide, sendable
from engine.paths import RULES, STARTER_EMBEDDER, DataFolder
from engine.protocol import DraftFinished
from engine.reception import receive
from engine.records import Draft, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.settings import Settings
from engine.store.rows import ConversationRow
from engine.store.store import open_store
from engine.texts import text

SCREEN = Path(__file__).parents[2] / "assets" / "theme" / "screen.json"
if os.environ.get("QT_QPA_PLATFORM", "offscreen") == "offscreen":
    # A screen of a usual size, so that menus and dialogs stand where they stand for a person.
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={SCREEN}"
PATIENCE = 240.0
"""How many seconds one wait may take on a busy machine; most take a moment."""
WHOLE_PATIENCE = 900
UNDO_SECONDS = 4.0
NOW = time()
T = TypeVar("T")


class Customer(Struct, frozen=True):
    """Who wrote what, `waited` seconds ago, and what became of it."""

    name: str
    words: tuple[str, ...]
    waited: float
    channel: str
    label: str
    subject: str
    state: str


CUSTOMERS = tuple(
    msgspec.json.decode(line, type=Customer)
    for line in (Path(__file__).parent / "customers.jsonl").read_bytes().splitlines()
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test also imports the knowledge and waits for the engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(WHOLE_PATIENCE))


@dataclass
class Stage:
    """A desk with hands on it, and ways to look behind it."""

    desk: Desk
    numbers: Iterator[int]

    @property
    def hands(self) -> Hands:
        return Hands(self.desk, monotonic() + PATIENCE)

    def customer(
        self,
        name: str,
        *words: str,
        turns: tuple[PastTurn, ...] = (),
        replies: tuple[Reply, ...] = (),
        waited: float = 0.0,
        **more: str,
    ) -> str:
        """A customer of that name (made unique) writes; the name, once the queue shows it."""
        name = f"{name}{next(self.numbers)}"
        opening = tuple(Opening(one) for one in words)
        scene = Scene(
            name,
            name,
            opening,
            turns=turns,
            replies=replies,
            waited=waited,
            **({"channel": "网页"} | more),
        )
        self.desk.intake.add_channel(ReplayChannel([scene], self.desk._clock))
        self.until("customer", lambda: bool(self.hands._row(name)))
        return name

    def until(self, what: str, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        self.hands.until(what, condition, seconds)

    def ask(self, op: Callable[[], T]) -> T:
        """What `op` returns on the store's thread."""
        answers: list[T] = []
        self.desk.background.run(self.desk, op).done(answers.append)
        self.until("opened", lambda: bool(answers))
        return answers[0]

    def row(self) -> ConversationRow:
        """The open conversation as it is stored now."""
        conversation = self.desk.session.conversation
        return self.ask(lambda: self.desk.store.conversations.get(conversation))

    def sent(self) -> list[str]:
        """What has left for the open conversation's customer."""
        conversation = self.desk.session.conversation
        messages = self.ask(lambda: self.desk.store.conversations.messages(conversation))
        return [one.text for one in messages if one.role == "agent" and one.state == "sent"]

    def set(self, **changes: Any) -> None:
        """Save these settings and wait until the desk works by them."""
        wanted = replace(self.desk.settings, **changes)
        if wanted != self.desk.settings:
            self.desk.settings_page.save(wanted)
            self.until("settings", lambda: self.desk.settings == wanted)

    def open(self, name: str) -> None:
        self.hands.open(name)

    def wait_draft(self) -> None:
        self.until("draft", lambda: self.desk.session.draft is not None)

    def tidy(self) -> None:
        """No search, no menu, the desk in front, the engine there, sending as at first."""
        while popup := QApplication.activePopupWidget():
            popup.close()
        for field in self.desk.page.queue.findChildren(QLineEdit):
            field.clear()
        self.desk.window.show_page("desk")
        self.desk.window.activateWindow()
        self.until("window", self.desk.window.isActiveWindow)
        self.until("engine", lambda: self.desk.bridge.state.drafts)
        self.set(undo_seconds=UNDO_SECONDS, enter_sends=False)


@pytest.fixture(scope="session")
def sample_knowledge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's knowledge, imported once with the shipped embedder."""
    from engine.knowledge.job import ImportJob

    folder = tmp_path_factory.mktemp("imported") / "knowledge"
    job = ImportJob(folder, [read_sample().knowledge], STARTER_EMBEDDER)
    job.start()
    assert job.result().total_documents > 50
    return folder


@pytest.fixture(scope="session")
def furnish(sample_knowledge: Path) -> Callable[..., DataFolder]:
    """Makes a data folder with that knowledge and some settings."""

    def make(root: Path, **settings: Any) -> DataFolder:
        folder = DataFolder(root)
        shutil.copytree(sample_knowledge, folder.knowledge)
        values = {"theme": "light", "agent": "小满", "undo_seconds": UNDO_SECONDS} | settings
        settings_file.save(folder, Settings(**values))
        return folder

    return make


@pytest.fixture(scope="session")
def no_customers() -> Sample:
    """The sample company on its day, with nobody writing."""
    sample = read_sample()
    return Sample(sample.company, (), sample.knowledge)


@pytest.fixture(scope="session")
def whole_stage(
    qapp: QApplication,
    tmp_path_factory: pytest.TempPathFactory,
    furnish: Callable[..., DataFolder],
    no_customers: Sample,
) -> Iterator[Stage]:
    """One desk and one engine for all tests that do not need their own."""
    folder = furnish(tmp_path_factory.mktemp("live") / "data")
    desk = build_desk(folder, sample=no_customers)
    desk.window.resize(1440, 900)
    desk.window.show()
    stage = Stage(desk, itertools.count(1))
    stage.until("engine", lambda: desk.bridge.state.drafts)
    yield stage
    desk.close()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def stage(whole_stage: Stage) -> Stage:
    whole_stage.tidy()
    return whole_stage


@pytest.fixture
def open_stage(qapp: QApplication) -> Iterator[Callable[..., Stage]]:
    """Opens further desks; each is closed again."""
    stages: list[Stage] = []

    def make(folder: DataFolder, **options: Any) -> Stage:
        desk = build_desk(folder, **options)
        desk.window.resize(1440, 900)
        desk.window.show()
        desk.window.activateWindow()
        stages.append(Stage(desk, itertools.count(1)))
        return stages[-1]

    yield make
    for stage in stages:
        stage.desk.close()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(scope="session")
def python() -> str:
    return sys.executable


@pytest.fixture(scope="session")
def now() -> float:
    """The moment at which the customers above are looked at."""
    return NOW


@pytest.fixture(scope="session")
def drafts(whole_stage: Stage) -> dict[str, Draft]:
    """The engine's draft for each customer who has one."""
    made: dict[str, Draft] = {}
    asked: dict[str, str] = {}
    bridge = whole_stage.desk.bridge

    def finished(event: DraftFinished) -> None:
        if event.id in asked:
            made[asked[event.id]] = event.draft

    bridge.draft_finished.connect(finished)
    for customer in CUSTOMERS:
        if customer.state != "handover":
            turns = [Turn("customer", one) for one in customer.words]
            asked[bridge.draft(turns, as_of="2026-11-22")] = customer.name
    whole_stage.until("draft", lambda: len(made) == len(asked))
    bridge.draft_finished.disconnect(finished)
    return made


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, drafts: dict[str, Draft]) -> DataFolder:
    """A store with the customers, in all states that a queue can show."""
    folder = DataFolder(tmp_path_factory.mktemp("screens") / "data")
    gate = Gate(load_rules(RULES))
    with open_store(folder.database) as store:
        for customer in CUSTOMERS:
            talk = None
            for at, one in enumerate(customer.words):
                message = receive(
                    store,
                    gate,
                    customer.name,
                    one,
                    channel=customer.channel,
                    at=NOW - customer.waited + at * 5,
                    label=customer.label,
                    subject=customer.subject,
                    conversation=talk,
                ).message
                talk = message.conversation
            assert talk is not None
            state = customer.state
            if state == "failed":
                why = text("error.internal", "zh", kind="MemoryError")
                store.drafts.save(talk, message.id, Draft("failed", reason=why))
            elif state not in ("queued", "handover"):
                store.drafts.save(talk, message.id, drafts[customer.name])
            if state == "rejected":
                decide(store, gate, talk, "reject", reason="tone")
            elif state == "answered":
                words = f"{sendable(drafts[customer.name].text)}您点进去就能改。"
                decide(store, gate, talk, "edit", text=words)
                store.outbox.mark_sent(store.outbox.pending()[0].id, NOW)
    return folder
