"""A rule's text and its form say the same, and what was not touched stays as it was written."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from desktop.session.workshop_diff import readable
from desktop.session.workshop_text import (
    form_of,
    new_rule,
    with_examples,
    with_form,
    with_values,
    written,
)
from desktop.widgets.workshop_values import RuleForm
from engine.errors import InputError
from engine.paths import RULES
from engine.redline.changes import split
from engine.redline.schema import CHANNELS, Rule
from engine.texts import Both

TEXT = """# Why this rule is here
id: own.swap
side: [model, agent]   # both
category: promise
level: L2
action: block
name: {zh: 乱承诺, en: Promise}
why: {zh: 不能, en: Never}
advice: {zh: 改, en: Change}
match:
  # what they say
  words: [包换, "free swap"]
  none_before: ['@denial', '不']
must_hit:
  - 我们包换
must_miss: [你好]
evasion: []
"""
SHIPPED = [
    (change.text, part)
    for path in sorted(RULES.glob("*.yaml"))
    for change, _ in split(path.read_text("utf-8"))
    if change.kind == "rule"
    for part in [msgspec.yaml.decode(change.text, type=Rule)]
]

_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zs", "Zl", "Zp")), min_size=1, max_size=8
)
_said = st.builds(Both, st.text("中文ab :'\"#{}[],&*!|>%@`\\-?", max_size=12), _words)
_changes: dict[str, st.SearchStrategy[Any]] = {
    "name": _said,
    "why": _said,
    "script": _said,
    "level": st.sampled_from(["L0", "L1", "L2", "L3", "L4"]),
    "sides": st.lists(st.sampled_from(["customer", "agent"]), min_size=1, unique=True).map(tuple),
    "words": st.lists(_words, max_size=40).map(tuple),
    "expressions": st.lists(_words, max_size=4).map(tuple),
    "none_after": st.lists(_words, max_size=3).map(tuple),
    "near": st.integers(0, 60),
    "within": st.integers(1, 120),
    "ordered": st.booleans(),
    "channels": st.none() | st.lists(st.sampled_from(CHANNELS), unique=True).map(tuple),
    "shadow": st.booleans(),
    "since": st.dates().map(str) | st.just(""),
    "owner": _words | st.just(""),
}


def rule_of(text: str) -> Rule:
    return msgspec.yaml.decode(text, type=Rule)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(SHIPPED) - 1), changed=st.fixed_dictionaries({}, optional=_changes))
def test_what_a_form_says_stands_in_the_text(at: int, changed: dict[str, Any]) -> None:
    text, rule = SHIPPED[at]
    before = form_of(rule)
    after = replace(before, **changed)
    made = form_of(rule_of(with_form(text, before, after)))
    assert made == after
    assert with_form(text, before, before) == text


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), TEXT.rstrip("\n")])
def test_comments_and_untouched_lines_stay(text: str) -> None:
    before = form_of(rule_of(text))
    made = with_form(text, before, replace(before, level="L3", words=("包换", "包退")))
    assert "# Why this rule is here" in made and "# what they say" in made and "# both" in made
    assert "level: L3" in made and "包退" in made and "free swap" not in made
    changed = set(made.splitlines()) - set(text.splitlines())
    assert len(changed) == 2
    assert rule_of(made).evasion == ()


def test_what_is_emptied_goes_and_what_is_new_has_its_place() -> None:
    before = form_of(rule_of(TEXT))
    made = with_form(TEXT, before, replace(before, none_before=(), channels=None, owner="客服部"))
    assert "none_before" not in made and "evasion" not in made
    assert rule_of(made).owner == "客服部" and rule_of(made).evasion is None
    again = with_form(made, form_of(rule_of(made)), replace(form_of(rule_of(made)), words=()))
    assert "words" not in again and rule_of(again).match.words == ()


def test_examples_are_written_a_line_each() -> None:
    made = with_examples(TEXT, "miss", ("你好", "C: 换吗\nA: 不换"))
    assert rule_of(made).must_miss == ("你好", "C: 换吗\nA: 不换")
    assert "\n  - 你好\n" in made


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "&a [*a]", "{" * 2_000, "!!int x"])
def test_a_text_that_is_no_rule_takes_no_form(text: str) -> None:
    with pytest.raises(InputError) as raised:
        with_form(text, RuleForm(), RuleForm(owner="x"))
    assert raised.value.code == "workshop_text"


def test_a_rule_in_one_line_is_written_anew() -> None:
    text = msgspec.json.encode(msgspec.yaml.decode(TEXT)).decode()
    made = with_values(text, {("level",): "L4", ("match", "near"): 3})
    assert rule_of(made).level == "L4" and rule_of(made).match.near == 3
    assert rule_of(made).match.words == rule_of(TEXT).match.words


def test_every_rule_that_ships_is_written_and_read_as_itself() -> None:
    for text, rule in SHIPPED:
        assert rule_of(written(msgspec.yaml.decode(text))) == rule


def test_a_new_rule_can_be_read() -> None:
    made = rule_of(new_rule("own.rule_1", "新规则", "New rule"))
    assert (made.id, made.action, made.sides) == ("own.rule_1", "hint", ("agent",))


def test_a_long_list_is_compared_word_by_word() -> None:
    words = [f"词{number}" for number in range(80)]
    text = with_values(TEXT, {("match", "words"): words})
    one_line = text.replace("\n   ", "")
    other = with_values(TEXT, {("match", "words"): [*words[:40], "包退", *words[41:]]})
    lines = list(difflib.unified_diff(one_line.splitlines(), other.splitlines(), lineterm=""))[2:]
    shown = readable(lines)
    assert [line for line in shown if line[:1] in "+-"] == ["-    词40", "+    包退"]
    assert max(map(len, shown)) < 170


def test_a_short_difference_stays_as_it_is() -> None:
    lines = [" a", "-b", "+c", " d"]
    assert readable(lines) == tuple(lines)
