from __future__ import annotations

from collections.abc import Callable

from desk_steps import opened
from hypothesis import given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.session.transcript import PAGE, TranscriptModel
from desktop.widgets.values import Bubble, ConversationHead

Open = Callable[..., Desk]
SAID = 2 * PAGE + 50


def long_talk(desk: Desk) -> str:
    """A conversation of many messages, with a reply that was decided on near its end."""
    store = desk.store
    with store.transaction():
        here = store.conversations.receive("王女士", "第0句").conversation
        for number in range(1, SAID):
            store.conversations.receive("王女士", f"第{number}句", conversation=here)
    return here


def texts(desk: Desk) -> list[str]:
    return [one.text for one in desk.session.transcript.bubbles]


def test_a_long_conversation_opens_at_its_end_and_loads_earlier_parts_when_scrolled(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    desk.window.show()
    here = long_talk(desk)
    opened(qtbot, desk, here)
    said = [f"第{number}句" for number in range(SAID)]
    assert texts(desk) == said[-PAGE:]
    listed = desk.page.view.message_list()
    bar = listed.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    resets: list[object] = []
    desk.session.transcript.reset.connect(resets.append)

    bar.setValue(0)
    qtbot.waitUntil(lambda: texts(desk) == said[-2 * PAGE :])
    # What stood at the top is still in sight, under what was loaded before it.
    qtbot.waitUntil(lambda: len(listed.bubbles()) == 2 * PAGE)
    first = listed._visible().start
    assert PAGE - 2 <= first <= PAGE
    bar.setValue(0)
    qtbot.waitUntil(lambda: texts(desk) == said)

    # What comes and what goes meanwhile changes nothing of it.
    desk.store.conversations.receive("王女士", "还在吗", conversation=here)
    desk.session.refresh()
    qtbot.waitUntil(lambda: texts(desk) == [*said, "还在吗"])
    assert [one.text for one in listed.bubbles()] == [*said, "还在吗"]
    assert resets == []


def test_a_new_message_does_not_move_the_beginning_of_what_is_shown(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    here = long_talk(desk)
    opened(qtbot, desk, here)
    before = texts(desk)
    desk.store.conversations.receive("王女士", "还在吗", conversation=here)
    desk.session.refresh()
    qtbot.waitUntil(lambda: texts(desk) == [*before, "还在吗"])
    other = desk.store.conversations.receive("李先生", "在吗").conversation
    opened(qtbot, desk, other)
    assert texts(desk) == ["在吗"]
    opened(qtbot, desk, here)
    assert texts(desk) == [*before[1:], "还在吗"]


def bubbles(first: int, last: int) -> tuple[Bubble, ...]:
    return tuple(Bubble(str(at), "customer", f"第{at}句", float(at)) for at in range(first, last))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_pieces_put_together_are_always_the_whole(growth: list[tuple[int, int]]) -> None:
    model = TranscriptModel()
    shown: list[Bubble] = []
    model.reset.connect(lambda new: shown.__setitem__(slice(None), new))
    model.prepended.connect(lambda new: shown.__setitem__(slice(0, 0), new))
    model.appended.connect(shown.append)
    first, last = 50, 55
    model.show("c", bubbles(first, last), whole=False)
    for before, after in growth:
        first, last = first - before, last + after
        model.show("c", bubbles(first, last), whole=False)
        assert tuple(shown) == bubbles(first, last)


def test_ten_thousand_turns_are_shown_without_laying_out_more_than_is_in_sight(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    desk.window.show()
    listed = desk.page.view.message_list()
    bubbles = [
        Bubble(id=f"b{at}", role="customer", text=f"第{at}句" * (1 + at % 9), at=1.7e9 + at)
        for at in range(10_000)
    ]
    desk.page.view.set_head(ConversationHead("王女士"))
    desk.page.view.set_bubbles(bubbles)
    bar = listed.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    in_sight = len(listed._visible())
    assert 0 < in_sight < 40
    # The column is laid out at two widths while it finds its place; no more than that is seen.
    assert listed.laid_out() <= 2 * in_sight + 2

    before = listed.laid_out()
    bar.setValue(bar.maximum() // 2)
    assert listed.laid_out() <= before + 2 * len(listed._visible()) + 2
    place = listed._visible().start
    desk.page.view.append_bubble(Bubble(id="new", role="customer", text="在吗", at=1.8e9))
    assert listed._visible().start == place
    for value in range(0, bar.maximum(), bar.maximum() // 200):
        bar.setValue(value)
    assert listed.laid_out() <= 300
