"""The desk: the queue, and beside it the columns in which an agent answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QApplication, QSplitter, QWidget

from desktop import theme
from desktop.bridge import EngineBridge
from desktop.session.desk_session import DeskSession
from desktop.session.drafting import Drafting
from desktop.session.queue_model import QueueModel, QueuePage
from desktop.session.snapshot import Snapshot
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.queue_panel import QueuePanel
from engine.settings import Settings

if TYPE_CHECKING:
    from desktop.pages.answering import Answering
    from desktop.pages.draft_column import DraftColumn
    from desktop.widgets.composer import Composer
    from desktop.widgets.conversation_view import ConversationView
    from desktop.widgets.undo_toast import UndoToast


class DeskPage(Dressed, QWidget):
    """Three columns. `trouble` brings an error for the banner, `sample_requested` a wish.

    Conversation and draft are made when they are first needed: by `make_ready`, or by a person who
    was quicker. The queue can be read before.
    """

    trouble = Signal(object)
    sample_requested = Signal()

    def __init__(
        self,
        look: Look,
        session: DeskSession,
        queue: QueueModel,
        drafting: Drafting,
        bridge: EngineBridge,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._look = look
        self._session = session
        self._queue = queue
        self._drafting = drafting
        self._bridge = bridge
        self._settings = settings
        self._clock = clock
        self._styles: Mapping[str, str] = {}
        self._made: Answering | None = None
        self._begun = False
        self._chosen = ""
        self.queue = QueuePanel(look)
        self.queue.set_model(queue)
        self._middle, self._right = QWidget(), QWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(theme.HAIRLINE)
        self._splitter.setChildrenCollapsible(False)
        for at, widget in enumerate((self.queue, self._middle, self._right)):
            self._splitter.addWidget(widget)
            self._splitter.setStretchFactor(at, 1 if at == 1 else 0)
        self.queue.setMinimumWidth(theme.QUEUE_MIN)
        self._middle.setMinimumWidth(theme.CONVERSATION_MIN)
        self._right.setMinimumWidth(theme.DRAFT_MIN)
        self._splitter.setSizes([theme.QUEUE_WIDTH, theme.CONVERSATION_MIN, theme.DRAFT_WIDTH])
        column(self, 0).addWidget(self._splitter)
        self.queue.opened.connect(self._on_chosen)
        self.queue.reached.connect(queue.set_reach)
        self.queue.search_changed.connect(queue.set_search)
        self.queue.filter_changed.connect(queue.set_filter)
        self.queue.start_requested.connect(self.sample_requested)
        queue.refreshed.connect(self._on_queue)

    @property
    def view(self) -> ConversationView:
        """The open conversation."""
        return self._answering().view

    @property
    def composer(self) -> Composer:
        """The reply box."""
        return self._answering().composer

    @property
    def draft(self) -> DraftColumn:
        """The column of the draft."""
        return self._answering().draft

    @property
    def toast(self) -> UndoToast:
        """What offers to take a reply back."""
        return self._answering().toast

    def make_ready(self) -> None:
        """Make what the first page did without, and open what was chosen meanwhile, or else the
        most urgent conversation."""
        self._answering()
        if self._chosen:
            self.open(self._chosen)
        self._begin()

    def set_settings(self, settings: Settings) -> None:
        """What of the settings concerns the page."""
        self._settings = settings
        if self._made is not None:
            self._made.set_settings(settings)

    def set_styles(self, names: Mapping[str, str]) -> None:
        """What the styles are called, by id."""
        self._styles = names
        if self._made is not None:
            self._made.draft.set_styles(names)

    def open(self, conversation: str) -> None:
        """Open a conversation."""
        # In place of the one that was chosen before there was anything to open it in.
        self._chosen = ""
        self._answering()
        self.queue.select(conversation)
        self._queue.set_open(conversation)
        self._session.open(conversation)

    def accept(self) -> None:
        """Ctrl+Enter: send what is typed, if anything is, else the draft as it stands."""
        self._answering().accept()

    def edit(self) -> None:
        """Put the draft into the reply box, after what is typed there."""
        self._answering().edit()

    def reject(self) -> None:
        """Ask for the reason; a digit answers."""
        self.draft.bar.open_reasons()

    def redraft(self) -> None:
        """Draft again, unless the button is blocked."""
        self._press("redraft")

    def thumbs_down(self) -> None:
        """Mark the draft as bad, unless the button is blocked."""
        self._press("thumbs_down")

    def hand_over(self) -> None:
        """Hand the case over, unless the button is blocked."""
        self._press("hand_over")

    def undo_send(self) -> None:
        """Take the newest reply back."""
        self._answering().undo_send()

    def insert_script(self) -> None:
        """Put the script that must be said into the reply box."""
        self._answering().insert_script()

    def override(self) -> None:
        """Go on with a text that a rule keeps back: give a reason, ask a lead, or restore it."""
        self._answering().composer.gate.act()

    def focus_composer(self) -> None:
        """Put the cursor into the reply box."""
        self.composer.focus_end()

    def focus_queue(self) -> None:
        """Put the focus on the list of conversations, where the arrow keys choose."""
        self.queue.focus_list()

    def columns(self) -> QByteArray:
        """How wide the columns are, for `restore_columns`."""
        return self._splitter.saveState()

    def restore_columns(self, state: QByteArray) -> None:
        """Make the columns as wide as they were."""
        if not state.isEmpty():
            self._splitter.restoreState(state)

    def _answering(self) -> Answering:
        if self._made is None:
            from desktop.pages.answering import Answering

            made = Answering(
                self._look,
                self._session,
                self._drafting,
                self._bridge,
                self._settings,
                self._clock,
                self,
            )
            made.trouble.connect(self.trouble)
            made.draft.set_styles(self._styles)
            column(self._middle, 0).addWidget(made.middle)
            column(self._right, 0).addWidget(made.draft)
            self._session.opened.connect(self._on_opened)
            self._made = made
        return self._made

    def _press(self, name: str) -> None:
        button = self.draft.bar.button(name)
        if not button.why_blocked():
            button.click()

    def _on_opened(self, _snapshot: Snapshot) -> None:
        # Who walks through the list with the arrow keys, or searches, goes on doing so.
        focus = QApplication.focusWidget()
        if focus is None or not self.queue.isAncestorOf(focus):
            self.composer.focus_end()

    def _on_queue(self, page: QueuePage) -> None:
        counts = page.counts
        self.queue.set_counts(
            {
                "all": counts.all,
                "waiting": counts.waiting,
                "ready": counts.ready,
                "handover": counts.handed_over,
                "gap": counts.gaps,
                "replied": counts.answered,
            }
        )
        today = page.today
        done = today.accepted + today.edited + today.rewritten + today.handed_over
        self.queue.set_summary(counts.waiting, done)
        if self._session.conversation and not self.queue.current_id():
            self.queue.select(self._session.conversation)
        if self._made is not None:
            self._begin()

    def _on_chosen(self, conversation: str) -> None:
        # The list chooses its first row when it gets the focus, which is before it is painted.
        if self._made is None:
            self._chosen = conversation
        else:
            self.open(conversation)

    def _begin(self) -> None:
        """Whoever sits down finds the most urgent customer open, wherever the focus is."""
        rows = self._queue.rows()
        if rows and not self._begun and self.isVisible():
            self._begun = True
            if not self._session.conversation:
                self.open(rows[0].id)

    def _dress(self) -> None:
        if self._made is not None:
            self._made.set_look(self._look)
