"""The list of conversations, read from the store page by page and kept up without a reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QStringListModel,
    Qt,
    QTimer,
    Signal,
)

from desktop.background import Background
from desktop.session.queue_changes import Insert, Move, Remove, Step, steps
from desktop.widgets.queue_roles import QueueRole, QueueRow
from desktop.widgets.values import QueueFilter, QueueState
from engine.records import DraftStatus, Language
from engine.store.rows import ConversationRow, Counts, DayCounts, Filter
from engine.store.store import Store
from engine.texts import category_named

PAGE: Final = 200
AMBER_AFTER: Final = 90.0
RED_AFTER: Final = 180.0
_TICK_MS: Final = 1000
_REST_MS: Final = 100

_FILTERS: Final[dict[QueueFilter, Filter]] = {
    "all": "all",
    "waiting": "waiting",
    "ready": "ready",
    "handover": "handed_over",
    "gap": "gaps",
    "replied": "answered",
}
_STATES: Final[dict[DraftStatus, QueueState]] = {
    "drafted": "ready",
    "abstained": "gap",
    "handover": "handover",
    "failed": "failed",
}

Index = QModelIndex | QPersistentModelIndex


class QueuePage(Struct, frozen=True):
    """What one reading of the store brought."""

    rows: list[ConversationRow]
    counts: Counts
    today: DayCounts


class _Reading(Struct, frozen=True):
    """A page beside the rows that were shown: where they differ, and the steps from them to it."""

    page: QueuePage
    changed: list[int]
    steps: list[Step]


class QueueModel(QStringListModel):
    """Rows for `QueuePanel`. `refresh` reads anew what is loaded; scrolling loads more.

    `drafting` and `failing` tell of a conversation what the store does not know. Of Qt's model
    only the number of rows is used: a list asks for it twice for each row whenever it is laid out,
    and would wait for the interpreter as often if it were counted in Python.
    """

    refreshed = Signal(object)

    def __init__(
        self,
        background: Background,
        store: Store,
        *,
        clock: Callable[[], float],
        language: Language = "zh",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._clock = clock
        self._language: Language = language
        self._rows: list[ConversationRow] = []
        self._coming: list[ConversationRow] = []
        # Before any view hears of it.
        self.rowsRemoved.connect(self._on_removed)
        self.rowsMoved.connect(self._on_moved)
        self.rowsInserted.connect(self._on_inserted)
        self._wanted = PAGE
        self._reach: int | None = None
        self._complete = False
        self._search = ""
        self._filter: QueueFilter = "all"
        self._reading = self._again = False
        self._known: dict[str, int] | None = None
        self._drafting: frozenset[str] = frozenset()
        self._failing: frozenset[str] = frozenset()
        self._open = ""
        self._page: QueuePage | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self.refresh)
        self._ticker = QTimer(self)
        self._ticker.setInterval(_TICK_MS)
        self._ticker.timeout.connect(self._tick)
        self._ticker.start()

    @property
    def page(self) -> QueuePage | None:
        """What was read last, with the counts."""
        return self._page

    @property
    def reading(self) -> bool:
        """Whether the list is about to change."""
        return self._reading or self._rest.isActive()

    def rows(self) -> list[ConversationRow]:
        """The rows that are loaded, in order."""
        return list(self._rows)

    def refresh(self) -> None:
        """Read the loaded part again; calls while it is being read make one more reading."""
        if self._reading:
            self._again = True
            return
        self._rest.stop()
        self._reading = True
        self._forget_far()
        search, chosen, wanted = self._search, self._filter, self._wanted
        shown = list(self._rows)

        def read() -> _Reading:
            rows = self._store.conversations.page(
                search=search, filter=_FILTERS[chosen], limit=wanted + 1
            )
            page = QueuePage(
                rows, self._store.conversations.counts(), self._store.decisions.today()
            )
            # Compared here, so that the window's thread only does what changes.
            return _Reading(page, *_compare(shown, rows[:wanted]))

        self._run(read).done(lambda reading: self._show(reading, search, chosen, wanted)).failed(
            lambda _: self._read_failed()
        )

    def set_reach(self, row: int) -> None:
        """How far down the list is looked at: what lies a page below need not be kept up."""
        self._reach = row

    def set_search(self, search: str) -> None:
        """Show only conversations in which `search` stands."""
        self._search, self._wanted = search.strip(), PAGE
        self.refresh()

    def set_filter(self, name: QueueFilter) -> None:
        """Show only conversations of one state."""
        self._filter, self._wanted = name, PAGE
        self.refresh()

    def set_drafting(self, conversations: frozenset[str]) -> None:
        """Which conversations are being drafted for."""
        changed = self._drafting ^ conversations
        self._drafting = conversations
        for conversation in changed:
            self._changed(conversation)

    def set_failing(self, conversations: frozenset[str]) -> None:
        """For which conversations drafting failed without a stored draft."""
        changed = self._failing ^ conversations
        self._failing = conversations
        for conversation in changed:
            self._changed(conversation)

    def set_open(self, conversation: str) -> None:
        """Which conversation the agent reads: all of it counts as seen."""
        self._open = conversation
        row = next((row for row in self._rows if row.id == conversation), None)
        if row is not None and self._known is not None:
            self._known[row.id] = row.customer_messages
            self._changed(conversation)

    def set_language(self, language: Language) -> None:
        """Name categories in another language."""
        self._language = language
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def canFetchMore(self, parent: Index) -> bool:
        """Whether the store has more than is loaded."""
        return not parent.isValid() and not self._complete and not self._reading

    def fetchMore(self, parent: Index) -> None:
        """Load another page."""
        self._wanted = len(self._rows) + PAGE
        self.refresh()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """One field of one row, see `QueueRole`."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.customer}, {row.preview}"
        match role:
            case QueueRole.ID:
                return row.id
            case QueueRole.ROW:
                return self._shown(row)
            case QueueRole.NAME:
                return row.customer
            case QueueRole.PREVIEW:
                return row.preview
            case QueueRole.WAITING:
                return self._shown(row).waiting
            case QueueRole.STATE:
                return self.state(row)
            case QueueRole.CATEGORY:
                return self._shown(row).category
            case QueueRole.CHANNEL:
                return row.channel
            case QueueRole.UNREAD:
                return self._shown(row).unread
            case QueueRole.URGENCY:
                return self._shown(row).urgency
        return None

    def _shown(self, row: ConversationRow) -> QueueRow:
        waiting = None if row.waiting_since is None else self._clock() - row.waiting_since
        return QueueRow(
            name=row.customer,
            preview=row.preview,
            state=self.state(row),
            category=category_named(row.handed_over, self._language) if row.handed_over else "",
            channel=row.channel,
            unread=max(0, row.customer_messages - (self._known or {}).get(row.id, 0)),
            urgency=0 if waiting is None else (waiting >= AMBER_AFTER) + (waiting >= RED_AFTER),
            waiting=None if waiting is None else max(0.0, waiting),
        )

    def state(self, row: ConversationRow) -> QueueState:
        """Where the draft of a row stands."""
        if row.handed_over:
            return "handover"
        if row.waiting_since is None:
            return "replied"
        if row.id in self._drafting:
            return "drafting"
        if row.draft_status != "none":
            return _STATES[row.draft_status]
        if row.id in self._failing:
            return "failed"
        return "rejected" if row.rejected else "queued"

    def _forget_far(self) -> None:
        """Read no further down than a page below what is looked at, or open."""
        if self._reach is None or self._wanted <= PAGE:
            return
        places = (at for at, row in enumerate(self._rows) if row.id == self._open)
        needed = max(self._reach, next(places, 0)) + PAGE
        self._wanted = min(self._wanted, -(-needed // PAGE) * PAGE)

    def _show(self, reading: _Reading, search: str, chosen: QueueFilter, wanted: int) -> None:
        self._reading = False
        page, asked_for = reading.page, (search, chosen) == (self._search, self._filter)
        # A search that was changed meanwhile: what came is not what was asked for.
        if asked_for:
            self._complete = len(page.rows) <= wanted
            self._page = page
            self._put(page.rows[:wanted], reading)
            self.refreshed.emit(page)
        if self._again:
            self._again = False
            # Where many customers write at once the list need not follow each of them.
            if asked_for and wanted == self._wanted:
                self._rest.start()
            else:
                self.refresh()

    def _read_failed(self) -> None:
        self._reading = self._again = False

    def _put(self, rows: list[ConversationRow], reading: _Reading) -> None:
        if self._known is None:
            self._known = {row.id: row.customer_messages for row in rows}
        for row in rows:
            if row.id == self._open:
                self._known[row.id] = row.customer_messages
            elif row.id not in self._known and row.agent_messages:
                # It comes with a history, which somebody answered; only its newest is new.
                self._known[row.id] = row.customer_messages - 1
        if reading.changed:
            fresh = {row.id: row for row in rows}
            # Changed in place first, so that what moves or stays is drawn as it is now.
            for at in reading.changed:
                self._rows[at] = fresh[self._rows[at].id]
                self.dataChanged.emit(self.index(at), self.index(at))
        nowhere = QModelIndex()
        for step in reading.steps:
            if isinstance(step, Remove):
                self.removeRows(step.first, step.last - step.first + 1)
            elif isinstance(step, Move):
                # Qt counts the target before the row is taken out.
                below = step.target + 1 if step.target > step.source else step.target
                self.moveRows(nowhere, step.source, 1, nowhere, below)
            elif isinstance(step, Insert):
                self._coming = rows[step.first : step.last + 1]
                self.insertRows(step.first, len(self._coming))

    def _on_removed(self, _parent: Index, first: int, last: int) -> None:
        del self._rows[first : last + 1]

    def _on_moved(self, _from: Index, source: int, _last: int, _to: Index, below: int) -> None:
        row = self._rows.pop(source)
        self._rows.insert(below - 1 if below > source else below, row)

    def _on_inserted(self, _parent: Index, first: int, _last: int) -> None:
        self._rows[first:first] = self._coming

    def _changed(self, conversation: str) -> None:
        for at, row in enumerate(self._rows):
            if row.id == conversation:
                self.dataChanged.emit(self.index(at), self.index(at))
                return

    def _tick(self) -> None:
        if self._rows:
            roles = [int(QueueRole.ROW), int(QueueRole.WAITING), int(QueueRole.URGENCY)]
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), roles)


def _compare(
    shown: list[ConversationRow], rows: list[ConversationRow]
) -> tuple[list[int], list[Step]]:
    """The places in `shown` whose conversation has changed, and the steps that lead to `rows`."""
    fresh = {row.id: row for row in rows}
    changed = [
        at for at, old in enumerate(shown) if (new := fresh.get(old.id)) is not None and new != old
    ]
    return changed, steps([row.id for row in shown], [row.id for row in rows])
