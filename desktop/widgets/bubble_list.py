"""The messages of a conversation; only those in sight are laid out, so any number is fine."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from itertools import accumulate
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolTip

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Dressed, PushButton
from desktop.widgets.bubble_layout import SHORT, BubbleLayout, day_of
from desktop.widgets.plain_text import safe, tooltip
from desktop.widgets.values import Bubble

_TICK_MS: Final = 250
_KEPT: Final = 300  # laid-out messages kept for scrolling back


class BubbleList(Dressed, QAbstractScrollArea):
    """A scrolling list of bubbles. Up and Down move between them, Ctrl+C copies."""

    undo_requested = Signal(str)
    earlier_wanted = Signal()

    def __init__(self, look: Look, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._look, self._clock = look, clock
        self._bubbles: list[Bubble] = []
        self._heights: list[int] = []
        self._measured: list[bool] = []
        self._tops: list[int] = [0]
        self._layouts: dict[str, BubbleLayout] = {}
        self._expanded: set[str] = set()
        self._at_end = True
        self._settling = False
        self._current = -1
        self._selection: tuple[int, int, int] | None = None
        self._dragging = False
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._watch)
        self._timer.timeout.connect(self.viewport().update)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self._newer = PushButton(look, "bubble.newer", icon="arrow-down")
        self._newer.setParent(self.viewport())
        self._newer.clicked.connect(self.scroll_to_end)
        self._newer.hide()
        self.verticalScrollBar().valueChanged.connect(self._on_scroll)
        self._dress()

    def set_bubbles(self, bubbles: Sequence[Bubble]) -> None:
        """Replace all messages and go to the newest."""
        self._bubbles = list(bubbles)
        self._selection, self._current = None, -1
        self._expanded.clear()
        self._newer.hide()
        self._at_end = True
        self._forget()

    def prepend(self, bubbles: Sequence[Bubble]) -> None:
        """Add earlier messages before all others; what is read stays in its place."""
        heights, bar = self._estimates(bubbles), self.verticalScrollBar()
        self._layouts.pop(self._bubbles[0].id, None)  # A day may begin elsewhere now.
        self._bubbles[:0], self._heights[:0] = bubbles, heights
        self._measured[:0] = [False] * len(heights)
        self._current += len(heights) if self._current >= 0 else 0
        self._selection, self._settling = None, True
        self._sum()
        bar.setValue(bar.value() + sum(heights))
        self._settle()

    def append(self, bubble: Bubble) -> None:
        """Add a message; stays at the end if it was there, else offers to go there."""
        self._bubbles.append(bubble)
        self._heights += self._estimates((bubble,))
        self._measured.append(False)
        if not self._at_end:
            self._newer.show()
            self._newer.raise_()
        self._settle()

    def update_bubble(self, bubble: Bubble) -> None:
        """Replace the message with that id; unknown ids are ignored."""
        for at in range(len(self._bubbles) - 1, -1, -1):
            if self._bubbles[at].id == bubble.id:
                self._bubbles[at] = bubble
                self._layouts.pop(bubble.id, None)
                self._measured[at] = False
                self._settle()
                return

    def bubbles(self) -> tuple[Bubble, ...]:
        """All messages, oldest first."""
        return tuple(self._bubbles)

    def laid_out(self) -> int:
        """How many messages are laid out now."""
        return len(self._layouts)

    def scroll_to_end(self) -> None:
        """Show the newest message."""
        self._at_end = True
        self._newer.hide()
        self._settle()

    def selected_text(self) -> str:
        """What is selected, as it was written."""
        if self._selection is None:
            return ""
        at, start, end = self._selection
        return self._layout(at).slice((min(start, end), max(start, end)))

    def copy(self) -> None:
        """Copy the selection, or the current message whole."""
        text = self.selected_text()
        if not text and 0 <= self._current < len(self._bubbles):
            text = self._bubbles[self._current].text
        if text:
            QGuiApplication.clipboard().setText(safe(text))

    def _width(self) -> int:
        return max(theme.RAIL, self.width() - 2 * theme.S5)

    def _estimates(self, bubbles: Sequence[Bubble]) -> list[int]:
        """How high messages that were never laid out may be; cheap, for ten thousand at once."""
        size, wide = theme.TEXT["body"], max(1, min(self._width(), theme.BUBBLE_MAX))
        line, foot = painting.line_height("body"), painting.line_height("small") + theme.S5
        lengths = [len(bubble.text) for bubble in bubbles]
        return [
            (1 + (length if length < SHORT else SHORT) * size // wide) * line + foot
            for length in lengths
        ]

    def _new_day(self, at: int) -> bool:
        if at == 0:
            return True
        return day_of(self._bubbles[at].at) != day_of(self._bubbles[at - 1].at)

    def _layout(self, at: int) -> BubbleLayout:
        bubble = self._bubbles[at]
        found = self._layouts.get(bubble.id)
        if found is None:
            if len(self._layouts) >= _KEPT:
                for key in list(self._layouts)[: _KEPT // 2]:
                    del self._layouts[key]
            found = BubbleLayout(
                self._look,
                bubble,
                self._width(),
                date.fromtimestamp(self._clock()),
                self._new_day(at),
                bubble.id in self._expanded,
            )
            self._layouts[bubble.id] = found
        return found

    def _forget(self) -> None:
        self._layouts.clear()
        self._heights = self._estimates(self._bubbles)
        self._measured = [False] * len(self._bubbles)
        self._settle()

    def _offset(self) -> int:
        """Where the first message starts on the screen; short conversations stand at the foot."""
        total = self._tops[-1] + 2 * theme.S4
        spare = self.viewport().height() - total
        return theme.S4 + max(0, spare) - self.verticalScrollBar().value()

    def _visible(self) -> range:
        offset = self._offset()
        first = max(0, bisect_right(self._tops, -offset) - 1)
        last = bisect_right(self._tops, self.viewport().height() - offset)
        return range(first, min(last, len(self._bubbles)))

    def _settle(self) -> None:
        """Measure what is in sight until nothing moves, holding on to what the person sees."""
        self._settling = True
        bar = self.verticalScrollBar()
        self._sum()
        for _ in range(len(self._bubbles) + 1):
            if self._at_end:
                bar.setValue(bar.maximum())
            unknown = [at for at in self._visible() if not self._measured[at]]
            if not unknown:
                break
            before = self._tops[self._visible().start]
            for at in unknown:
                self._heights[at] = self._layout(at).height
                self._measured[at] = True
            anchor = self._visible().start
            self._sum()
            if not self._at_end:
                bar.setValue(bar.value() + self._tops[anchor] - before)
        self._settling = False
        self._watch()
        self.viewport().update()

    def _sum(self) -> None:
        self._tops = [0, *accumulate(self._heights)]
        high = self.viewport().height()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self._tops[-1] + 2 * theme.S4 - high))
        bar.setPageStep(high)
        bar.setSingleStep(painting.line_height("body"))

    def _watch(self) -> None:
        now = self._clock()
        if any(b.origin == "sending" and b.undo_until > now for b in self._bubbles[-20:]):
            self._timer.start()
        else:
            self._timer.stop()

    def _on_scroll(self, value: int) -> None:
        if self._settling:
            return
        if value < self.viewport().height():
            self.earlier_wanted.emit()
        self._at_end = value >= self.verticalScrollBar().maximum()
        if self._at_end:
            self._newer.hide()
        self._settle()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what is in sight."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        offset, now = self._offset(), self._clock()
        for at in self._visible():
            chosen = None
            if self._selection and self._selection[0] == at:
                _, start, end = self._selection
                chosen = (min(start, end), max(start, end))
            focus = at == self._current and self.hasFocus() and chosen is None
            corner = QPointF(theme.S5, offset + self._tops[at])
            self._layout(at).paint(painter, corner, now, chosen, focus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again in the new width."""
        super().resizeEvent(event)
        button = self._newer.sizeHint()
        self._newer.resize(button)
        self._newer.move(
            (self.viewport().width() - button.width()) // 2,
            self.viewport().height() - button.height() - theme.S3,
        )
        if event.size().width() != event.oldSize().width():
            self._forget()
        else:
            self._settle()

    def _spot(self, point: QPoint) -> tuple[int, QPointF] | None:
        """The message under a point of the viewport and the point within it."""
        inside = point.y() - self._offset()
        at = bisect_right(self._tops, inside) - 1
        if not 0 <= at < len(self._bubbles):
            return None
        return at, QPointF(point.x() - theme.S5, inside - self._tops[at])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Follow a link or begin to select."""
        found = self._spot(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or found is None:
            return
        at, point = found
        layout = self._layout(at)
        kind = layout.link_kind(point)
        if kind == "undo" and layout.undoable(self._clock()):
            self.undo_requested.emit(layout.bubble.decision_id)
        elif kind == "more":
            self._toggle(at)
        elif layout.in_text(point):
            self._current = at
            start = layout.position(point)
            self._selection, self._dragging = (at, start, start), True
        else:
            self._selection = None
        self.viewport().update()

    def _toggle(self, at: int) -> None:
        key = self._bubbles[at].id
        self._expanded ^= {key}
        self._layouts.pop(key, None)
        self._measured[at] = False
        self._at_end = False
        self._settle()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Select, or show what a click would do."""
        if self._dragging and self._selection:
            at, start, _ = self._selection
            y = event.position().y() - self._offset() - self._tops[at]
            point = QPointF(event.position().x() - theme.S5, y)
            self._selection = (at, start, self._layout(at).position(point))
            self.viewport().update()
            return
        found = self._spot(event.position().toPoint())
        shape = self._layout(found[0]).cursor(found[1]) if found else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End selecting."""
        self._dragging = False
        if self._selection and self._selection[1] == self._selection[2]:
            self._selection = None
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        found = self._spot(event.position().toPoint())
        if found is None or not self._layout(found[0]).in_text(found[1]):
            return
        self._selection = (found[0], *self._layout(found[0]).word(found[1]))
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy."""
        if found := self._spot(event.pos()):
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            text = self._bubbles[found[0]].text
            if self._selection:
                menu.addAction(self._look.text("bubble.copy"), self.copy)
            clipboard = QGuiApplication.clipboard()
            menu.addAction(
                self._look.text("bubble.copy_all"), lambda: clipboard.setText(safe(text))
            )
            menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move between messages, copy, take back."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.modifiers():
            self._move(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            layout = self._layout(self._current)
            if layout.undoable(self._clock()):
                self.undo_requested.emit(layout.bubble.decision_id)
            elif len(layout.bubble.text) > SHORT:
                self._toggle(self._current)
        else:
            super().keyPressEvent(event)

    def _move(self, by: int) -> None:
        count = len(self._bubbles)
        if not count:
            return
        at = count - 1 if self._current < 0 else max(0, min(count - 1, self._current + by))
        self._current, self._selection = at, None
        bar, high = self.verticalScrollBar(), self.viewport().height()
        top = self._tops[at] + self._offset()
        bottom = top + self._heights[at]
        if top < theme.S4:
            bar.setValue(bar.value() + top - theme.S4)
        elif bottom > high - theme.S4:
            bar.setValue(bar.value() + bottom - high + theme.S4)
        bubble = self._bubbles[at]
        who = self._look.text(f"bubble.{bubble.role}")
        self.setAccessibleDescription(f"{who}: {safe(bubble.text[:SHORT])}")
        self.viewport().update()

    def viewportEvent(self, event: QEvent) -> bool:
        """Explain a red-line hit under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._spot(event.pos())
            hit = self._layout(found[0]).hit_at(found[1]) if found else None
            lines = [hit.name or hit.rule, hit.why, hit.advice] if hit else []
            QToolTip.showText(event.globalPos(), tooltip("\n".join(filter(None, lines))), self)
            return True
        return super().viewportEvent(event)

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("conversation"))
        self.setAccessibleDescription(self._look.text("conversation.help"))
        self._forget()
