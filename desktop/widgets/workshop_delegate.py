"""How one rule looks in the workshop's list, and one text in what a replay found."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from desktop import theme
from desktop.theme import Look, Tone
from desktop.widgets import painting
from desktop.widgets.bubble_layout import hit_tone
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import LEVEL_ICONS, category_words
from desktop.widgets.row_delegate import Index, RowDelegate
from desktop.widgets.workshop_values import ReplayRow, RuleRow

CHANGE_LOOKS: Final[dict[str, tuple[Tone, str]]] = {
    "changed": ("accent", "pencil-simple"),
    "added": ("accent", "plus"),
    "off": ("neutral", "prohibit"),
    "wrong": ("red", "warning-circle"),
    "trial": ("amber", "flask"),
}
_KIND_ICONS: Final = {"script": "chat-text", "context": "brackets-curly"}


def level_tone(level: str, action: str = "") -> Tone:
    """The severity colour of a level."""
    if level == "L4":
        return "deep"
    if level == "L3" or action in ("block", "handover"):
        return "red"
    return "amber" if level in ("L1", "L2") else "neutral"


def state_of(one: RuleRow) -> str:
    """What is most worth knowing of a rule: wrong, off, added, changed, trial or ""."""
    if one.problems:
        return "wrong"
    return one.change or ("trial" if one.trial else "")


def sides_words(look: Look, one: RuleRow) -> str:
    """Whose texts a rule watches, in a few words."""
    return look.text("workshop.and").join(look.text(f"workshop.side.{side}") for side in one.sides)


def describe_rule(look: Look, one: RuleRow) -> str:
    """A rule in words, for screen readers."""
    state = state_of(one)
    parts = [
        one_line(one.name or one.id),
        category_words(look, one.category),
        f"{one.level} {look.text(f'case.level.{one.level}')}" if one.kind == "rule" else "",
        look.text(f"workshop.state.{state}") if state else "",
        precision_words(look, one),
    ]
    return look.text("workshop.listed").join(part for part in parts if part)


def precision_words(look: Look, one: RuleRow) -> str:
    """How often a rule was right, by the leads' verdicts; "" before the first."""
    if one.share is None:
        return ""
    return look.text("workshop.precision", share=f"{one.share:.0%}", n=one.judged)


class RuleDelegate(RowDelegate):
    """Two lines: the level's icon and the name, then category, sides and how often it was right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        high = painting.line_height("body") + theme.CHIP + 2 * theme.S2 + theme.S1
        return QSize(theme.RAIL, high)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one rule."""
        shown = index.data(self._role)
        with self._ground(painter, option) as room:
            if isinstance(shown, RuleRow):
                self._draw(painter, room, shown)

    def _draw(self, painter: QPainter, room: QRectF, shown: RuleRow) -> None:
        look, line = self.look, painting.line_height("body")
        off = shown.change == "off"
        tone = "neutral" if off else level_tone(shown.level, shown.action)
        icon = _KIND_ICONS.get(shown.kind, LEVEL_ICONS[shown.level])
        ink = look.tokens.tone("neutral" if shown.kind != "rule" else tone)[0]
        middle = room.top() + line / 2
        painting.draw_icon(painter, icon, theme.icon_rect(room.left(), middle), ink)
        left = room.left() + theme.ICON + theme.S2
        right = room.right()
        state = state_of(shown)
        if state:
            words = look.text(f"workshop.state.{state}")
            wide = painting.chip_width(words, CHANGE_LOOKS[state][1])
            right -= wide
            tone, icon = CHANGE_LOOKS[state]
            at = QPointF(right, middle - theme.CHIP / 2)
            painting.draw_chip(painter, at, words, look.tokens, tone, icon)
            right -= theme.S2
        name = one_line(shown.name or shown.id)
        spot = QRectF(left, room.top(), right - left, line)
        self._words(painter, spot, name, "text_faint" if off else "text", "body", bold=True)
        top = room.bottom() - theme.CHIP
        share = precision_words(look, shown)
        wide = painting.text_width(share) + theme.S2 if share else 0
        end = QRectF(room.right() - wide, top, wide, theme.CHIP)
        self._words(painter, end, share, "text_faint", align=Qt.AlignmentFlag.AlignRight)
        if shown.kind == "rule":
            parts = (category_words(look, shown.category), sides_words(look, shown))
            below = " · ".join(part for part in parts if part)
        else:
            below = look.text(f"workshop.kind.{shown.kind}")
        spot = QRectF(left, top, room.right() - wide - left, theme.CHIP)
        self._words(painter, spot, below, "text_soft")


class ReplayDelegate(RowDelegate):
    """Two lines: the words that were hit, then the rule and what a lead said of it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(theme.RAIL, painting.line_height("body") + theme.CHIP + 2 * theme.S2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one text."""
        shown = index.data(self._role)
        with self._ground(painter, option) as room:
            if isinstance(shown, ReplayRow):
                self._draw(painter, room, shown)

    def _draw(self, painter: QPainter, room: QRectF, shown: ReplayRow) -> None:
        look, line = self.look, painting.line_height("body")
        lost = shown.kind == "lost"
        self._excerpt(
            painter,
            QRectF(room.left(), room.top(), room.width(), line),
            shown.text,
            (shown.start, shown.end),
            "neutral" if lost else hit_tone(shown.hit),
            struck=lost,
        )
        top, left = room.bottom() - theme.CHIP, room.left()
        if shown.flips:
            tone: Tone = "accent" if shown.flips == "better" else "red"
            icon = "trend-up" if shown.flips == "better" else "trend-down"
            drawn = painting.draw_chip(
                painter,
                QPointF(left, top),
                look.text(f"workshop.replay.{shown.flips}"),
                look.tokens,
                tone,
                icon,
            )
            left = drawn.right() + theme.S2
        name = one_line(shown.hit.name or shown.hit.rule)
        side = look.text(f"workshop.side.{shown.hit.side}")
        spot = QRectF(left, top, room.right() - left, theme.CHIP)
        self._words(painter, spot, f"{name} · {side}", "text_soft")
