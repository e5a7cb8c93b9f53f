"""The operator's own table: changed line by line, whole or not at all, in effect at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.knowledge import catalogue
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents
from engine.knowledge.own_wordings import Pair, add_pair, change_pair, own_pairs, remove_pair
from engine.knowledge.search import Searcher
from engine.knowledge.synonyms import OWN_TABLE, CurrentSynonyms, load_synonyms
from engine.knowledge.vocabulary import read_vocabulary, terms_of
from engine.texts import explain

BY_HAND = """# 我们店的说法
运费, 邮费 = 邮钿, 来回的票子   # 老客户爱说

这一行读不懂
运费 = 寄钱
"""


def code_of(error: pytest.ExceptionInfo[InputError]) -> str:
    for language in ("zh", "en"):
        assert "{" not in explain(error.value, language)
    return error.value.code


def test_a_pair_is_added_once_and_read_by_the_search(tmp_path: Path) -> None:
    assert own_pairs(tmp_path) == []
    assert add_pair(tmp_path / "new", " 邮钿 ", "运费") == Pair("邮钿", "运费")
    add_pair(tmp_path / "new", "寄钱", "运费")
    add_pair(tmp_path / "new", "邮鈿", "运费")
    assert own_pairs(tmp_path / "new") == [Pair("邮钿", "运费"), Pair("寄钱", "运费")]
    table, bad = load_synonyms([tmp_path / "new" / OWN_TABLE])
    assert not bad
    assert table.of("邮钿") == ("运费",)


def test_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    path = tmp_path / OWN_TABLE
    path.write_bytes(BY_HAND.encode() + b"\xff\xfe = \xff\n")
    add_pair(tmp_path, "跑腿钱", "运费")
    lines = path.read_bytes().split(b"\n")
    assert lines[:4] == BY_HAND.encode().split(b"\n")[:4]
    assert lines[4] == "运费 = 寄钱, 跑腿钱".encode()
    assert lines[5] == b"\xff\xfe = \xff"


def test_a_pair_is_taken_out_of_a_group_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / OWN_TABLE).write_text("运费, 邮费 = 邮钿, 票子\n", "utf-8")
    assert remove_pair(tmp_path, "邮钿", "运费") == [Pair("邮钿", "运费")]
    left = {Pair("票子", "运费"), Pair("票子", "邮费"), Pair("邮钿", "邮费")}
    assert set(own_pairs(tmp_path)) == left
    assert remove_pair(tmp_path, "票子") == [Pair("票子", "运费"), Pair("票子", "邮费")]
    assert own_pairs(tmp_path) == [Pair("邮钿", "邮费")]
    with pytest.raises(InputError) as error:
        remove_pair(tmp_path, "票子")
    assert code_of(error) == "wording_unknown"


def test_a_pair_is_changed_in_one_step(tmp_path: Path) -> None:
    add_pair(tmp_path, "邮钿", "运费")
    assert change_pair(tmp_path, Pair("邮钿", "运费"), "邮鈿费", "邮费") == Pair("邮鈿费", "邮费")
    assert own_pairs(tmp_path) == [Pair("邮鈿费", "邮费")]
    with pytest.raises(InputError) as error:
        change_pair(tmp_path, Pair("邮钿", "运费"), "票子", "运费")
    assert code_of(error) == "wording_unknown"


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ("邮", "运费"),
        ("邮钿", ""),
        ("邮钿，票子", "运费"),
        ("a = b", "运费"),
        ("#邮钿", "运费"),
        ("邮" * 41, "运费"),
        ("運費", "运费"),
        ("邮\u202e钿", "运费"),
        ("邮\ud800钿", "运费"),
    ],
)
def test_what_cannot_stand_in_the_table_is_refused(tmp_path: Path, said: str, policy: str) -> None:
    with pytest.raises(InputError) as error:
        add_pair(tmp_path, said, policy)
    assert code_of(error) == "wording_unfit"
    assert not (tmp_path / OWN_TABLE).exists()


@given(st.text(max_size=50), st.text(max_size=50))
def test_whatever_is_taken_is_found_again(said: str, policy: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            pair = add_pair(Path(folder), said, policy)
        except InputError:
            return
        assert own_pairs(Path(folder)) == [pair]
        table, bad = load_synonyms([Path(folder, OWN_TABLE)])
        assert not bad
        assert len(table) >= 1


def test_a_full_disk_leaves_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_pair(tmp_path, "邮钿", "运费")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalogue, "replace", full)
    with pytest.raises(InputError) as error:
        add_pair(tmp_path, "票子", "运费")
    assert code_of(error) == "wordings_not_written"
    assert own_pairs(tmp_path) == [Pair("邮钿", "运费")]


def test_an_open_search_follows_the_table_without_being_opened_again(tmp_path: Path) -> None:
    documents, folder = tmp_path / "documents", tmp_path / "knowledge"
    documents.mkdir()
    (documents / "a.md").write_text("# 运费\n\n退货的运费由本店承担。\n", "utf-8")
    (documents / "b.md").write_text("# 营业时间\n\n门店九点开门，客户可以自己上门。\n", "utf-8")
    import_documents(folder, [documents], HashedEmbedder())
    searcher = Searcher.open(folder, HashedEmbedder())

    def found() -> float:
        return max((one.coverage for one in searcher.search("邮钿咋算").found), default=0.0)

    before = found()
    add_pair(folder, "邮钿", "运费")
    after = found()
    assert after > before
    remove_pair(folder, "邮钿")
    assert found() == before
    (folder / OWN_TABLE).unlink()
    assert found() == before
    searcher.close()


def test_the_table_is_read_again_only_where_it_changed(tmp_path: Path) -> None:
    table = CurrentSynonyms(tmp_path)
    first = table()
    assert table() is first
    add_pair(tmp_path, "邮钿", "运费")
    second = table()
    assert second is not first
    assert table() is second
    assert "运费" in second.of("邮钿")


def test_the_knowledge_names_its_headings_but_not_internal_ones(knowledge_folder: Path) -> None:
    vocabulary = read_vocabulary(knowledge_folder)
    assert {"家电维修", "上门检修", "保修期", "退货", "delivery"} <= vocabulary.terms
    assert "议价底线" not in vocabulary.terms
    assert vocabulary.says("上门费")
    assert not vocabulary.says("邮钿")
    assert vocabulary.weight("热水壶") > 0


def test_a_folder_without_knowledge_says_nothing(tmp_path: Path) -> None:
    assert not read_vocabulary(tmp_path).says("运费")


def test_a_heading_is_cut_into_short_wordings() -> None:
    assert list(terms_of("运费和保价 · 2026年")) == ["运费", "保价"]
    assert list(terms_of("Returns and refunds")) == ["returns", "refunds"]
    assert list(terms_of("关于客户在签收之后申请退款时的若干说明")) == []


def test_a_sentence_finds_the_headings_it_stands_under(knowledge_folder: Path) -> None:
    vocabulary = read_vocabulary(knowledge_folder)
    repair, nothing, delivery = vocabulary.headings(
        [
            "您好，保修期内免费上门检修，不收上门费哦。",
            "祝您生活愉快，欢迎再来光临本店。",
            "Delivery is free for orders over 59 yuan, by the way.",
        ]
    )
    assert "上门检修" in repair
    assert nothing == ()
    assert "delivery" in delivery
    assert vocabulary.headings([]) == []
