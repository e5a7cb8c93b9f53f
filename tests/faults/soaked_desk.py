"""The desk that `soak.py` watches: a real window on the shipped models, and an agent who works.

Run with a folder: the data of the desk, `plan.json` (what is to happen), `status.json` (what has
happened, replaced twice a second) and `stop` (made by whoever watches, when it is to end).
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication

from desktop.app import Desk, build_desk
from desktop.session.intake import ReplayChannel
from desktop.session.sample import Sample, read_sample
from engine import settings as settings_file
from engine.channels.replay import Opening, Scene
from engine.paths import DataFolder
from engine.settings import Settings

ACT_MS = 250
OWN_WORDS = "您好，这个我查一下，稍后回复您。"
MORE_WORDS = "还有问题随时找我。"
# What a person waits for a draft before turning to somebody else, in steps.
PATIENT_FOR = 8
# What is kept for a conversation, the model's memory of it above all, is kept for so many only, so
# that it no longer grows once all of them have written.
PEOPLE = 12


def customers(sample: Sample, messages: int, seconds: float) -> list[Scene]:
    """So many messages of the sample's customers, spread over so many seconds."""
    dice = random.Random(1)
    words = [one.text for scene in sample.script for one in scene.opening]
    words += [one.text for scene in sample.script for one in scene.replies]
    moments = sorted(dice.uniform(0, seconds) for _ in range(messages))
    scenes = []
    for number in range(min(PEOPLE, messages)):
        own = moments[number::PEOPLE]
        openings = tuple(Opening(dice.choice(words), after=at - own[0]) for at in own)
        name = f"客户{number + 1}"
        scenes.append(Scene(name, name, openings, channel="网页", start=own[0]))
    return scenes


class Agent:
    """Opens who waits, and accepts, edits, rejects, hands over and takes back as agents do."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.page = desk.page
        self.session = desk.session
        self.opened = self.steps = self.taken_back = 0
        self._waited = self._stuck = 0
        self.decisions: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self._dice = random.Random(2)
        desk.session.decided.connect(lambda one: _count(self.decisions, one.action))
        desk.session.undone.connect(self._undone)
        for source in (desk.background, desk.session, desk.page, desk.outgoing):
            source.trouble.connect(lambda error: _count(self.errors, error.code))
        desk.session.refused.connect(lambda error: _count(self.errors, error.code))

    def act(self) -> None:
        """One step of work."""
        self.steps += 1
        if self.steps % 200 == 100:
            self._look_around()
        session, phase = self.session, self.session.phase
        snapshot = session.snapshot
        if phase == "handed_over" and snapshot is not None and snapshot.row.waiting_since is None:
            if self._dice.random() < 0.5:
                session.close_case("已处理。")
            self._next()
            return
        typed = self.page.composer.text().strip()
        if typed and phase not in ("sending", "answered", "none"):
            # What may not be sent is written anew.
            self._stuck += 1
            if self._stuck > 4:
                session.composing.replace(OWN_WORDS)
            if self._stuck % 4 == 1 or self._stuck > 4:
                self.page.accept()
            return
        self._stuck = 0
        if not session.conversation or phase in ("none", "sending", "answered"):
            self._next()
        elif phase in ("queued", "streaming"):
            self._waited += 1
            if self._waited > PATIENT_FOR:
                self._next()
        elif phase == "ready":
            self._decide()
        elif phase == "handed_over":
            self.page.insert_script()
            if not self.page.composer.text().strip():
                self._write(OWN_WORDS)
        else:
            self._write(OWN_WORDS)

    def _decide(self) -> None:
        chance = self._dice.random()
        if chance < 0.55:
            self.page.accept()
            if chance < 0.05:
                QTimer.singleShot(400, self.page, self.page.undo_send)
        elif chance < 0.8:
            self.page.edit()
            self._write(MORE_WORDS)
        elif chance < 0.9:
            self.session.reject("tone")
        else:
            self.page.thumbs_down()
            self.page.redraft() if chance > 0.97 else self.page.accept()

    def _write(self, words: str) -> None:
        editor = self.page.composer.editor()
        event = QInputMethodEvent()
        event.setCommitString(words)
        QCoreApplication.sendEvent(editor, event)

    def _next(self) -> None:
        self._waited = 0
        rows = self.desk.queue.rows()
        here = self.session.conversation
        waiting = [row.id for row in rows if row.waiting_since is not None and not row.pending]
        waiting = [one for one in waiting if one != here]
        # With nobody waiting, conversations are read in turn.
        chosen = waiting[0] if waiting else rows[self.opened % len(rows)].id if rows else ""
        if chosen and chosen != here:
            self.opened += 1
            self.page.open(chosen)

    def _look_around(self) -> None:
        desk = self.desk
        if self.steps % 400 == 100:
            desk._toggle_theme()
        desk.window.show_page("settings")
        QTimer.singleShot(ACT_MS, desk.window, lambda: desk.window.show_page("desk"))

    def _undone(self, _decision: object, worked: bool) -> None:
        self.taken_back += worked


class Show:
    """The whole run: opens, works, imports in between, ends when it is told to."""

    def __init__(self, desk: Desk, sample: Sample, folder: Path, plan: dict[str, Any]) -> None:
        self.desk, self.sample, self.folder, self.plan = desk, sample, folder, plan
        self.agent = Agent(desk)
        self.began = 0.0
        self.arrived = self.drafted = self.imports = 0
        self.restarts: list[str] = []
        desk.intake.arrived.connect(self._arrived)
        desk.drafting.saved.connect(self._saved)
        desk.importing.finished.connect(self._imported)
        desk.bridge.restarted.connect(lambda event: self.restarts.append(event.why))
        self._timers = [self._timer(ACT_MS, self._act), self._timer(500, self._tell)]

    def _timer(self, every: int, act: Any) -> QTimer:
        timer = QTimer(self.desk)
        timer.timeout.connect(act)
        timer.start(every)
        return timer

    def _act(self) -> None:
        ready = self.desk.bridge.state.drafts and not self.desk.importing.running
        if not self.began:
            if ready:
                self.began = time.time()
                seconds = self.plan["minutes"] * 60
                script = customers(self.sample, self.plan["messages"], seconds * 0.9)
                self.desk.intake.add_channel(ReplayChannel(script, self.desk._clock))
            return
        if (self.folder / "stop").exists():
            if not self.desk.outgoing.pending:
                QApplication.quit()
            return
        gone = (time.time() - self.began) / 60 / self.plan["minutes"]
        # One import while all settles in, one in the midst of the work.
        if self.imports <= sum(gone > at for at in (0.15, 0.5)) and not self.desk.importing.running:
            new = self.folder / "documents" / f"新规定{self.imports}.md"
            new.parent.mkdir(exist_ok=True)
            new.write_text(f"---\ntitle: 新规定{self.imports}\n---\n## 新\n第{self.imports}条。\n")
            self.desk.importing.import_paths([new.parent])
        self.agent.act()

    def _arrived(self, _conversation: str) -> None:
        self.arrived += 1

    def _saved(self, _draft: object) -> None:
        self.drafted += 1

    def _imported(self, _report: object) -> None:
        self.imports += 1

    def _tell(self) -> None:
        agent = self.agent
        status = {
            "began": self.began,
            "engine": self.desk.bridge.pid,
            "model": to_builtins(self.desk.bridge.model_memory),
            "arrived": self.arrived,
            "drafted": self.drafted,
            "opened": agent.opened,
            "decisions": agent.decisions,
            "taken_back": agent.taken_back,
            "imports": self.imports,
            "errors": agent.errors,
            "restarts": self.restarts,
            "laid_out": len(QApplication.allWidgets()),
        }
        scratch = self.folder / "status.part"
        scratch.write_text(json.dumps(status), "utf-8")
        scratch.replace(self.folder / "status.json")


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def main(folder: Path) -> int:
    """Open the desk on `folder` and work there; the exit status."""
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    data = DataFolder(folder / "data")
    sample = read_sample()
    settings_file.save(data, Settings(theme="light", agent="小满", undo_seconds=1.0))
    app = QApplication(["zuoxi-soak"])
    desk = build_desk(data, sample=replace(sample, script=()))
    desk.window.resize(1440, 900)
    desk.window.show()
    show = Show(desk, sample, folder, plan)
    try:
        return app.exec()
    finally:
        show._tell()
        desk.close()


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
