"""Rows and columns with the spacing that the theme names, and what is longer than its room."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop import theme

Box = TypeVar("Box", bound=QBoxLayout)


def tight(layout: Box, spacing: int = 0, margin: int = 0) -> Box:
    """`layout` with that spacing and the same margin on all sides."""
    layout.setSpacing(spacing)
    layout.setContentsMargins(margin, margin, margin, margin)
    return layout


def row(parent: QWidget | None = None, spacing: int = theme.S2, margin: int = 0) -> QHBoxLayout:
    """A horizontal layout."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    return tight(made, spacing, margin)


def column(parent: QWidget | None = None, spacing: int = theme.S2, margin: int = 0) -> QVBoxLayout:
    """A vertical layout."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    return tight(made, spacing, margin)


def scroll_down_only(area: QScrollArea) -> None:
    """Let `area` hold a widget as wide as itself, with no frame and nothing to scroll aside."""
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
