"""The knowledge page's section of what customers call things, and what the documents call them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QWidget

from desktop.background import Background
from desktop.session.wordings import OwnTable, Proposed, Wordings
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.wording_rows import NewPair, OwnRow, ProposalRow
from desktop.widgets.wordings_panel import WordingsPanel
from engine.errors import ZuoxiError
from engine.store.store import Store
from engine.texts import explain


class WordingsSection(Dressed, QWidget):
    """Read anew whenever it is shown. What is accepted counts from the next search on."""

    trouble = Signal(object)

    def __init__(self, look: Look, background: Background, store: Store, knowledge: Path) -> None:
        super().__init__()
        self._look = look
        self._knowledge = knowledge
        self._own = OwnTable((), ())
        self._unsaid: frozenset[str] = frozenset()
        self.wordings = Wordings(background, store, knowledge, self)
        self.panel = WordingsPanel(look)
        column(self, 0).addWidget(self.panel)
        panel, wordings = self.panel, self.wordings
        panel.accepted.connect(self._accept)
        panel.dismissed.connect(self._dismiss)
        panel.added.connect(wordings.add)
        panel.changed.connect(wordings.change)
        panel.removed.connect(wordings.remove)
        panel.undo_requested.connect(wordings.undo)
        panel.retry_requested.connect(self.refresh)
        panel.open_table_requested.connect(self._open_folder)
        wordings.own_read.connect(self._show_own)
        wordings.proposed.connect(self._show_proposed)
        wordings.failed.connect(self._on_failed)
        wordings.done.connect(self._on_done)
        wordings.refused.connect(self._on_refused)

    def refresh(self) -> None:
        """Look again for what to propose."""
        self.panel.show_loading()
        self.wordings.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """What was asked meanwhile counts."""
        super().showEvent(event)
        self.panel.say("")
        self.refresh()

    def _accept(self, proposal: str, said: str, policy: str) -> None:
        self.panel.focus_next(proposal)
        self.wordings.accept(proposal, said, policy)

    def _dismiss(self, proposal: str) -> None:
        self.panel.focus_next(proposal)
        self.wordings.dismiss(proposal)

    def _show_own(self, table: OwnTable) -> None:
        self._own = table
        self._fill_own()

    def _show_proposed(self, proposed: Proposed) -> None:
        self._unsaid = proposed.unsaid
        empty = "wordings.none.unknown" if proposed.empty else "wordings.none.help"
        self.panel.set_proposals(proposed.wordings, empty)
        self._fill_own()

    def _fill_own(self) -> None:
        wordings = [
            replace(one, in_use=one.policy not in self._unsaid) for one in self._own.wordings
        ]
        self.panel.set_own(wordings, self._own.unread)

    def _on_done(self, key: str, values: dict[str, str]) -> None:
        self.panel.say(key, values)
        if key == "wordings.accepted" and self.panel.new_pair.fields.pair() == (
            values["said"],
            values["policy"],
        ):
            self.panel.new_pair.clear()

    def _on_refused(self, error: ZuoxiError, concerned: object) -> None:
        words = explain(error, self._look.language)
        row: ProposalRow | OwnRow | NewPair | None = None
        if isinstance(concerned, str):
            row = self.panel.proposal(concerned)
        elif isinstance(concerned, tuple):
            row = self.panel.own(*concerned)
        elif self.panel.new_pair.fields.filled():
            row = self.panel.new_pair
        if row is None:
            self.trouble.emit(error)
        else:
            row.set_problem(words)
            row.fields.setFocus()

    def _on_failed(self, error: ZuoxiError) -> None:
        self.panel.show_failed(explain(error, self._look.language))

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._knowledge)))
