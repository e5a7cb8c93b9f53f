"""The window around the pages: rail, banner, status bar, keys, and where everything stood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QByteArray, QSettings, QSize, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from desktop import actions, theme
from desktop.actions import ACTIONS
from desktop.pages.notices import Notices
from desktop.theme import Look
from desktop.widgets.banner import Banner
from desktop.widgets.blocks import Dressed, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.rail_bar import RailBar
from desktop.widgets.status_bar import StatusBar
from desktop.widgets.values import RailPage

if TYPE_CHECKING:
    from desktop.widgets.keys_dialog import KeysDialog

Handler = Callable[[], object]

_GEOMETRY: Final = "window/geometry"
_COLUMNS: Final = "desk/columns"


class MainWindow(Dressed, QMainWindow):
    """Pages are told with `set_pages`; `closing` comes before the window is gone."""

    closing = Signal()
    page_shown = Signal(str)

    def __init__(self, look: Look, memory: Path) -> None:
        """`memory` is the file that remembers sizes."""
        super().__init__()
        self._look = look
        self._memory = QSettings(str(memory), QSettings.Format.IniFormat)
        self._pages: dict[str, QWidget] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._actions: dict[str, QAction] = {}
        self._keys: KeysDialog | None = None
        self.rail = RailBar(look, ())
        self.banner = Banner(look)
        self.status = StatusBar(look)
        self._stack = QStackedWidget()
        middle = QWidget()
        restyle(middle, kind="page")
        inside = column(middle, 0)
        room = QWidget()
        around = column(room, 0)
        around.setContentsMargins(theme.S3, theme.S2, theme.S3, theme.S2)
        around.addWidget(self.banner)
        self.notices = Notices(self.banner, room, self)
        inside.addWidget(room)
        inside.addWidget(self._stack, 1)
        body = QWidget()
        beside = row(body, 0)
        beside.addWidget(self.rail)
        beside.addWidget(middle, 1)
        whole = QWidget()
        above = column(whole, 0)
        above.addWidget(body, 1)
        above.addWidget(self.status)
        self.setCentralWidget(whole)
        self.setMinimumSize(QSize(*theme.WINDOW_MIN))
        self.resize(QSize(*theme.WINDOW))
        self.rail.page_requested.connect(self.show_page)
        geometry = self._memory.value(_GEOMETRY)
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self._dress()

    @property
    def memory(self) -> QSettings:
        """What is remembered of how the window was left, for pages that have more of it."""
        return self._memory

    def set_pages(self, pages: Sequence[tuple[RailPage, Callable[[], QWidget]]]) -> None:
        """All pages, each with what makes it when it is first shown; the first one is shown."""
        self._makers = {page.id: make for page, make in pages}
        self.rail.set_pages([page for page, _ in pages])
        self._put(pages[0][0].id)

    def page(self) -> str:
        """The page that is shown."""
        shown = self._stack.currentWidget()
        return next((name for name, widget in self._pages.items() if widget is shown), "")

    def show_page(self, page_id: str) -> None:
        """Show a page."""
        self._put(page_id)
        self.page_shown.emit(page_id)

    def _put(self, page_id: str) -> None:
        widget = self._pages.get(page_id)
        if widget is None:
            widget = self._pages[page_id] = self._makers[page_id]()
            self._stack.addWidget(widget)
            # A page on which something can wait says how much, for its button in the rail.
            waiting = getattr(widget, "waiting_changed", None)
            if waiting is not None:
                waiting.connect(lambda count: self.rail.set_badge(page_id, count))
        self._stack.setCurrentWidget(widget)
        self.rail.set_current(page_id)

    def bind(self, handlers: Mapping[str, Handler]) -> None:
        """Make the actions that have a handler, with the keys that `desktop.actions` names."""
        own: dict[str, Handler] = {"keys": self.show_keys, "quit": self.close}
        for spec in ACTIONS:
            handler = handlers.get(spec.id) or own.get(spec.id)
            if spec.by_widget or handler is None or spec.id in self._actions:
                continue
            action = actions.make(spec.id, self, self._look.language)
            action.triggered.connect(lambda _=False, handler=handler: handler())
            self.addAction(action)
            self._actions[spec.id] = action

    def action(self, action_id: str) -> QAction:
        """The action of that id."""
        return self._actions[action_id]

    def show_keys(self) -> None:
        """Show all keys."""
        from desktop.widgets.keys_dialog import KeysDialog

        if self._keys is None:
            self._keys = KeysDialog(self._look, self)
        self._keys.set_look(self._look)
        self._keys.open()

    def columns(self) -> QByteArray:
        """The remembered widths of the desk's columns; empty when there are none."""
        kept = self._memory.value(_COLUMNS)
        return kept if isinstance(kept, QByteArray) else QByteArray()

    def remember(self, columns: QByteArray) -> None:
        """Keep where the window and the columns stand."""
        self._memory.setValue(_GEOMETRY, self.saveGeometry())
        self._memory.setValue(_COLUMNS, columns)
        self._memory.sync()

    def set_look(self, look: Look) -> None:
        """Dress the window and all pages, the hidden ones too."""
        super().set_look(look)
        for action in self._actions.values():
            actions.retranslate(action, look.language)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell whoever has to tidy up."""
        self.closing.emit()
        super().closeEvent(event)

    def _dress(self) -> None:
        self.setWindowTitle(self._look.text("app"))
