"""The review page: what rules found and what agents ask leave for, and the lead's word on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QWidget

from desktop import theme
from desktop.in_turns import InTurns
from desktop.pages.review_columns import ReviewColumns
from desktop.session.forgetting import Forgetting, Traces, became_words
from desktop.session.review_model import Row
from desktop.session.review_session import Listed, ReviewSession, Told
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.forget_dialog import ForgetDialog
from desktop.widgets.queue_delegate import channel_name
from desktop.widgets.review_missed import MissedDialog
from desktop.widgets.review_values import Accuracy, Around, HitFilter, HitRow, RequestRow
from desktop.widgets.toast import Toast
from engine.errors import ZuoxiError
from engine.forgetting import OUTSIDE, Forgotten
from engine.texts import explain, text

_VERDICT_KEYS: Final = {
    Qt.Key.Key_R: "right",
    Qt.Key.Key_F: "false_alarm",
    Qt.Key.Key_M: "missed",
}

_FILTER: Final = "review/filter"
_COLUMNS: Final = "review/columns"

RuleWords = Callable[[], Mapping[str, str]]


class ReviewPage(Dressed, QWidget):
    """List, hit and surroundings side by side. `trouble` brings an error for the banner.

    What is in it is made piece by piece after it is shown; until then it is empty and deaf.
    """

    trouble = Signal(object)
    waiting_changed = Signal(int)

    def __init__(
        self,
        look: Look,
        session: ReviewSession,
        forgetting: Forgetting,
        rule_names: RuleWords,
        categories: Sequence[str],
        memory: QSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`rule_names` gives the rules' names by id in the present language; `categories` are what
        a miss can be filed under; `memory` keeps the filters and the columns over a restart."""
        super().__init__()
        self._look, self._session, self._memory = look, session, memory
        self._forgetting = forgetting
        self._rule_names, self._categories = rule_names, tuple(categories)
        self._listed: Listed | None = None
        self._accuracy: tuple[Accuracy, ...] = ()
        self._built = False
        self._columns = ReviewColumns(look, clock)
        column(self, 0).addWidget(self._columns)
        self._turns = InTurns(self)
        self._turns.done.connect(self._on_built)
        self._turns.start(self._columns.build(session.model))

    def _on_built(self) -> None:
        parts = self._columns
        self.filters, self.list, self.card = parts.filters, parts.rows, parts.card
        self.messages, self.appeal = parts.messages, parts.appeal
        self.evidence, self.accuracy = parts.evidence, parts.accuracy
        self.toast = Toast(self._look, self)
        self._built = True
        self._recall()
        self._wire()
        self._dress()
        if self.isVisible():
            self.begin()

    def begin(self) -> None:
        """Read what there is, and be ready for keys."""
        self._session.refresh()
        self._to_list()

    def undo(self) -> None:
        """Take the newest verdict back."""
        self._session.undo()

    def showEvent(self, event: QShowEvent) -> None:
        """Whoever comes to the page sees how it stands now."""
        super().showEvent(event)
        if self._built and not event.spontaneous():
            self.begin()

    def event(self, event: QEvent) -> bool:
        """Undo here is a verdict's, not that of the newest reply."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.matches(QKeySequence.StandardKey.Undo)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The verdicts' letters, wherever no text is being written."""
        name = _VERDICT_KEYS.get(Qt.Key(event.key()))
        if not self._built:
            super().keyPressEvent(event)
        elif event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif name and not event.modifiers() and not self.card.button(name).isHidden():
            self._on_verdict(name)
        else:
            super().keyPressEvent(event)

    def mark_missed(self) -> MissedDialog | None:
        """Ask what no rule caught; None when no message is chosen."""
        picked = self.messages.picked()
        if picked is None:
            self.toast.say("review.missed.none")
            return None
        shown = self._session.row
        dialog = MissedDialog(
            self._look,
            picked.bubble.id,
            picked.bubble.text,
            self._categories,
            (picked.start, picked.end),
            self.card.comment.text(),
            shown.hit.category if isinstance(shown, HitRow) else "",
            self,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.marked.connect(self._session.mark_missed)
        dialog.finished.connect(lambda _: self._to_list())
        dialog.open()
        return dialog

    def ask_to_forget(self, traces: Traces) -> ForgetDialog:
        """Ask whether this customer's data is to be deleted, and do it."""
        language, forgetting = self._look.language, self._forgetting
        outside = [text(f"customers.outside.{one}", language) for one in OUTSIDE]
        dialog = ForgetDialog(
            self._look, traces.customer, traces.held, traces.all_held, outside, self
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.confirmed.connect(
            lambda everything: forgetting.forget(traces.all if everything else traces.one)
        )

        def done(became: Forgotten) -> None:
            dialog.show_result(became_words(became, language), done=True)

        def failed(error: ZuoxiError) -> None:
            dialog.show_result([explain(error, language)], done=False)

        forgetting.done.connect(done)
        forgetting.trouble.connect(failed)
        dialog.finished.connect(lambda _: forgetting.done.disconnect(done))
        dialog.finished.connect(lambda _: forgetting.trouble.disconnect(failed))
        dialog.finished.connect(lambda _: self._to_list())
        dialog.open()
        return dialog

    def _on_forget(self) -> None:
        shown = self._session.row
        if shown is not None:
            self._forgetting.look(shown.conversation)

    def export_to(self, path: Path) -> None:
        """Write the hits of the filter to a file."""
        self._session.export(path, self._look.language)

    def _wire(self) -> None:
        session, parts = self._session, self._columns
        self.filters.changed.connect(self._on_filter)
        self.list.moved.connect(self._on_moved)
        self.list.chosen.connect(self._on_chosen)
        self.card.judged.connect(self._on_verdict)
        self.card.decided.connect(self._on_decided)
        self.card.left.connect(self._to_list)
        self.appeal.left.connect(self._to_list)
        self.appeal.answered.connect(self._on_answer)
        self.accuracy.chosen.connect(self._on_rule)
        self.toast.undo_requested.connect(self.undo)
        parts.again.clicked.connect(session.refresh)
        parts.export.clicked.connect(self._choose_export)
        parts.forget.clicked.connect(self._on_forget)
        self._forgetting.found.connect(self.ask_to_forget)
        self._forgetting.trouble.connect(self.trouble)
        # Also where the dialog was closed meanwhile.
        self._forgetting.done.connect(lambda _: self._session.refresh())
        parts.empty.action_requested.connect(self._clear)
        parts.splitterMoved.connect(self._remember_columns)
        session.listed.connect(self._on_listed)
        session.measured.connect(self._on_measured)
        session.opened.connect(self._on_opened)
        session.around.connect(self._on_around)
        session.told.connect(self._on_told)
        session.judged.connect(self._on_judged)
        session.reading.connect(self._on_reading)
        session.trouble.connect(self.trouble)
        session.waiting_changed.connect(self.waiting_changed)
        session.transcript.reset.connect(self.messages.set_bubbles)
        session.transcript.prepended.connect(self.messages.prepend)
        session.transcript.appended.connect(self.messages.append)
        session.transcript.updated.connect(self.messages.update_bubble)
        self.messages.earlier_wanted.connect(session.transcript.read_earlier)

    def _recall(self) -> None:
        """Filters and columns as they were left."""
        columns = self._memory.value(_COLUMNS)
        if isinstance(columns, QByteArray):
            self._columns.restoreState(columns)
        self.filters.restore(str(self._memory.value(_FILTER) or ""))
        self._session.set_filter(self.filters.filter())

    def _remember_columns(self, *_: int) -> None:
        self._memory.setValue(_COLUMNS, self._columns.saveState())

    def _to_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_filter(self, wanted: HitFilter) -> None:
        self._session.set_filter(wanted)
        self._memory.setValue(_FILTER, self.filters.state())

    def _clear(self) -> None:
        if self._session.filter == HitFilter():
            self._session.refresh()
        else:
            self.filters.clear()

    def _on_rule(self, rule: str) -> None:
        wanted = HitFilter(judged="", rule=rule)
        self.filters.set_filter(wanted)
        self._on_filter(wanted)

    def _on_reading(self, reading: bool) -> None:
        if reading:
            self._columns.sum.set_key("review.reading")

    def _on_listed(self, listed: Listed) -> None:
        self._listed = listed
        names = self._rule_names()
        self.filters.set_choices(listed.choices, names)
        self._on_measured(listed.accuracy)
        rows = self._session.model.rowCount()
        self._columns.lists.setCurrentWidget(self.list if rows else self._columns.empty)
        if rows and self._session.row is None:
            self.list.go(0)
        elif not rows:
            self._show_empty()
        self._dress()

    def _on_measured(self, accuracy: tuple[Accuracy, ...]) -> None:
        self._accuracy = accuracy
        self.accuracy.set_accuracy(accuracy, self._rule_names())

    def _show_empty(self) -> None:
        default = self._session.filter == HitFilter()
        words = "review.empty" if default else "review.nothing"
        icon = "shield-check" if default else "magnifying-glass"
        self._columns.empty.set_content(
            icon, words, f"{words}.body", "review.refresh" if default else "review.clear"
        )

    def _on_moved(self, at: int) -> None:
        self._session.open(at)

    def _on_chosen(self, _count: int) -> None:
        ranges = self.list.ranges()
        hits = sum(len(self._session.model.keys(first, last)) for first, last in ranges)
        self.card.show_many(hits, self.list.count() - hits)

    def _on_opened(self, shown: Row | None) -> None:
        self._columns.shown.setCurrentWidget(
            self._columns.whole if shown is not None else self._columns.nothing
        )
        self.card.set_who(self._session.who)
        self.card.show_row(shown)
        self.appeal.set_appeal(shown.appeal if isinstance(shown, HitRow) else None)

    def _on_around(self, around: Around) -> None:
        gone = self._look.text("review.forgotten") if around.forgotten else ""
        self._columns.customer.set_text(gone or around.customer)
        nameless = "" if self._session.who.strip() else self._look.text("review.forget.nobody")
        self._columns.forget.block(gone or nameless)
        self._columns.customer.setMaximumWidth(self._columns.customer.sizeHint().width() + theme.S1)
        channel = channel_name(self._look, around.channel) if around.channel else ""
        parts = (channel, around.label, around.subject)
        self._columns.subject.set_text(" · ".join(part for part in parts if part))
        self.evidence.set_evidence(around.evidence)
        shown = self._session.row
        if isinstance(shown, HitRow) and shown.message:
            self.messages.go_to(shown.message)
        else:
            self.messages.scroll_to_end()

    def _on_verdict(self, name: str) -> None:
        if name == "missed":
            self.mark_missed()
        elif name == "right":
            self._session.judge_all(self.list.ranges(), "right", self.card.comment.text().strip())
        elif name == "false_alarm":
            note = self.card.comment.text().strip()
            self._session.judge_all(self.list.ranges(), "false_alarm", note)

    def _on_judged(self, count: int) -> None:
        """One hit after the other: the next one is looked at; of many the choice stays."""
        if count == 1 and self.list.count() <= 1:
            self.list.go(self.list.currentIndex().row() + 1)
        self.card.comment.clear()
        self._to_list()

    def _on_decided(self, approved: bool) -> None:
        shown = self._session.row
        if isinstance(shown, RequestRow):
            self._session.decide(shown, approved, self.card.comment.text().strip())

    def _on_answer(self, upheld: bool, words: str) -> None:
        shown = self._session.row
        if isinstance(shown, HitRow):
            self._session.answer(shown, upheld, words)

    def _on_told(self, told: Told) -> None:
        self.toast.say(f"review.{told.key}", undoable=told.undoable, n=told.n, name=told.name)

    def _choose_export(self) -> None:
        from PySide6.QtWidgets import QFileDialog

        look = self._look
        kinds = [look.text("review.export.xlsx"), look.text("review.export.csv")]
        chosen, kind = QFileDialog.getSaveFileName(
            self, look.text("review.export.title"), "", ";;".join(kinds)
        )
        if chosen:
            path = Path(chosen)
            if path.suffix.lower() not in (".csv", ".xlsx"):
                path = path.with_name(path.name + (".csv" if kind == kinds[1] else ".xlsx"))
            self.export_to(path)

    def _dress(self) -> None:
        if not self._built:
            return
        listed = self._listed
        if listed is not None:
            key = "review.summary.requests" if listed.requests else "review.summary"
            self._columns.sum.set_key(key, n=f"{listed.hits:,}", requests=listed.requests)
            self.filters.set_choices(listed.choices, self._rule_names())
            self.accuracy.set_accuracy(self._accuracy, self._rule_names())
        self._columns.side.setAccessibleName(self._look.text("review.evidence"))
        self.messages.setAccessibleName(self._look.text("review.conversation"))
