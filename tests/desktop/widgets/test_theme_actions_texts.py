"""The theme reads, the actions hold together, and every word exists in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFontInfo, QKeySequence
from PySide6.QtWidgets import QApplication, QWidget

from desktop import actions, icons, theme
from desktop.actions import ACTIONS, REJECT_REASONS
from desktop.theme import DARK, LIGHT, READABLE, Look, contrast
from desktop.widgets.queue_delegate import CHANNEL_ICONS
from desktop.widgets.review_delegate import LEVEL_ICONS
from desktop.widgets.values import PAGES
from engine import texts
from engine.paths import ASSETS

DESKTOP = Path(theme.__file__).parent


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_colour_reads_on_its_ground(tokens: theme.Tokens) -> None:
    for text, ground in READABLE:
        ratio = contrast(getattr(tokens, text), getattr(tokens, ground))
        assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_frames_of_fields_and_the_focus_ring_can_be_seen(tokens: theme.Tokens) -> None:
    for line in ("line_strong", "accent"):
        assert contrast(getattr(tokens, line), tokens.surface) >= 3, line


def test_contrast_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_no_colour_or_size_stands_outside_the_theme() -> None:
    sheet = (ASSETS / "theme" / "desk.qss").read_text("utf-8")
    rules = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    assert not re.findall(r"#[0-9A-Fa-f]{3,8}\b|\b[1-9]\d*px", rules)
    for path in DESKTOP.rglob("*.py"):
        # An icon is a character as large as the box it is drawn in.
        if path.name not in ("theme.py", "icons.py"):
            source = path.read_text("utf-8")
            assert not re.findall(r"\"#[0-9A-Fa-f]{6}\"|setPixelSize|setPointSize", source), path


def test_the_style_sheet_fills_every_place() -> None:
    for tokens in (LIGHT, DARK):
        assert "$" not in theme.style_sheet(tokens)


def test_chinese_has_a_font_and_digits_are_equally_wide(qapp: QApplication) -> None:
    font = theme.font("body")
    assert QFontInfo(font).pixelSize() == theme.TEXT["body"]
    assert len({theme.QFont(font).pixelSize(), 15}) == 1
    from PySide6.QtGui import QFontMetrics

    assert len({QFontMetrics(font).horizontalAdvance(digit) for digit in "0123456789"}) == 1


def test_icons_come_from_the_font_that_ships(qapp: QApplication) -> None:
    for name in (*(page.icon for page in PAGES), *CHANNEL_ICONS.values(), *LEVEL_ICONS.values()):
        assert not icons.icon(name, LIGHT.text).pixmap(16, 16).isNull(), name


def test_actions_have_words_and_keys_in_both_languages() -> None:
    for language in ("zh", "en"):
        for action in ACTIONS:
            assert action.name(language) and action.help(language)
        for reason in REJECT_REASONS:
            assert texts.text(f"desktop.reason.{reason}", language)


def test_no_key_means_two_things_in_one_place() -> None:
    seen: dict[str, str] = {}
    for action in ACTIONS:
        if action.by_widget:
            continue
        for keys in action.keys:
            assert not QKeySequence(keys).isEmpty()
            assert keys not in seen, f"{keys}: {action.id} and {seen[keys]}"
            seen[keys] = action.id


def test_actions_are_listed_for_the_docs() -> None:
    page = actions.markdown("zh")
    for action in ACTIONS:
        assert action.name("zh") in page
    assert actions.keys_text("accept", "zh") == "Ctrl+Enter"
    assert actions.keys_text("reject", "en") == "Ctrl+Backspace"
    assert actions.keys_text("previous", "en") == "Alt+↑"


def test_a_made_action_listens_and_changes_its_language(qtbot: object, look: Look) -> None:
    parent = QWidget()
    made = actions.make("edit", parent, "zh")
    assert made.text() == "修改" and made.shortcut().toString() == "Ctrl+E"
    actions.retranslate(made, "en")
    assert made.text() == "Edit"
    assert not actions.make("send", parent, "zh").shortcuts(), "the reply box listens for it itself"


def test_widgets_ask_only_for_words_that_exist() -> None:
    known = texts.table()
    pattern = re.compile(
        r"(?<![A-Za-z_])(?:text|set_key|Label|Chip|PushButton|Elided|FilterChip|set_extra_key|set_problem_key)"
        r"\((?:look, |self\._look, )?\"([a-z_]+(?:\.[A-Za-z_0-9]+)*)\""
    )
    asked = {
        (path.name, key)
        for path in (DESKTOP / "widgets").glob("*.py")
        for key in pattern.findall(path.read_text("utf-8"))
    }
    assert len(asked) > 60
    for name, key in asked:
        assert f"desktop.{key}" in known, f"{name} asks for {key}"


def test_both_languages_fill_in_the_same_values() -> None:
    for key, both in texts.table().items():
        if key.startswith("desktop."):
            names = [set(re.findall(r"{(\w+)", one)) for one in (both.zh, both.en)]
            assert names[0] == names[1], key
