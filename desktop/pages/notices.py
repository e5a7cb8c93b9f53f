"""What the banner says: what just happened, and under it what is the case until it is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop.widgets.banner import Banner
from desktop.widgets.values import BannerKind

PASSING_MS: Final = 8000


class Notice(Struct, frozen=True):
    """One message. `key` tells it from others; `act` is what its button does."""

    key: str
    kind: BannerKind
    text: str
    details: str = ""
    action: str = ""
    act: Callable[[], object] | None = None


class Notices(QObject):
    """Two layers over one banner: an event hides a condition until it is dismissed.

    A condition that was dismissed stays away until it is another one.
    """

    def __init__(self, banner: Banner, room: QWidget, parent: QObject | None = None) -> None:
        """`room` holds the banner and its margins; it is hidden with it."""
        super().__init__(parent)
        self._banner = banner
        self._room = room
        self._drawn: tuple[str, ...] = ()
        room.hide()
        self._event: Notice | None = None
        self._condition: Notice | None = None
        self._hidden = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._passed)
        banner.action_requested.connect(self._on_action)
        banner.dismissed.connect(self._on_dismissed)

    @property
    def shown(self) -> Notice | None:
        """What the banner shows."""
        if self._event is not None:
            return self._event
        condition = self._condition
        return condition if condition is not None and condition.key != self._hidden else None

    def tell(self, notice: Notice, *, passing: bool = False) -> None:
        """Something happened; `passing` messages go away by themselves."""
        self._event = notice
        self._timer.stop()
        if passing:
            self._timer.start(PASSING_MS)
        self._show()

    def hold(self, condition: Notice | None) -> None:
        """What is the case now, None when all is well."""
        if condition is None or condition.key != self._hidden:
            self._hidden = ""
        self._condition = condition
        self._show()

    def forget(self) -> None:
        """Take back what happened, because its words are of another language now."""
        self._passed()

    def _passed(self) -> None:
        self._timer.stop()
        self._event = None
        self._show()

    def _on_action(self) -> None:
        notice = self.shown
        if notice is not None and notice.act is not None:
            if notice is self._event:
                self._passed()
            notice.act()

    def _on_dismissed(self) -> None:
        if self._event is not None:
            self._passed()
        elif self._condition is not None:
            self._hidden = self._condition.key
            self._show()

    def _show(self) -> None:
        notice = self.shown
        focus = QApplication.focusWidget()
        if notice is None and focus is not None and self._banner.isAncestorOf(focus):
            # Or Qt would give it to whatever comes next, which is the search line.
            focus.clearFocus()
        self._room.setVisible(notice is not None)
        if notice is None:
            self._drawn = ()
            self._banner.dismiss()
            return
        drawn = (notice.kind, notice.text, notice.details, notice.action)
        if drawn != self._drawn:
            self._drawn = drawn
            self._banner.show_message(notice.kind, notice.text, notice.details, notice.action)
