"""The whole conversation around a hit, from which a lead picks what no rule caught."""

from __future__ import annotations

from typing import NamedTuple

from desktop.widgets.bubble_list import BubbleList
from desktop.widgets.values import Bubble


class Picked(NamedTuple):
    """A message, and what of it is selected (offsets in code points; equal for nothing)."""

    bubble: Bubble
    start: int
    end: int


class ReviewMessages(BubbleList):
    """Messages that can be gone to, and picked from."""

    def go_to(self, message: str) -> bool:
        """Show the message with that id in the middle; False when it is not loaded."""
        for at, bubble in enumerate(self._bubbles):
            if bubble.id != message:
                continue
            self._current, self._selection, self._at_end = at, None, False
            bar, high = self.verticalScrollBar(), self.viewport().height()
            # What is above is measured on the way, which moves the message.
            for _ in range(3):
                self._settle()
                top = self._tops[at] + self._offset()
                bar.setValue(bar.value() + top - max(0, (high - self._heights[at]) // 2))
            self.viewport().update()
            return True
        return False

    def picked(self) -> Picked | None:
        """The message that is selected in, or else the one that is current."""
        if self._selection is not None:
            at, first, last = self._selection
            layout = self._layout(at)
            start, end = (layout.offsets.from_qt(unit) for unit in sorted((first, last)))
            return Picked(self._bubbles[at], start, end)
        if 0 <= self._current < len(self._bubbles):
            return Picked(self._bubbles[self._current], 0, 0)
        return None
