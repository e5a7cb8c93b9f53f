"""One question without an answer: who asked, what an agent replied, what is known by now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from desktop import theme
from desktop.theme import Look, TextSize
from desktop.widgets.blocks import Card, Dressed, Label, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row, scroll_down_only
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.gap_delegate import count_words
from desktop.widgets.gap_values import FoundNow, GapView
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line

_LONG: Final = 1500
_FOUND: Final = 3


class GapCard(Dressed, Card):
    """All signals bring the question that is shown."""

    conversation_requested = Signal(object)
    search_requested = Signal(object)
    settle_requested = Signal(object)

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__("plain")
        self._look, self._clock = look, clock
        self._shown: GapView | None = None
        self._built = False

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can show nothing."""
        look = self._look
        self._stack = QStackedLayout(self)
        nothing = EmptyState(look)
        nothing.set_content("question", "gaps.choose", "gaps.choose.body")
        self._stack.addWidget(nothing)
        whole_widget = QWidget()
        self._stack.addWidget(whole_widget)
        whole = column(whole_widget, 0)
        yield
        self._question = self._selectable("title")
        self._facts = Label(look, tone="soft", wrap=True)
        self.open_button = PushButton(look, "gaps.open", "", "chats")
        self.settle_button = PushButton(look, "gaps.settle", "", "check-circle")
        self.open_button.clicked.connect(lambda: self.conversation_requested.emit(self._shown))
        self.settle_button.clicked.connect(lambda: self.settle_requested.emit(self._shown))
        head = column(None, theme.S2)
        head.setContentsMargins(theme.S5, theme.S4, theme.S5, theme.S3)
        head.addWidget(self._question)
        head.addWidget(self._facts)
        acts = row(None, theme.S2)
        acts.addWidget(self.open_button)
        acts.addWidget(self.settle_button)
        acts.addStretch(1)
        head.addLayout(acts)
        whole.addLayout(head)
        whole.addWidget(Rule())
        yield
        scroll = QScrollArea()
        whole.addWidget(scroll, 1)
        scroll_down_only(scroll)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        restyle(body, kind="transparent")
        room = row(body, 0)
        room.setContentsMargins(theme.S5, theme.S4, theme.S5, theme.S4)
        page = QWidget()
        page.setMaximumWidth(theme.FORM_WIDTH)
        room.addWidget(page, 100)
        room.addStretch(1)
        scroll.setWidget(body)
        yield
        self._make_rest(column(page, theme.S2))
        self._built = True
        yield

    def _make_rest(self, inside: QVBoxLayout) -> None:
        look = self._look
        inside.addWidget(Label(look, "gaps.reply", tone="soft", bold=True))
        reply = Card()
        self._answer = self._selectable()
        column(reply, 0, theme.S3).addWidget(self._answer)
        inside.addWidget(reply)
        inside.addSpacing(theme.S3)
        self.search_button = PushButton(look, "gaps.again", "", "magnifying-glass")
        self.search_button.clicked.connect(lambda: self.search_requested.emit(self._shown))
        top = row(None, theme.S2)
        top.addWidget(Label(look, "gaps.now", tone="soft", bold=True), 1)
        top.addWidget(self.search_button)
        inside.addLayout(top)
        self._state = Label(look, tone="soft", wrap=True)
        inside.addWidget(self._state)
        self._found: list[tuple[Card, Label, Label]] = []
        for _ in range(_FOUND):
            card, place = Card(), Label(look, bold=True, wrap=True)
            text = self._selectable()
            one = column(card, theme.S1, theme.S3)
            one.addWidget(place)
            one.addWidget(text)
            inside.addWidget(card)
            card.hide()
            self._found.append((card, place, text))
        inside.addStretch(1)

    def _selectable(self, size: TextSize = "body") -> Label:
        made = Label(self._look, size=size, bold=size == "title", wrap=True)
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return made

    def show_gap(self, gap: GapView | None) -> None:
        """Show a question; what is known by now comes with `show_found`."""
        other = gap is None or self._shown is None or gap.id != self._shown.id
        self._shown = gap
        self._stack.setCurrentIndex(0 if gap is None else 1)
        if other:
            self._hide_found()
            self._state.set_key("gaps.now.unasked")
        self._dress()

    def shown(self) -> GapView | None:
        """The question that is shown."""
        return self._shown

    def begin_search(self) -> None:
        """It is being searched for."""
        self._hide_found()
        self._state.set_key("gaps.now.searching")

    def show_found(self, found: Sequence[FoundNow]) -> None:
        """What the knowledge holds on it now, the likeliest first."""
        self._state.set_key("gaps.now.found" if found else "gaps.now.none")
        for at, (card, place, text) in enumerate(self._found):
            card.setVisible(at < len(found))
            if at < len(found):
                one = found[at]
                names = (one_line(one.title) or one_line(one.doc), one_line(one.section))
                place.set_text(" › ".join(dict.fromkeys(name for name in names if name)))
                text.set_text(_cut(one.text))

    def show_trouble(self, message: str) -> None:
        """Why nothing can be said about it."""
        self._hide_found()
        self._state.set_text(message)

    def block_search(self, why: str) -> None:
        """It cannot be searched for because of `why`; "" lets it."""
        self.search_button.block(why)

    def _hide_found(self) -> None:
        for card, _, _ in self._found:
            card.hide()

    def _dress(self) -> None:
        gap, look = self._shown, self._look
        if gap is None or not self._built:
            return
        self._question.set_text(_cut(gap.question))
        now = self._clock()
        facts = [count_words(look, gap), one_line(gap.customer)]
        facts.append(look.text("gaps.last", when=moment_words(gap.last_at, now)))
        if gap.count > 1:
            facts.append(look.text("gaps.first", when=moment_words(gap.first_at, now)))
        self._facts.set_text(" · ".join(one for one in facts if one))
        self._answer.set_tone("" if gap.answer else "faint")
        self._answer.set_text(_cut(gap.answer) or look.text("gaps.unanswered"))


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
