"""The review page: what rules found and what agents ask leave for, and the lead's word on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QStackedLayout, QWidget

from desktop import theme
from desktop.session.review_model import ROW_ROLE, Row
from desktop.session.review_session import Listed, ReviewSession, Told
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, Label, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.queue_delegate import channel_name
from desktop.widgets.review_card import ReviewCard
from desktop.widgets.review_filters import ReviewFilters
from desktop.widgets.review_list import ReviewList
from desktop.widgets.review_messages import ReviewMessages
from desktop.widgets.review_missed import MissedDialog
from desktop.widgets.review_side import AccuracyCard, AppealCard, EvidenceCard
from desktop.widgets.review_toast import ReviewToast
from desktop.widgets.review_values import Accuracy, Around, HitFilter, HitRow, RequestRow

_VERDICT_KEYS: Final = {
    Qt.Key.Key_R: "right",
    Qt.Key.Key_F: "false_alarm",
    Qt.Key.Key_M: "missed",
}

RuleWords = Callable[[], Mapping[str, str]]


class ReviewPage(Dressed, QWidget):
    """List, hit and surroundings side by side. `trouble` brings an error for the banner."""

    trouble = Signal(object)
    waiting_changed = Signal(int)

    def __init__(
        self,
        look: Look,
        session: ReviewSession,
        rule_names: RuleWords,
        categories: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`rule_names` gives the rules' names by id in the present language; `categories` are what
        a miss can be filed under."""
        super().__init__()
        self._look, self._session = look, session
        self._rule_names, self._categories = rule_names, tuple(categories)
        self._listed: Listed | None = None
        self._accuracy: tuple[Accuracy, ...] = ()
        self._want_first = True
        self.filters = ReviewFilters(look)
        self.list = ReviewList(look, ROW_ROLE, clock)
        self.list.setModel(session.model)
        self.card = ReviewCard(look, clock)
        self.messages = ReviewMessages(look, clock)
        self.appeal = AppealCard(look)
        self.evidence = EvidenceCard(look)
        self.accuracy = AccuracyCard(look)
        self.toast = ReviewToast(look, self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(theme.HAIRLINE)
        self._splitter.setChildrenCollapsible(False)
        parts = (self._left(), self._middle(), self._right())
        wide = (theme.QUEUE_WIDTH, theme.CONVERSATION_MIN, theme.DRAFT_MIN)
        for at, (part, least) in enumerate(zip(parts, wide, strict=True)):
            part.setMinimumWidth(theme.QUEUE_MIN if at != 1 else least)
            self._splitter.addWidget(part)
            self._splitter.setStretchFactor(at, 1 if at == 1 else 0)
        self._splitter.setSizes(
            [theme.CONVERSATION_MIN, 2 * theme.CONVERSATION_MIN, theme.DRAFT_MIN]
        )
        column(self, 0).addWidget(self._splitter)
        self._wire()
        self._dress()

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
        if not event.spontaneous():
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
        if event.matches(QKeySequence.StandardKey.Undo):
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

    def export_to(self, path: Path) -> None:
        """Write the hits of the filter to a file."""
        self._session.export(path, self._look.language)

    def _left(self) -> QWidget:
        look, card = self._look, Card("column")
        self._sum = Elided(look, tone="soft")
        self._sum.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._refresh = PushButton(look, "review.refresh", "quiet", "arrows-clockwise")
        self._refresh.set_compact(True)
        self._export = PushButton(look, "review.export", "quiet", "download-simple")
        self._export.set_compact(True)
        top = row(None, theme.S1)
        top.addWidget(Label(look, "review", size="title", bold=True))
        top.addWidget(self._sum, 1)
        top.addWidget(self._refresh)
        top.addWidget(self._export)
        head = column(None, theme.S2)
        head.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        head.addLayout(top)
        head.addWidget(self.filters)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(self._clear)
        # Of a widget: without one the list would be a window of its own for a moment.
        room = QWidget()
        self._lists = QStackedLayout(room)
        self._lists.addWidget(self.list)
        self._lists.addWidget(self._empty)
        whole = column(card, 0)
        whole.addLayout(head)
        whole.addWidget(room, 1)
        return card

    def _middle(self) -> QWidget:
        look = self._look
        self._customer = Elided(look, bold=True)
        self._subject = Elided(look, tone="soft")
        strip = Card("header")
        inside = row(strip, theme.S2)
        inside.setContentsMargins(theme.S5, theme.S2, theme.S5, theme.S2)
        inside.addWidget(Label(look, "review.conversation", tone="faint"))
        inside.addWidget(self._customer)
        inside.addWidget(self._subject, 1)
        full = QWidget()
        whole = column(full, 0)
        whole.addWidget(self.card)
        whole.addWidget(Rule())
        whole.addWidget(strip)
        whole.addWidget(self.messages, 1)
        self._nothing = EmptyState(look)
        self._nothing.set_content("shield-check", "review.choose", "review.choose.body")
        middle = QWidget()
        self._shown = QStackedLayout(middle)
        self._shown.addWidget(self._nothing)
        self._shown.addWidget(full)
        self._full = full
        return middle

    def _right(self) -> QWidget:
        body = QWidget()
        restyle(body, kind="transparent")
        inside = column(body, theme.S4, theme.S4)
        inside.addWidget(self.appeal)
        inside.addWidget(self.evidence)
        inside.addWidget(self.accuracy)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        self._side = scroll
        self.evidence.list.room_needed.connect(
            lambda item: scroll.ensureWidgetVisible(item, 0, theme.S4)
        )
        return scroll

    def _wire(self) -> None:
        session = self._session
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
        self._refresh.clicked.connect(session.refresh)
        self._export.clicked.connect(self._choose_export)
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

    def _to_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_filter(self, wanted: HitFilter) -> None:
        self._want_first = True
        self._session.set_filter(wanted)

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
            self._sum.set_key("review.reading")

    def _on_listed(self, listed: Listed) -> None:
        self._listed = listed
        names = self._rule_names()
        self.filters.set_choices(listed.choices, names)
        self._on_measured(listed.accuracy)
        rows = self._session.model.rowCount()
        self._lists.setCurrentWidget(self.list if rows else self._empty)
        if rows:
            self.list.go(0)
        else:
            self._show_empty()
        self._dress()

    def _on_measured(self, accuracy: tuple[Accuracy, ...]) -> None:
        self._accuracy = accuracy
        self.accuracy.set_accuracy(accuracy, self._rule_names())

    def _show_empty(self) -> None:
        default = self._session.filter == HitFilter()
        words = "review.empty" if default else "review.nothing"
        icon = "shield-check" if default else "magnifying-glass"
        self._empty.set_content(
            icon, words, f"{words}.body", "review.refresh" if default else "review.clear"
        )

    def _on_moved(self, at: int) -> None:
        self._session.open(at)

    def _on_chosen(self, _count: int) -> None:
        ranges = self.list.ranges()
        hits = sum(len(self._session.model.keys(first, last)) for first, last in ranges)
        self.card.show_many(hits, self.list.count() - hits)

    def _on_opened(self, shown: Row | None) -> None:
        self._shown.setCurrentWidget(self._full if shown is not None else self._nothing)
        self.card.set_who(self._session.who)
        self.card.show_row(shown)
        self.appeal.set_appeal(shown.appeal if isinstance(shown, HitRow) else None)

    def _on_around(self, around: Around) -> None:
        self._customer.set_text(around.customer)
        self._customer.setMaximumWidth(self._customer.sizeHint().width() + theme.S1)
        channel = channel_name(self._look, around.channel) if around.channel else ""
        parts = (channel, around.label, around.subject)
        self._subject.set_text(" · ".join(part for part in parts if part))
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
        listed = self._listed
        if listed is not None:
            key = "review.summary.requests" if listed.requests else "review.summary"
            self._sum.set_key(key, n=f"{listed.hits:,}", requests=listed.requests)
            self.filters.set_choices(listed.choices, self._rule_names())
            self.accuracy.set_accuracy(self._accuracy, self._rule_names())
        self._side.setAccessibleName(self._look.text("review.evidence"))
        self.messages.setAccessibleName(self._look.text("review.conversation"))
