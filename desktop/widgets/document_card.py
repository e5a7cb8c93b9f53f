"""One document: what it is, from when to when it holds, its text, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Label, PushButton, Rule
from desktop.widgets.boxes import column, row
from desktop.widgets.documents_delegate import STATE_LOOKS, internal_key, validity_words
from desktop.widgets.documents_values import DocumentView
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.flow import FlowBox
from desktop.widgets.notice import Skeleton
from desktop.widgets.passages_text import PassagesText
from desktop.widgets.plain_text import one_line
from engine.records import Passage

_TAGS = 8


class DocumentCard(Dressed, Card):
    """`retire_requested` brings the document that is shown."""

    retire_requested = Signal(object)

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__("plain")
        self._look, self._clock = look, clock
        self._shown: DocumentView | None = None
        self._built = False

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can show nothing."""
        look = self._look
        self._stack = QStackedLayout(self)
        self._nothing = EmptyState(look)
        self._nothing.set_content("file-text", "documents.choose", "documents.choose.body")
        self._stack.addWidget(self._nothing)
        self._whole = QWidget()
        self._stack.addWidget(self._whole)
        whole = column(self._whole, 0)
        yield
        self._title = Label(look, size="title", bold=True, wrap=True)
        self._file = Label(look, tone="soft", wrap=True)
        for label in (self._title, self._file):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = Label(look, tone="soft", wrap=True)
        self._chips = FlowBox()
        self._state, self._internal = Chip(look), Chip(look)
        self._tags = [Chip(look) for _ in range(_TAGS)]
        for chip in (self._state, self._internal, *self._tags):
            self._chips.add(chip)
        self.retire_button = PushButton(look, "documents.retire", "", "archive", "knowledge_retire")
        self.retire_button.clicked.connect(lambda: self.retire_requested.emit(self._shown))
        words = column(None, theme.S1)
        words.addWidget(self._title)
        words.addWidget(self._file)
        top = row(None, theme.S3)
        top.addLayout(words, 1)
        top.addWidget(self.retire_button, 0, Qt.AlignmentFlag.AlignTop)
        head = column(None, theme.S2)
        head.setContentsMargins(theme.S5, theme.S4, theme.S5, theme.S3)
        head.addLayout(top)
        head.addWidget(self._chips)
        head.addWidget(self._facts)
        whole.addLayout(head)
        whole.addWidget(Rule())
        yield
        body = QWidget()
        room = column(None, 0)
        room.setContentsMargins(theme.S5, theme.S4, theme.S3, theme.S3)
        room.addWidget(body)
        whole.addLayout(room, 1)
        self._bodies = QStackedLayout(body)
        self._waiting = QWidget()
        waiting = column(self._waiting, 0)
        waiting.addWidget(Skeleton(look))
        waiting.addStretch(1)
        self._texts = QWidget()
        self._trouble = EmptyState(look)
        for part in (self._waiting, self._texts, self._trouble):
            self._bodies.addWidget(part)
        yield
        self.text = PassagesText(look)
        # Longer lines are hard to read.
        self.text.setMaximumWidth(theme.FORM_WIDTH)
        self.more_button = PushButton(look, "documents.more.none", "link")
        self.more_button.clicked.connect(self._on_more)
        inside = column(self._texts, theme.S2)
        inside.addWidget(self.text, 1)
        inside.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._built = True
        yield

    def show_document(self, one: DocumentView | None) -> None:
        """Show what is known of it; its text comes with `show_passages`."""
        other = one is None or self._shown is None or one.doc != self._shown.doc
        self._shown = one
        self._stack.setCurrentWidget(self._whole if one is not None else self._nothing)
        if one is None:
            return
        if other:
            self._bodies.setCurrentWidget(self._waiting)
        self._dress()

    def shown(self) -> DocumentView | None:
        """The document that is shown."""
        return self._shown

    def show_passages(self, passages: Sequence[Passage]) -> None:
        """The text of the document that is shown."""
        one = self._shown
        if one is not None:
            self.text.show_passages(passages, one.starts, one.ends, internal=one.internal)
            self._bodies.setCurrentWidget(self._texts)
            self._dress_more()

    def show_trouble(self, message: str) -> None:
        """Why there is no text to be seen."""
        self._trouble.set_content("warning-circle", "documents.unread")
        self._trouble.set_body(message)
        self._bodies.setCurrentWidget(self._trouble)

    def block(self, why: str) -> None:
        """Nothing can be retired now because of `why`; "" lets it."""
        self.retire_button.block(why)

    def _on_more(self) -> None:
        self.text.show_more()
        self._dress_more()

    def _dress_more(self) -> None:
        left = self.text.left()
        self.more_button.setVisible(bool(left))
        if left:
            self.more_button.set_key("documents.more", n=f"{left:,}")

    def _dress(self) -> None:
        one, look = self._shown, self._look
        if one is None or not self._built:
            return
        self._title.set_text(one_line(one.title))
        self._file.set_text(one_line(one.doc))
        tone, icon = STATE_LOOKS[one.state]
        self._state.set_key(f"documents.state.{one.state}", tone, icon)
        internal = internal_key(one)
        self._internal.setVisible(bool(internal))
        if internal:
            self._internal.set_key(internal, "neutral", "lock-simple")
        for at, chip in enumerate(self._tags):
            chip.setVisible(at < len(one.tags))
            if at < len(one.tags):
                chip.set_text(one.tags[at], "neutral", "tag")
        facts = [
            validity_words(look, one.starts, one.ends),
            look.text("documents.passages", n=f"{one.passages:,}"),
        ]
        if one.imported:
            when = f"{datetime.fromtimestamp(one.imported):%Y-%m-%d %H:%M}"
            facts.append(look.text("documents.imported", when=when))
        self._facts.set_text(" · ".join(facts))
        self._dress_more()
