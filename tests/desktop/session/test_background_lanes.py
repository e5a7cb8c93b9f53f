from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot
from structlog.testing import capture_logs

from desktop.background import Background
from engine.errors import StoreError, ZuoxiError


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def test_a_result_comes_back_on_the_ui_thread(qtbot: QtBot, background: Background) -> None:
    seen: list[tuple[str, str]] = []

    def op() -> str:
        return threading.current_thread().name

    task = background.runner(background)(op)
    task.done(lambda name: seen.append((name, threading.current_thread().name)))
    assert seen == []
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0].startswith("zuoxi-store")
    assert seen[0][1] == threading.main_thread().name


def test_the_store_lane_keeps_the_order(qtbot: QtBot, background: Background) -> None:
    seen: list[int] = []
    run = background.runner(background)
    for number in range(50):
        run(lambda number=number: number).done(seen.append)
    qtbot.waitUntil(lambda: len(seen) == 50)
    assert seen == list(range(50))


def test_an_error_for_people_goes_to_failed(qtbot: QtBot, background: Background) -> None:
    seen: list[ZuoxiError] = []

    def op() -> None:
        raise StoreError("The disk is full.", "store_full", path="x")

    background.runner(background)(op).failed(seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0].code == "store_full"


def test_an_unforeseen_error_is_logged_by_type_and_not_by_words(
    qtbot: QtBot, background: Background
) -> None:
    def op() -> None:
        raise ValueError("王女士 13800000000")

    with (
        capture_logs() as logs,
        qtbot.waitSignal(background.trouble) as caught,
    ):
        background.runner(background)(op)
    error = caught.args[0]
    assert (error.code, error.values["kind"]) == ("internal", "ValueError")
    assert logs[0]["kind"] == "ValueError"
    assert "13800000000" not in repr(logs) + str(error)


def test_an_owner_that_is_gone_hears_nothing(qtbot: QtBot, background: Background) -> None:
    heard: list[object] = []
    gate = threading.Event()
    owner = QObject()
    background.runner(owner)(gate.wait).done(heard.append).failed(heard.append)
    owner.deleteLater()
    qtbot.waitSignal(owner.destroyed).wait()
    gate.set()
    after: list[object] = []
    background.runner(background)(lambda: 1).done(after.append)
    qtbot.waitUntil(lambda: bool(after))
    assert heard == []


def test_a_long_job_reports_without_holding_the_store_up(
    qtbot: QtBot, background: Background
) -> None:
    steps: list[int] = []
    ended: list[str] = []
    gate = threading.Event()

    def work(report: object) -> str:
        report(1)  # type: ignore[operator]
        gate.wait(60)
        report(2)  # type: ignore[operator]
        return "end"

    background.report(background, work).progress(steps.append).done(ended.append)
    quick: list[int] = []
    background.runner(background)(lambda: 7).done(quick.append)
    qtbot.waitUntil(lambda: bool(quick) and steps == [1])
    assert ended == []
    gate.set()
    qtbot.waitUntil(lambda: bool(ended))
    assert steps == [1, 2]


def test_closing_finishes_what_was_asked_for_and_ends_the_threads(qtbot: QtBot) -> None:
    background = Background()
    done: list[int] = []
    told: list[object] = []
    for number in range(20):
        background.runner(background)(lambda number=number: done.append(number)).done(told.append)
    background.close()
    qtbot.wait(20)
    assert done == list(range(20))
    assert told == []
    background.runner(background)(lambda: done.append(99))
    assert 99 not in done
    assert not [one for one in threading.enumerate() if one.name.startswith("zuoxi-")]


def test_keys_and_painting_come_between_two_results(qtbot: QtBot, background: Background) -> None:
    seen: list[str] = []
    run = background.runner(background)

    def first(_: object) -> None:
        seen.append("first")
        QTimer.singleShot(0, lambda: seen.append("posted meanwhile"))

    run(lambda: None).done(first)
    run(lambda: None).done(lambda _: seen.append("second"))
    both_there = threading.Event()
    run(both_there.set)
    assert both_there.wait(60)
    qtbot.waitUntil(lambda: "second" in seen)
    assert seen == ["first", "posted meanwhile", "second"]
