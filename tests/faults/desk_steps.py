"""Steps that tests of the desk have in common, whether anything fails meanwhile or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from desktop.app import Desk


def opened(qtbot: QtBot, desk: Desk, conversation: str) -> None:
    """Open a conversation, which may have opened by itself already, and wait until it is there."""
    desk.session.open(conversation)
    qtbot.waitUntil(
        lambda: desk.session.conversation == conversation and desk.session.snapshot is not None
    )
