"""What tests of the window share: looks, pictures, and desks with or without an engine."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QEvent, QLocale
from PySide6.QtWidgets import QApplication, QWidget

from desktop import theme
from desktop.theme import DARK, LIGHT, Look

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from desktop.app import Desk

UNDO_SECONDS = 60.0
SCREENS = Path(__file__).parents[2] / "build" / "screens"
LOOKS = {
    f"{language}-{name}": Look(tokens, language)
    for language in ("zh", "en")
    for name, tokens in (("light", LIGHT), ("dark", DARK))
}


@pytest.fixture(params=LOOKS, ids=list(LOOKS))
def each_look(request: pytest.FixtureRequest, qapp: QApplication) -> Look:
    """Both languages in both themes, applied to the application."""
    QLocale.setDefault(QLocale.c())
    chosen = LOOKS[request.param]
    theme.apply(qapp, chosen)
    return chosen


@pytest.fixture
def look(qapp: QApplication) -> Look:
    """Chinese and light, applied to the application."""
    chosen = LOOKS["zh-light"]
    theme.apply(qapp, chosen)
    return chosen


@pytest.fixture
def shoot(qapp: QApplication) -> Callable[..., Path]:
    """Shows a widget in a size and saves a picture of it; `look` names the file's end."""

    def save(
        widget: QWidget, name: str, look: Look, width: int, height: int = 0, ratio: float = 1.0
    ) -> Path:
        if widget.isWindow():
            widget.resize(width, height or widget.sizeHint().height())
            widget.show()
        for _ in range(4):
            qapp.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
            qapp.processEvents()
        SCREENS.mkdir(parents=True, exist_ok=True)
        end = f"{look.language}-{'dark' if look.tokens.dark else 'light'}"
        path = SCREENS / f"{name}-{end}.png"
        assert widget.grab().save(str(path))
        return path

    return save


# A desk with a real store, a real gate and, where a test asks for it, a real engine process.

RULES = """
pack: {id: desk_tests, version: 1, owner: tests, title: {zh: 测试, en: Tests}}
rules:
  - id: t.lawyer
    side: customer
    category: legal
    level: L3
    action: handover
    name: {zh: 律师, en: Lawyer}
    why: {zh: 客户提到律师, en: The customer speaks of a lawyer}
    advice: {zh: 交给法务, en: Give it to legal}
    script: {zh: 您的情况我已记录，马上转专人处理。, en: I noted it and pass it to a colleague.}
    match: {words: [律师函, solicitor]}
    must_hit: [律师函在路上了]
    must_miss: [你好]
  - id: t.promise
    side: agent
    category: promise
    level: L3
    action: block
    name: {zh: 乱承诺, en: Promise}
    why: {zh: 不能保证, en: Nobody can guarantee}
    advice: {zh: 改成会尽力, en: Say that you will try}
    match: {words: [百分百保证, guaranteed forever]}
    must_hit: [我们百分百保证修好]
    must_miss: [你好]
scripts:
  - id: t.allergy
    name: {zh: 过敏提示, en: Allergy}
    when: {words: [过敏]}
    text: {zh: 如有不适请尽快就医。, en: Please see a doctor if you feel unwell.}
    must_hit: [我过敏了]
    must_miss: [你好]
"""
KNOWLEDGE = {
    "上门检修.md": "# 上门检修\n\n保修期内电水壶坏了可以免费上门检修。师傅会在24小时内联系您。\n",
    "发票.md": "# 发票\n\n发票抬头写错了，开票30天内可以免费重开。\n",
}


@pytest.fixture(scope="session")
def desk_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small rule pack: a hand-over, a block and a mandatory script."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "tests.yaml").write_text(RULES, "utf-8")
    return folder


@pytest.fixture(scope="session")
def desk_embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedder that needs no model."""
    from engine.knowledge.embedding import HashedEmbedder

    folder = tmp_path_factory.mktemp("embedder")
    HashedEmbedder().save(folder)
    return folder


@pytest.fixture(scope="session")
def desk_documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small documents."""
    folder = tmp_path_factory.mktemp("documents")
    for name, words in KNOWLEDGE.items():
        (folder / name).write_text(words, "utf-8")
    return folder


@pytest.fixture(scope="session")
def desk_knowledge(
    tmp_path_factory: pytest.TempPathFactory, desk_embedder: Path, desk_documents: Path
) -> Path:
    """The two documents, imported once for all tests."""
    from engine.knowledge.job import ImportJob

    folder = tmp_path_factory.mktemp("imported") / "knowledge"
    job = ImportJob(folder, [desk_documents], desk_embedder)
    job.start()
    assert job.result().passages
    return folder


@pytest.fixture
def open_desk(
    qtbot: QtBot, tmp_path: Path, desk_rules: Path, desk_embedder: Path
) -> Iterator[Callable[..., Desk]]:
    """Opens desks on one data folder; each is closed again, and nothing of it may be left."""
    from msgspec.structs import replace

    from desktop.app import build_desk
    from engine import settings as settings_file
    from engine.paths import DataFolder
    from engine.protocol import EngineConfig
    from engine.settings import Settings, engine_config

    opened: list[Desk] = []

    def configure(folder: DataFolder, settings: Settings) -> EngineConfig:
        return replace(
            engine_config(folder, settings),
            embedder=settings.embedder or str(desk_embedder),
            rules=str(desk_rules),
            generator="scripted",
            mode="verbatim",
        )

    def open_(**options: Any) -> Desk:
        options = {"start_engine": False, "rules": desk_rules} | options
        folder = DataFolder(tmp_path / "data")
        if not folder.settings.exists():
            # So long that no machine is too slow to take a reply back.
            settings_file.save(folder, Settings(undo_seconds=UNDO_SECONDS))
        desk = build_desk(folder, configure=configure, **options)
        opened.append(desk)
        return desk

    yield open_
    for desk in opened:
        desk.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.processEvents()
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("zuoxi-", "engine-"))
    ]
    assert left == []
    assert [child.name for child in multiprocessing.active_children()] == []


@pytest.fixture
def knowing(tmp_path: Path, desk_knowledge: Path) -> None:
    """The data folder holds the two documents."""
    shutil.copytree(desk_knowledge, tmp_path / "data" / "knowledge")


class EngineTwin:
    """Stands in for the engine process behind a desk's bridge: tests say what it answers."""

    def __init__(self, desk: Desk) -> None:
        self.asked: list[tuple[str, str]] = []
        self.cancelled: list[str] = []
        self.priorities: dict[str, int] = {}
        self._desk = desk
        desk.bridge._client = self  # type: ignore[assignment]

    def draft(self, turns: Any, *, priority: int = 1, **_: Any) -> str:
        request = f"t{len(self.asked) + 1}"
        self.asked.append((request, turns[-1].text))
        self.priorities[request] = priority
        return request

    def prioritise(self, request: str, priority: int) -> None:
        self.priorities[request] = priority

    def cancel(self, request: str) -> None:
        self.cancelled.append(request)

    def reload_knowledge(self) -> str:
        return "k"

    def say(self, *events: Any) -> None:
        for event in events:
            self._desk.bridge._from_client(event)

    def ready(self, **values: Any) -> None:
        from engine.protocol import EngineReady

        self.say(EngineReady(**({"model": "twin", "knowledge": "1", "passages": 3} | values)))

    def finish(
        self, request: str, status: str = "drafted", text: str = "好的", **more: Any
    ) -> None:
        from engine.protocol import DraftFinished
        from engine.records import Draft

        self.say(DraftFinished(request, Draft(status, text, **more)))  # type: ignore[arg-type]


@pytest.fixture
def engine_twin() -> Callable[[Desk], EngineTwin]:
    """Puts a twin in the place of a desk's engine process."""
    return EngineTwin
