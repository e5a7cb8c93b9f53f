"""What the agent can do with a draft."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu

from desktop import theme
from desktop.actions import REJECT_REASONS
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.values import Availability


class DecisionBar(Dressed, Card):
    """Accept, edit, reject with a reason, draft again, thumbs down, hand over."""

    accept_requested = Signal()
    edit_requested = Signal()
    reject_requested = Signal(str)
    redraft_requested = Signal()
    thumbs_down_requested = Signal()
    hand_over_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("footer")
        self._look = look
        self._menu = QMenu(self)
        self._menu.triggered.connect(self._on_reason)
        accept = PushButton(look, "action.accept", "primary", "paper-plane-right", "accept")
        edit = PushButton(look, "action.edit", "", "pencil-simple", "edit")
        reject = PushButton(look, "action.reject", "", "x-circle")
        redraft = PushButton(look, "action.redraft", "quiet", "arrows-clockwise")
        thumbs = PushButton(look, "action.thumbs_down", "quiet", "thumbs-down")
        hand_over = PushButton(look, "action.hand_over", "quiet", "flag-banner")
        reject.set_tip_action("reject")
        redraft.set_tip_action("redraft")
        thumbs.set_tip_action("thumbs_down")
        hand_over.set_tip_action("hand_over")
        reject.set_trailing("caret-down")
        thumbs.setCheckable(True)
        self._buttons = {
            "accept": accept,
            "edit": edit,
            "reject": reject,
            "redraft": redraft,
            "thumbs_down": thumbs,
            "hand_over": hand_over,
        }
        accept.clicked.connect(self.accept_requested)
        edit.clicked.connect(self.edit_requested)
        reject.clicked.connect(self.open_reasons)
        redraft.clicked.connect(self.redraft_requested)
        thumbs.clicked.connect(self._on_thumbs)
        hand_over.clicked.connect(self.hand_over_requested)
        first = row(None, theme.S2)
        first.addWidget(accept, 1)
        first.addWidget(edit)
        second = row(None, theme.S1)
        second.addWidget(reject)
        second.addStretch(1)
        for button in (redraft, thumbs, hand_over):
            second.addWidget(button)
        layout = column(self, theme.S2)
        layout.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S3)
        layout.addLayout(first)
        layout.addLayout(second)
        self._verdict = False
        self._dress()

    def set_availability(self, availability: Availability) -> None:
        """Which actions are blocked, and why."""
        for name, button in self._buttons.items():
            button.block(getattr(availability, name))

    def set_verdict(self, thumbs_down: bool) -> None:
        """Show whether the draft already got a thumbs down."""
        self._verdict = thumbs_down
        button = self._buttons["thumbs_down"]
        button.setChecked(thumbs_down)
        button.set_icon_name("thumbs-down-fill" if thumbs_down else "thumbs-down")
        restyle(button, marked=thumbs_down)

    def button(self, action_id: str) -> PushButton:
        """The button of an action, for focus and tests."""
        return self._buttons[action_id]

    def open_reasons(self) -> None:
        """Ask why the draft is rejected; a digit or a click answers. Does nothing while blocked."""
        if self._buttons["reject"].why_blocked():
            return
        button = self._buttons["reject"]
        above = QPoint(0, -self._menu.sizeHint().height() - theme.S1)
        self._menu.popup(button.mapToGlobal(above))

    def reasons(self) -> QMenu:
        """The list of reasons; visible while it asks."""
        return self._menu

    def _on_reason(self, entry: QAction) -> None:
        if reason := entry.data():
            self.reject_requested.emit(reason)

    def _fill_menu(self) -> None:
        look, menu = self._look, self._menu
        menu.clear()
        menu.setAccessibleName(look.text("reason.ask"))
        menu.addAction(look.text("reason.ask")).setEnabled(False)
        menu.addSeparator()
        for digit, reason in enumerate(REJECT_REASONS, start=1):
            # The mnemonic makes the digit a key of the menu.
            entry = menu.addAction(f"&{digit}   {look.text(f'reason.{reason}')}")
            entry.setData(reason)

    def _on_thumbs(self) -> None:
        # The owner decides; the button shows only what it was told.
        self.set_verdict(self._verdict)
        self.thumbs_down_requested.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow: the lesser actions keep their icons and give up their words."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        names = ("redraft", "hand_over", "thumbs_down")
        room = self.width() - 2 * theme.S4 - 3 * theme.S1
        for compact in range(len(names) + 1):
            for at, name in enumerate(reversed(names)):
                self._buttons[name].set_compact(at < compact)
            buttons = ("reject", *names)
            if sum(self._buttons[name].sizeHint().width() for name in buttons) <= room:
                return

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("decision"))
        self.set_verdict(self._verdict)
        self._fill_menu()
        self._fit()
