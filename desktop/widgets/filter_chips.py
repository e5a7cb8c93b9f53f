"""Chips that narrow what is shown, of which one is always chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QButtonGroup, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import PushButton

Choice = TypeVar("Choice", bound=str)


class FilterChip(PushButton):
    """A filter, with the number of what it would show if that is given."""

    def __init__(self, look: Look, key: str) -> None:
        self._count: int | None = None
        super().__init__(look, key, kind="filter")
        self.setCheckable(True)
        self.setFixedHeight(theme.CHIP + theme.S1)

    def set_count(self, count: int | None) -> None:
        """The number behind the name; none for None."""
        self._count = count
        self._dress()

    def _caption(self) -> str:
        words = super()._caption()
        return words if self._count is None else f"{words} {self._count}"

    def _inks(self) -> tuple[QColor, QColor]:
        ink = self._look.color("accent_text" if self.isChecked() else "text_soft")
        return ink, ink


def filter_chips(
    owner: QWidget,
    look: Look,
    prefix: str,
    choices: Iterable[Choice],
    add: Callable[[FilterChip], None],
    on_click: Callable[[Choice], None],
) -> dict[Choice, FilterChip]:
    """A chip for each choice, given to `add` one after another; to choose one lets the others go.

    The words of a choice are `prefix.choice`; those of "" are `prefix.all`.
    """
    group = QButtonGroup(owner)
    made = {}
    for choice in choices:
        chip = FilterChip(look, f"{prefix}.{choice or 'all'}")
        chip.clicked.connect(lambda _=False, choice=choice: on_click(choice))
        group.addButton(chip)
        add(chip)
        made[choice] = chip
    return made
