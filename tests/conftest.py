"""What all tests share."""

from __future__ import annotations

import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-qt",
        action="store_true",
        help="make PySide6 and desktop impossible to import, as where they are not installed",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-qt"):
        for name in ("PySide6", "shiboken6", "qtawesome", "desktop"):
            sys.modules[name] = None  # type: ignore[assignment]
