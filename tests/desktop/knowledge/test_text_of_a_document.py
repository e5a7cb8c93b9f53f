"""A long document's text: more of it may be asked for while the first part is being put in."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from desktop.theme import Look
from desktop.widgets.passages_text import AT_ONCE, PassagesText
from engine.records import Passage


def test_more_asked_for_at_once_leaves_no_gap(qtbot: QtBot, look: Look) -> None:
    text = PassagesText(look)
    qtbot.addWidget(text)
    text.show_passages([Passage("a.md", "a", "", f"第{n}条。") for n in range(3 * AT_ONCE)])
    text.show_more()
    text.show_more()
    assert text.left() == 0
    text.finish()
    shown = [line for line in text.toPlainText().splitlines() if line]
    assert shown == [f"第{n}条。" for n in range(3 * AT_ONCE)]
