"""How long the window's thread is busy at a stretch, for `zuoxi bench`: a desk under load.

A desk opens on a full data folder. Behind its bridge a draft is always being written, customers
write, and a person scrolls, types, searches and goes from one conversation to the next. Only the
engine process is stood in for, so that the load is the same on every machine.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, Final

from PySide6.QtCore import QAbstractEventDispatcher, QObject, QTimer
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QListView

from desktop.app import Desk, build_desk
from engine import reception
from engine.paths import DataFolder
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineReady,
    Event,
    EvidenceFound,
    TextReleased,
)
from engine.records import Draft, Evidence, Language, NumberSource, Turn
from engine.redline.gate import Gate
from engine.store.rows import StoredMessage
from engine.store.store import Store

SECONDS: Final = 12.0
_WARM: Final = 2.0
_PIECE_SECONDS: Final = 0.01
_MESSAGES_A_LOOK: Final = 3  # of which there are three in a second
_PASSAGE: Final = (
    "签收后七天内可以无理由退货，运费由商家承担。生鲜和定制商品除外，以详情页为准。" * 6
)
_DRAFT: Final = (
    "您好，**七天内**可以无理由退货 [1]，运费由我们承担 [2]。快递员会在24小时内上门来取，"
    "收到后3个工作日内原路退回 [3]。\n"
) * 4
_TYPED: Final = "您好，您的情况我看到了，这边马上为您处理，请稍等一下。"
_WRITTEN: Final = ("在吗？我的快递还没到", "能不能退货，运费谁出", "发票开错了怎么办", "人呢")


class Busy:
    """Notes how long each turn of the event loop lasts, from waking up to waiting again.

    Qt calls timers after it has waited and before it says that it is awake. Of that stretch the
    thread's own time counts, which stands still while it waits.
    """

    def __init__(self) -> None:
        dispatcher = QAbstractEventDispatcher.instance()
        assert dispatcher is not None
        self.turns: list[float] = []
        self._awake = self._timers = 0.0
        self._slept = time.thread_time()
        dispatcher.awake.connect(self._on_awake)
        dispatcher.aboutToBlock.connect(self._on_block)

    def _on_awake(self) -> None:
        # It may be told twice in one turn.
        if not self._awake:
            self._awake = time.perf_counter()
            self._timers = time.thread_time() - self._slept

    def _on_block(self) -> None:
        if self._awake:
            self.turns.append(time.perf_counter() - self._awake + self._timers)
            self._awake = 0.0
        self._slept = time.thread_time()


def quantile(turns: Sequence[float], share: float, whole: float) -> float:
    """The length that only turns taking up less than ``1 - share`` of `whole` exceed, in seconds.

    Weighed by time, not by number: a thousand short turns hide no long one.
    """
    left = (1 - share) * whole
    for turn in sorted(turns, reverse=True):
        left -= turn
        if left < 0:
            return turn
    return 0.0


class Writer:
    """Stands in for the engine's client: writes one draft at a time, a piece every 10 ms."""

    pid = None

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._count = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        """Be ready at once."""
        self._tell(EngineReady(model="bench", knowledge="1", passages=3))
        self._thread.start()

    def draft(self, _turns: Sequence[Turn], **_: Any) -> str:
        """Write a draft when those before it are done."""
        self._count += 1
        self._asked.put(f"b{self._count}")
        return f"b{self._count}"

    def prioritise(self, request_id: str, priority: int) -> None:
        """Nothing: they come in order."""

    def cancel(self, request_id: str) -> None:
        """Write no more of it."""
        self._cancelled.add(request_id)

    def close(self) -> None:
        """End."""
        self._ended.set()

    def _work(self) -> None:
        evidence = tuple(
            Evidence(n, f"policy-{n}.md", f"售后规定{n}", "退货", _PASSAGE, 1.0) for n in (1, 2, 3)
        )
        place = _DRAFT.index("24")
        numbers = (NumberSource(place, place + 2, "24", "evidence", 1),)
        while not self._ended.is_set():
            try:
                request = self._asked.get(timeout=0.1)
            except queue.Empty:
                continue
            self._tell(DraftStarted(request))
            self._tell(EvidenceFound(request, evidence))
            for start in range(0, len(_DRAFT), 2):
                if request in self._cancelled or self._ended.wait(_PIECE_SECONDS):
                    break
                self._tell(TextReleased(request, _DRAFT[start : start + 2]))
            else:
                draft = Draft("drafted", _DRAFT, evidence=evidence, numbers=numbers)
                self._tell(DraftFinished(request, draft))


class Crowd:
    """A channel on which customers of the stored conversations write on and on."""

    source = "crowd"

    def __init__(self, conversations: Sequence[tuple[str, str]]) -> None:
        self._conversations = conversations
        self._random = Random(5)

    def restore(self, store: Store) -> None:
        """Nothing to go on with."""

    def receive(self, store: Store, gate: Gate, language: Language) -> list[str]:
        """A few more messages, the first of them to whoever stands first."""
        chosen = [self._conversations[0], *self._random.sample(self._conversations, 2)]
        for identity, customer in chosen[:_MESSAGES_A_LOOK]:
            reception.receive(
                store,
                gate,
                customer,
                self._random.choice(_WRITTEN),
                conversation=identity,
                language=language,
            )
        return [identity for identity, _ in chosen]

    def send(self, store: Store, message: StoredMessage) -> bool:
        """Nobody is there to read."""
        return True


class Person(QObject):
    """Scrolls, types, searches and opens one conversation after the other."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._page = desk.page
        found = desk.page.queue.findChild(QListView)
        assert isinstance(found, QListView)
        self._list = found
        self._letters = cycle(_TYPED)
        self._steps = 0
        for milliseconds, act in ((30, self._scroll), (80, self._type), (400, self._step)):
            timer = QTimer(self)
            timer.setInterval(milliseconds)
            timer.timeout.connect(act)
            timer.start()

    def _scroll(self) -> None:
        self._roll(self._page.view.message_list(), -90)

    def _type(self) -> None:
        self._page.composer.editor().insertPlainText(next(self._letters))

    def _step(self) -> None:
        self._steps += 1
        if self._steps % 10 == 0:
            self._page.queue.search_changed.emit("快递" if self._steps % 20 else "")
        elif self._steps % 5 == 0:
            self._page.queue.select_previous()
        elif self._steps % 3 == 0:
            self._page.queue.select_next()
        else:
            self._roll(self._list, 700)

    def _roll(self, area: QAbstractScrollArea, by: int) -> None:
        bar = area.verticalScrollBar()
        bar.setValue(bar.value() + by)


def run(folder: Path, seconds: float = SECONDS) -> int:
    """Open the desk on `folder` and load it for `seconds`; a line of JSON goes to stdout:

    ``{"p99": s, "longest": s, "turns": n}``, see `quantile`.
    """
    app = QApplication.instance() or QApplication([])
    desk = build_desk(DataFolder(folder), start_engine=False)
    writer = Writer(desk.bridge._from_client)
    desk.bridge._client = writer  # type: ignore[assignment]
    busy = Busy()
    began = 0.0

    def load() -> None:
        rows = desk.queue.rows()
        desk.intake.add_channel(Crowd([(row.id, row.customer) for row in rows]))
        Person(desk)
        desk.bridge.start()
        QTimer.singleShot(int(_WARM * 1000), warm)

    def warm() -> None:
        nonlocal began
        began = time.perf_counter()
        busy.turns.clear()
        QTimer.singleShot(int(seconds * 1000), tell)

    def tell() -> None:
        whole, turns = time.perf_counter() - began, busy.turns
        said = {
            "p99": quantile(turns, 0.99, whole),
            "longest": max(turns, default=0.0),
            "turns": len(turns),
        }
        print(json.dumps(said), flush=True)
        app.quit()

    desk.window.show()
    QTimer.singleShot(500, load)
    try:
        return app.exec()
    finally:
        writer.close()
        desk.close()
