"""Pictures of every state of the window, in both languages and both themes.

The customers and what was decided are written into a store; the drafts are the real engine's. What
the engine says of itself is told to the desk as the engine's process tells it.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from desktop.app import Desk
from desktop.widgets.evidence_list import EvidenceHead
from desktop.widgets.text_panel import TextPanel
from engine import settings as settings_file
from engine.paths import DataFolder
from engine.protocol import (
    DraftFinished,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    EvidenceFound,
    Offload,
    RequestFailed,
    TextReleased,
)
from engine.records import Draft, Language
from engine.settings import Settings
from engine.texts import text

if TYPE_CHECKING:
    from conftest import Stage

SCREENS = Path(__file__).parents[2] / "build" / "screens"
READY = EngineReady(
    model="starter@0a1b2c3d4e5f",
    embedder="starter-embedder",
    knowledge="12",
    passages=260,
    rules="7f3a9c21",
    offload=Offload(0, 6, "CPU", "gpu.none"),
)
PROMISE = {
    "zh": "我百分百保证给您补一份，绝对没问题。",
    "en": "Absolutely no problem, I guarantee you a refund.",
}


class Screen(NamedTuple):
    """A state: how the desk gets there, and in which size its picture is taken."""

    name: str
    arrange: Callable[[Scene], None]
    size: tuple[int, int] = (1440, 900)
    scale: float = 1.0


class Scene:
    """One desk with the customers above, in one language and theme."""

    def __init__(self, stage: Stage, language: Language) -> None:
        self.stage = stage
        self.desk: Desk = stage.desk
        self.language = language
        self.ready = "王大姐" if language == "zh" else "Tom H."
        self.queued = "周同学" if language == "zh" else "Ella P."

    def tell(self, event: Any) -> None:
        """The engine says something."""
        self.desk.bridge._from_client(event)
        self.stage.hands.rest(60)

    def open(self, name: str) -> None:
        row = self.stage.hands._row
        self.stage.until("customer", lambda: bool(row(name)))
        identity = row(name)
        self.desk.page.open(identity)
        self.stage.until("opened", lambda: self.stage.hands.sees(identity))

    def open_draft(self, name: str = "") -> None:
        self.open(name or self.ready)
        self.stage.wait_draft()

    def words(self) -> TextPanel:
        panel = self.desk.page.draft.card.findChild(TextPanel)
        assert panel is not None
        return panel

    def screened(self, act: Callable[[], None]) -> None:
        """Do something to the reply box and wait until the gate has looked at it."""
        looked: list[object] = []
        composing = self.desk.session.composing
        composing.screened.connect(looked.append)
        act()
        self.stage.until("typed", lambda: bool(looked and self.desk.page.composer.text()))
        composing.screened.disconnect(looked.append)
        self.stage.hands.rest()

    def write(self, words: str) -> None:
        self.stage.hands.press("focus_composer")
        self.screened(lambda: self.stage.hands.write(words))

    def clear(self) -> None:
        self.stage.hands.press("focus_composer")
        self.stage.hands.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.stage.hands.key(Qt.Key.Key_Delete)
        self.stage.until("typed", lambda: not self.desk.page.composer.text())
        self.stage.hands.rest(300)


def starting(scene: Scene) -> None:
    scene.tell(EngineStarting("model"))


def queue(scene: Scene) -> None:
    scene.tell(READY)
    scene.stage.until("draft", lambda: bool(scene.desk.drafting.under_way))


def ready(scene: Scene) -> None:
    scene.open_draft()


def evidence(scene: Scene) -> None:
    scene.open_draft()
    scene.stage.hands.click(scene.desk.page.draft.evidence.findChildren(EvidenceHead)[0])


def number(scene: Scene) -> None:
    for name in (scene.ready, "Tom H.", "王大姐", "豆豆妈"):
        scene.open_draft(name)
        if scene.stage.hands.click_mark(scene.words(), "number"):
            return
    raise AssertionError("no draft holds a number")


def editing(scene: Scene) -> None:
    scene.open_draft()
    scene.screened(lambda: scene.stage.hands.press("edit"))


def searching(scene: Scene) -> None:
    scene.clear()
    scene.open(scene.queued)
    scene.stage.until("draft", lambda: scene.desk.session.streaming is not None)


def streaming(scene: Scene) -> None:
    current = scene.desk.session.streaming
    assert current is not None
    draft = scene.desk.property("streamed")
    scene.tell(EvidenceFound(current.request, draft.evidence))
    scene.tell(TextReleased(current.request, draft.text[: len(draft.text) // 2]))


def streamed(scene: Scene) -> None:
    current = scene.desk.session.streaming
    assert current is not None
    scene.tell(DraftFinished(current.request, scene.desk.property("streamed")))
    scene.stage.wait_draft()


def gap(scene: Scene) -> None:
    scene.open("邹阿姨")
    scene.stage.until("gap", lambda: scene.desk.session.phase == "abstained")


def blocked(scene: Scene) -> None:
    scene.write(PROMISE[scene.language])


def failed(scene: Scene) -> None:
    scene.clear()
    scene.open("马女士")
    scene.stage.until("draft", lambda: scene.desk.session.phase == "failed")


def case(scene: Scene) -> None:
    scene.open("赵先生")
    scene.stage.until("case", lambda: scene.desk.session.phase == "handed_over")


def case_script(scene: Scene) -> None:
    scene.screened(lambda: scene.stage.hands.press("insert_script"))


def rejected(scene: Scene) -> None:
    scene.clear()
    scene.open("冯女士")
    scene.stage.until("decided", lambda: scene.desk.session.phase == "rejected")


def reasons(scene: Scene) -> None:
    scene.open_draft()
    scene.stage.hands.press("reject")
    scene.stage.until("reasons", lambda: QApplication.activePopupWidget() is not None)


def restarted(scene: Scene) -> None:
    popup = QApplication.activePopupWidget()
    assert popup is not None
    popup.close()
    scene.stage.hands.rest(100)
    scene.tell(EngineRestarted("SIGKILL", 1, 1))


def no_model(scene: Scene) -> None:
    words = text("error.model_crashed", scene.language)
    drafting = scene.desk.drafting
    asked = [drafting.progress(conversation) for conversation in drafting.under_way]
    assert asked
    scene.tell(replace(READY, model="", model_error=words))
    for progress in asked:
        assert progress is not None
        scene.tell(RequestFailed(progress.request, "model_crashed", words))
    scene.desk.window.notices.forget()
    scene.open("Ella P." if scene.language == "zh" else "周同学")


def engine_failed(scene: Scene) -> None:
    words = text("error.engine_gone", scene.language, attempts=3, why="SIGSEGV")
    scene.tell(EngineFailed("engine_gone", words))


def engine_ready(scene: Scene) -> None:
    scene.tell(READY)
    scene.desk.window.notices.forget()


def undo(scene: Scene) -> None:
    engine_ready(scene)
    scene.open_draft()
    scene.stage.hands.press("accept")
    scene.stage.until("decided", scene.desk.page.toast.isVisible)


def settings(scene: Scene) -> None:
    scene.stage.hands.press("go_settings")
    scene.stage.until("settings", lambda: scene.desk.window.page() == "settings")
    scene.stage.hands.rest(200)


def keys(scene: Scene) -> None:
    scene.stage.hands.press("go_desk")
    scene.stage.hands.press("keys")
    scene.stage.until("keys", lambda: QApplication.activeModalWidget() is not None)


def nothing_found(scene: Scene) -> None:
    scene.stage.hands.key(Qt.Key.Key_Escape)
    scene.stage.until("keys", lambda: QApplication.activeModalWidget() is None)
    scene.stage.hands.press("search")
    scene.stage.hands.write("zzz")
    scene.stage.until("found", lambda: scene.desk.queue.rowCount() == 0)


def small(scene: Scene) -> None:
    scene.stage.tidy()
    scene.stage.until("found", lambda: scene.desk.queue.rowCount() > 1)
    scene.open_draft("豆豆妈" if scene.language == "zh" else "Ella P.")


SMALL = (1280, 720)
CUSTOMERS = 10
SCREENS_OF_THE_DESK = (
    Screen("starting", starting),
    Screen("queue", queue),
    Screen("ready", ready),
    Screen("evidence", evidence),
    Screen("number", number),
    Screen("editing", editing),
    Screen("searching", searching),
    Screen("streaming", streaming),
    Screen("streamed", streamed),
    Screen("gap", gap),
    Screen("blocked", blocked),
    Screen("failed", failed),
    Screen("case", case),
    Screen("case-script", case_script),
    Screen("rejected", rejected),
    Screen("reasons", reasons),
    Screen("restarted", restarted),
    Screen("no-model", no_model),
    Screen("engine-failed", engine_failed),
    Screen("undo", undo),
    Screen("settings", settings),
    Screen("keys", keys),
    Screen("nothing-found", nothing_found),
    Screen("small", small, SMALL),
    Screen("scaled-150", lambda scene: None, SMALL, 1.5),
    Screen("small-case", case, SMALL),
)
SCREENS_OF_AN_EMPTY_DESK = (
    Screen("empty-starting", starting),
    Screen("empty", lambda scene: scene.tell(replace(READY, knowledge="", passages=0))),
    Screen("empty-small", lambda scene: None, SMALL),
)


LOOKS = [f"{a}-{b}" for a, b in itertools.product(("zh", "en"), ("light", "dark"))]


@pytest.fixture(params=LOOKS)
def open_scene(
    request: pytest.FixtureRequest, tmp_path: Path, open_stage: Callable[..., Stage], now: float
) -> Iterator[Callable[..., Scene]]:
    """Opens a desk without an engine on a copy of a folder, in one of the four looks."""
    language, theme = request.param.split("-")

    def make(folder: DataFolder | None) -> Scene:
        copy = DataFolder(tmp_path / "data")
        if folder is not None:
            shutil.copytree(folder.root, copy.root)
        settings_file.save(copy, Settings(language=language, theme=theme, agent="小满"))
        stage = open_stage(copy, start_engine=False, clock=lambda: now)
        stage.desk.setProperty("look", request.param)
        stage.hands.rest(100)
        return Scene(stage, language)

    yield make


def take(scene: Scene, screens: tuple[Screen, ...]) -> list[QPixmap]:
    """Goes through the states and saves a picture of each."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    window = scene.desk.window
    made = []
    for screen in screens:
        window.resize(*screen.size)
        screen.arrange(scene)
        picture = scene.stage.hands.picture()
        if screen.scale != 1.0:
            picture = QPixmap(window.size() * screen.scale)
            picture.setDevicePixelRatio(screen.scale)
            window.render(picture, QPoint())
        path = SCREENS / f"e2e-{screen.name}-{scene.desk.property('look')}.png"
        assert picture.save(str(path))
        made.append(picture)
    return made


def test_screens_of_every_state_of_the_desk(
    open_scene: Callable[..., Scene], furnished: DataFolder, drafts: dict[str, Draft]
) -> None:
    scene = open_scene(furnished)
    scene.desk.setProperty("streamed", drafts[scene.queued])
    scene.stage.until("customer", lambda: scene.desk.queue.rowCount() == CUSTOMERS)
    pictures = take(scene, SCREENS_OF_THE_DESK)
    assert len({picture.toImage().cacheKey() for picture in pictures}) == len(SCREENS_OF_THE_DESK)
    sizes = {(picture.width(), picture.height()) for picture in pictures}
    assert sizes == {(1440, 900), (1280, 720), (1920, 1080)}


def test_screens_of_an_empty_desk(open_scene: Callable[..., Scene]) -> None:
    pictures = take(open_scene(None), SCREENS_OF_AN_EMPTY_DESK)
    assert [picture.width() for picture in pictures] == [1440, 1440, 1280]
