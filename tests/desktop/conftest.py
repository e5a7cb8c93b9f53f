"""Tests of the window run without a screen, and any warning of Qt fails them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QEvent, QLocale
from PySide6.QtWidgets import QApplication, QWidget

from desktop import theme
from desktop.theme import DARK, LIGHT, Look

HERE = Path(__file__).parent
SCREENS = HERE.parent.parent / "build" / "screens"
LOOKS = {
    f"{language}-{name}": Look(tokens, language)
    for language in ("zh", "en")
    for name, tokens in (("light", LIGHT), ("dark", DARK))
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            # What the offscreen platform says of itself (sizes, raising, grabbing).
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["zuoxi-tests"]


@pytest.fixture(params=LOOKS, ids=list(LOOKS))
def each_look(request: pytest.FixtureRequest, qapp: QApplication) -> Look:
    """Both languages in both themes, applied to the application."""
    QLocale.setDefault(QLocale.c())
    chosen = LOOKS[request.param]
    theme.apply(qapp, chosen)
    return chosen


@pytest.fixture
def look(qapp: QApplication) -> Look:
    """Chinese and light, applied to the application."""
    chosen = LOOKS["zh-light"]
    theme.apply(qapp, chosen)
    return chosen


@pytest.fixture
def shoot(qapp: QApplication) -> Callable[..., Path]:
    """Shows a widget in a size and saves a picture of it; `look` names the file's end."""

    def save(
        widget: QWidget, name: str, look: Look, width: int, height: int = 0, ratio: float = 1.0
    ) -> Path:
        if widget.isWindow():
            widget.resize(width, height or widget.sizeHint().height())
            widget.show()
        for _ in range(4):
            qapp.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
            qapp.processEvents()
        SCREENS.mkdir(parents=True, exist_ok=True)
        end = f"{look.language}-{'dark' if look.tokens.dark else 'light'}"
        path = SCREENS / f"{name}-{end}.png"
        assert widget.grab().save(str(path))
        return path

    return save
