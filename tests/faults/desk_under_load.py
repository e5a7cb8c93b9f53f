"""A desk that works for its life: run by the tests in a process of its own, and killed.

Messages come in from a replay and from outside, drafts stream, an agent's hands decide, take back
and type. What the desk *says* it has kept is written to a journal outside of it, line by line.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop.app import Desk, build_desk
from desktop.session.intake import ReplayChannel
from engine.channels.replay import Opening, Reply, Scene
from engine.paths import DataFolder
from engine.protocol import DraftFinished, EngineConfig, EngineReady, TextReleased
from engine.records import Draft
from engine.settings import Settings, engine_config
from engine.store.rows import StoredDecision, StoredDraft, StoredMessage

ACT_MS = 15


def scenes(seed: int, rounds: int) -> list[Scene]:
    """The customers of all rounds so far, the same ones for the same seed."""
    made = []
    for number in range(rounds):
        dice = random.Random(seed * 1000 + number)
        for customer in range(5):
            made.append(
                Scene(
                    f"r{number}c{customer}",
                    f"客户{number}-{customer}",
                    tuple(
                        Opening(f"壶坏了{dice.random()}", after=dice.random() * 2) for _ in range(3)
                    ),
                    start=dice.random() * 2,
                    replies=tuple(
                        Reply(f"那要多久{dice.random()}", delay=dice.random()) for _ in range(4)
                    ),
                )
            )
    return made


class Journal:
    """What was said, on the disk's page cache before the next thing happens."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, what: str, **values: Any) -> None:
        os.write(self._file, json.dumps({"what": what} | values).encode() + b"\n")


class Twin:
    """Drafts without an engine process: a few words, piece by piece."""

    pid = None

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._count = 0
        desk.bridge._client = self  # type: ignore[assignment]
        self._say(EngineReady(model="twin", knowledge="1", passages=3))

    def draft(self, *_turns: Any, **_more: Any) -> str:
        self._count += 1
        request = f"t{self._count}"
        for step in range(4):
            QTimer.singleShot(10 * step, lambda: self._say(TextReleased(request, "好的，")))
        text = f"好的，可以免费上门{self._count}。"
        QTimer.singleShot(45, lambda: self._say(DraftFinished(request, Draft("drafted", text))))
        return request

    def _say(self, event: Any) -> None:
        self._desk.bridge._from_client(event)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: ""


class Hands:
    """An agent who never rests; every confirmation of the desk goes into the journal."""

    def __init__(self, desk: Desk, journal: Journal, dice: random.Random) -> None:
        self.desk, self.journal, self.dice = desk, journal, dice
        self._seen: set[str] = set()
        self._restored = False
        session, outgoing = desk.session, desk.outgoing
        session.decided.connect(self._decided)
        session.trouble.connect(lambda error: journal("trouble", code=error.code))
        outgoing.undone.connect(self._undone)
        outgoing.sent.connect(lambda message: journal("sent", id=message.id))
        outgoing.pending_changed.connect(self._pending)
        desk.intake.delivered.connect(self._delivered)
        desk.drafting.saved.connect(self._saved)
        desk.queue.refreshed.connect(self._shown)
        self._timer = QTimer()
        self._timer.timeout.connect(self.act)
        self._timer.start(ACT_MS)

    def stop(self) -> None:
        self._timer.stop()

    def act(self) -> None:
        session, dice = self.desk.session, self.dice
        rows = self.desk.queue.rows()
        chance = dice.random()
        if chance < 0.25 and rows:
            session.open(dice.choice(rows[:30]).id)
        elif chance < 0.45:
            session.accept()
        elif chance < 0.58 and session.conversation and session.phase not in ("none", "sending"):
            text = session.composing.text
            if text:
                self.journal("sending", conversation=session.conversation, text=text)
                session.send(text)
        elif chance < 0.75 and session.conversation and session.snapshot is not None:
            self._type(f"我看一下{dice.random()}")
        elif chance < 0.8:
            session.reject("tone")
        elif chance < 0.9:
            session.undo()
        elif chance < 0.92 and session.phase in ("ready", "queued"):
            session.hand_over()
        elif chance < 0.97 and session.snapshot is not None and session.snapshot.case_id:
            self._note(session.snapshot.case_id, f"已联系{dice.random()}")

    def _type(self, text: str) -> None:
        session, store = self.desk.session, self.desk.store
        here = session.conversation
        self.journal("typed", conversation=here, text=text)
        session.composing.set_text(text)
        if self.dice.random() < 0.5:
            session.composing.save()
            self.journal("asked", conversation=here, text=text)
            self.desk.background.run(self.desk, lambda: store.composers.get(here)).done(
                lambda kept: self.journal("kept", conversation=here, text=kept, asked=text)
            )

    def _note(self, case: str, text: str) -> None:
        session, store = self.desk.session, self.desk.store
        self.journal("noted", case=case, text=text)
        session.set_note(case, text)
        session.save()
        self.desk.background.run(self.desk, lambda: store.handovers.get(case).note).done(
            lambda kept: self.journal("note_kept", case=case, text=kept)
        )

    def _decided(self, decision: StoredDecision) -> None:
        self.journal(
            "decided",
            id=decision.id,
            action=decision.action,
            text=decision.text,
            outgoing=decision.outgoing,
        )

    def _undone(self, decision: StoredDecision, worked: bool) -> None:
        self.journal(
            "undone",
            id=decision.id,
            worked=worked,
            conversation=decision.conversation,
            text=decision.text,
        )

    def _pending(self) -> None:
        if not self._restored:
            self._restored = True
            self.journal("restored", pending=sorted(self.desk.outgoing.pending))

    def _delivered(self, message: StoredMessage) -> None:
        self.journal("delivered", id=message.id)

    def _saved(self, draft: StoredDraft) -> None:
        self.journal("drafted", id=draft.id)

    def _shown(self, _page: object) -> None:
        new = {row.newest_message for row in self.desk.queue.rows() if row.newest_message}
        if new - self._seen:
            self.journal("shown", ids=sorted(new - self._seen))
            self._seen |= new


def main(plan: dict[str, Any]) -> None:
    """Work as `plan` says until killed; with `drain`, only until all has left."""
    journal = Journal(Path(plan["journal"]))
    folder = DataFolder(Path(plan["folder"]))

    def configure(where: DataFolder, settings: Settings) -> EngineConfig:
        return replace(
            engine_config(where, settings),
            embedder=plan["embedder"],
            rules=plan["rules"],
            generator="scripted",
            mode="verbatim",
        )

    app = QApplication([])
    desk = build_desk(
        folder,
        configure=configure,
        start_engine=plan["engine"] == "process",
        rules=Path(plan["rules"]),
    )
    desk.window.show()
    hands = Hands(desk, journal, random.Random(plan["seed"] + plan["round"]))
    script = scenes(plan["seed"], plan["round"])
    desk.intake.add_channel(ReplayChannel(script, desk._clock, folder.replay))
    journal("up")
    if plan["engine"] == "twin":
        Twin(desk)
    if plan["import"]:
        desk.importing.import_paths([Path(plan["documents"])])
    if plan["drain"]:
        hands.stop()
        ends = QTimer()
        ends.timeout.connect(
            lambda: desk.outgoing.pending or desk.store.outbox.delivering() or app.quit()
        )
        ends.start(200)
    app.exec()
    desk.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
