"""What keeps a typed reply back, and the ways on: change it, give a reason, ask a lead.

It stands in the reply box and opens no dialogue. The owner says where a text stands (`GateView`)
and does what is asked of it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent

from desktop import actions, theme
from desktop.theme import Look, Tone
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.plain_editor import PlainEditor
from desktop.widgets.plain_text import one_line, safe, tooltip, unstopped
from engine.records import Hit

GateState = Literal[
    "", "reason", "script", "lead", "never", "asked", "granted", "refused", "lapsed", "informed"
]
REASON_LINES: Final = 3
_LONGEST_REASON: Final = 500
_QUOTED: Final = 120

_SHAPES: Final[dict[GateState, tuple[Tone, str]]] = {
    "reason": ("amber", "warning"),
    "script": ("amber", "clipboard-text"),
    "lead": ("red", "warning-circle"),
    "never": ("deep", "warning-octagon"),
    "asked": ("amber", "hourglass"),
    "granted": ("accent", "check-circle"),
    "refused": ("red", "x-circle"),
    "lapsed": ("amber", "warning"),
    "informed": ("accent", "check-circle"),
}
# What the key and the button do where a reason is asked for first.
# Where an agent can say that the rule is wrong here.
_OBJECTABLE: Final = ("reason", "lead", "never", "refused")
AppealState = Literal["", "open", "upheld", "dismissed"]
_REASONED: Final = ("reason", "script", "lead", "refused")


class GateView(Struct, frozen=True):
    """Where a typed text stands. `hits` are those that keep it back, one for each rule.

    `asked` is the asker's reason, `lead` who answered and `comment` what they said; `quoted` is the
    text that was asked about where it is another one, `answered` whether a lead approved that one.
    `scripts` are those that must be said and are not; `hindrance` says why no reason can be given
    yet, `unsigned` why nothing can be said against the rule. `appeal` is what became of the agent's
    word against the gravest hit, `judge` who answered it and `verdict` in which words.
    """

    state: GateState = ""
    hits: tuple[Hit, ...] = ()
    asked: str = ""
    lead: str = ""
    comment: str = ""
    quoted: str = ""
    answered: bool = False
    scripts: tuple[str, ...] = ()
    hindrance: str = ""
    unsigned: str = ""
    appeal: AppealState = ""
    judge: str = ""
    verdict: str = ""


class ReasonField(PlainEditor):
    """Some lines for a reason; Enter is done, Escape gives up."""

    given_up = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.enter_sends = True
        self.setFont(theme.font("small"))

    def sizeHint(self) -> QSize:
        """As high as the reason, up to some lines."""
        lines = max(1, min(REASON_LINES, int(self.document().size().height())))
        return QSize(theme.FIELD_WIDTH, lines * self._line_height() + theme.S1)

    def minimumSizeHint(self) -> QSize:
        """One line."""
        return QSize(theme.RAIL, self._line_height() + theme.S1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape, besides what the editor knows."""
        if event.key() == Qt.Key.Key_Escape and not self.is_composing():
            event.accept()
            self.given_up.emit()
            return
        super().keyPressEvent(event)


class GatePanel(Dressed, Card):
    """Hidden while nothing keeps the text back, and where a script is missing until somebody wants
    to do without it: one key inserts it.

    `reasoned` brings the reason of whoever sends it or asks for it all the same, `objected` the
    words of whoever says that the rule is wrong here, `appeals` asks for all such words, `restore`
    for the text that was asked about, `send` sends what was approved, `left` gives the focus back,
    `changed` tells that it shows something else.
    """

    reasoned = Signal(str)
    objected = Signal(str)
    appeals = Signal()
    restore = Signal()
    send = Signal()
    left = Signal()
    changed = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("amber")
        self._look = look
        self._view = GateView()
        self._open = self._busy = self._objecting = False
        self._problem = ""
        self._key = ""
        self._kept: dict[str, str] = {}
        self._icon = IconLabel(look, "warning", "amber_text")
        self._title = Label(look, bold=True, wrap=True)
        self._body = Label(look, wrap=True)
        self._next = Label(look, tone="soft", wrap=True)
        self._field = ReasonField(look)
        self._field.send.connect(self.act)
        self._field.given_up.connect(self._give_up)
        self._field.textChanged.connect(self._on_reason)
        self._frame = Card("composer")
        inside = column(self._frame, 0, theme.S2)
        inside.addWidget(self._field)
        self._field.focus_changed.connect(lambda on: restyle(self._frame, active=on))
        self._wrong = Label(look, tone="red", wrap=True)
        self._restore = PushButton(look, "gate.lapsed.open", "quiet", "arrow-u-up-left")
        self._restore.clicked.connect(self.restore)
        self._said = Label(look, tone="soft", wrap=True)
        self._object = PushButton(look, "gate.appeal.begin", "quiet", "chat-dots")
        self._object.clicked.connect(self.object_to)
        self._mine = PushButton(look, "gate.appeal.mine", "quiet", "chat-dots")
        self._mine.clicked.connect(self.appeals)
        self._cancel = PushButton(look, "gate.cancel", "quiet")
        self._cancel.clicked.connect(self._give_up)
        self._act = PushButton(look, "gate.lead.open", "", action="override")
        self._act.clicked.connect(self.act)
        head = row(None, theme.S2)
        head.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._title, 1)
        again = row(None, theme.S2)
        again.addWidget(self._object)
        again.addWidget(self._mine)
        again.addStretch(1)
        again.addWidget(self._restore)
        self._buttons = row(None, theme.S2)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self._cancel)
        self._buttons.addWidget(self._act)
        layout = column(self, theme.S1, theme.S2)
        layout.addLayout(head)
        for widget in (self._body, self._next, self._said, self._frame, self._wrong):
            layout.addWidget(widget)
        layout.addLayout(again)
        layout.addLayout(self._buttons)
        self._dress()

    def begin(self, key: str) -> None:
        """Another text: the reason of the former one is kept for when it is back."""
        self._kept[self._key] = self.reason()
        self._key = key
        self._field.setPlainText(self._kept.pop(key, ""))
        self._open, self._busy, self._problem = bool(self.reason().strip()), False, ""
        self._objecting = False
        self.set_view(GateView())

    def set_view(self, view: GateView) -> None:
        """Show where the text stands now."""
        if view.state != self._view.state and view.state in ("asked", "granted", "informed"):
            self._field.clear()
            self._open = self._objecting = False
        if self._objecting and view.appeal:
            self._objecting = False
            self._field.clear()
            self.left.emit()
        if view != self._view:
            self._busy = False
        self._view = view
        self._dress()

    def view(self) -> GateView:
        """What is shown."""
        return self._view

    def reason(self) -> str:
        """The reason as typed so far."""
        return self._field.toPlainText()

    def field(self) -> ReasonField:
        """Where the reason is typed."""
        return self._field

    def button(self) -> PushButton:
        """What goes on: opens the field, confirms it, or gives the text back."""
        return self._act

    def is_open(self) -> bool:
        """Whether a reason is being asked for."""
        state = self._view.state
        return state in (_OBJECTABLE if self._objecting else _REASONED if self._open else ())

    def set_problem(self, words: str) -> None:
        """Say why what was asked for did not work; the reason stays."""
        self._problem, self._busy = words, False
        self._dress()

    def act(self) -> None:
        """Do the next step; the key `override` and Enter in the field do the same."""
        state = self._view.state
        if self._objecting:
            self._confirm(self.objected)
        elif state == "lapsed":
            self.restore.emit()
        elif state == "granted":
            self.send.emit()
        elif state not in _REASONED or self._act.why_blocked():
            return
        elif not self._open:
            self._open = True
            self._dress()
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._confirm(self.reasoned)

    def object_to(self) -> None:
        """Begin to say that the rule is wrong here; the key `appeal` does the same."""
        if self._view.state in _OBJECTABLE and not self._view.appeal:
            self._objecting, self._open, self._problem = True, False, ""
            self._dress()
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirm(self, signal: SignalInstance) -> None:
        if self.reason().strip() and not self._act.why_blocked():
            self._busy, self._problem = True, ""
            self._dress()
            signal.emit(self.reason().strip())

    def _give_up(self) -> None:
        self._open, self._objecting, self._problem = False, False, ""
        self._dress()
        self.left.emit()

    def _on_reason(self) -> None:
        if len(self.reason()) > _LONGEST_REASON:
            self._field.setPlainText(self.reason()[:_LONGEST_REASON])
            self._field.moveCursor(self._field.textCursor().MoveOperation.End)
        self._problem = ""
        self._dress()

    def _rules(self) -> str:
        """The gravest rule at length, the others by name; the button tells all of them."""
        look = self._look
        first = {hit.rule: hit for hit in self._view.hits}
        hits = sorted(first.values(), key=lambda hit: hit.level, reverse=True)
        if not hits:
            return ""
        gravest = look.text(
            "gate.rule",
            name=hits[0].name or hits[0].rule,
            level=hits[0].level,
            why=unstopped(hits[0].why),
            do=unstopped(hits[0].advice),
        )
        comma = "、" if look.language == "zh" else ", "
        names = comma.join(f"{hit.name or hit.rule} ({hit.level})" for hit in hits[1:])
        return f"{gravest}\n{look.text('gate.rules.more', names=names)}" if names else gravest

    def _words(self) -> tuple[str, str]:
        """What is the case, and what may be done."""
        look, view = self._look, self._view
        said = look.text("gate.said", words=one_line(view.comment)) if view.comment else ""
        if view.state == "script":
            words = "\n".join(one_line(one) for one in view.scripts)
            return look.text("gate.script.text", text=words), look.text("gate.reason.next")
        if view.state in ("reason", "lead", "never"):
            further = [look.text(f"gate.{view.state}.next")]
            if view.quoted:
                further.append(look.text("gate.lapsed.beside"))
            return self._rules(), "\n".join(further)
        if view.state == "asked":
            return look.text("gate.asked.reason", reason=unstopped(one_line(view.asked))), ""
        if view.state == "refused":
            return "\n".join(part for part in (said, self._rules()) if part), ""
        if view.state == "lapsed":
            words = one_line(view.quoted)
            words = words if len(words) <= _QUOTED else words[:_QUOTED] + "…"
            return look.text("gate.lapsed.text", text=words), ""
        return said, ""

    def _dress(self) -> None:
        look, view = self._look, self._view
        seen = bool(view.state) and (view.state != "script" or self._open)
        self.setVisible(seen)
        self.changed.emit()
        if not seen:
            return
        tone, icon = _SHAPES[view.state]
        restyle(self, kind=tone)
        self._icon.set_icon(icon, f"{tone}_text")
        key = "gate.lapsed.approved" if view.state == "lapsed" and view.answered else ""
        keys = actions.keys_text("insert_script", look.language)
        title = look.text(key or f"gate.{view.state}", name=view.lead, keys=keys)
        self._title.set_text(title)
        self._title.set_tone(tone)
        body, further = self._words()
        for label, words in ((self._body, body), (self._next, further)):
            label.set_text(words)
            label.setVisible(bool(words))
        # A low window may cut the last lines.
        self._body.setToolTip(tooltip(body))
        opened = self.is_open()
        self._frame.setVisible(opened)
        self._cancel.setVisible(opened)
        own = "appeal" if self._objecting else "lead"
        if view.state in ("reason", "script") and not self._objecting:
            own = view.state
        hint = look.text(f"gate.field.{own}")
        self._field.setPlaceholderText(safe(hint))
        self._field.setAccessibleName(hint)
        self._wrong.set_text(self._problem)
        self._wrong.setVisible(bool(self._problem))
        self._restore.setVisible(bool(view.quoted) and view.state != "lapsed" and not opened)
        further_step = view.state not in ("never", "asked", "informed")
        self._act.setVisible(further_step or self._objecting)
        if self._objecting:
            self._act.set_key("gate.appeal.confirm")
        elif further_step:
            self._act.set_key(f"gate.{view.state}.{'confirm' if opened else 'open'}")
        self._act.block(self._hindrance(opened))
        self._said.setVisible(bool(view.appeal) and view.state in _OBJECTABLE)
        if view.appeal:
            verdict = unstopped(one_line(view.verdict))
            self._said.set_key(f"gate.appeal.{view.appeal}", who=view.judge, words=verdict)
        self._object.setVisible(
            view.state in _OBJECTABLE and not view.appeal and bool(view.hits) and not opened
        )
        self._mine.setVisible(self._said.isVisibleTo(self) and not opened)
        self.setAccessibleName(title)
        self.setAccessibleDescription(safe(f"{body} {further}".strip()))
        self.updateGeometry()

    def _hindrance(self, opened: bool) -> str:
        if self._objecting:
            if self._view.unsigned:
                return self._view.unsigned
        elif self._view.state not in _REASONED:
            return ""
        elif self._view.hindrance:
            return self._view.hindrance
        if self._busy:
            return self._look.text("gate.busy")
        return self._look.text("gate.no_reason") if opened and not self.reason().strip() else ""
