"""Building blocks that the widgets share. All of them show plain text only."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from desktop import actions, theme
from desktop.theme import Look, TextSize, Tone
from desktop.widgets import painting
from desktop.widgets.plain_text import one_line, safe, tooltip


class Dressed:
    """A widget that takes its words and colours from a `Look`; containers pass it on."""

    _look: Look

    def set_look(self, look: Look) -> None:
        """Show the widget, and everything in it, in another language or theme."""
        self._look = look
        if isinstance(self, QWidget):
            dress_children(self, look)
        self._dress()

    def _dress(self) -> None:
        """Set words and colours from ``self._look``; called again at each change."""


def dress_children(widget: QWidget, look: Look) -> None:
    """Pass `look` to the nearest `Dressed` below `widget` on every branch."""
    for child in widget.children():
        if isinstance(child, Dressed):
            child.set_look(look)
        elif isinstance(child, QWidget):
            dress_children(child, look)


def restyle(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties that the style sheet looks at, and apply it again."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


class Card(QFrame):
    """A framed surface; `kind` is one of the style sheet's."""

    def __init__(self, kind: str = "card", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)


class Rule(Card):
    """A hairline."""

    def __init__(self) -> None:
        super().__init__("rule")


class Label(Dressed, QLabel):
    """Plain text, either given or by key (``desktop.<key>``), wrapped if it is long."""

    def __init__(
        self,
        look: Look,
        key: str = "",
        size: TextSize = "small",
        tone: str = "",
        bold: bool = False,
        wrap: bool = False,
    ) -> None:
        super().__init__()
        self._look = look
        self._key = key
        self._values: dict[str, object] = {}
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(size, bold))
        self.setWordWrap(wrap)
        self.setProperty("tone", tone)
        if wrap:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._dress()

    def set_key(self, key: str, **values: object) -> None:
        """Show the sentence of that key in the look's language, now and later."""
        self._key, self._values = key, values
        self._dress()

    def set_text(self, text: str) -> None:
        """Show `text` as it is."""
        self._key = ""
        self.setText(safe(text))

    def set_tone(self, tone: str) -> None:
        """Recolour: "", soft, faint, accent, amber, red, deep."""
        restyle(self, tone=tone)

    def _dress(self) -> None:
        if self._key:
            self.setText(safe(self._look.text(self._key, **self._values)))


class Elided(Label):
    """One line that ends with … where there is no room; the tool tip has it whole."""

    def set_text(self, text: str) -> None:
        """Show `text` on one line."""
        self._key = ""
        self.setText(one_line(text))
        self.setToolTip(tooltip(text))

    def minimumSizeHint(self) -> QSize:
        """Small: it can be cut."""
        return QSize(theme.S5, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painting.draw_line(painter, QRectF(self.contentsRect()), self.text(), self.alignment())


class IconLabel(Dressed, QWidget):
    """One icon in a token's colour."""

    def __init__(self, look: Look, name: str, color: str, size: int = theme.ICON) -> None:
        super().__init__()
        self._look = look
        self._name, self._color = name, color
        self.setFixedSize(size, size)

    def set_icon(self, name: str, color: str) -> None:
        """Another icon, another token."""
        if (name, color) == (self._name, self._color):
            return
        self._name, self._color = name, color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the icon."""
        painter = QPainter(self)
        painting.draw_icon(painter, self._name, QRectF(self.rect()), self._look.color(self._color))

    def _dress(self) -> None:
        self.update()


class Chip(Dressed, QWidget):
    """A small rounded label with a tone and perhaps an icon."""

    def __init__(self, look: Look, key: str = "", tone: Tone = "neutral", icon: str = "") -> None:
        super().__init__()
        self._look = look
        self._key, self._tone, self._icon, self._text = key, tone, icon, ""
        self._values: dict[str, object] = {}
        self._shown: tuple[object, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._dress()

    def set_key(self, key: str, tone: Tone = "neutral", icon: str = "", **values: object) -> None:
        """Show the sentence of that key."""
        self._key, self._tone, self._icon, self._values = key, tone, icon, values
        self._dress()

    def set_text(self, text: str, tone: Tone = "neutral", icon: str = "") -> None:
        """Show `text` as it is."""
        self._key, self._tone, self._icon = "", tone, icon
        self._text = one_line(text)
        self._dress()

    def text(self) -> str:
        """The words on the chip."""
        return self._text

    def sizeHint(self) -> QSize:
        """As wide as its content."""
        return QSize(painting.chip_width(self._text, self._icon), theme.CHIP)

    def minimumSizeHint(self) -> QSize:
        """It may be cut to about three characters."""
        icon = theme.ICON + theme.S1 if self._icon else 0
        return QSize(min(self.sizeHint().width(), icon + 2 * theme.S5), theme.CHIP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the chip."""
        painting.draw_chip(
            QPainter(self),
            QPointF(0, 0),
            self._text,
            self._look.tokens,
            self._tone,
            self._icon,
            self.width(),
        )

    def _dress(self) -> None:
        if self._key:
            self._text = one_line(self._look.text(self._key, **self._values))
        shown = (self._look.tokens.dark, self._text, self._tone, self._icon)
        if shown == self._shown:
            return
        self._shown = shown
        self.setAccessibleName(self._text)
        self.updateGeometry()
        self.update()


class KeyHint(Dressed, QWidget):
    """A key cap with the shortcut of an action or given keys."""

    def __init__(self, look: Look, action: str = "", keys: str = "") -> None:
        super().__init__()
        self._look = look
        self._action, self._keys = action, keys
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._dress()

    def sizeHint(self) -> QSize:
        """As wide as its content."""
        return QSize(painting.key_width(self._keys), theme.CHIP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cap."""
        look = self._look
        ink, line = look.color("text_soft"), look.color("line_strong")
        painting.draw_key(QPainter(self), QRectF(self.rect()), self._keys, ink, line)

    def _dress(self) -> None:
        if self._action:
            self._keys = actions.keys_text(self._action, self._look.language)
        self.updateGeometry()
        self.update()


class PushButton(Dressed, QPushButton):
    """A button with an icon, its words and a key cap.

    `block(why)` disables it and says why, by tool tip and to screen readers. A mouse click leaves
    the focus where it was (mostly in the reply box); Tab reaches the button.
    """

    def __init__(
        self, look: Look, key: str, kind: str = "", icon: str = "", action: str = ""
    ) -> None:
        super().__init__()
        self._look = look
        self._key, self._kind, self._icon, self._action = key, kind, icon, action
        self._values: dict[str, object] = {}
        self._why = self._keys = self._trailing = ""
        self._tip_action = ""
        self._compact = False
        self._shown: tuple[object, ...] = ()
        self.setProperty("kind", kind)
        self.setFont(theme.font("small", bold=kind in ("primary", "link")))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._dress()

    def set_key(self, key: str, **values: object) -> None:
        """Other words, by key."""
        self._key, self._values = key, values
        self._dress()

    def set_icon_name(self, icon: str) -> None:
        """Another icon; "" takes it away."""
        self._icon = icon
        self._dress()

    def set_action(self, action: str) -> None:
        """Show another action's key; "" shows none."""
        self._action = action
        self._dress()

    def set_tip_action(self, action: str) -> None:
        """Name an action's key in the tool tip only, where there is no room for a key cap."""
        self._tip_action = action
        self._dress()

    def set_trailing(self, icon: str) -> None:
        """An icon after the words, such as a caret."""
        self._trailing = icon
        self._dress()

    def set_compact(self, compact: bool) -> None:
        """Show only the icon; words and keys stay in the tool tip and the accessible name."""
        self._compact = compact
        self._dress()

    def block(self, why: str) -> None:
        """Disable the button because of `why`; "" enables it."""
        self._why = why
        self.setEnabled(not why)
        self._dress()

    def why_blocked(self) -> str:
        """The reason given to `block`."""
        return self._why

    def sizeHint(self) -> QSize:
        """Room for all parts."""
        padding = theme.S2 if self._kind in ("quiet", "link") or self._compact else theme.S3
        parts = [width for width, _ in self._parts()]
        width = sum(parts) + theme.S2 * max(0, len(parts) - 1) + 2 * padding
        quiet = self._kind in ("quiet", "link", "toast")
        height = theme.CHIP + theme.S1 if quiet else theme.CONTROL
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        """It is never cut."""
        return self.sizeHint()

    def _parts(self) -> list[tuple[int, str]]:
        parts: list[tuple[int, str]] = []
        if self._icon:
            parts.append((theme.ICON, "icon"))
        if not (self._compact and self._icon):
            width = self.fontMetrics().horizontalAdvance(self.text())
            parts.append((width, "text"))
            if self._keys:
                parts.append((painting.key_width(self._keys), "keys"))
        if self._trailing:
            parts.append((theme.ICON, "trailing"))
        return parts

    def _caption(self) -> str:
        return self._look.text(self._key, **self._values)

    def _inks(self) -> tuple[QColor, QColor]:
        look = self._look
        if not self.isEnabled():
            return look.color("text_faint"), look.color("line")
        if self._kind == "primary":
            return look.color("on_accent"), look.color("on_accent")
        if self._kind == "link":
            return look.color("accent_text"), look.color("accent_line")
        if self._kind == "toast":
            return look.color("toast_accent"), look.color("toast_accent")
        soft = self._kind == "quiet" and not self.underMouse()
        return look.color("text_soft" if soft else "text"), look.color("line_strong")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the styled frame, then the parts, centred."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        ink, line = self._inks()
        parts = self._parts()
        total = sum(width for width, _ in parts) + theme.S2 * max(0, len(parts) - 1)
        left = (self.width() - total) / 2
        middle = self.height() / 2
        painter.setFont(self.font())
        for width, part in parts:
            if part == "text":
                painter.setPen(ink)
                painting.draw_line(painter, QRectF(left, 0, width, self.height()), self.text())
            elif part == "keys":
                cap = QRectF(left, middle - theme.CHIP / 2, width, theme.CHIP)
                painting.draw_key(painter, cap, self._keys, ink, line)
            else:
                name = self._icon if part == "icon" else self._trailing
                painting.draw_icon(painter, name, theme.icon_rect(left, middle), ink)
            left += width + theme.S2

    def _dress(self) -> None:
        look, words = self._look, self._caption()
        self._keys = actions.keys_text(self._action, look.language) if self._action else ""
        named = self._action or self._tip_action
        keys = actions.keys_text(named, look.language) if named else ""
        parts = (words, self._keys, keys, self._why, self._icon, self._trailing, self._compact)
        shown = (look.tokens.dark, *parts)
        # Told again what it shows already, it need not be laid out and painted again.
        if shown == self._shown:
            return
        self._shown = shown
        self.setText(words)
        self.setAccessibleName(words)
        self.setAccessibleDescription(self._why or keys)
        tip = f"{self.text()}  {keys}".rstrip()
        self.setToolTip(tooltip(f"{tip}\n{self._why}" if self._why else tip))
        self.updateGeometry()
        self.update()
