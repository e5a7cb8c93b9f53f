"""What may hold a widget ends in the window's thread, whichever thread held it last."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from desktop.background import Background


class Fragile:
    """Notes the thread that takes it apart; part of a cycle if asked to be."""

    def __init__(self, ended_in: list[str], *, cycle: bool) -> None:
        self._ended_in = ended_in
        self._itself = self if cycle else None

    def __del__(self) -> None:
        self._ended_in.append(threading.current_thread().name)


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def test_a_lane_that_makes_many_objects_collects_no_garbage(
    qtbot: QtBot, background: Background
) -> None:
    ended_in: list[str] = []
    Fragile(ended_in, cycle=True)
    kept: list[list[list[int]]] = []
    background.runner(background)(lambda: [[] for _ in range(200_000)]).done(kept.append)
    qtbot.waitUntil(lambda: bool(kept))
    qtbot.waitUntil(lambda: bool(ended_in))
    assert ended_in == [threading.main_thread().name]


def test_an_operation_that_is_over_is_let_go_by_the_window_s_thread(
    qtbot: QtBot, background: Background
) -> None:
    ended_in: list[str] = []
    run = background.runner(background)
    over: list[bool] = []
    for _ in range(20):
        fragile = Fragile(ended_in, cycle=False)
        run(lambda held=fragile: held is not None).done(over.append)
        del fragile
    qtbot.waitUntil(lambda: len(over) == 20)
    background.close()
    assert ended_in == [threading.main_thread().name] * 20


def test_python_collects_by_itself_again_once_the_lanes_are_closed(qtbot: QtBot) -> None:
    background = Background()
    assert not gc.isenabled()
    background.garbage.pass_over()
    assert gc.get_freeze_count() > 0
    background.close()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
