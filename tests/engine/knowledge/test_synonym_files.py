"""The everyday wordings keep the form their README promises."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "assets" / "synonyms"
FILES = sorted(FOLDER.glob("*.txt"))
HAN = re.compile(r"[\u3400-\u9fff]")
# Words of every second message: as a key of a search they would drown it.
COMMON = frozenset(
    re.findall(
        r"[^|\s]+",
        """这个|那个|东西|你们|我们|你好|您好|请问|谢谢|可以|不是|什么|怎么样|一下|有没有|能不能|是不是
        知道|已经|the|this|that|thing|things|stuff|you|your|have|want|need|please|hello|thanks
        what|when|where|how|can|get|it|is""",
    )
)


def _words(side: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,，、]", side)]


def _groups(path: Path) -> list[tuple[int, list[str], list[str]]]:
    """Every group of a file: its line's number, the policy's wordings and the everyday ones."""
    groups = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        assert line.count(" = ") == 1, f"{path.name}:{number}: one ' = ' expected"
        left, right = line.split(" = ")
        groups.append((number, _words(left), _words(right)))
    return groups


def _pairs() -> list[tuple[str, str]]:
    """Every (everyday, policy) pair of all files, in small letters."""
    return [
        (everyday.lower(), policy.lower())
        for path in FILES
        for _, policies, everydays in _groups(path)
        for policy, everyday in product(policies, everydays)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_synonym_groups_hold_clean_words(path: Path) -> None:
    assert re.fullmatch(r"[a-z_]+", path.stem)
    groups = _groups(path)
    assert groups
    for number, policies, everydays in groups:
        where = f"{path.name}:{number}"
        words = policies + everydays
        assert all(words), f"{where}: an empty wording"
        assert len({word.lower() for word in words}) == len(words), f"{where}: twice in one group"
        for word in words:
            assert word.isprintable() and "  " not in word and len(word) <= 40, (where, word)
            assert len(word) >= 2 and word.lower() not in COMMON, (where, word)
            assert not path.stem.startswith("en_") or not HAN.search(word), (where, word)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_policy_wordings_are_in_the_language_of_their_file(path: Path) -> None:
    for number, policies, _ in _groups(path):
        if not path.stem.startswith("en_"):
            has_chinese = any(HAN.search(word) for word in policies)
            assert has_chinese, f"{path.name}:{number}"


def test_synonym_pairs_stand_once() -> None:
    assert [pair for pair, count in Counter(_pairs()).items() if count > 1] == []


def test_synonym_wordings_stand_on_one_side_only() -> None:
    everydays = {everyday for everyday, _ in _pairs()}
    policies = {policy for _, policy in _pairs()}
    assert sorted(everydays & policies) == []


def test_everyday_wordings_have_three_senses_at_most() -> None:
    groups = Counter(
        word.lower() for path in FILES for _, _, everydays in _groups(path) for word in everydays
    )
    assert {word: count for word, count in groups.items() if count > 3} == {}


def test_synonyms_are_many_and_in_both_languages() -> None:
    pairs = _pairs()
    chinese = sum(1 for _, policy in pairs if HAN.search(policy))
    assert len(pairs) >= 2000
    assert chinese >= 1500
    assert len(pairs) - chinese >= 400
