"""All colours, sizes and fonts of the window, by name; nothing else in the desktop names one.

`Look` is what a widget is given: the tokens of one theme and the language. Every widget takes it
in its constructor and again through `set_look(look)` when the person changes either.
"""

from __future__ import annotations

from functools import cache
from string import Template
from typing import Final, Literal

import msgspec
from msgspec import Struct
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPalette,
)
from PySide6.QtWidgets import QApplication

from engine import texts
from engine.paths import ASSETS
from engine.records import Language

ThemeChoice = Literal["system", "light", "dark"]
Tone = Literal["neutral", "accent", "amber", "red", "deep"]
TextSize = Literal["small", "body", "title"]

# Spacing, shape and text, in device-independent pixels.
S1: Final = 4
S2: Final = 8
S3: Final = 12
S4: Final = 16
S5: Final = 24
RADIUS: Final = 8
RADIUS_SMALL: Final = 4
HAIRLINE: Final = 1
FOCUS: Final = 2
ICON: Final = 16
ICON_DROP: Final = 1  # the middle of CJK glyphs is a little below that of their line
ICON_LARGE: Final = 24
ICON_HERO: Final = 40
CONTROL: Final = 36
CHIP: Final = 24
RAIL: Final = 88
STATUS: Final = 32
HEADER: Final = 56
QUEUE_ROW: Final = 96
BUBBLE_MAX: Final = 620
COMPOSER_LINES: Final = 3
COMPOSER_LINES_MAX: Final = 9
DIALOG_WIDTH: Final = 880
DIALOG_HEIGHT: Final = 680
FORM_WIDTH: Final = 760
FIELD_WIDTH: Final = 280
WINDOW: Final = (1440, 900)
WINDOW_MIN: Final = (1080, 600)
QUEUE_MIN: Final = 240
QUEUE_WIDTH: Final = 320
CONVERSATION_MIN: Final = 400
DRAFT_MIN: Final = 340
DRAFT_WIDTH: Final = 440
TEXT: Final[dict[TextSize, int]] = {"small": 13, "body": 15, "title": 20}
LEADING: Final = 1.55

FAMILIES: Final = (
    "Segoe UI",
    "SF Pro Text",
    "PingFang SC",
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "sans-serif",
)
CODE_FAMILIES: Final = (
    "Cascadia Mono",
    "SF Mono",
    "Menlo",
    "Noto Sans Mono CJK SC",
    "DejaVu Sans Mono",
)


class Tokens(Struct, frozen=True):
    """The colours of one theme as ``#RRGGBB``. `…_soft` is the ground its namesake reads on."""

    dark: bool
    canvas: str
    surface: str
    sunken: str
    hover: str
    line: str
    line_strong: str
    text: str
    text_soft: str
    text_faint: str
    accent: str
    accent_hover: str
    accent_press: str
    on_accent: str
    accent_text: str
    accent_soft: str
    accent_line: str
    neutral_text: str
    neutral_soft: str
    amber_text: str
    amber_soft: str
    amber_line: str
    red_text: str
    red_soft: str
    red_line: str
    deep_text: str
    deep_soft: str
    deep_line: str
    selection: str
    on_selection: str
    toast: str
    on_toast: str
    toast_accent: str
    skeleton: str
    scroll: str

    def tone(self, tone: Tone) -> tuple[QColor, QColor, QColor]:
        """Text, ground and line of a tone."""
        line = self.line if tone == "neutral" else getattr(self, f"{tone}_line")
        return (
            QColor(getattr(self, f"{tone}_text")),
            QColor(getattr(self, f"{tone}_soft")),
            QColor(line),
        )


LIGHT: Final = Tokens(
    dark=False,
    canvas="#F4F6F8",
    surface="#FFFFFF",
    sunken="#EDF0F3",
    hover="#F1F4F6",
    line="#DDE2E8",
    line_strong="#8A95A3",
    text="#141A21",
    text_soft="#465160",
    text_faint="#5D6877",
    accent="#0F766E",
    accent_hover="#0B655E",
    accent_press="#08524C",
    on_accent="#FFFFFF",
    accent_text="#0B6A63",
    accent_soft="#E2F3F0",
    accent_line="#8CCBC3",
    neutral_text="#465160",
    neutral_soft="#EDF0F3",
    amber_text="#8A4B08",
    amber_soft="#FDF1DC",
    amber_line="#E6B566",
    red_text="#B3231A",
    red_soft="#FDEBE9",
    red_line="#EDA29B",
    deep_text="#7A0C13",
    deep_soft="#F9D9D9",
    deep_line="#C4474D",
    selection="#0F766E",
    on_selection="#FFFFFF",
    toast="#1B232C",
    on_toast="#F2F5F8",
    toast_accent="#5FDACA",
    skeleton="#E3E8ED",
    scroll="#C2CAD4",
)

DARK: Final = Tokens(
    dark=True,
    canvas="#0E1217",
    surface="#161B22",
    sunken="#1F262F",
    hover="#1C232B",
    line="#2A323C",
    line_strong="#6B7887",
    text="#E9EDF2",
    text_soft="#B0BAC6",
    text_faint="#94A0AE",
    accent="#2DB5A6",
    accent_hover="#45C6B8",
    accent_press="#249689",
    on_accent="#04211D",
    accent_text="#55D3C4",
    accent_soft="#11302C",
    accent_line="#23695F",
    neutral_text="#B0BAC6",
    neutral_soft="#232B35",
    amber_text="#F3B962",
    amber_soft="#33260F",
    amber_line="#7A5A20",
    red_text="#FF9B91",
    red_soft="#3A1917",
    red_line="#85352F",
    deep_text="#FFC2BD",
    deep_soft="#551318",
    deep_line="#A8343B",
    selection="#1F7F75",
    on_selection="#FFFFFF",
    toast="#E9EDF2",
    on_toast="#141A21",
    toast_accent="#0B6A63",
    skeleton="#262E38",
    scroll="#3A4450",
)

# Every pair of a text colour and the ground it is drawn on; a test measures them.
READABLE: Final = (
    *((text, ground) for text in ("text", "text_soft", "text_faint", "accent_text")
      for ground in ("canvas", "surface", "hover")),
    *((text, "accent_soft") for text in ("text", "text_soft", "text_faint", "accent_text")),
    *((f"{tone}_text", f"{tone}_soft") for tone in ("neutral", "accent", "amber", "red", "deep")),
    *((f"{tone}_text", ground) for tone in ("amber", "red", "deep")
      for ground in ("surface", "canvas")),
    *(("text", f"{tone}_soft") for tone in ("neutral", "amber", "red", "deep")),
    ("text_soft", "sunken"),
    ("text_faint", "sunken"),
    *(("on_accent", ground) for ground in ("accent", "accent_hover")),
    ("on_selection", "selection"),
    ("on_toast", "toast"),
    ("toast_accent", "toast"),
)  # fmt: skip


class Look(Struct, frozen=True):
    """How a widget shows itself: one theme and one language."""

    tokens: Tokens = LIGHT
    language: Language = "zh"

    def text(self, key: str, **values: object) -> str:
        """The sentence ``desktop.<key>`` in this language, filled with `values`."""
        return texts.text(f"desktop.{key}", self.language, **values)

    def color(self, name: str) -> QColor:
        """The colour of a token."""
        return QColor(getattr(self.tokens, name))


def look(choice: ThemeChoice, language: Language) -> Look:
    """The look for a setting; "system" asks the platform whether it is dark."""
    scheme = QGuiApplication.styleHints().colorScheme()
    dark = choice == "dark" or (choice == "system" and scheme == Qt.ColorScheme.Dark)
    return Look(DARK if dark else LIGHT, language)


def font(size: TextSize = "body", bold: bool = False) -> QFont:
    """The interface font with its Chinese fall-backs; all digits are equally wide."""
    # A copy, which shares what was found out about the families and may be changed.
    return QFont(_font(size, bold))


@cache
def _font(size: TextSize, bold: bool) -> QFont:
    made = QFont()
    made.setFamilies(list(FAMILIES))
    made.setPixelSize(TEXT[size])
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def code_font() -> QFont:
    """A font of letters of one width, with the Chinese fall-backs, in the small size."""
    made = font("small")
    made.setFamilies([*CODE_FAMILIES, *FAMILIES])
    return made


def icon_rect(left: float, center_y: float, size: int = ICON) -> QRectF:
    """The square of an icon of `size` whose left edge and vertical middle are given."""
    return QRectF(left, center_y - size / 2, size, size)


def palette(tokens: Tokens) -> QPalette:
    """The Qt palette that goes with the style sheet, for what the sheet does not reach."""
    made = QPalette()
    role = QPalette.ColorRole
    for one, name in (
        (role.Window, "canvas"),
        (role.WindowText, "text"),
        (role.Base, "surface"),
        (role.AlternateBase, "sunken"),
        (role.Text, "text"),
        (role.Button, "surface"),
        (role.ButtonText, "text"),
        (role.PlaceholderText, "text_faint"),
        (role.Highlight, "selection"),
        (role.HighlightedText, "on_selection"),
        (role.ToolTipBase, "toast"),
        (role.ToolTipText, "on_toast"),
        (role.Link, "accent_text"),
        (role.Mid, "line"),
        (role.Accent, "accent"),
    ):
        made.setColor(one, QColor(getattr(tokens, name)))
    for one in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, one, QColor(tokens.text_faint))
    return made


def style_sheet(tokens: Tokens) -> str:
    """``assets/theme/desk.qss`` with the tokens filled in."""
    values: dict[str, object] = dict(msgspec.to_builtins(tokens))
    values |= {"s1": S1, "s2": S2, "s3": S3, "s4": S4, "s5": S5}
    values |= {"radius": RADIUS, "radius_small": RADIUS_SMALL, "pill": CHIP // 2}
    values |= {"hairline": HAIRLINE, "focus": FOCUS, "control": CONTROL, "icon": ICON}
    values |= {f"text_{size}_px": pixels for size, pixels in TEXT.items()}
    # A border that grows on focus takes its width from the padding, so that nothing moves.
    growth = FOCUS - HAIRLINE
    values |= {"s2_focus": S2 - growth, "s3_focus": S3 - growth, "s4_focus": S4 - growth}
    sheet = (ASSETS / "theme" / "desk.qss").read_text("utf-8")
    return Template(sheet).substitute(values)


def prepare(app: QApplication, to: Look) -> None:
    """Style, font and colours of the whole application, without its style sheet.

    Enough to make widgets, which takes half as long while there is no sheet to look through.
    """
    # Beneath a style sheet the style has no name.
    if not app.styleSheet() and app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setFont(font())
    app.setPalette(palette(to.tokens))


def apply(app: QApplication, to: Look) -> None:
    """Dress the whole application."""
    prepare(app, to)
    app.setStyleSheet(style_sheet(to.tokens))


def contrast(one: str, other: str) -> float:
    """The WCAG contrast of two colours, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    weights = (0.2126, 0.7152, 0.0722)
    total = 0.0
    for weight, start in zip(weights, (1, 3, 5), strict=True):
        part = int(color[start : start + 2], 16) / 255
        total += weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return total
