"""What all tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

# Neither a busy machine nor a draw of chance makes a test wrong that was right for the same code;
# `make fuzz` draws anew each time.
settings.register_profile("zuoxi", deadline=None, derandomize=True)
settings.register_profile("anew", deadline=None, max_examples=1_000)
settings.load_profile("zuoxi")

HERE = Path(__file__).parent
WINDOW = {HERE / "desktop", HERE / "e2e"}
PATIENCE_MS = 120_000
"""How long a test of the window waits for what must come: on a busy machine it comes late."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-qt",
        action="store_true",
        help="make PySide6 and desktop impossible to import, as where they are not installed",
    )
    parser.addoption(
        "--rounds",
        type=float,
        default=0.1,
        help="how much of the fault tests to run: 1 is all of it (100 kills of the desk, …)",
    )


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How often to repeat what a whole run repeats so many times; at least twice."""
    share = float(request.config.getoption("--rounds"))
    return lambda whole: max(2, round(whole * share))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-qt"):
        for name in ("PySide6", "shiboken6", "qtawesome", "desktop"):
            sys.modules[name] = None  # type: ignore[assignment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not WINDOW.isdisjoint(item.path.parents):
            # Any warning of Qt fails a test of the window,
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            # but for what the offscreen platform says of itself (sizes, raising, grabbing).
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture
def qtbot(request: pytest.FixtureRequest, qapp: Any) -> QtBot:
    """pytest-qt's, which waits five seconds unless told otherwise, with more patience."""
    from pytestqt.qtbot import QtBot

    bot = QtBot(request)
    for name in ("waitUntil", "waitSignal", "waitActive", "waitExposed"):
        setattr(bot, name, partial(getattr(bot, name), timeout=PATIENCE_MS))
    return bot


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["zuoxi-tests"]
