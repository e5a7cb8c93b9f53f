"""Style profiles: read from files, applied to text."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.drafting.finishing import emphasise, frame
from engine.drafting.style import Choices, Empathy, StyleProfile, Wording, list_styles, load_style
from engine.errors import InputError
from engine.paths import STYLES

STYLE = StyleProfile(
    id="s",
    name=Wording("温暖", "Warm"),
    greeting=Choices(("亲，",), ("Hi there,",)),
    empathy=(Empathy(("坏", "broken"), Choices(("东西坏了确实闹心。",), ("Sorry it broke.",))),),
    closing=Wording("关注公众号～", "Follow us!"),
)


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_profiles_that_ship_are_usable_in_both_languages(path: Path) -> None:
    style = load_style(path)
    assert style.id == path.stem
    for language in ("zh", "en"):
        assert style.greeting.of(language)
        assert style.connectives.of(language)
        assert style.closing.of(language)
        assert style.abstain.of(language)


def test_both_kinds_of_profile_ship() -> None:
    assert {style.id for style in list_styles(STYLES)} >= {"warm_shop", "rigorous_bank"}


def test_comfort_fits_the_message() -> None:
    assert STYLE.opening("水壶坏了", "zh") == "亲，东西坏了确实闹心。"
    assert STYLE.opening("发票怎么开", "zh") == "亲，"
    assert STYLE.opening("It is BROKEN!", "en").endswith("Sorry it broke.")
    assert STYLE.opening("unbrokenly fine", "en") == "Hi there,"


def test_nobody_is_greeted_twice_or_comforted_twice_for_the_same_thing() -> None:
    said = "亲，东西坏了确实闹心。可以免费上门。"
    assert STYLE.opening("水壶还是坏的", "zh", said) == ""
    assert STYLE.opening("水壶坏了", "zh", "亲，可以开发票。") == "东西坏了确实闹心。"
    assert STYLE.opening("It is broken", "en", "Hi there, Returns are free.") == "Sorry it broke."


def test_english_parts_are_spaced() -> None:
    assert frame(STYLE, "invoice please", "en") == ("Hi there, ", " Follow us!")


def test_amounts_dates_and_durations_are_bold() -> None:
    assert emphasise("满500元，24小时内，11月30日前，2件[1]。") == (
        "满**500元**，**24小时**内，**11月30日**前，2件[1]。"
    )
    assert emphasise("3-5天到账，2个装。") == "**3-5天**到账，2个装。"
    assert emphasise("三到五天，第三到五天") == "**三到五天**，第三到**五天**"
    assert emphasise("between 3 and 5 days") == "between **3 and 5 days**"
    assert (
        emphasise("2 or 3 days, three to five weeks") == "**2 or 3 days**, **three to five weeks**"
    )
    assert emphasise("**满7天**可退，5元。") == "**满7天**可退，**5元**。"
    assert emphasise("**7天**，138****8000") == "**7天**，138****8000"


@pytest.mark.parametrize(
    "data", [b"", b"id: [", b"id: x", b"id: x\nname: {zh: a}\nodd: 1", b"\xff"]
)
def test_a_broken_profile_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError) as raised:
        load_style(path)
    assert raised.value.code == "style"
    assert "odd.yaml" in raised.value.message
    assert list_styles(tmp_path) == ()
