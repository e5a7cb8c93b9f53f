"""An agent's hands and eyes: keys, mouse and words into the window, and waiting for effects."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QInputMethodEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop import actions
from desktop.app import Desk
from desktop.widgets.queue_roles import QueueRole
from desktop.widgets.text_panel import TextPanel
from engine.errors import ZuoxiError
from engine.texts import text

_POLL_MS: Final = 20


class DemoStopped(ZuoxiError):
    """Something that the demo waits for did not happen; `what` says what, in words."""

    code = "demo_stopped"


class Hands:
    """Works the window of one desk until `deadline` (a `time.monotonic` value)."""

    def __init__(self, desk: Desk, deadline: float) -> None:
        self._desk = desk
        self._deadline = deadline
        self.unforeseen = ""
        """The kind of an error that nobody foresaw, once there was one."""

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - monotonic()

    def until(self, what: str, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let the window live until `condition` holds.

        Raises `DemoStopped` with the text ``demo.wait.<what>`` when it does not come about, and
        when the engine gave up.
        """
        ends = monotonic() + min(seconds, max(0.0, self.left))
        while not condition():
            self._look_after_engine()
            if monotonic() > ends:
                raise self.stopped(f"demo.wait.{what}")
            self.rest()

    def rest(self, milliseconds: int = _POLL_MS) -> None:
        """Let the window live for a moment."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def stopped(self, key: str) -> DemoStopped:
        """The error that says, in the person's language, what did not happen."""
        words = text(key, self._desk.settings.language)
        return DemoStopped(f"The demo stopped: {words}", what=words)

    def press(self, action_id: str) -> None:
        """Press the keys of an action."""
        keys = QKeySequence(actions.spec(action_id).keys[0])[0]  # type: ignore[index]
        self.key(keys.key(), keys.keyboardModifiers())

    def key(
        self,
        key: Qt.Key,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Press one key where the focus is."""
        QTest.keyClick(self._attended(), key, modifiers)

    def write(self, words: str) -> None:
        """Write into what has the focus, as an input method does it: compose, then commit."""
        target = self._attended()
        composing = QInputMethodEvent(words, [])
        QCoreApplication.sendEvent(target, composing)
        done = QInputMethodEvent()
        done.setCommitString(words)
        QCoreApplication.sendEvent(target, done)
        self.rest()

    def click(self, widget: QWidget) -> None:
        """Click the middle of a widget."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def click_mark(self, panel: TextPanel, kind: str) -> bool:
        """Click the first mark of a kind (``number``, ``cite``) in a text; False without one."""
        cursor = panel.textCursor()
        for at in range(1, panel.document().characterCount()):
            cursor.setPosition(at)
            if kind in cursor.charFormat().anchorHref():
                place = panel.cursorRect(cursor)
                spot = QPoint(place.left() - 3, place.center().y())
                QTest.mouseClick(panel.viewport(), Qt.MouseButton.LeftButton, pos=spot)
                return True
        return False

    def open(self, customer: str) -> None:
        """Open a customer's conversation: by the next key where it is next, else by searching."""
        desk = self._desk
        # A person sees the window first, and in it the most urgent conversation, which it opens.
        self.until("opened", lambda: bool(desk.session.conversation))
        self.until("customer", lambda: bool(self._row(customer)))
        identity = self._row(customer)
        shown = desk.queue.index
        here = next((at for at in range(desk.queue.rowCount()) if _id(shown(at)) == identity), 0)
        current = desk.page.queue.current_id()
        step = {_id(shown(here - 1)): "next", _id(shown(here + 1)): "previous"}.get(current)
        if current == identity:
            self.until("opened", lambda: self.sees(identity))
        elif current and step:
            self.press(step)
        elif not current and here == 0:
            self.press("next")
        else:
            self._search(customer, identity)
        self.until("opened", lambda: self.sees(identity))

    def sees(self, identity: str) -> bool:
        """Whether that conversation is open and read."""
        session = self._desk.session
        return session.conversation == identity and session.snapshot is not None

    def picture(self) -> QPixmap:
        """The window as it is now, with the menu or dialog over it."""
        self._settle()
        window = self._desk.window
        made = window.grab()
        over = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if over is not None and over is not window:
            painter = QPainter(made)
            painter.drawPixmap(window.mapFromGlobal(over.mapToGlobal(QPoint(0, 0))), over.grab())
            painter.end()
        return made

    def _attended(self) -> QWidget:
        """What keys go to. With no screen nobody gives the window back to a person whose menu or
        dialog closed, so it is taken."""
        over = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        window = self._desk.window
        if over is None and not window.isActiveWindow():
            window.activateWindow()
            self.until("window", window.isActiveWindow)
        return QApplication.activePopupWidget() or QApplication.focusWidget() or window

    def _settle(self) -> None:
        for _ in range(3):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
            self.rest()

    def _search(self, customer: str, identity: str) -> None:
        queue = self._desk.queue
        before = queue.rowCount()
        self.press("search")
        self.write(customer)
        self.until("found", lambda: queue.rowCount() > 0 and _id(queue.index(0)) == identity)
        self.key(Qt.Key.Key_Down)
        if self._desk.page.queue.current_id() != identity:
            self.press("previous")
        self.until("opened", lambda: self.sees(identity))
        self.press("search")
        self.key(Qt.Key.Key_Delete)
        self.until("found", lambda: queue.rowCount() >= before)
        self.key(Qt.Key.Key_Down)

    def _row(self, customer: str) -> str:
        queue = self._desk.queue
        rows = (queue.index(at) for at in range(queue.rowCount()))
        return next((_id(row) for row in rows if row.data(QueueRole.NAME) == customer), "")

    def _look_after_engine(self) -> None:
        failed = self._desk.bridge.state.failed
        if failed is not None:
            raise DemoStopped(f"The demo stopped: {failed.message}", what=failed.message)
        if self.unforeseen:
            raise ZuoxiError(
                f"An unexpected error ({self.unforeseen}).", "internal", kind=self.unforeseen
            )


def _id(index: object) -> str:
    data = getattr(index, "data", None)
    return str(data(QueueRole.ID) or "") if data is not None else ""
