"""A box that puts widgets side by side and goes on in the next line where room ends."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop import theme


class FlowBox(QWidget):
    """Left to right, line after line, with the same gap in both directions."""

    def __init__(self, spacing: int = theme.S1) -> None:
        super().__init__()
        self._widgets: list[QWidget] = []
        self._spacing = spacing
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, widget: QWidget) -> None:
        """Append a widget."""
        widget.setParent(self)
        self._widgets.append(widget)
        widget.show()
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Narrower means higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of all lines at `width`."""
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:
        """As high as the present width asks for."""
        return QSize(self.width(), self._place(self.width(), move=False))

    def minimumSizeHint(self) -> QSize:
        """One column of the widest widget would do."""
        hints = [one.minimumSizeHint().width() for one in self._widgets if not one.isHidden()]
        return QSize(max(hints, default=0), self._place(self.width(), move=False))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the widgets anew; another width may mean another height."""
        super().resizeEvent(event)
        self._place(self.width(), move=True)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def event(self, event: QEvent) -> bool:
        """A widget changed its size, came or went."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._place(self.width(), move=True)
            self.updateGeometry()
        return super().event(event)

    def _place(self, room: int, move: bool) -> int:
        left = top = line = 0
        for widget in self._widgets:
            if widget.isHidden():
                continue
            hint = widget.sizeHint()
            width, high = min(hint.width(), room), hint.height()
            if widget.maximumHeight() < high or widget.minimumHeight() > high:
                high = widget.maximumHeight()
            if left + width > room and line:
                left, top, line = 0, top + line + self._spacing, 0
            if move:
                widget.setGeometry(QRect(left, top, width, high))
            left += width + self._spacing
            line = max(line, high)
        if move and self.height() != top + line:
            self.setFixedHeight(top + line)
        return top + line
