"""What a lead looks at: a hit and its verdict, a request and its answer, or many hits at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QScrollArea, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Elided, Label, PushButton
from desktop.widgets.boxes import column, row, scroll_down_only
from desktop.widgets.bubble_layout import hit_tone
from desktop.widgets.flow import FlowBox
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line, unstopped
from desktop.widgets.review_delegate import (
    LEVEL_ICONS,
    REQUEST_LOOKS,
    VERDICT_LOOKS,
    category_words,
    rule_words,
)
from desktop.widgets.review_text import HitText
from desktop.widgets.review_values import HitRow, RequestRow

_REQUESTS: Final = ("approve", "refuse", "see")
_TEXT_HEIGHT: Final = theme.QUEUE_ROW * 2


class CommentField(Dressed, QLineEdit):
    """One line; Escape goes back to the list with what was typed kept."""

    left = Signal()

    def __init__(self, look: Look, key: str) -> None:
        super().__init__()
        self._look, self._key = look, key
        self.setFont(theme.font("small"))
        self.setMaxLength(1000)
        self._dress()

    def set_key(self, key: str) -> None:
        """Another prompt."""
        self._key = key
        self._dress()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)

    def _dress(self) -> None:
        words = self._look.text(self._key)
        self.setPlaceholderText(words)
        self.setAccessibleName(words)


class ReviewCard(Dressed, Card):
    """`judged` brings "right", "false_alarm" or "missed"; `decided` whether a text may pass."""

    judged = Signal(str)
    decided = Signal(bool)
    left = Signal()

    def __init__(self, look: Look, clock: Callable[[], float]) -> None:
        super().__init__("plain")
        self._look, self._clock = look, clock
        self._row: HitRow | RequestRow | None = None
        self._many = self._among = 0
        self._who = ""
        self._title = Elided(look, size="title", bold=True)
        self._when = Label(look, tone="faint")
        self._chips = [Chip(look) for _ in range(6)]
        chips = FlowBox()
        for chip in self._chips:
            chips.add(chip)
        head = row(None, theme.S2)
        head.addWidget(self._title, 1)
        head.addWidget(self._when)
        self._why = Label(look, tone="soft", wrap=True)
        self._text = HitText(look)
        inside = QWidget()
        room = column(inside, 0, theme.S3)
        room.addWidget(self._text)
        room.addStretch(1)
        self._scroll = QScrollArea()
        scroll_down_only(self._scroll)
        self._scroll.setWidget(inside)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._text.installEventFilter(self)
        frame = Card("well")
        column(frame, 0).addWidget(self._scroll)
        self._state = Label(look, tone="soft", wrap=True)
        self.comment = CommentField(look, "review.comment")
        self.comment.left.connect(self.left)
        self._buttons: dict[str, PushButton] = {}
        bar = row(None, theme.S2)
        for name, icon, kind in (
            ("right", "check-circle", "primary"),
            ("false_alarm", "x-circle", ""),
            ("approve", "check-circle", "primary"),
            ("refuse", "x-circle", ""),
            ("see", "check", "primary"),
            ("missed", "eye-slash", ""),
        ):
            own = name in _REQUESTS
            key = f"review.request.{name}" if own else f"review.{name}"
            button = PushButton(look, key, kind, icon, "" if own else f"review_{name}")
            button.clicked.connect(lambda _=False, name=name: self._on_button(name))
            bar.addWidget(button)
            self._buttons[name] = button
        bar.addStretch(1)
        self._frame = frame
        whole = column(self, theme.S2)
        whole.setContentsMargins(theme.S5, theme.S3, theme.S5, theme.S3)
        whole.addLayout(head)
        whole.addWidget(chips)
        whole.addWidget(self._why)
        whole.addWidget(frame)
        whole.addWidget(self._state)
        whole.addWidget(self.comment)
        whole.addLayout(bar)
        self.comment.textChanged.connect(lambda _: self._block())

    def show_row(self, shown: HitRow | RequestRow | None) -> None:
        """Look at a row; what was typed about another one is forgotten."""
        former = self._row.id if self._row else ""
        if shown is None or shown.id != former:
            self.comment.clear()
        self._row = shown
        self._dress()

    def show_many(self, hits: int, requests: int = 0) -> None:
        """Several rows are chosen; 0 or 1 goes back to the one."""
        self._many, self._among = (hits, requests) if hits + requests > 1 else (0, 0)
        self._dress()

    def set_who(self, who: str) -> None:
        """Who decides; requests need a name."""
        self._who = who
        self._block()

    def button(self, name: str) -> PushButton:
        """A button: right, false_alarm, missed, approve, refuse or see."""
        return self._buttons[name]

    def text(self) -> HitText:
        """The text with the marked characters."""
        return self._text

    def state(self) -> str:
        """What is said of the row: who judged it, or who asks and why."""
        return self._state.text()

    def _on_button(self, name: str) -> None:
        if name in _REQUESTS:
            self.decided.emit(name != "refuse")
        else:
            self.judged.emit(name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As high as the text, up to a limit."""
        if watched is self._text and event.type() == QEvent.Type.Resize:
            high = self._text.height() + 2 * theme.S3 + theme.HAIRLINE
            self._scroll.setFixedHeight(min(high, _TEXT_HEIGHT))
        return super().eventFilter(watched, event)

    def _dress(self) -> None:
        many, shown = self._many, self._row
        for part in (self._frame, self._why, self._when):
            part.setVisible(not many and shown is not None)
        for chip in self._chips:
            chip.setVisible(False)
        if many:
            self._title.set_key("review.many", n=many)
            key = "review.many.requests" if self._among else "review.many.body"
            self._state.set_key(key, n=many)
        elif isinstance(shown, HitRow):
            self._dress_hit(shown)
        elif isinstance(shown, RequestRow):
            self._dress_request(shown)
        self._state.setVisible(bool(self._state.text()))
        hit, request = bool(many) or isinstance(shown, HitRow), isinstance(shown, RequestRow)
        for name in ("right", "false_alarm"):
            self._buttons[name].setVisible(hit)
        self._buttons["missed"].setVisible(not many)
        told = isinstance(shown, RequestRow) and shown.state in ("told", "seen")
        for name in ("approve", "refuse"):
            self._buttons[name].setVisible(request and not many and not told)
        self._buttons["see"].setVisible(told and not many)
        self.comment.set_key("review.comment.request" if request and not many else "review.comment")
        self._block()

    def _dress_hit(self, shown: HitRow) -> None:
        look, hit = self._look, shown.hit
        self._title.set_text(rule_words(look, shown))
        self._when.set_text(moment_words(shown.at, self._clock()))
        level = look.text(
            "review.level", level=hit.level, name=look.text(f"case.level.{hit.level}")
        )
        tone, icon = VERDICT_LOOKS[shown.verdict]
        words = look.text(f"review.verdict.{shown.verdict or 'none'}")
        self._put(0, words, tone, icon)
        self._put(1, level, hit_tone(hit), LEVEL_ICONS.get(hit.level, "warning"))
        self._put(2, category_words(look, hit.category))
        self._put(3, look.text(f"review.side.{hit.side}"))
        self._put(4, look.text("review.unsent") if shown.message is None else "")
        self._put(5, look.text("review.trial") if hit.trial else "", "neutral", "flask")
        why, advice = unstopped(one_line(hit.why)), unstopped(one_line(hit.advice))
        if why and advice:
            self._why.set_key("review.why", why=why, advice=advice)
        else:
            self._why.set_text(hit.why or hit.advice)
        self._why.setVisible(bool(hit.why or hit.advice))
        marks = [(shown.start, shown.end, hit)]
        self._text.show_hits(shown.excerpt, marks, whole=shown.message is None)
        self._state.set_text(self._verdict_words(shown))

    def _verdict_words(self, shown: HitRow) -> str:
        look = self._look
        if shown.verdict is None:
            return ""
        verdict = look.text(f"review.verdict.{shown.verdict}")
        who = one_line(shown.judged_by)
        key = "review.judged_by.who" if who else "review.judged_by"
        said = look.text(key, who=who, verdict=verdict)
        note = one_line(shown.note)
        return look.text("review.judged_by.note", judged=said, note=note) if note else said

    def _dress_request(self, shown: RequestRow) -> None:
        look = self._look
        told = shown.state in ("told", "seen")
        key = "review.request.by.told" if told else "review.request.by"
        self._title.set_text(look.text(key, who=one_line(shown.who)))
        self._when.set_text(moment_words(shown.at, self._clock()))
        tone, icon = REQUEST_LOOKS.get(shown.state, ("neutral", "check"))
        self._put(0, look.text(f"review.request.{shown.state}"), tone, icon)
        names = dict.fromkeys((one_line(hit.name or hit.rule), hit) for hit in shown.hits)
        for at, (name, hit) in enumerate(list(names)[: len(self._chips) - 1]):
            self._put(at + 1, name, hit_tone(hit), LEVEL_ICONS.get(hit.level, "warning"))
        if not shown.hits:
            self._put(1, look.text("review.request.script"), "amber", "clipboard-text")
        self._why.hide()
        marks = [(hit.start, hit.end, hit) for hit in shown.hits]
        self._text.show_hits(shown.text, marks, whole=True)
        self._state.set_key("review.request.reason", reason=one_line(shown.reason))

    def _put(self, at: int, words: str, tone: theme.Tone = "neutral", icon: str = "") -> None:
        self._chips[at].setVisible(bool(words))
        if words:
            self._chips[at].set_text(words, tone, icon)

    def _block(self) -> None:
        """Say why a request cannot be decided on."""
        look, shown = self._look, self._row
        if not isinstance(shown, RequestRow):
            return
        why = ""
        if shown.state not in ("asked", "told"):
            why = look.text("review.request.done")
        elif shown.own:
            why = look.text("review.request.own")
        elif not self._who.strip():
            why = look.text("review.request.nobody")
        self._buttons["approve"].block(why)
        self._buttons["see"].block(why)
        silent = not self.comment.text().strip()
        self._buttons["refuse"].block(
            why or (look.text("review.request.comment") if silent else "")
        )
        if why and shown.state in ("asked", "told"):
            reason = look.text("review.request.reason", reason=one_line(shown.reason))
            self._state.set_text(f"{reason}\n{why}")
