"""What a company has changed, as one pack that says the same elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_rules import GIFT

from engine.redline.changes import Base, Change, Changes, company_set, own_contexts
from engine.workshop.exporting import packed
from engine.workshop.importing import read_packs
from engine.workshop.running import read_base


@pytest.fixture(scope="module")
def base(packs: Path) -> Base:
    """What ships."""
    return read_base(packs)


def again(base: Base, changes: Changes, folder: Path) -> Changes:
    """The changes, written as a pack and read again."""
    pack = packed(base, changes, 3, "王班长")
    path = folder / "company.yaml"
    path.write_text(pack, "utf-8")
    return read_packs([path], base).changes


def test_a_pack_keeps_texts_comments_contexts_and_what_is_off(base: Base, tmp_path: Path) -> None:
    gift = GIFT.replace("match:", "# 备注：活动期间也不行\nmatch:")
    changes: Changes = (
        Change("rule", "own.gift", gift),
        Change("rule", "court"),
        Change("script", "greeting"),
        Change("context", "maybe", "- (?:也许)\n"),
    )
    found = again(base, changes, tmp_path)
    assert {(one.kind, one.id) for one in found} == {(one.kind, one.id) for one in changes}
    kept = {one.id: one for one in found}
    assert kept["own.gift"].text == gift
    assert company_set(base, found)[0].rules == company_set(base, changes)[0].rules


def test_contexts_borrowed_from_a_pack_that_ships_come_along(base: Base, tmp_path: Path) -> None:
    text = GIFT.replace("{words: [送您一份礼]}", "{words: [送您一份礼], none_before: ['@denial']}")
    changes = (Change("rule", "own.gift", text, "test"),)
    found = again(base, changes, tmp_path)
    assert "@denial" not in found[0].text
    assert company_set(base, found)[0].rules == company_set(base, changes)[0].rules
    assert company_set(base, found)[1] == []


def test_signs_that_yaml_takes_only_escaped_come_through(base: Base, tmp_path: Path) -> None:
    odd = r'"a\x7fb|c\x85d|\u2028|\ufffe|😀"'
    # The first line lets the rule be written anew.
    rule = f"---\n{GIFT}rewrite: {{zh: {odd}, en: {odd}}}\n"
    changes = (Change("context", "odd", f"[{odd}]"), Change("rule", "own.gift", rule))
    taken, wrong = company_set(base, again(base, changes, tmp_path))
    assert wrong == [] and taken.rules == company_set(base, changes)[0].rules
    (context,) = [one for one in again(base, changes, tmp_path) if one.kind == "context"]
    assert own_contexts((context,)) == own_contexts(changes)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["# 备注", "", "  ", "...", "---", "# a: [", "advice2: x"]), max_size=4
    ),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_however_a_rule_is_written_its_pack_reads_and_says_the_same(
    base: Base, tmp_path_factory: pytest.TempPathFactory, more: list[str], end: str
) -> None:
    text = GIFT.rstrip("\n").replace("\n", end) + end + end.join(more)
    changes = (Change("rule", "own.gift", text),)
    rule_set, problems = company_set(base, changes)
    if problems:
        return
    found = again(base, changes, tmp_path_factory.mktemp("pack"))
    taken, wrong = company_set(base, found)
    assert wrong == [] and taken.rules == rule_set.rules
