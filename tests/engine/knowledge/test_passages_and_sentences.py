from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.knowledge.documents import Document
from engine.knowledge.passages import MOST, passages, size
from engine.knowledge.sentences import split_sentences


def texts(text: str) -> list[str]:
    return [span.text for span in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("您好！请问能打3.5折吗？可以。", ["您好！", "请问能打3.5折吗？", "可以。"]),
        (
            "他说：“好的。”然后走了……嗯，再说；行。",
            ["他说：“好的。”", "然后走了……", "嗯，再说；", "行。"],
        ),
        ("好吗?我想退。", ["好吗?", "我想退。"]),
        (
            "It costs $3.50, e.g. by post. Mr. Li pays 5.",
            ["It costs $3.50, e.g. by post.", "Mr. Li pays 5."],
        ),
        (
            "Open until 9 p.m. on Sunday. See www.a.example/?q=1 etc. Next one!",
            ["Open until 9 p.m. on Sunday.", "See www.a.example/?q=1 etc.", "Next one!"],
        ),
        (
            "- 免费上门\n- 保修一年。过期收费\n1. 先关机\n2. 再开机",
            ["免费上门", "保修一年。", "过期收费", "1. 先关机", "2. 再开机"],
        ),
        ("Returns are free\nwithin 7 days. Ok?", ["Returns are free\nwithin 7 days.", "Ok?"]),
        ("满200元减30\n满300元减50", ["满200元减30", "满300元减50"]),
        ("Version 2.0 is out.Really", ["Version 2.0 is out.Really"]),
        ("  \n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert texts(text) == sentences


MIXED = st.text(
    st.one_of(
        st.sampled_from("。！？；….!?,，、:：\n \t-*#|1.2三a Mr.e.g”）\"'"),
        st.characters(codec="utf-8", categories=["L", "N", "P", "Z"]),
    ),
    max_size=300,
)


@given(MIXED)
def test_sentences_are_slices_in_order_that_lose_only_bullets(text: str) -> None:
    place = 0
    for span in split_sentences(text):
        assert span.start >= place
        assert span.text == text[span.start : span.end]
        assert span.text == span.text.strip() != ""
        between = text[place : span.start]
        assert not "".join(between.split()).strip("-*+•·●▪◦–>[xX]")
        place = span.end
    assert not "".join(text[place:].split()).strip("-*+•·●▪◦–>[xX]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "以下说法是错的：“产品保本。收益10%。”请勿相信。",
            ["以下说法是错的：“产品保本。收益10%。”", "请勿相信。"],
        ),
        ("价格（含税。不含运费）是5元。好。", ["价格（含税。不含运费）是5元。", "好。"]),
        ("他说“好。再说。", ["他说“好。", "再说。"]),
        ("见“说明”。好。", ["见“说明”。", "好。"]),
        ("“" + "甲" * 300 + "。乙。”", ["“" + "甲" * 300 + "。", "乙。”"]),
    ],
)
def test_a_quotation_is_not_taken_apart(text: str, expected: list[str]) -> None:
    assert [span.text for span in split_sentences(text)] == expected


def solid(text: str) -> str:
    return "".join(text.split())


@given(MIXED.filter(lambda text: "#" not in text and "|" not in text and "~~~" not in text))
def test_passages_hold_all_of_a_text_without_headings(text: str) -> None:
    found = passages(Document("a.md", "t", text))
    assert solid("".join(passage.text for passage in found)) == solid(text)


@given(MIXED, st.sampled_from(["a.md", "a.txt"]))
def test_passages_are_readable_pieces_whatever_the_text(text: str, name: str) -> None:
    found = passages(Document(name, "t", text))
    assert [passage.ordinal for passage in found] == list(range(len(found)))
    assert all(passage.text.strip() for passage in found)
    held = solid("".join(passage.text + passage.section for passage in found))
    assert all(char in held for char in solid(text) if char not in "#【】")


def test_headings_make_paths_and_the_title_is_not_repeated() -> None:
    text = (
        "# 家电\n总述。\n## 售后\n### 维修\n免费。\n```\n# 不是标题\n```\n"
        "## 保修期一年\n## 别的\n无。"
    )
    found = passages(Document("a.md", "家电", text))
    assert [(p.section, p.text.split("\n")[0]) for p in found] == [
        ("", "总述。"),
        ("售后 › 维修", "免费。"),
        ("保修期一年", "保修期一年"),
        ("别的", "无。"),
    ]
    assert "# 不是标题" in found[1].text


def test_plain_text_has_headings_too() -> None:
    text = "第一章 售后\n一、维修\n免费上门。\n二、退货\n七天内可退。\n【其他】\n没有了。"
    found = passages(Document("a.txt", "a", text))
    assert [p.section for p in found] == [
        "第一章 售后 › 一、维修",
        "第一章 售后 › 二、退货",
        "其他",
    ]


def test_long_sections_are_cut_between_sentences_into_even_pieces() -> None:
    sentence = "本公司提供免费的上门检修服务，请您提前一天预约。"
    found = passages(Document("a.md", "t", sentence * 60))
    assert all(60 <= size(p.text) <= MOST for p in found)
    assert all(p.text.endswith("。") and p.text.startswith("本公司") for p in found)
    english = "We repair your kettle at home free of charge if you call before noon. "
    found = passages(Document("b.md", "t", english * 60))
    assert all(60 <= len(p.text.split()) <= 180 for p in found)
    assert all(p.text.endswith("noon.") for p in found)


def test_text_without_any_border_is_cut_all_the_same() -> None:
    found = passages(Document("a.md", "t", "长" * 2000 + "x" * 9000))
    assert all(len(p.text) <= 2000 for p in found)
    assert sum(len(p.text) for p in found) == 11000


def test_table_pieces_keep_their_column_names() -> None:
    rows = "".join(f"| 第{number}项检修服务 | {number}元 |\n" for number in range(80))
    found = passages(Document("a.md", "t", "价目如下：\n| 项目 | 价格 |\n|---|---|\n" + rows))
    assert len(found) > 2
    assert all("| 项目 | 价格 |\n|---|---|" in p.text for p in found)
    assert sum(p.text.count("项检修") for p in found) == 80


def test_a_question_stays_with_its_answer() -> None:
    pairs = "".join(
        f"问：第{n}种情况下能不能申请上门检修服务？\n\n答：可以申请，请提前预约师傅。\n\n"
        for n in range(40)
    )
    for passage in passages(Document("a.md", "t", pairs)):
        assert passage.text.startswith("问") and passage.text.endswith("师傅。")
