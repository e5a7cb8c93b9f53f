"""The data roles a model must answer for `QueuePanel`'s list."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct
from PySide6.QtCore import Qt


class QueueRole(IntEnum):
    """What `model.data(index, role)` returns. Missing (None) values are drawn as absent."""

    ID = Qt.ItemDataRole.UserRole + 1
    """str: the conversation's id, given back by `QueuePanel.opened`."""
    NAME = ID + 1
    """str: the customer's name."""
    PREVIEW = ID + 2
    """str: the newest message, plain; line breaks are drawn as spaces."""
    WAITING = ID + 3
    """float | None: seconds the customer has been waiting; None when nobody waits."""
    STATE = ID + 4
    """str, a `values.QueueState`: what stands in the first chip."""
    CATEGORY = ID + 5
    """str: the category of a hand-over, in the person's language; "" otherwise."""
    CHANNEL = ID + 6
    """str: the channel's id (``replay``, ``webchat``, ``mail``, …)."""
    UNREAD = ID + 7
    """int: messages that the agent has not seen."""
    URGENCY = ID + 8
    """int: 0 calm, 1 amber, 2 red; colours the waiting time."""
    ROW = ID + 9
    """`QueueRow`: all of these at once, for painting."""


class QueueRow(Struct, frozen=True, kw_only=True):
    """All that a row shows; the fields are those of `QueueRole`."""

    name: str = ""
    preview: str = ""
    state: str = ""
    category: str = ""
    channel: str = ""
    unread: int = 0
    urgency: int = 0
    waiting: float | None = None
