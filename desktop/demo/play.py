"""The story: one agent serves the sample company's customers, through keys and clicks alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec
from PySide6.QtCore import Qt, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QComboBox

from desktop.app import Desk, build_desk
from desktop.demo.company import hurried
from desktop.demo.hands import Hands
from desktop.demo.record import Record, Step, summary_line
from desktop.pages.availability import stopping_reason
from desktop.session.sample import Sample, read_sample
from desktop.widgets.evidence_list import EvidenceHead
from desktop.widgets.text_panel import TextPanel
from engine import logs
from engine import settings as settings_file
from engine.errors import ZuoxiError
from engine.paths import ASSETS, DataFolder
from engine.records import Draft, Language, Screening
from engine.settings import Settings
from engine.store.rows import StoredDecision, StoredDraft
from engine.store.store import open_store
from engine.texts import explain, text

_LIMIT: Final = 170.0
_HURRY: Final = 110.0
_SIZE: Final = (1440, 900)
# A screen of a usual size where there is none, or menus and dialogs would be pushed aside.
_SCREEN: Final = ASSETS / "theme" / "screen.json"

_INVOICE, _KETTLE, _REPAIR, _LAWYER = "李先生", "豆豆妈", "王大姐", "赵先生"
_PARCEL, _MOONCAKE, _THREAD, _ISLAND = "罗先生", "邹阿姨", "张阿姨", "Ella P."


def main(out: Path, *, language: Language = "zh", json: bool = False) -> int:
    """Play the demo and leave its record in `out`; the exit status.

    Progress and what went wrong go to stderr, the summary to stdout: a sentence, or with `json`
    one object. Ends by itself within three minutes.
    """
    screen = str(_SCREEN)
    # Qt parts its options at colons, so a path with one (a drive, say) cannot be named.
    options = "" if ":" in screen else f":configfile={screen}"
    os.environ["QT_QPA_PLATFORM"] = f"offscreen{options}"
    try:
        sample = hurried(read_sample())
        summary = _run(out.expanduser().absolute(), language, sample)
    except ZuoxiError as error:
        return _fail(error, language, json=json)
    except Exception as error:  # A person is told in a sentence, whatever it was.
        kind = type(error).__name__
        if os.environ.get("ZUOXI_DEBUG"):
            raise
        internal = ZuoxiError(f"An unexpected error ({kind}).", "internal", kind=kind)
        return _fail(internal, language, json=json)
    if json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    else:
        sys.stdout.write(summary_line(summary, language) + "\n")
    if sample.trouble is None:
        return 0
    sys.stderr.write(explain(sample.trouble, language) + "\n")
    return 1


def _fail(error: ZuoxiError, language: Language, *, json: bool) -> int:
    line = " ".join(explain(error, language).split())
    if json:
        told = {"error": {"code": error.code, "message": line}}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stderr.write(line + "\n")
    return 1


def _run(out: Path, language: Language, sample: Sample) -> dict[str, Any]:
    record = Record(out, language)
    folder = DataFolder(out / "data")
    settings = Settings(
        language=language,
        theme="light",
        style=sample.company.style,
        agent=sample.company.agent.of(language),
    )
    settings_file.save(folder, settings)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("Zuoxi")
    desk = build_desk(folder, sample=sample)
    hook = sys.excepthook
    qInstallMessageHandler(_on_qt)
    try:
        hands = Hands(desk, record.began + _LIMIT)

        def note(
            kind: type[BaseException], _value: BaseException, _at: TracebackType | None
        ) -> None:
            logs.error("unexpected", kind=kind.__name__)
            hands.unforeseen = kind.__name__

        sys.excepthook = note
        Play(desk, hands, record).play()
    finally:
        desk.close()
        sys.excepthook = hook
        qInstallMessageHandler(None)
    with open_store(folder.database) as store:
        return record.close(store)


def _on_qt(_kind: object, _place: object, message: str) -> None:
    # What the offscreen platform cannot do (raising a window, say) concerns nobody.
    if not message.startswith("This plugin does not support"):
        sys.stderr.write(f"Qt: {message}\n")


class Play:
    """The agent and what they do, in order."""

    def __init__(self, desk: Desk, hands: Hands, record: Record) -> None:
        self._desk = desk
        self._hands = hands
        self._record = record
        self._language: Language = desk.settings.language
        self._decided: list[StoredDecision] = []
        self._undone: list[StoredDecision] = []
        self._screening = Screening()
        desk.session.decided.connect(self._decided.append)
        desk.session.undone.connect(lambda decision, _: self._undone.append(decision))
        desk.session.composing.screened.connect(self._on_screened)
        desk.drafting.saved.connect(self._on_draft)

    def play(self) -> None:
        """All of it."""
        self._open_desk()
        self._accept_and_undo()
        self._look_at_evidence()
        self._edit()
        self._hand_over()
        self._reject()
        self._meet_a_gap()
        self._thread()
        self._english()
        self._answers()

    def _open_desk(self) -> None:
        desk, hands = self._desk, self._hands
        desk.window.resize(*_SIZE)
        desk.window.show()
        desk.window.activateWindow()
        hands.until("window", desk.window.isActiveWindow, 10)
        hands.until("customer", lambda: desk.queue.rowCount() > 0)
        self._say("opened", seconds=self._record.seconds)
        self._picture("opening")
        hands.until("imported", lambda: not desk.importing.running, 120)
        self._say("imported", seconds=self._record.seconds)
        hands.until("engine", lambda: desk.bridge.state.drafts, 120)
        self._say("ready", seconds=self._record.seconds)

    def _accept_and_undo(self) -> None:
        hands, session = self._hands, self._desk.session
        hands.open(_INVOICE)
        streamed = session.streaming
        hands.until("draft", lambda: self._streams() or self._ready(), 60)
        if self._streams() or streamed is not None:
            self._picture("streaming")
        self._wait_draft()
        self._picture("draft")
        self._decide("accept", "accepted", "sent")
        hands.press("undo_send")
        hands.until("undone", lambda: bool(self._undone))
        hands.until("draft", self._ready)
        self._picture("undone")
        self._tell("undone")
        self._decide("accept", "accepted")

    def _look_at_evidence(self) -> None:
        hands, column = self._hands, self._desk.page.draft
        hands.open(_KETTLE)
        self._wait_draft()
        words = column.card.findChild(TextPanel)
        if words is not None and hands.click_mark(words, "number"):
            self._picture("number")
        for head in column.evidence.findChildren(EvidenceHead)[:1]:
            if not head.isChecked():
                hands.click(head)
        self._picture("evidence")
        self._decide("accept", "accepted")

    def _edit(self) -> None:
        hands, composer = self._hands, self._desk.page.composer
        hands.open(_REPAIR)
        self._wait_draft()
        hands.press("edit")
        hands.until("typed", lambda: bool(composer.text()))
        hands.write("您看明天上午方便吗？")
        self._picture("editing")
        self._decide("accept", "edited")

    def _hand_over(self) -> None:
        hands, composer = self._hands, self._desk.page.composer
        hands.open(_LAWYER)
        hands.until("case", lambda: self._desk.session.phase == "handed_over")
        self._picture("case")
        hands.press("insert_script")
        hands.until("typed", lambda: bool(composer.text()))
        self._picture("script")
        self._desk.session.take_case()
        self._decide("accept", "handed_over")

    def _reject(self) -> None:
        hands = self._hands
        hands.open(_PARCEL)
        self._wait_draft()
        hands.press("reject")
        hands.until("reasons", lambda: QApplication.activePopupWidget() is not None)
        self._picture("reasons")
        before = len(self._decided)
        hands.key(Qt.Key.Key_6)
        hands.until("decided", lambda: len(self._decided) > before)
        hands.until("decided", lambda: self._desk.session.phase == "rejected")
        self._picture("rejected")
        self._tell("rejected", decision=self._decided[-1])
        self._reply("您先别急，我这就跟快递核实，核实清楚马上回您。", "wrote")

    def _meet_a_gap(self) -> None:
        hands, composer, session = self._hands, self._desk.page.composer, self._desk.session
        hands.open(_MOONCAKE)
        hands.until("gap", lambda: session.phase in ("abstained", "ready"), 60)
        if session.phase != "abstained":
            raise hands.stopped("demo.wait.gap")
        self._picture("gap")
        hands.press("focus_composer")
        hands.write("我百分百保证给您补一份，绝对没问题。")
        hands.until("blocked", lambda: bool(self._blocked()))
        self._picture("blocked")
        self._tell("blocked", note=self._blocked())
        hands.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        hands.key(Qt.Key.Key_Delete)
        hands.until("typed", lambda: not composer.text())
        self._reply("阿姨，我去问一下礼盒还有没有，问到了马上告诉您。", "wrote")

    def _thread(self) -> None:
        hands = self._hands
        hands.open(_THREAD)
        self._wait_draft()
        hands.press("toggle_theme")
        hands.until("theme", lambda: self._desk.settings.theme == "dark")
        self._picture("dark")
        self._decide("accept", "accepted")

    def _english(self) -> None:
        desk, hands = self._desk, self._hands
        other: Language = "en" if desk.settings.language == "zh" else "zh"
        hands.press("go_settings")
        hands.until("settings", lambda: desk.window.page() == "settings")
        desk.settings_page.form.complete()
        field = desk.settings_page.form.field("language")
        field.setFocus()
        desk.settings_page.form.ensureWidgetVisible(field)
        self._picture("settings")
        if isinstance(field, QComboBox):
            hands.key(Qt.Key.Key_Down if other == "en" else Qt.Key.Key_Up)
        hands.until("language", lambda: desk.settings.language == other)
        hands.press("go_desk")
        hands.until("settings", lambda: desk.window.page() == "desk")
        hands.open(_ISLAND)
        self._wait_draft()
        self._picture("other-language-dark")
        hands.press("toggle_theme")
        hands.until("theme", lambda: desk.settings.theme == "light")
        self._picture("other-language-light")
        self._decide("accept", "accepted")
        hands.press("keys")
        hands.until("keys", lambda: QApplication.activeModalWidget() is not None)
        self._picture("keys")
        hands.key(Qt.Key.Key_Escape)
        hands.until("keys", lambda: QApplication.activeModalWidget() is None)

    def _answers(self) -> None:
        """Serve who wrote again, while there is time."""
        desk, hands = self._desk, self._hands
        for customer in (_INVOICE, _KETTLE, _REPAIR):
            if hands.left < _LIMIT - _HURRY:
                break
            hands.open(customer)
            hands.until(
                "draft", lambda: desk.session.phase not in ("queued", "streaming", "sending"), 30
            )
            if self._ready():
                self._decide("accept", "accepted")
        hands.until("sent", lambda: not desk.outgoing.newest(), 15)
        hands.rest(400)
        self._picture("end")
        self._say("end", seconds=self._record.seconds)

    def _wait_draft(self) -> None:
        session = self._desk.session
        self._hands.until("draft", lambda: self._ready() or session.phase == "failed", 60)
        if session.phase == "failed":
            raise self._hands.stopped("demo.wait.draft")

    def _ready(self) -> bool:
        return self._desk.session.draft is not None

    def _streams(self) -> bool:
        current = self._desk.session.streaming
        return current is not None and bool(current.text)

    def _blocked(self) -> str:
        return stopping_reason(self._screening, self._desk.settings.language)

    def _reply(self, words: str, did: str) -> None:
        self._hands.press("focus_composer")
        self._hands.write(words)
        self._hands.until("free", lambda: not self._blocked())
        self._decide("accept", did)

    def _decide(self, action: str, did: str, picture: str = "") -> None:
        """Press the keys, wait until it is stored, and keep it."""
        before = len(self._decided)
        asked = self._step(did)
        self._hands.press(action)
        self._hands.until("decided", lambda: len(self._decided) > before, 20)
        self._hands.until("decided", lambda: not self._ready(), 20)
        if picture:
            self._picture(picture)
        asked.decision = self._decided[-1]
        self._keep(asked)

    def _tell(self, did: str, *, decision: StoredDecision | None = None, note: str = "") -> None:
        step = self._step(did)
        step.decision, step.note = decision, note
        self._keep(step)

    def _step(self, did: str) -> Step:
        session = self._desk.session
        snapshot = session.snapshot
        if snapshot is None:
            raise self._hands.stopped("demo.wait.opened")
        draft: Draft | None = snapshot.draft.draft if snapshot.draft else None
        asked: list[str] = []
        for bubble in snapshot.bubbles:
            if bubble.role == "customer":
                asked.append(bubble.text)
            elif bubble.role == "agent" and bubble.origin != "withdrawn":
                asked.clear()
        row = snapshot.row
        return Step(
            at=self._record.seconds,
            conversation=row.id,
            customer=row.customer,
            channel=row.channel,
            asked=tuple(asked),
            did=did,
            draft=draft,
        )

    def _keep(self, step: Step) -> None:
        self._record.add(step)
        self._say(f"did.{step.did}", seconds=step.at, customer=step.customer)

    def _picture(self, name: str) -> None:
        settings = self._desk.settings
        look = f"{settings.language}-{settings.theme}"
        self._record.picture(f"{name}-{look}", self._hands.picture())

    def _say(self, key: str, *, seconds: float, customer: str = "") -> None:
        words = text(f"demo.{key}", self._language)
        sys.stderr.write(f"[{seconds:5.1f} s] {customer}{' ' if customer else ''}{words}\n")
        sys.stderr.flush()

    def _on_draft(self, saved: StoredDraft) -> None:
        self._record.drafts[saved.draft.status] += 1

    def _on_screened(self, screening: Screening) -> None:
        self._screening = screening
