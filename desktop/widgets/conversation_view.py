"""The open conversation: who it is, and what was said."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Elided, IconLabel, Label
from desktop.widgets.boxes import column, row
from desktop.widgets.bubble_list import BubbleList
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.moments import clock_text
from desktop.widgets.plain_text import one_line
from desktop.widgets.queue_delegate import CHANNEL_ICONS, channel_name
from desktop.widgets.values import Bubble, ConversationHead


class ConversationView(Dressed, QWidget):
    """A header and the messages; without a conversation, how to open one."""

    undo_requested = Signal(str)
    earlier_wanted = Signal()

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._look = look
        self._head: ConversationHead | None = None
        self._waiting: float | None = None
        self._name = Elided(look, size="title", bold=True)
        self._label = Chip(look)
        self._channel = Chip(look)
        self._subject = Elided(look, tone="soft")
        self._clock_icon = IconLabel(look, "clock", "text_soft")
        self._waited = Label(look, tone="soft")
        self._header = Card("header")
        self._header.setFixedHeight(theme.HEADER)
        head = row(self._header, theme.S2)
        head.setContentsMargins(theme.S5, 0, theme.S5, 0)
        head.addWidget(self._name)
        head.addWidget(self._label)
        head.addWidget(self._channel)
        head.addWidget(self._subject, 1)
        head.addWidget(self._clock_icon)
        head.addWidget(self._waited)
        self._list = BubbleList(look, clock)
        self._list.undo_requested.connect(self.undo_requested)
        self._list.earlier_wanted.connect(self.earlier_wanted)
        self._empty = EmptyState(look)
        self._empty.set_content(
            "chat-teardrop-text", "conversation.empty", "conversation.empty.body"
        )
        full = QWidget()
        inner = column(full, 0)
        inner.addWidget(self._header)
        inner.addWidget(self._list, 1)
        self._full = full
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(full)

    def set_head(self, head: ConversationHead | None) -> None:
        """Who it is; None shows that no conversation is open."""
        self._head = head
        self._waiting = head.waiting if head else None
        self._stack.setCurrentWidget(self._full if head else self._empty)
        self._dress()

    def set_waiting(self, seconds: float | None) -> None:
        """How long the customer has been waiting; None when answered."""
        self._waiting = seconds
        self._dress()

    def set_bubbles(self, bubbles: Sequence[Bubble]) -> None:
        """Replace all messages and go to the newest."""
        self._list.set_bubbles(bubbles)

    def prepend_bubbles(self, bubbles: Sequence[Bubble]) -> None:
        """Add earlier messages before all others; what is read stays in its place."""
        self._list.prepend(bubbles)

    def append_bubble(self, bubble: Bubble) -> None:
        """Add the newest message."""
        self._list.append(bubble)

    def update_bubble(self, bubble: Bubble) -> None:
        """Replace the message with that id."""
        self._list.update_bubble(bubble)

    def scroll_to_end(self) -> None:
        """Show the newest message."""
        self._list.scroll_to_end()

    def message_list(self) -> BubbleList:
        """The list of messages, for focus and selection."""
        return self._list

    def _dress(self) -> None:
        head = self._head
        if head is None:
            return
        look = self._look
        self._name.set_text(head.name)
        self._name.setMaximumWidth(self._name.sizeHint().width() + theme.S1)
        self._label.setVisible(bool(head.label))
        self._label.set_text(head.label, "accent")
        self._channel.setVisible(bool(head.channel))
        icon = CHANNEL_ICONS.get(head.channel, "chat-circle")
        self._channel.set_text(channel_name(look, head.channel), icon=icon)
        self._subject.set_text(head.subject)
        waits = self._waiting is not None
        if self._waiting is not None:
            self._waited.set_key("conversation.waited", time=clock_text(self._waiting))
        else:
            self._waited.set_key("conversation.answered")
        self._clock_icon.set_icon("clock" if waits else "check", "text_soft")
        self._header.setAccessibleName(one_line(f"{head.name} {head.label} {head.subject}"))
