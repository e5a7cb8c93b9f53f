"""The middle of the workshop: one rule as a form and as its text, with its examples below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Chip, Dressed, Elided, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import filter_chips
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import LEVEL_ICONS
from desktop.widgets.workshop_delegate import (
    CHANGE_LOOKS,
    level_tone,
    precision_words,
    state_of,
)
from desktop.widgets.workshop_editor import EditorFrame, LineMark, MarkedEditor
from desktop.widgets.workshop_examples import ExampleList
from desktop.widgets.workshop_form import WorkshopForm
from desktop.widgets.workshop_problems import ProblemList
from desktop.widgets.workshop_values import Checked, Opened, ProblemLine

View = Literal["form", "text"]
_VIEWS: Final[tuple[View, ...]] = ("form", "text")


class WorkshopRule(Dressed, Card):
    """`text_edited`, `form_edited` and `examples_edited` bring what a person changed, each time.

    `show_rule` opens a rule; `show_checked` brings what came of the newest text, which is put
    into the view that is not being edited.
    """

    text_edited = Signal(str)
    form_edited = Signal(object)
    examples_edited = Signal(str, object)
    switch_requested = Signal()
    restore_requested = Signal()
    add_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__("plain")
        self._look = look
        self._opened: Opened | None = None
        self._problems: tuple[ProblemLine, ...] = ()
        self._shows_form = True
        self._name = Elided(look, size="title", bold=True)
        self._id = Elided(look, tone="faint")
        self._id.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._chips = [Chip(look) for _ in range(3)]
        self.switch_button = PushButton(look, "workshop.off", "quiet", "prohibit")
        self.switch_button.clicked.connect(self.switch_requested)
        self.restore_button = PushButton(look, "workshop.restore", "quiet", "arrow-u-up-left")
        self.restore_button.clicked.connect(self.restore_requested)
        self.form = WorkshopForm(look)
        self.form.edited.connect(self.form_edited)

    def build(self) -> Iterator[None]:
        """Make what stands in it, some at each step; before the last one it can show no rule."""
        look = self._look
        self.text = MarkedEditor(look, code=True, numbers=True)
        self.text.edited.connect(lambda: self.text_edited.emit(self.text.toPlainText()))
        self.hits = ExampleList(look, "hit")
        self.misses = ExampleList(look, "miss")
        for name, one in (("hit", self.hits), ("miss", self.misses)):
            one.edited.connect(
                lambda name=name, one=one: self.examples_edited.emit(name, one.examples())
            )
        yield
        self._trouble = ProblemList(look)
        self._trouble.chosen.connect(self._go_to)
        full = QWidget()
        whole = column(full, 0)
        whole.addWidget(self._head(look))
        whole.addWidget(Rule())
        yield
        whole.addWidget(self._parts(look), 1)
        yield
        self._nothing = EmptyState(look)
        self._nothing.set_content(
            "shield-plus", "workshop.choose", "workshop.choose.body", "workshop.add"
        )
        self._nothing.action_requested.connect(self.add_requested)
        self._full = full
        room = QWidget()
        self._stack = QStackedLayout(room)
        self._stack.addWidget(self._nothing)
        self._stack.addWidget(full)
        column(self, 0).addWidget(room)
        yield
        yield from self.form.build()

    def _head(self, look: Look) -> QWidget:
        views = row(None, theme.S1)
        self._views = filter_chips(
            self, look, "workshop.view", _VIEWS, views.addWidget, self.set_view
        )
        self._views["form"].setChecked(True)
        top = row(None, theme.S2)
        top.addWidget(self._name, 1)
        top.addWidget(self.restore_button)
        top.addWidget(self.switch_button)
        below = row(None, theme.S2)
        for one in self._chips:
            below.addWidget(one)
        below.addWidget(self._id, 1)
        below.addLayout(views)
        made = QWidget()
        inside = column(made, theme.S2)
        inside.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S2)
        inside.addLayout(top)
        inside.addLayout(below)
        return made

    def _parts(self, look: Look) -> QWidget:
        above = QWidget()
        self._both = QStackedLayout(above)
        writing = QWidget()
        inside = column(writing, 0, theme.S3)
        frame = EditorFrame(look, self.text)
        inside.addWidget(frame)
        self._frame = frame
        self._unshown = EmptyState(look)
        for one in (self.form, writing, self._unshown):
            self._both.addWidget(one)
        self._writing = writing
        below = QWidget()
        restyle(below, kind="transparent")
        examples = column(below, theme.S2)
        examples.setContentsMargins(theme.S4, theme.S2, theme.S4, theme.S3)
        lists = row(None, theme.S3)
        lists.addWidget(self.hits, 1)
        lists.addWidget(self.misses, 1)
        examples.addWidget(self._trouble)
        examples.addLayout(lists, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setHandleWidth(theme.HAIRLINE)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(above)
        splitter.addWidget(below)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([3 * theme.QUEUE_ROW, 2 * theme.QUEUE_ROW])
        return splitter

    def show_rule(self, opened: Opened | None) -> None:
        """Edit another rule, or none; what is on its way about the former one is not shown."""
        self._opened = opened
        self._problems = ()
        self._stack.setCurrentWidget(self._full if opened is not None else self._nothing)
        if opened is not None:
            self.text.load(opened.text)
            self.hits.set_examples((), load=True)
            self.misses.set_examples((), load=True)
        self._dress()

    def refresh_rule(self, opened: Opened) -> None:
        """The same rule stands otherwise: its state, not its text."""
        self._opened = opened
        self._dress()

    def show_checked(self, checked: Checked, *, by_form: bool) -> None:
        """What came of a text: problems at their lines, examples, and the other view of it."""
        self._problems = checked.problems
        if by_form:
            self.text.set_text(checked.text)
        if checked.form is not None and not (by_form and self.form.form() == checked.form):
            self.form.set_form(checked.form)
        self.form.setEnabled(checked.form is not None)
        self._shows_form = checked.form is not None
        if checked.read:
            self.hits.set_examples(checked.hits)
            self.misses.set_examples(checked.misses)
        self._mark_text()
        self._trouble.set_problems(checked.problems)
        self._dress_views()

    def view(self) -> View:
        """Which of the two views is shown."""
        return "text" if self._views["text"].isChecked() else "form"

    def set_view(self, view: View) -> None:
        """Show the form or the text."""
        self._views[view].setChecked(True)
        self._dress_views()

    def problems(self) -> tuple[ProblemLine, ...]:
        """What is wrong with the text as it was last checked."""
        return self._problems

    def focus_first(self) -> None:
        """Begin to write."""
        if self.view() == "text":
            self.text.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.form.field("name").setFocus(Qt.FocusReason.OtherFocusReason)

    def _go_to(self, line: int) -> None:
        self.set_view("text")
        self.text.go_to(max(0, line - 1))

    def _mark_text(self) -> None:
        marks: dict[int, LineMark] = {}
        for problem in self._problems:
            at = max(0, problem.line - 1)
            tip = f"{marks[at].tip}\n{problem.words}" if at in marks else problem.words
            marks[at] = LineMark("warning-circle", "red_text", tip, wrong=True)
        self.text.set_marks(marks)
        self._frame.set_invalid(bool(marks))

    def _dress_views(self) -> None:
        opened, view = self._opened, self.view()
        # Scripts and contexts have no form.
        rule = opened is None or opened.row.kind == "rule"
        off = opened is not None and opened.row.change == "off"
        if off:
            self._unshown.set_content("prohibit", "workshop.is_off", "workshop.is_off.body")
            self._both.setCurrentWidget(self._unshown)
        elif view == "text" or not rule:
            self._both.setCurrentWidget(self._writing)
        elif self._shows_form:
            self._both.setCurrentWidget(self.form)
        else:
            self._unshown.set_content("file-text", "workshop.no_form", "workshop.no_form.body")
            self._both.setCurrentWidget(self._unshown)
        for chip in self._views.values():
            chip.setVisible(rule)
        for one in (self.hits, self.misses):
            one.setEnabled(not off)
            one.setVisible(rule or (opened is not None and opened.row.kind == "script"))

    def _dress(self) -> None:
        look, opened = self._look, self._opened
        self.text.setAccessibleName(look.text("workshop.text"))
        self._dress_views()
        self._mark_text()
        if opened is None:
            return
        one = opened.row
        self._name.set_text(one_line(one.name) or look.text("workshop.unnamed"))
        self._id.set_text(one.id)
        state = state_of(one)
        tone, icon = CHANGE_LOOKS.get(state, ("neutral", "check"))
        words = look.text(f"workshop.state.{state}") if state else look.text("workshop.as_ships")
        if not state and one.own:
            words = look.text("workshop.own")
        self._put(0, words, tone, icon)
        level = look.text(
            "review.level", level=one.level, name=look.text(f"case.level.{one.level}")
        )
        rule = one.kind == "rule"
        self._put(1, level if rule else look.text(f"workshop.kind.{one.kind}"),
                  level_tone(one.level, one.action) if rule else "neutral",
                  LEVEL_ICONS[one.level] if rule else "chat-text")  # fmt: skip
        self._put(2, precision_words(look, one), "neutral", "target")
        off = one.change == "off"
        self.switch_button.setVisible(not off and opened.ships)
        self.restore_button.setVisible(one.change != "" or one.own)
        self.restore_button.set_key(
            "workshop.on" if off else "workshop.restore" if opened.ships else "workshop.remove"
        )
        self.restore_button.set_icon_name(
            "check" if off else "arrow-u-up-left" if opened.ships else "trash"
        )

    def _put(self, at: int, words: str, tone: theme.Tone = "neutral", icon: str = "") -> None:
        self._chips[at].setVisible(bool(words))
        if words:
            self._chips[at].set_text(words, tone, icon)
