"""What the review page shows, side by side: the list, the hit in its conversation, its like."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QSplitter, QStackedLayout, QWidget

from desktop import theme
from desktop.session.review_model import ROW_ROLE, ReviewModel
from desktop.theme import Look
from desktop.widgets.blocks import Card, Elided, Label, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row, scroll_down_only
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.review_card import ReviewCard
from desktop.widgets.review_filters import ReviewFilters
from desktop.widgets.review_list import ReviewList
from desktop.widgets.review_messages import ReviewMessages
from desktop.widgets.review_side import AccuracyCard, AppealCard, EvidenceCard


class ReviewColumns(QSplitter):
    """Three columns. What is in them is made by the steps of `build`, each of them short."""

    filters: ReviewFilters
    rows: ReviewList
    card: ReviewCard
    messages: ReviewMessages
    appeal: AppealCard
    evidence: EvidenceCard
    accuracy: AccuracyCard
    sum: Elided
    again: PushButton
    export: PushButton
    empty: EmptyState
    lists: QStackedLayout
    customer: Elided
    forget: PushButton
    subject: Elided
    shown: QStackedLayout
    whole: QWidget
    nothing: EmptyState
    side: QScrollArea

    def __init__(self, look: Look, clock: Callable[[], float]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._look, self._clock = look, clock
        self.setHandleWidth(theme.HAIRLINE)
        self.setChildrenCollapsible(False)
        self._left, self._middle, self._right = Card("column"), QWidget(), QScrollArea()
        least = (theme.QUEUE_MIN, theme.CONVERSATION_MIN, theme.QUEUE_MIN)
        for at, part in enumerate((self._left, self._middle, self._right)):
            part.setMinimumWidth(least[at])
            self.addWidget(part)
            self.setStretchFactor(at, 1 if at == 1 else 0)
        self.setSizes([theme.CONVERSATION_MIN, 2 * theme.CONVERSATION_MIN, theme.DRAFT_MIN])

    def build(self, model: ReviewModel) -> Iterator[None]:
        """Make what stands in the columns, from the outside in.

        A widget that is put into another one is styled anew with all that it holds.
        """
        yield from self._build_left(model)
        yield from self._build_middle()
        yield from self._build_right()

    def _build_left(self, model: ReviewModel) -> Iterator[None]:
        look = self._look
        whole = column(self._left, 0)
        head = column(None, theme.S2)
        whole.addLayout(head)
        head.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        top = row(None, theme.S1)
        head.addLayout(top)
        top.addWidget(Label(look, "review", size="title", bold=True))
        self.sum = Elided(look, tone="soft")
        self.sum.setAlignment(Qt.AlignmentFlag.AlignRight)
        top.addWidget(self.sum, 1)
        self.again = PushButton(look, "review.refresh", "quiet", "arrows-clockwise")
        self.again.set_compact(True)
        self.export = PushButton(look, "review.export", "quiet", "download-simple")
        self.export.set_compact(True)
        top.addWidget(self.again)
        top.addWidget(self.export)
        yield
        self.filters = ReviewFilters(look)
        head.addWidget(self.filters)
        yield
        room = QWidget()
        whole.addWidget(room, 1)
        self.lists = QStackedLayout(room)
        self.rows = ReviewList(look, ROW_ROLE, self._clock)
        self.rows.setModel(model)
        self.lists.addWidget(self.rows)
        self.empty = EmptyState(look)
        self.lists.addWidget(self.empty)
        yield

    def _build_middle(self) -> Iterator[None]:
        look = self._look
        self.shown = QStackedLayout(self._middle)
        self.nothing = EmptyState(look)
        self.nothing.set_content("shield-check", "review.choose", "review.choose.body")
        self.shown.addWidget(self.nothing)
        self.whole = QWidget()
        self.shown.addWidget(self.whole)
        whole = column(self.whole, 0)
        yield
        self.card = ReviewCard(look, self._clock)
        whole.addWidget(self.card)
        yield
        whole.addWidget(Rule())
        strip = Card("header")
        whole.addWidget(strip)
        inside = row(strip, theme.S2)
        inside.setContentsMargins(theme.S5, theme.S2, theme.S5, theme.S2)
        self.customer = Elided(look, bold=True)
        self.subject = Elided(look, tone="soft")
        inside.addWidget(Label(look, "review.conversation", tone="faint"))
        inside.addWidget(self.customer)
        inside.addWidget(self.subject, 1)
        self.forget = PushButton(look, "review.forget", "quiet", "eraser")
        self.forget.set_compact(True)
        inside.addWidget(self.forget)
        self.messages = ReviewMessages(look, self._clock)
        whole.addWidget(self.messages, 1)
        yield

    def _build_right(self) -> Iterator[None]:
        look, scroll = self._look, self._right
        self.side = scroll
        scroll_down_only(scroll)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        restyle(body, kind="transparent")
        scroll.setWidget(body)
        inside = column(body, theme.S4, theme.S4)
        self.appeal = AppealCard(look)
        inside.addWidget(self.appeal)
        yield
        self.evidence = EvidenceCard(look)
        inside.addWidget(self.evidence)
        self.evidence.list.room_needed.connect(
            lambda item: scroll.ensureWidgetVisible(item, 0, theme.S4)
        )
        yield
        self.accuracy = AccuracyCard(look)
        inside.addWidget(self.accuracy)
        inside.addStretch(1)
        yield
