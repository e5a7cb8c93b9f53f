"""What a lead looks at on the review page, and what is said to it; the store is read off-thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct
from PySide6.QtCore import QObject, Signal

from desktop.background import Background, Lane
from desktop.session.review_model import ReviewModel, Row
from desktop.session.review_source import PIECE, Former, ReviewSource
from desktop.session.transcript import TranscriptModel, Window, read_bubbles
from desktop.widgets.review_values import (
    Accuracy,
    Around,
    Choices,
    HitFilter,
    HitRow,
    MissedSpan,
    RequestRow,
    Verdict,
)
from desktop.widgets.values import Bubble
from engine.errors import ZuoxiError
from engine.records import Language
from engine.store.store import Store

T = TypeVar("T")

_BEFORE: Final = 200
_UNDOS: Final = 50


class Listed(Struct, frozen=True):
    """What one reading of the list brought; `hits` counts those of the filter."""

    requests: int
    hits: int
    choices: Choices
    accuracy: tuple[Accuracy, ...]


class Told(Struct, frozen=True):
    """Something was done: the text ``desktop.review.<key>`` with its values, and whether it can be
    undone."""

    key: str
    n: int = 1
    name: str = ""
    undoable: bool = False


class _List(Struct, frozen=True):
    requests: list[RequestRow]
    keys: Sequence[int]
    listed: Listed


class _Opened(Struct, frozen=True):
    around: Around
    bubbles: tuple[Bubble, ...]
    whole: bool


class ReviewSession(QObject):
    """Everything it tells comes on the UI thread.

    `listed` brings a `Listed`, `measured` how often rules were right, `opened` the row that is
    looked at (None for none), `around` what stands around it, `told` a `Told`, `trouble` an error.
    """

    listed = Signal(object)
    measured = Signal(object)
    opened = Signal(object)
    around = Signal(object)
    told = Signal(object)
    judged = Signal(int)
    trouble = Signal(object)
    reading = Signal(bool)
    waiting_changed = Signal(int)

    def __init__(
        self,
        background: Background,
        store: Store,
        who: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`who` tells the lead's name, as set in the settings; "" while there is none."""
        super().__init__(parent)
        self._background = background
        self._run = background.runner(self)
        self._store = store
        self._source = ReviewSource(store)
        self._who = who
        self._filter = HitFilter()
        self._at = -1
        self._row: Row | None = None
        self._undos: list[Former] = []
        self._busy = self._again = False
        self.model = ReviewModel(self)
        self.model.wanted.connect(self._read_page)
        self.model.dataChanged.connect(lambda *_: self._follow())
        self.transcript = TranscriptModel(self)
        self.transcript.wanted.connect(self._read_around)

    @property
    def who(self) -> str:
        """Whose verdicts these are."""
        return self._who()

    @property
    def filter(self) -> HitFilter:
        """Which hits are listed."""
        return self._filter

    @property
    def row(self) -> Row | None:
        """The row that is looked at."""
        return self._row

    def set_filter(self, wanted: HitFilter) -> None:
        """List other hits."""
        if wanted != self._filter:
            self._filter = wanted
            self.refresh()

    def refresh(self) -> None:
        """Read the list again; what was looked at stays open if it is still there."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        self.reading.emit(True)
        source, wanted, who = self._source, self._filter, self.who

        def read() -> _List:
            requests, keys = source.requests(who), source.find(wanted)
            listed = Listed(len(requests), len(keys), source.choices(), source.accuracy())
            return _List(requests, keys, listed)

        self._run(read).done(lambda found: self._show(found, wanted)).failed(self._not_read)

    def count_waiting(self) -> None:
        """Find out how many requests wait; `waiting_changed` follows."""
        source, who = self._source, self.who
        self._run(lambda: source.requests(who)).done(
            lambda rows: self.waiting_changed.emit(len(rows))
        ).failed(lambda _: None)

    def open(self, at: int) -> None:
        """Look at a row; -1 for none."""
        self._at, self._row = at, None
        self._follow()
        if self._row is None:
            self.opened.emit(None)

    def judge(self, first: int, last: int, verdict: Verdict, note: str) -> None:
        """Say of all hits in these rows what they are; requests among them are left out."""
        self.judge_all([(first, last)], verdict, note)

    def judge_all(self, ranges: Sequence[tuple[int, int]], verdict: Verdict, note: str) -> None:
        """The same for several stretches of rows, in one step that is undone as one."""
        keys = [key for first, last in ranges for key in self.model.keys(first, last)]
        if not keys:
            return
        source, who = self._source, self.who

        def done(former: Former) -> None:
            self._undos = [*self._undos[1 - _UNDOS :], former]
            self._reread()
            n = len(keys)
            self.told.emit(Told(f"told.{verdict}{'.n' if n > 1 else ''}", n, undoable=True))
            self.judged.emit(n)

        lane: Lane = "store" if len(keys) <= PIECE else "long"
        self._do(lambda: source.judge(keys, verdict, who, note), done, lane)

    def undo(self) -> None:
        """Take the newest verdict, or the newest bulk of them, back."""
        if not self._undos:
            self.told.emit(Told("told.nothing"))
            return
        former, source, who = self._undos.pop(), self._source, self.who

        def done(_: object) -> None:
            self._reread()
            self.told.emit(Told("told.undone", undoable=bool(self._undos)))

        def failed(error: ZuoxiError) -> None:
            self._undos.append(former)
            self.trouble.emit(error)

        lane: Lane = "store" if sum(len(one.places) for one in former) <= PIECE else "long"
        self._background.run(self, lambda: source.restore(former, who), lane).done(done).failed(
            failed
        )

    def mark_missed(self, span: MissedSpan) -> None:
        """Note that a rule should have caught a part of a message."""
        source, who = self._source, self.who

        def done(_: object) -> None:
            self._read_around()
            self._reread()
            self.told.emit(Told("told.marked"))

        self._do(lambda: source.mark_missed(span, who), done)

    def answer(self, hit: HitRow, upheld: bool, text: str) -> None:
        """Answer the agent's appeal; an upheld one makes the hit a false alarm."""
        source, who = self._source, self.who

        def done(_: object) -> None:
            self._reread()
            self.told.emit(Told("told.answered"))

        self._do(lambda: source.answer(hit, upheld, text, who), done)

    def decide(self, request: RequestRow, approved: bool, comment: str) -> None:
        """Let a text pass, or not; what an agent only told of is noted as seen."""
        source, who = self._source, self.who

        def done(now: RequestRow) -> None:
            self.model.put_request(now)
            self.told.emit(Told(f"told.{now.state}"))
            self.count_waiting()

        self._do(lambda: source.decide(request, approved, comment, who), done)

    def export(self, path: Path, language: Language) -> None:
        """Write the hits of the filter to a file; what it is follows from the name's end."""
        source, wanted = self._source, self._filter
        self.told.emit(Told("exporting"))
        self._background.run(self, lambda: source.export(path, wanted, language), "long").done(
            lambda n: self.told.emit(Told("exported", n, path.name))
        ).failed(self.trouble.emit)

    def _do(self, act: Callable[[], T], done: Callable[[T], None], lane: Lane = "store") -> None:
        def failed(error: ZuoxiError) -> None:
            self.trouble.emit(error)
            # Somebody else may have been quicker: show how it stands.
            self._reread()

        self._background.run(self, act, lane).done(done).failed(failed)

    def _reread(self) -> None:
        self.model.forget()
        self._run(self._source.accuracy).done(self._on_accuracy).failed(lambda _: None)
        if self._row is not None and isinstance(self._row, HitRow):
            key = self.model.keys(self._at, self._at)
            source, who = self._source, self.who
            self._run(lambda: source.rows(list(key), who)).done(self._on_row).failed(lambda _: None)

    def _on_accuracy(self, accuracy: tuple[Accuracy, ...]) -> None:
        self.measured.emit(accuracy)

    def _on_row(self, rows: list[HitRow]) -> None:
        if rows and self._row is not None and rows[0].id == self._row.id:
            self._take(rows[0])

    def _show(self, found: _List, wanted: HitFilter) -> None:
        self._busy = False
        if self._again or wanted != self._filter:
            self._again = False
            self.refresh()
            return
        self.reading.emit(False)
        if self.model.show(found.requests, found.keys):
            self._at, self._row = -1, None
        else:
            self._read_around()
        self.listed.emit(found.listed)
        self.waiting_changed.emit(found.listed.requests)
        if not self.model.rowCount():
            self.opened.emit(None)

    def _not_read(self, error: ZuoxiError) -> None:
        self._busy = self._again = False
        self.reading.emit(False)
        self.trouble.emit(error)

    def _read_page(self, page: int, keys: list[int]) -> None:
        def failed(error: ZuoxiError) -> None:
            self.model.give_up(page)
            self.trouble.emit(error)

        source, who = self._source, self.who
        self._run(lambda: source.rows(keys, who)).done(
            lambda rows: self.model.put(page, keys, rows)
        ).failed(failed)

    def _follow(self) -> None:
        """Show the row that is looked at, as soon as it is read and whenever it changes."""
        row = self.model.row(self._at)
        if row is not None:
            self._take(row)

    def _take(self, row: Row) -> None:
        if row == self._row:
            return
        other = self._row is None or row.id != self._row.id
        self._row = row
        self.opened.emit(row)
        if other:
            self._read_around()

    def _read_around(self) -> None:
        row, store, source = self._row, self._store, self._source
        if row is None:
            return
        window = self.transcript.window(row.conversation)
        message = row.message if isinstance(row, HitRow) else None
        shown = {bubble.id for bubble in self.transcript.bubbles}
        if message and (window == Window() or message not in shown):
            window = Window(message, _BEFORE)

        def read() -> _Opened:
            bubbles, whole = read_bubbles(store, row.conversation, window, trial=True)
            return _Opened(source.around(row), bubbles, whole)

        self._run(read).done(lambda opened: self._show_around(row, opened)).failed(
            self.trouble.emit
        )

    def _show_around(self, row: Row, opened: _Opened) -> None:
        if self._row is None or row.id != self._row.id:
            return
        self.transcript.show(row.conversation, opened.bubbles, whole=opened.whole)
        self.around.emit(opened.around)
