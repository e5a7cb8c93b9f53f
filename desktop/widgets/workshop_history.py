"""All versions of the rules, what each changed, and the way back to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QPlainTextEdit,
    QSplitter,
    QStackedLayout,
    QStyleOptionViewItem,
    QWidget,
)

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.blocks import Card, Dressed, Elided, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.filter_chips import filter_chips
from desktop.widgets.moments import moment_words
from desktop.widgets.plain_text import one_line, safe
from desktop.widgets.row_delegate import Index, RowDelegate
from desktop.widgets.workshop_list import RowList
from desktop.widgets.workshop_values import RuleDiff, VersionRow

DRAFT: Final = -1
"""The number of the row that stands for what is being edited."""
_LOOKS: Final[dict[str, tuple[Tone, str]]] = {
    "trial": ("amber", "flask"),
    "asked": ("amber", "users"),
    "in_force": ("accent", "shield-check"),
    "superseded": ("neutral", "clock-counter-clockwise"),
    "rolled_back": ("neutral", "arrow-counter-clockwise"),
    "withdrawn": ("neutral", "stop-circle"),
    "refused": ("red", "x-circle"),
}
_MOST: Final = 3_000
_WERE: Final = frozenset(("superseded", "rolled_back"))


class VersionDelegate(RowDelegate):
    """Three lines: number and state, who and when, and the comment."""

    def __init__(self, look: Look, parent: QWidget, clock: Callable[[], float]) -> None:
        super().__init__(look, parent)
        self._clock = clock

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        line = painting.line_height("small")
        return QSize(theme.RAIL, painting.line_height("body") + 2 * line + 2 * theme.S2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one version."""
        shown = index.data(self._role)
        with self._ground(painter, option) as room:
            if isinstance(shown, VersionRow):
                self._draw(painter, room, shown)

    def _draw(self, painter: QPainter, room: QRectF, shown: VersionRow) -> None:
        look, line, small = self.look, painting.line_height("body"), painting.line_height("small")
        title = version_words(look, shown)
        self._words(painter, QRectF(room.left(), room.top(), room.width(), line), title, "text",
                    "body", bold=True)  # fmt: skip
        if shown.number != DRAFT and (shown.number or shown.state == "in_force"):
            words = look.text(f"workshop.version.{shown.state}")
            tone, icon = _LOOKS[shown.state]
            left = room.right() - painting.chip_width(words, icon)
            top = room.top() + (line - theme.CHIP) / 2
            painting.draw_chip(painter, QPointF(left, top), words, look.tokens, tone, icon)
        who = one_line(", ".join(shown.authors))
        when = moment_words(shown.at, self._clock()) if shown.at else ""
        changes = look.text("workshop.changes", n=shown.changes) if shown.changes else ""
        below = " · ".join(part for part in (who, when, changes) if part)
        at = QRectF(room.left(), room.top() + line, room.width(), small)
        self._words(painter, at, below, "text_soft")
        self._words(painter, at.translated(0, small), one_line(shown.comment), "text_faint")


class DiffText(Dressed, QPlainTextEdit):
    """Differences rule by rule, added and removed lines on their grounds, never colour alone."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._shown: tuple[RuleDiff, ...] = ()
        self.setReadOnly(True)
        self.setFont(theme.code_font())
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        restyle(self, kind="code")
        self.document().setDocumentMargin(theme.S3)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._dress()

    def show_diffs(self, shown: Sequence[RuleDiff]) -> None:
        """Replace what is shown."""
        self._shown = tuple(shown)
        self._dress()

    def _dress(self) -> None:
        look = self._look
        self.setAccessibleName(look.text("workshop.diff"))
        lines: list[tuple[str, str]] = []
        for one in self._shown:
            if lines:
                lines.append(("", " "))
            head = look.text(f"workshop.diff.{one.change}", name=one_line(one.name), id=one.rule)
            lines.append((head, "head"))
            lines += [(safe(line), line[:1]) for line in one.lines if line[:2] != "@@"]
        cut = len(lines) > _MOST
        lines = lines[:_MOST]
        if cut:
            lines.append((look.text("workshop.diff.cut"), "head"))
        self.setPlainText("\n".join(words for words, _ in lines))
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        bold = QTextCharFormat()
        made = theme.code_font()
        made.setBold(True)
        bold.setFont(made)
        inks = {"+": ("accent_soft", "accent_text"), "-": ("red_soft", "red_text")}
        block = self.document().firstBlock()
        for _, kind in lines:
            if kind in inks or kind == "head":
                cursor.setPosition(block.position())
                cursor.setPosition(
                    block.position() + block.length() - 1, QTextCursor.MoveMode.KeepAnchor
                )
                if kind == "head":
                    bold.setForeground(look.color("text"))
                    cursor.mergeCharFormat(bold)
                else:
                    ground, ink = inks[kind]
                    shape, form = QTextBlockFormat(), QTextCharFormat()
                    shape.setBackground(look.color(ground))
                    form.setForeground(look.color(ink))
                    cursor.mergeBlockFormat(shape)
                    cursor.mergeCharFormat(form)
            block = block.next()
        cursor.endEditBlock()


class HistoryDialog(Dressed, QDialog):
    """`compared` asks for what lies between two versions, `back_requested` for a way back."""

    compared = Signal(int, int)
    back_requested = Signal(int)

    def __init__(self, look: Look, clock: Callable[[], float], parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._clock = look, clock
        self._versions: tuple[VersionRow, ...] = ()
        self._in_force = 0
        self.list = RowList(look, VersionDelegate(look, self, clock), "workshop.history")
        self.list.selectionModel().currentChanged.connect(lambda *_: self._on_current())
        self.diff = DiffText(look)
        self._title = Elided(look, bold=True)
        self._steps = Label(look, tone="soft", wrap=True)
        chips = row(None, theme.S1)
        self._with = filter_chips(
            self,
            look,
            "workshop.diff.with",
            ("former", "in_force"),
            chips.addWidget,
            lambda _: self._compare(),
        )
        self._with["former"].setChecked(True)
        chips.addStretch(1)
        self.back_button = PushButton(
            look, "workshop.step.roll_back", "", "arrow-counter-clockwise"
        )
        self.back_button.clicked.connect(self._on_back)
        chips.addWidget(self.back_button)
        self._nothing = EmptyState(look)
        self._nothing.set_content("equals", "workshop.diff.none", "workshop.diff.none.body")
        frame = Card("well")
        self._stack = QStackedLayout(frame)
        self._stack.addWidget(self.diff)
        self._stack.addWidget(self._nothing)
        side = QWidget()
        inside = column(side, theme.S2)
        inside.setContentsMargins(theme.S4, theme.S4, theme.S4, theme.S4)
        inside.addWidget(self._title)
        inside.addWidget(self._steps)
        inside.addLayout(chips)
        inside.addWidget(frame, 1)
        left = Card("column")
        listed = column(left, 0)
        head = Label(look, "workshop.history", size="title", bold=True)
        head.setContentsMargins(theme.S4, theme.S4, theme.S4, theme.S2)
        listed.addWidget(head)
        listed.addWidget(self.list, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(theme.HAIRLINE)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(left)
        splitter.addWidget(side)
        splitter.setSizes([theme.QUEUE_WIDTH, theme.DIALOG_WIDTH])
        column(self, 0).addWidget(splitter)
        self.resize(theme.DIALOG_WIDTH + theme.FIELD_WIDTH // 2, theme.DIALOG_HEIGHT - theme.HEADER)
        self._dress()

    def show_versions(self, versions: Sequence[VersionRow], in_force: int, who: str) -> None:
        """All versions, the newest first; `who` would go back."""
        before = self.shown()
        self._versions, self._in_force, self._who = tuple(versions), in_force, who
        self.list.model_of.show(self._versions)
        numbers = [one.number for one in self._versions]
        at = numbers.index(before.number) if before and before.number in numbers else 0
        if numbers:
            self.list.setCurrentIndex(self.list.model_of.index(at))
        self._on_current()

    def shown(self) -> VersionRow | None:
        """The version that is looked at."""
        one = self.list.currentIndex().data(Qt.ItemDataRole.UserRole)
        return one if isinstance(one, VersionRow) else None

    def show_diffs(self, shown: Sequence[RuleDiff]) -> None:
        """What lies between the two versions that `compared` named."""
        self._stack.setCurrentWidget(self.diff if shown else self._nothing)
        self.diff.show_diffs(shown)

    def go_to(self, number: int) -> None:
        """Look at a version."""
        for at, one in enumerate(self._versions):
            if one.number == number:
                self.list.setCurrentIndex(self.list.model_of.index(at))

    _who = ""

    def _former(self, one: VersionRow) -> int:
        """The version that was in force when this one was begun."""
        if one.number == DRAFT:
            return self._in_force
        return max(0, one.base)

    def _compare(self) -> None:
        one = self.shown()
        if one is not None:
            with_force = self._with["in_force"].isChecked()
            self.compared.emit(self._in_force if with_force else self._former(one), one.number)

    def _on_current(self, *_: QModelIndex) -> None:
        look, one = self._look, self.shown()
        if one is None:
            return
        self._title.set_text(version_words(look, one))
        lines = []
        for step in one.steps:
            key = "workshop.step.told.comment" if step.comment else "workshop.step.told"
            lines.append(
                look.text(
                    key,
                    when=moment_words(step.at, self._clock()),
                    who=one_line(step.who),
                    what=look.text(f"workshop.step.did.{step.step}"),
                    comment=one_line(step.comment),
                )
            )
        self._steps.set_text("\n".join(lines))
        self._steps.setVisible(bool(lines))
        was = one.number == 0 or one.state in _WERE
        self.back_button.setVisible(was and one.number not in (DRAFT, self._in_force))
        self.back_button.block("" if self._who.strip() else look.text("workshop.why.nobody"))
        self._compare()

    def _on_back(self) -> None:
        one = self.shown()
        if one is not None:
            self.back_requested.emit(one.number)

    def _dress(self) -> None:
        self.setWindowTitle(self._look.text("workshop.history"))
        self._on_current()


def version_words(look: Look, one: VersionRow) -> str:
    """What a version is called."""
    if one.number == DRAFT:
        return look.text("workshop.version.draft")
    if not one.number:
        return look.text("workshop.version.shipped")
    return look.text("workshop.version", n=one.number)
