"""Everyday wordings are found and put as the policies put them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import paths
from engine.knowledge.synonyms import BadLine, Synonyms, load_synonyms

TABLE = """# 一个小表
运费 = 邮费, 快递费
首付, 首付款 = 头款
price adjustment = went on sale, PRICE DROP
"""


@pytest.fixture
def table(tmp_path: Path) -> Synonyms:
    (tmp_path / "shop.txt").write_text(TABLE, "utf-8")
    synonyms, bad = load_synonyms([tmp_path / "shop.txt"])
    assert not bad
    return synonyms


def everything(_: str) -> bool:
    return True


def test_an_everyday_wording_is_put_as_the_policy_does(table: Synonyms) -> None:
    assert table.in_policy_words("郵費谁出", everything).split() == ["运费", "谁出"]
    assert "首付 首付款" in table.in_policy_words("头款多少", everything)
    assert table.in_policy_words("头款多少", lambda word: word == "首付款") == " 首付款 多少"
    assert "price adjustment" in table.in_policy_words("It went on SALE today", everything)


def test_of_two_wordings_of_policies_one_stands_for_the_other(table: Synonyms) -> None:
    assert table.in_policy_words("首付几成", lambda word: word == "首付款").strip() == "首付款 几成"


def test_what_no_policy_says_stays_as_it_was(table: Synonyms) -> None:
    assert table.in_policy_words("邮费谁出？", lambda _: False) == "邮费谁出？"
    assert table.in_policy_words("没有这些词", everything) == "没有这些词"


def test_latin_wordings_are_whole_words(table: Synonyms) -> None:
    assert not table.find("a price dropper")
    assert table.find("price drop!")


def test_lines_that_cannot_be_read_are_reported_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    lines = ["运费 = 邮费", "没有等号", " = 邮资", "首付 = ", "快递 = 包裹"]
    path.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe = \xff")
    synonyms, bad = load_synonyms([path, tmp_path / "none.txt"])
    assert len(synonyms) == 2
    assert synonyms.in_policy_words("包裹", everything).strip() == "快递"
    assert bad == [
        BadLine("synonyms.txt", 2),
        BadLine("synonyms.txt", 3),
        BadLine("synonyms.txt", 4),
        BadLine("synonyms.txt", 6),
    ]


def test_an_operators_table_adds_to_the_one_that_ships(tmp_path: Path) -> None:
    own = tmp_path / "synonyms.txt"
    own.write_text("礼宾服务 = 那个带路的", "utf-8")
    shipped, _ = load_synonyms(sorted(paths.SYNONYMS.glob("*.txt")))
    both, bad = load_synonyms([*sorted(paths.SYNONYMS.glob("*.txt")), own])
    assert not bad
    assert len(both) == len(shipped) + 1
    assert "礼宾服务" in both.in_policy_words("那个带路的多少钱", everything)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_up(text: str) -> None:
    synonyms, _ = load_synonyms(sorted(paths.SYNONYMS.glob("*.txt"))[:3])
    assert isinstance(synonyms.in_policy_words(text, everything), str)


@given(st.binary(max_size=300))
def test_any_file_is_read_or_reported(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "synonyms.txt")
        path.write_bytes(data)
        synonyms, _ = load_synonyms([path])
        synonyms.find("邮费")
