"""The navigation on the left edge: one button for each page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from desktop import theme
from desktop.theme import Look
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed
from desktop.widgets.boxes import column
from desktop.widgets.values import PAGES, RailPage


class RailButton(Dressed, QAbstractButton):
    """A page: its icon above its name, with a count where something waits."""

    def __init__(self, look: Look, page: RailPage) -> None:
        super().__init__()
        self._look = look
        self._page = page
        self._badge = 0
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._dress()

    def set_badge(self, count: int) -> None:
        """How many things wait there; 0 shows nothing."""
        self._badge = count
        self._dress()

    def sizeHint(self) -> QSize:
        """A square within the rail."""
        side = theme.RAIL - 2 * theme.S2
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, icon, name and count."""
        look = self._look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked()
        if chosen or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(self.rect(), theme.RADIUS, theme.RADIUS)
        ink = look.color("accent_text" if chosen else "text_soft")
        line = painting.line_height("small")
        top = (self.height() - theme.ICON_LARGE - line) / 2
        icon = QRectF(
            (self.width() - theme.ICON_LARGE) / 2, top, theme.ICON_LARGE, theme.ICON_LARGE
        )
        name = f"{self._page.icon}-fill" if chosen else self._page.icon
        painting.draw_icon(painter, name, icon, ink)
        painter.setPen(ink)
        painter.setFont(theme.font("small", bold=chosen))
        below = QRectF(0, top + theme.ICON_LARGE, self.width(), line)
        painting.draw_line(painter, below, self.text(), Qt.AlignmentFlag.AlignHCenter)
        if self._badge:
            count = str(self._badge) if self._badge < 100 else "99+"
            width = max(theme.ICON, painting.text_width(count) + theme.S2)
            spot = QRectF(self.width() - width, 0, width, theme.ICON + 2)
            painter.setPen(QPen(look.color("surface"), theme.HAIRLINE))
            painter.setBrush(look.color("red_soft"))
            painter.drawRoundedRect(spot, theme.ICON / 2, theme.ICON / 2)
            painter.setPen(look.color("red_text"))
            painter.setFont(theme.font("small"))
            painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, count)
        if self.hasFocus():
            painting.draw_focus(painter, self.rect(), look.tokens)

    def _dress(self) -> None:
        name = self._look.text(f"page.{self._page.id}")
        self.setText(name)
        badge = self._look.text("rail.badge", name=name, n=self._badge)
        self.setAccessibleName(badge if self._badge else name)
        self.setToolTip(name)
        self.update()


class RailBar(Dressed, Card):
    """All pages; the chosen one stands out."""

    page_requested = Signal(str)

    def __init__(self, look: Look, pages: Sequence[RailPage] = PAGES) -> None:
        super().__init__("column")
        self._look = look
        self._buttons: dict[str, RailButton] = {}
        self.setFixedWidth(theme.RAIL)
        self._layout = column(self, theme.S2, theme.S2)
        self.set_pages(pages)
        self._dress()

    def set_pages(self, pages: Sequence[RailPage]) -> None:
        """Replace the pages; those `at_bottom` stand at the lower end."""
        while item := self._layout.takeAt(0):
            if widget := item.widget():
                widget.setParent(None)
                widget.deleteLater()
        self._buttons.clear()
        for page in pages:
            if not page.at_bottom:
                self._add(page)
        self._layout.addStretch(1)
        for page in pages:
            if page.at_bottom:
                self._add(page)

    def _add(self, page: RailPage) -> None:
        button = RailButton(self._look, page)
        button.clicked.connect(lambda _=False, id=page.id: self.page_requested.emit(id))
        self._buttons[page.id] = button
        self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def set_current(self, page_id: str) -> None:
        """Mark a page as the one shown."""
        self._buttons[page_id].setChecked(True)

    def set_badge(self, page_id: str, count: int) -> None:
        """Show how many things wait on a page."""
        self._buttons[page_id].set_badge(count)

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("rail"))
