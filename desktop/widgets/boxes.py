"""Rows and columns with the spacing that the theme names."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

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
