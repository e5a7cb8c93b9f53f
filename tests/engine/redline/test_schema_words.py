"""What a schema finds is said in the reader's language, whatever stands in the text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redline.schema import Rule
from engine.redline.schema_words import schema_words

RULE = """id: a.b
side: agent
category: c
level: L1
action: hint
name: {zh: a, en: b}
why: {zh: a, en: b}
advice: {zh: a, en: b}
"""


@pytest.mark.parametrize(
    ("old", "new", "zh", "en"),
    [
        ("L1", "L9", "level：没有「L9」这个选项", "level: “L9” is none of the values it can have"),
        ("id: a.b", "foo: 1", "没有「foo」这个字段", "there is no field “foo”"),
        ("category: c\n", "", "缺少「category」", "“category” is missing"),
        (", en: b}\nwhy", "}\nwhy", "name：缺少「en」", "name: “en” is missing"),
        ("action: hint", "action: 3", "action：要写成文字", "action: it should be text"),
        (
            "action: hint",
            "action: hint\nmatch: {words: [好, '']}",
            "match.words（第 2 项）：至少要有 1 个字",
            "match.words (item 2): it needs 1 characters or more",
        ),
        (
            "action: hint",
            "action: hint\nmatch: {within: 500}",
            "match.within：不能大于 120",
            "match.within: it may not be more than 120",
        ),
    ],
)
def test_a_wrong_field_is_named_in_both_languages(old: str, new: str, zh: str, en: str) -> None:
    assert old in RULE
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.yaml.decode(RULE.replace(old, new, 1), type=Rule)
    assert schema_words(str(raised.value), "zh") == zh
    assert schema_words(str(raised.value), "en") == en


@given(st.text())
def test_any_value_is_said_as_it_stands(value: str) -> None:
    said = schema_words(f"Invalid enum value '{value}' - at `$.level`", "zh")
    assert said.startswith("level：") or said.startswith("Invalid enum value")
    assert value in said


def test_what_is_not_known_stays_as_it_is() -> None:
    assert schema_words("month must be in 1..12", "zh") == "month must be in 1..12"
