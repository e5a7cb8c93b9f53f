"""Where the agent writes: plain text, red-line marks, an Enter that no input method triggers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QTextCursor
from PySide6.QtWidgets import QSizePolicy, QTextEdit

from desktop import actions, theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.bubble_layout import hit_format, hit_tone
from desktop.widgets.gate_panel import GatePanel
from desktop.widgets.plain_editor import LONGEST, PlainEditor
from desktop.widgets.plain_text import Offsets, safe
from engine.records import Hit


class Composer(Dressed, Card):
    """The reply box with a line on red lines and scripts, and the send button.

    `gate` says what keeps the text back at length, and asks for a reason.
    """

    text_changed = Signal(str)
    send_requested = Signal(str)
    script_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("composer")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._look = look
        self._hits: tuple[Hit, ...] = ()
        self._scripts: tuple[str, ...] = ()
        self._blocked = self._details = self._disabled = self._done = ""
        self._quiet = False
        self._cut = 0
        self._editor = PlainEditor(look)
        self._editor.shortened.connect(self._on_cut)
        self._editor.textChanged.connect(self._on_text)
        self._editor.send.connect(self._send)
        self._editor.focus_changed.connect(lambda active: restyle(self, active=active))
        self.setFocusProxy(self._editor)
        self._state_icon = IconLabel(look, "shield-check", "accent_text")
        self._state = Elided(look, tone="soft")
        self._script_icon = IconLabel(look, "clipboard-text", "amber_text")
        self._script = Label(look, tone="amber")
        self._insert = PushButton(look, "composer.script.insert", "link", action="insert_script")
        self._insert.clicked.connect(self.script_requested)
        self._without = PushButton(look, "composer.script.without", "quiet", action="override")
        self._keys = Label(look, tone="faint")
        self._button = PushButton(look, "composer.send", "primary", "paper-plane-right")
        self._button.clicked.connect(self._send)
        foot = row(None, theme.S2)
        foot.addWidget(self._state_icon)
        foot.addWidget(self._state, 1)
        foot.addWidget(self._keys)
        foot.addWidget(self._button)
        layout = column(self, theme.S2, theme.S3)
        layout.addWidget(self._editor)
        self.gate = GatePanel(look)
        self.gate.left.connect(self.focus_end)
        self.gate.send.connect(self._send)
        self.gate.changed.connect(self._offer)
        self._without.clicked.connect(self.gate.act)
        keys = QKeySequence(actions.spec("appeal").keys[0])
        self._appeal = QShortcut(keys, self)
        self._appeal.activated.connect(self.gate.object_to)
        layout.addWidget(self.gate)
        line = row(None, theme.S2)
        line.addWidget(self._script_icon)
        line.addWidget(self._script)
        line.addStretch(1)
        line.addWidget(self._without)
        line.addWidget(self._insert)
        layout.addLayout(line)
        layout.addLayout(foot)
        self._dress()

    def set_text(self, text: str) -> None:
        """Replace what is typed, without a signal; it cannot be undone back."""
        self._quiet = True
        self._editor.setPlainText(safe(text[:LONGEST]))
        self._quiet = False
        self._done = ""
        self._cut = max(0, len(text) - LONGEST)
        self.set_hits(())

    def text(self) -> str:
        """What is typed."""
        return self._editor.toPlainText()

    def insert_script(self, text: str, *, first: bool = False) -> None:
        """Put a mandatory script on a line of its own and say so; Ctrl+Z takes it out.

        It goes before the line where the cursor is at its start, else after it, so that no sentence
        is torn; `first`: before all that is typed.
        """
        cursor = self._editor.textCursor()
        cursor.beginEditBlock()
        if first:
            cursor.movePosition(QTextCursor.MoveOperation.Start)
        elif cursor.positionInBlock() > 0:
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
        before = cursor.positionInBlock() > 0
        cursor.insertText(f"\n{safe(text)}" if before else safe(text))
        if not cursor.atBlockEnd():
            cursor.insertText("\n")
        cursor.endEditBlock()
        self._editor.setTextCursor(cursor)
        self._done = "composer.script.first" if first else "composer.script.inserted"
        self._show_state()

    def set_enter_sends(self, sends: bool) -> None:
        """Whether Enter alone sends."""
        self._editor.enter_sends = sends
        self._dress()

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """Mark the red-line hits of the text as it is now."""
        marked = bool(self._hits)
        self._hits = tuple(hits)
        if marked or self._hits:
            self._mark()
        self._show_state()

    def set_scripts(self, scripts: Sequence[str]) -> None:
        """The mandatory scripts that are missing in the text."""
        self._scripts = tuple(scripts)
        self._show_state()

    def set_blocked(self, why: str, details: str = "") -> None:
        """Refuse to send because of `why`; "" allows it. The button says `details`, if given."""
        self._blocked, self._details = why, details or why
        self._show_state()

    def set_enabled(self, enabled: bool, why: str = "") -> None:
        """Allow typing, or not and say why in its place."""
        self._disabled = "" if enabled else (why or " ")
        self._editor.setReadOnly(not enabled)
        self._dress()

    def focus_end(self) -> None:
        """Put the cursor at the end of the text."""
        self._editor.moveCursor(QTextCursor.MoveOperation.End)
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def is_composing(self) -> bool:
        """Whether an input method is at work."""
        return self._editor.is_composing()

    def editor(self) -> PlainEditor:
        """The editor itself, for focus and events."""
        return self._editor

    def _on_text(self) -> None:
        if self._quiet:
            return
        self._cut = 0
        self._done = ""
        # The marks move with the text; the owner screens it anew and calls `set_hits`.
        self._show_state()
        self.text_changed.emit(self.text())

    def _on_cut(self, characters: int) -> None:
        self._cut = characters
        self._show_state()

    def _why(self) -> str:
        if self._disabled.strip():
            return self._disabled
        if self._blocked:
            return self._look.text("composer.blocked", why=self._details)
        return "" if self.text().strip() else self._look.text("composer.empty")

    def _send(self) -> None:
        if not self._why() and not self._disabled and not self.is_composing():
            self.send_requested.emit(self.text())

    def _mark(self) -> None:
        offsets = Offsets(self.text())
        made = []
        for hit in self._hits:
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self._editor.document())
            last = self._editor.document().characterCount() - 1
            cursor.setPosition(min(last, offsets.to_qt(hit.start)))
            stop = min(last, offsets.to_qt(hit.end))
            cursor.setPosition(stop, QTextCursor.MoveMode.KeepAnchor)
            mark.cursor = cursor
            mark.format = hit_format(self._look, hit)
            made.append(mark)
        self._editor.setExtraSelections(made)

    def _dress(self) -> None:
        look, language = self._look, self._look.language
        send = actions.keys_text("send", language)
        edit = actions.keys_text("edit", language)
        hint = self._disabled.strip() or look.text("composer.hint", keys=edit)
        self._editor.setPlaceholderText(safe(hint))
        self._editor.setAccessibleName(look.text("composer"))
        enter = "composer.enter_sends" if self._editor.enter_sends else "composer.enter_new_line"
        self._keys.set_key(enter, **({} if self._editor.enter_sends else {"keys": send}))
        self._mark()
        self._show_state()

    def _show_state(self) -> None:
        look = self._look
        self._button.block(self._why() or self._disabled)
        restyle(self, blocked=bool(self._blocked))
        if self._blocked:
            self._state_icon.set_icon("prohibit", "red_text")
            self._state.set_text(look.text("composer.blocked", why=self._blocked))
            self._state.set_tone("red")
        elif self._cut:
            self._state_icon.set_icon("warning", "amber_text")
            self._state.set_text(look.text("composer.cut", n=self._cut, most=LONGEST))
            self._state.set_tone("amber")
        elif self._done:
            self._state_icon.set_icon("check", "accent_text")
            undo = actions.keys_text("undo_send", look.language)
            self._state.set_text(look.text(self._done, keys=undo))
            self._state.set_tone("accent")
        elif self._hits:
            names = "、" if look.language == "zh" else ", "
            joined = names.join(dict.fromkeys(hit.name or hit.rule for hit in self._hits))
            tone = hit_tone(self._hits[0])
            self._state_icon.set_icon("warning", f"{tone}_text")
            self._state.set_text(look.text("composer.hits", n=len(self._hits), names=joined))
            self._state.set_tone(tone)
        else:
            self._state_icon.set_icon("shield-check", "accent_text")
            self._state.set_text(look.text("composer.clean"))
            self._state.set_tone("soft")
        missing = bool(self._scripts)
        for widget in (self._script_icon, self._script, self._insert):
            widget.setVisible(missing)
        self._script.set_key("composer.script.missing")
        self._offer()
        self._fit()

    def _offer(self) -> None:
        """Where nothing but a script is missing, a reason may stand in its place."""
        bare = self.gate.view().state == "script" and not self.gate.is_open()
        self._without.setVisible(bare and bool(self._scripts))

    def sizeHint(self) -> QSize:
        """As high as its wrapped lines are at this width, which is as high as it may become."""
        hint = super().sizeHint()
        return QSize(hint.width(), max(hint.height(), self.heightForWidth(self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow: what the rules say comes before what the keys do."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
        self._fit()

    def _fit(self) -> None:
        parts = (self._state_icon, self._state, self._keys, self._button)
        taken = sum(part.sizeHint().width() for part in parts) + 2 * theme.S3 + 5 * theme.S2
        self._keys.setVisible(taken <= self.width() and not self._blocked and not self._hits)
