"""The knowledge page: documents, questions without an answer, and wordings; and imports."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop import actions, theme
from desktop.background import Background
from desktop.bridge import EngineBridge
from desktop.in_turns import InTurns
from desktop.pages.documents import DocumentsSection
from desktop.pages.gaps import GapsSection
from desktop.pages.wordings import WordingsSection
from desktop.session.documents import Documents
from desktop.session.gaps import KnowledgeGaps
from desktop.session.importing import Importing
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Label, PushButton
from desktop.widgets.boxes import column, row
from desktop.widgets.drop_veil import DropVeil
from desktop.widgets.filter_chips import filter_chips
from desktop.widgets.import_card import ImportCard, Outcome, Told
from desktop.widgets.toast import Toast
from engine.errors import ZuoxiError
from engine.knowledge.reports import ImportReport
from engine.store.store import Store
from engine.texts import explain

Section = Literal["documents", "gaps", "wordings"]

_SECTIONS: Final[tuple[Section, ...]] = get_args(Section)
_SECTION: Final = "knowledge/section"
_COLUMNS: Final = "knowledge/columns"
_ELSEWHERE: Final = actions.of_the_draft()


class KnowledgePage(Dressed, QWidget):
    """One section is shown at a time; what an import does is told above all of them.

    What is in it is made piece by piece after it is shown; until then it is empty, and only
    tells of imports.
    """

    trouble = Signal(object)

    conversation_requested = Signal(str)

    documents: DocumentsSection
    gaps: GapsSection | None
    wordings: WordingsSection | None

    def __init__(
        self,
        look: Look,
        background: Background,
        store: Store,
        knowledge: Path,
        importing: Importing,
        bridge: EngineBridge,
        today: Callable[[], str],
        memory: QSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`today` gives the ISO date by which documents are in force, `memory` keeps the section
        and the columns over a restart."""
        super().__init__()
        self._look, self._background, self._store = look, background, store
        self._knowledge, self._importing, self._memory = knowledge, importing, memory
        self._clock = clock
        self._source = Documents(background, knowledge, today, self)
        self._asked = KnowledgeGaps(background, store, bridge, today, self)
        self._built = False
        self._settled = ""
        self.gaps, self.wordings = None, None
        self.documents = DocumentsSection(look, self._source, clock)
        self._make_head()
        self.card = ImportCard(look)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.documents)
        whole = column(self, 0)
        whole.addWidget(self._head)
        whole.addWidget(self.card)
        whole.addWidget(self._stack, 1)
        self.veil = DropVeil(look, self)
        self._follow_imports()
        self._turns = InTurns(self)
        self._turns.done.connect(self._on_built)
        self._turns.start(self.documents.build())

    def _make_head(self) -> None:
        look = self._look
        self._head = Card("header")
        self._head.setMinimumHeight(theme.HEADER)
        inside = row(self._head, theme.S2)
        inside.setContentsMargins(theme.S4, theme.S2, theme.S4, theme.S2)
        inside.addWidget(Label(look, "page.knowledge", size="title", bold=True))
        inside.addSpacing(theme.S2)
        self.tabs = filter_chips(
            self, look, "knowledge.section", _SECTIONS, inside.addWidget, self.show_section
        )
        inside.addStretch(1)
        self.files_button = PushButton(
            look, "documents.import", "primary", "file-plus", "knowledge_import"
        )
        self.folder_button = PushButton(look, "documents.import.folder", "", "folder-plus")
        self.folder_button.set_tip_action("knowledge_import_folder")
        self.files_button.clicked.connect(self.choose_files)
        self.folder_button.clicked.connect(self.choose_folder)
        inside.addWidget(self.folder_button)
        inside.addWidget(self.files_button)

    def _on_built(self) -> None:
        columns = self._memory.value(_COLUMNS)
        if isinstance(columns, QByteArray):
            self.documents.restore(columns)
        self._built = True
        self._wire()
        self._block()
        kept = str(self._memory.value(_SECTION) or "")
        self.show_section(next((one for one in _SECTIONS if one == kept), "documents"))

    def section(self) -> Section:
        """The section that is shown."""
        return next((one for one, tab in self.tabs.items() if tab.isChecked()), "documents")

    def show_section(self, name: Section) -> None:
        """Show a section, and read what there is in it."""
        self.tabs[name].setChecked(True)
        self._memory.setValue(_SECTION, name)
        if not self._built:
            return
        widget = self._made(name)
        self._stack.setCurrentWidget(widget)
        # Wordings read theirs when they are shown.
        self.documents.refresh()
        self._asked.refresh()
        # Where there is no list to put it on.
        self.tabs[name].setFocus(Qt.FocusReason.OtherFocusReason)
        if isinstance(widget, DocumentsSection | GapsSection):
            widget.focus_first()

    def choose_files(self) -> None:
        """Ask for files, and import them."""
        if self._refused():
            return
        from PySide6.QtWidgets import QFileDialog

        look, listing = self._look, self.documents.listing()
        endings = " ".join(f"*{one}" for one in listing.kinds) if listing is not None else ""
        known = f"{look.text('documents.import.kinds')} ({endings})" if endings else ""
        every = f"{look.text('documents.import.all')} (*)"
        chosen, _ = QFileDialog.getOpenFileNames(
            self, look.text("documents.import.choose"), "", ";;".join(filter(None, (known, every)))
        )
        self.import_paths([Path(one) for one in chosen])

    def choose_folder(self) -> None:
        """Ask for a folder, and import all that is in it."""
        if self._refused():
            return
        from PySide6.QtWidgets import QFileDialog

        title = self._look.text("documents.import.folder.choose")
        chosen = QFileDialog.getExistingDirectory(self, title)
        self.import_paths([Path(chosen)] if chosen else [])

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import files and folders; what came of it is told on the page."""
        if paths and not self._refused():
            self._importing.import_paths(paths)

    def showEvent(self, event: QShowEvent) -> None:
        """Whoever comes to the page sees how it stands now."""
        super().showEvent(event)
        if self._built and not event.spontaneous():
            self.show_section(self.section())

    def event(self, event: QEvent) -> bool:
        """Keys for the draft on the desk are nothing here; undo is that of a question taken off."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undoing = event.matches(QKeySequence.StandardKey.Undo) and bool(self._settled)
            if undoing or event.keyCombination().toCombined() in _ELSEWHERE:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo, wherever no text is being written."""
        if event.matches(QKeySequence.StandardKey.Undo) and self._settled:
            self.undo()
            return
        super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """The columns are kept as they were left; elsewhere, undo is of what was done there."""
        super().hideEvent(event)
        self._settled = ""
        if self._built:
            self._memory.setValue(_COLUMNS, self.documents.state())

    def _made(self, name: Section) -> QWidget:
        if name == "documents":
            return self.documents
        if name == "gaps":
            if self.gaps is None:
                self.gaps = GapsSection(self._look, self._asked, self._clock)
                self.gaps.conversation_requested.connect(self.conversation_requested)
                self._stack.addWidget(self.gaps)
            return self.gaps
        if self.wordings is None:
            made = WordingsSection(self._look, self._background, self._store, self._knowledge)
            made.trouble.connect(self.trouble)
            self._stack.addWidget(made)
            self.wordings = made
        return self.wordings

    def _follow_imports(self) -> None:
        importing = self._importing
        self.veil.dropped.connect(self.import_paths)
        self.card.cancel_requested.connect(self._on_cancel)
        importing.started.connect(self._on_started)
        importing.progress.connect(self._on_progress)
        importing.finished.connect(self._on_finished)
        importing.failed.connect(self._on_failed)
        importing.stopping.connect(self._source.stop)
        if importing.running:
            self._on_started()

    def _wire(self) -> None:
        documents = self.documents
        documents.import_requested.connect(self.choose_files)
        documents.retired.connect(self._on_retired)
        documents.busy.connect(self._refused)
        documents.counted.connect(self.tabs["documents"].set_count)
        self._asked.listed.connect(lambda one: self.tabs["gaps"].set_count(len(one.rows)))
        self._asked.settled.connect(self._on_settled)
        self._asked.not_reopened.connect(self._on_not_reopened)
        self.toast = Toast(self._look, self)
        self.toast.undo_requested.connect(self.undo)
        for name, act in (
            ("knowledge_import", self.choose_files),
            ("knowledge_import_folder", self.choose_folder),
            ("knowledge_search", self._to_search),
            ("knowledge_section", self._to_next_section),
        ):
            for keys in actions.spec(name).keys:
                key = QShortcut(QKeySequence(keys), self)
                key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                key.activated.connect(act)

    def _refused(self) -> bool:
        """Whether something is under way; then it says so."""
        if self._importing.running:
            self.card.note("documents.busy")
        return self._importing.running

    def undo(self) -> None:
        """Put the question back that was taken off last; done once only."""
        gap, self._settled = self._settled, ""
        self.toast.hide()
        if gap:
            self._asked.reopen(gap)

    def _on_settled(self, gap: str) -> None:
        self._settled = gap
        self.toast.say("gaps.settled", undoable=True)

    def _on_not_reopened(self, gap: str, error: ZuoxiError) -> None:
        # It can be tried again once the cause is gone, unless another was taken off since.
        if not self._settled:
            self._on_settled(gap)
        self.trouble.emit(error)

    def _to_search(self) -> None:
        shown = self._stack.currentWidget()
        if isinstance(shown, DocumentsSection | GapsSection):
            shown.focus_search()

    def _to_next_section(self) -> None:
        at = _SECTIONS.index(self.section())
        self.show_section(_SECTIONS[(at + 1) % len(_SECTIONS)])

    def _on_retired(self, doc: str) -> None:
        if not self._refused():
            self._importing.remove(doc)

    def _on_cancel(self) -> None:
        self.card.calling_off()
        self._importing.cancel()

    def _on_started(self) -> None:
        words = self._importing.words(self._look.language)
        self.card.begin(words, can_cancel=self._importing.work != "remove")
        self._block()

    def _on_progress(self, _step: object) -> None:
        self.card.step(self._importing.words(self._look.language), self._importing.share)

    def _on_finished(self, report: ImportReport) -> None:
        work, doc = self._importing.work, self._importing.doc
        left_out = (*report.skipped, *report.partly)

        def told(look: Look) -> Told:
            if work != "import":
                return look.text(f"documents.result.{work}", doc=doc), []
            figures = {
                "documents": f"{report.documents:,}",
                "passages": f"{report.passages:,}",
                "total": f"{report.total_documents:,}",
            }
            parts = [
                look.text(
                    f"documents.result.{'done' if report.documents else 'nothing'}", **figures
                )
            ]
            for name in ("skipped", "partly"):
                if n := len(getattr(report, name)):
                    parts.append(look.text(f"documents.result.{name}", n=f"{n:,}"))
            lines = [(one.path, explain(one.error(), look.language)) for one in left_out]
            return "\n".join(parts), lines

        outcome: Outcome = "done"
        if left_out:
            outcome = "partly" if report.documents else "failed"
        self._end(outcome, told)

    def _on_failed(self, error: ZuoxiError) -> None:
        called_off = error.code == "import_cancelled"
        self._end(
            "called_off" if called_off else "failed",
            lambda look: (explain(error, look.language), []),
        )

    def _end(self, outcome: Outcome, told: Callable[[Look], Told]) -> None:
        self.card.end(outcome, told)
        self._block()
        self.documents.refresh()
        if self.wordings is not None and self.wordings.isVisible():
            self.wordings.refresh()

    def _block(self) -> None:
        busy = self._importing.running
        why = self._look.text("documents.busy") if busy else ""
        for button in (self.files_button, self.folder_button):
            button.block(why)
        self.documents.block(why)
        self.veil.set_busy(busy)

    def _dress(self) -> None:
        if self._built:
            self._block()
            if self._importing.running:
                self._on_progress(None)
