"""What is kept when a process is killed, and what still works when something cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from desktop.app import build_desk
from desktop.session.sample import Sample
from engine import settings as settings_file
from engine.deciding import sendable
from engine.errors import StoreError
from engine.paths import RULES, DataFolder
from engine.protocol import EngineConfig
from engine.reception import receive
from engine.records import Draft, Evidence
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.settings import Settings, engine_config
from engine.store.store import Store, open_store

if TYPE_CHECKING:
    from conftest import Stage

TYPED = "我帮您查一下，马上回您"
UNDO = 60.0
# Runs a desk as `zuoxi desk` does, without an engine, plays an agent, and then waits to be killed.
DESK = """
import sys
from pathlib import Path
from time import monotonic
from desktop.app import build_desk
from desktop.demo.hands import Hands
from engine.paths import DataFolder
from PySide6.QtWidgets import QApplication

app = QApplication([])
desk = build_desk(DataFolder(Path(sys.argv[1])), start_engine=False)
desk.window.show()
hands = Hands(desk, monotonic() + 300)
store = desk.store


def kept(op):
    answers = []
    desk.background.run(desk, op).done(answers.append)
    hands.until("opened", lambda: bool(answers))
    return answers[0]


hands.open("施先生")
hands.press("focus_composer")
hands.write(sys.argv[2])
typed = desk.session.conversation
hands.until("typed", lambda: kept(lambda: store.composers.get(typed)) == sys.argv[2])
for customer in ("何先生", "吕女士"):
    hands.open(customer)
    hands.until("draft", lambda: desk.session.draft is not None)
    hands.press("accept")
    hands.until("decided", lambda: desk.session.phase == "sending")
print("ready", flush=True)
app.exec()
"""


@pytest.fixture
def full_folder(tmp_path: Path) -> DataFolder:
    """Three customers wait; two have a draft."""
    folder = DataFolder(tmp_path / "data")
    gate = Gate(load_rules(RULES))
    evidence = (Evidence(1, "card.md", "礼品卡", "有效期", "礼品卡有效期3年。", 1.0),)
    draft = Draft("drafted", "亲，礼品卡有效期**3年**。[1]", evidence=evidence)
    with open_store(folder.database) as store:
        for customer in ("何先生", "吕女士", "施先生"):
            message = receive(store, gate, customer, "礼品卡会过期吗").message
            if customer != "施先生":
                store.drafts.save(message.conversation, message.id, draft)
    return folder


@contextmanager
def killed_desk(python: str, folder: DataFolder) -> Iterator[None]:
    """A desk that played its part on `folder` and was then killed without warning."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    desk = subprocess.Popen(
        [python, "-c", DESK, str(folder.root), TYPED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert desk.stdout is not None and desk.stderr is not None
    try:
        line = desk.stdout.readline()
        assert line == "ready\n", desk.stderr.read()
    finally:
        desk.send_signal(signal.SIGKILL)
        desk.wait()
        desk.stdout.close()
        desk.stderr.close()
    yield


def later() -> float:
    return time.time() + 2 * UNDO


def let_time_pass(stage: Stage, sent: list[str]) -> None:
    """Let everything leave that is due, and note for whom."""
    store = stage.desk.store
    stage.desk.outgoing.sent.connect(lambda message: sent.append(message.conversation))
    stage.until("sent", lambda: "pending" not in stage.ask(lambda: agent_messages(store)))
    stage.hands.rest(500)
    stage.desk.close()


def agent_messages(store: Store) -> list[str]:
    rows = store.conversations.page(limit=100)
    return [
        one.state
        for row in rows
        for one in store.conversations.messages(row.id)
        if one.role == "agent"
    ]


def test_what_was_decided_and_typed_survives_a_killed_desk_and_nothing_leaves_twice(
    python: str, full_folder: DataFolder, open_stage: Callable[..., Stage]
) -> None:
    # Long enough that both replies are still waiting when the desk is killed.
    settings = Settings(undo_seconds=UNDO)
    settings_file.save(full_folder, settings)
    with killed_desk(python, full_folder):
        stage = open_stage(full_folder, start_engine=False)
    sent: list[str] = []
    stage.desk.outgoing.sent.connect(lambda message: sent.append(message.conversation))
    stage.open("施先生")
    composer = stage.desk.page.composer
    stage.until("typed", lambda: composer.text() == TYPED)
    assert stage.ask(lambda: agent_messages(stage.desk.store)) == ["pending", "pending"]
    stage.open("何先生")
    undone: list[bool] = []
    stage.desk.session.undone.connect(lambda _, worked: undone.append(worked))
    stage.until("opened", lambda: bool(stage.desk.outgoing.newest(stage.desk.session.conversation)))
    stage.hands.press("undo_send")
    stage.until("undone", lambda: undone == [True])
    stage.until("draft", lambda: stage.desk.session.draft is not None)
    assert sent == []
    stage.desk.close()

    for _ in range(2):
        let_time_pass(open_stage(full_folder, start_engine=False, clock=later), sent)
    assert len(sent) == 1
    with open_store(full_folder.database) as store:
        assert sorted(agent_messages(store)) == ["sent", "undone"]
        decisions = list(store.decisions.all())
    assert [one.action for one in decisions] == ["accepted", "accepted"]
    assert sum(one.undone for one in decisions) == 1


def test_a_second_desk_on_the_same_folder_is_refused_in_words(
    qapp: Any, full_folder: DataFolder, open_stage: Callable[..., Stage], python: str
) -> None:
    open_stage(full_folder, start_engine=False)
    with pytest.raises(StoreError) as refused:
        build_desk(full_folder, start_engine=False)
    assert refused.value.code == "desk_running"
    code = (
        "import sys\nfrom pathlib import Path\nfrom PySide6.QtWidgets import QApplication\n"
        "from desktop.app import build_desk\nfrom engine.errors import ZuoxiError\n"
        "from engine.paths import DataFolder\napp = QApplication([])\n"
        "try:\n    build_desk(DataFolder(Path(sys.argv[1])), start_engine=False)\n"
        "except ZuoxiError as error:\n    print(error.code, error.values['pid'])\n"
    )
    done = subprocess.run(
        [python, "-c", code, str(full_folder.root)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.stdout.split() == ["desk_running", str(os.getpid())], done.stderr


def test_a_model_that_is_no_model_leaves_the_desk_usable(
    tmp_path: Path,
    furnish: Callable[..., DataFolder],
    no_customers: Sample,
    open_stage: Callable[..., Stage],
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(range(256)) * 64)
    folder = furnish(tmp_path / "data", model=str(broken), undo_seconds=0.0)
    stage = open_stage(folder, sample=no_customers)
    stage.until("engine", lambda: stage.desk.bridge.state.phase == "ready")
    notice = stage.desk.window.notices.shown
    assert notice is not None
    assert notice.key == "no_model"
    stage.open(stage.customer("丁", "明天冰箱就送了 家里没人"))
    stage.until("draft", lambda: stage.desk.session.phase == "unavailable")
    stage.hands.press("focus_composer")
    stage.hands.write("您好，可以改到后天送。")
    stage.hands.press("accept")
    stage.until("sent", lambda: stage.sent() == ["您好，可以改到后天送。"])


def test_an_engine_that_cannot_start_at_all_leaves_the_desk_usable(
    tmp_path: Path, full_folder: DataFolder, open_stage: Callable[..., Stage]
) -> None:
    nowhere = tmp_path / "no-such-rules"

    def without_rules(folder: DataFolder, settings: Settings) -> EngineConfig:
        return replace(engine_config(folder, settings), rules=str(nowhere))

    stage = open_stage(full_folder, configure=without_rules)
    desk = stage.desk
    stage.hands.rest()
    failing = stage.hands
    ends = time.monotonic() + 240
    while desk.bridge.state.failed is None and time.monotonic() < ends:
        failing.rest()
    assert desk.bridge.state.failed is not None
    assert desk.window.banner.isVisible()
    desk.page.open(stage.hands._row("何先生"))
    while desk.session.draft is None and time.monotonic() < ends:
        failing.rest()
    draft = desk.session.draft
    assert draft is not None
    desk.page.accept()
    reply = sendable(draft.draft.text)

    def newest() -> str:
        shown = desk.session.snapshot
        return shown.bubbles[-1].text if shown is not None else ""

    while newest() != reply and time.monotonic() < ends:
        failing.rest()
    assert newest() == reply
