"""Tables, from .xlsx and .csv: questions with answers, and rows as sentences."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office_files import changed, csv_of, saved, xlsx_of
from openpyxl import Workbook
from openpyxl.styles import Font

from engine.knowledge.documents import Document, parse_document
from engine.knowledge.formats.comma_separated import MOST_ROWS, read_csv
from engine.knowledge.formats.content import Part
from engine.knowledge.formats.spreadsheet import read_xlsx
from engine.knowledge.formats.tables import Tally, table_parts
from engine.knowledge.passages import passages

NAMES = {
    "question": ["问题", "客户问", "标准问", "提问*", "Question", "Q", "常见问题（必填）"],
    "answer": ["答案", "回复", "话术", "标准答", "标准答案：", "Answer", "A"],
    "category": ["分类", "Category"],
    "valid_from": ["生效日期", "valid_from", "开始时间"],
    "valid_until": ["失效日期", "Valid until", "截止日期"],
    "internal": ["内部", "是否内部", "internal"],
}
WORDS = (
    st.text("退换货运费保修几天怎么收abc 1", min_size=1, max_size=12).map(str.strip).filter(bool)
)


def told(rows: Sequence[Sequence[str]]) -> tuple[list[Part], list[str]]:
    tally = Tally()
    parts = table_parts(rows, (), tally)
    return parts, [one.code for one in tally.told()]


def read(name: str, data: bytes) -> Document:
    return parse_document(Path(name), data)


def codes(document: Document) -> dict[str, dict[str, str]]:
    return {one.code.removeprefix("left_out_"): one.values for one in document.partly}


@given(
    st.permutations(list(NAMES)),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5, unique_by=lambda pair: pair[1]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from([",", "\t", ";"]),
    st.booleans(),
    st.data(),
)
def test_columns_are_known_by_their_names_in_any_order(
    order: list[str],
    pairs: list[tuple[str, str]],
    encoding: str,
    separator: str,
    titled: bool,
    data: st.DataObject,
) -> None:
    names = {role: data.draw(st.sampled_from(choices)) for role, choices in NAMES.items()}
    rows = [["客服话术库"]] if titled else []
    rows.append([names[role] for role in order])
    for asked, answered in pairs:
        values = {
            "question": asked,
            "answer": answered,
            "category": "售后",
            "valid_from": "2026/1/5",
            "valid_until": "2026年12月31日",
            "internal": "否",
        }
        rows.append([values[role] for role in order])
    content = read_csv(csv_of(rows, encoding, separator))
    assert content.left_out == ()
    assert [part.text for part in content.parts] == [
        " ".join(answer.split()) for _, answer in pairs
    ]
    for part, (asked, _) in zip(content.parts, pairs, strict=True):
        assert part.path[-1] == " ".join(asked.split()) or part.path[-1] == "售后"
        assert "售后" in part.path
        assert (part.valid_from, part.valid_until) == ("2026-01-05", "2026-12-31")
        assert not part.internal


def test_alike_questions_stand_above_one_answer_and_are_never_quoted() -> None:
    parts, left_out = told(
        [
            ["标准问", "相似问法", "答案"],
            ["怎么退货", "如何退货；我想退\n不要了能退吗", "签收后七天内可以退。"],
            ["能退吗", "", "签收后七天内可以退。"],
        ]
    )
    assert parts == [
        Part(("怎么退货 / 如何退货 / 我想退 / 不要了能退吗 / 能退吗",), "签收后七天内可以退。")
    ]
    assert left_out == []


def test_so_many_alike_questions_that_one_heading_would_drown_are_divided() -> None:
    rows = [["问题", "答案"]] + [[f"第{number}种关于退货的问法", "可以。"] for number in range(40)]
    parts, _ = told(rows)
    assert len(parts) > 1
    assert {part.text for part in parts} == {"可以。"}
    assert all(len(part.path[0]) <= 120 for part in parts)
    asked = " / ".join(part.path[0] for part in parts).split(" / ")
    assert asked == [row[0] for row in rows[1:]]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["怎么退", "", "", "", ""], "left_out_answer"),
        (["怎么退", "能退。", "春节前", "", ""], "left_out_dates"),
        (["怎么退", "能退。", "2026-05-01", "2026-04-01", ""], "left_out_dates"),
        (["怎么退", "能退。", "", "2026-02-30", ""], "left_out_dates"),
        (["怎么退", "能退。", "", "", "看情况"], "left_out_internal"),
    ],
)
def test_a_row_that_cannot_be_understood_is_left_out_and_told(row: list[str], code: str) -> None:
    rows = [
        ["问题", "答案", "生效日期", "失效日期", "内部"],
        row,
        ["换货", "能换。", "", "长期", ""],
    ]
    parts, left_out = told(rows)
    assert [part.text for part in parts] == ["能换。"]
    assert left_out == [code]


def test_what_is_internal_or_dated_by_its_row_stays_so_in_its_passages() -> None:
    document = read(
        "话术.csv",
        csv_of(
            [
                ["问题", "答案", "失效日期", "是否公开"],
                ["底价多少", "底价五折。", "", "否"],
                ["有活动吗", "满三百减五十。", "2026-12-31", "是"],
            ]
        ),
    )
    secret, dated = passages(document)
    assert secret.internal and not dated.internal
    assert (dated.valid_until, secret.valid_until) == ("2026-12-31", None)


@pytest.mark.parametrize(
    ("column", "cell", "internal"),
    [
        ("是否公开", "内部", True),
        ("是否公开", "公开", False),
        ("是否公开", "×", True),
        ("是否公开", "", False),
        ("对外", "对外", False),
        ("public", "internal", True),
        ("public", "Public", False),
        ("内部", "公开", False),
        ("内部", "仅内部", True),
        ("内部", "", False),
    ],
)
def test_a_cell_that_names_the_access_counts_by_what_it_names(
    column: str, cell: str, internal: bool
) -> None:
    parts, left_out = told([["问题", "答案", column], ["底价多少", "五折。", cell]])
    assert [part.internal for part in parts] == [internal]
    assert left_out == []


def test_of_many_lines_above_a_table_only_the_first_are_its_names() -> None:
    lines = [[f"第{number}行", ""] for number in range(20)]
    parts, _ = told([*lines, ["问题", "答案"], ["退货", "能退。"]])
    assert [part.path for part in parts] == [
        ("第0行", "第1行", "第2行"),
        ("第0行", "第1行", "第2行", "退货"),
    ]
    assert parts[0].text.split("\n") == [line for line, _ in lines[3:]]


@pytest.mark.parametrize("separator", ["\t", "|", "，"])
def test_the_separator_that_a_file_names_for_excel_is_no_row(separator: str) -> None:
    text = f"sep={separator}\r\n问题{separator}答案\r\n退货{separator}能退。\r\n"
    assert read_csv(text.encode()).parts == (Part(("退货",), "能退。"),)


def test_columns_that_are_not_used_are_named() -> None:
    document = read(
        "a.csv", csv_of([["问题", "答案", "创建人", "序号"], ["退货", "能退。", "某人", "1"]])
    )
    assert codes(document) == {"columns": {"names": "创建人"}}
    assert document.text == "能退。"


def test_questions_without_a_header_are_known_by_their_marks() -> None:
    parts, _ = told([["能退吗？", "能。"], ["运费多少?", "8元。"]])
    assert [(part.path, part.text) for part in parts] == [
        (("能退吗？",), "能。"),
        (("运费多少?",), "8元。"),
    ]


def test_rows_of_other_tables_become_sentences_with_the_names_of_their_columns() -> None:
    parts, left_out = told(
        [
            ["各地运费一览", "", ""],
            ["序号", "地区", "运费（元）", "说明", "内部备注"],
            ["1", "北京", "8", "满59包邮", "成本5元"],
            ["2", "新疆", "20", "", ""],
        ]
    )
    assert parts == [
        Part(
            ("各地运费一览",),
            "地区：北京，运费：8元，说明：满59包邮。\n地区：新疆，运费：20元。",
        )
    ]
    assert left_out == ["left_out_internal_columns"]
    english, _ = told([["Plan", "Price (USD)", "Notes"], ["Basic", "9", "no support"]])
    assert english[0].text == "Plan: Basic, Price: 9 USD, Notes: no support."


def test_long_cells_stand_under_what_their_row_is_about() -> None:
    long = "第一步联系客服。第二步寄回商品。"
    parts, _ = told([["业务", "时限", "说明"], ["退货", "7天", long], ["换货", "15天", "同上"]])
    assert parts == [
        Part(("退货",), f"业务：退货，时限：7天。\n\n{long}"),
        Part((), "业务：换货，时限：15天，说明：同上。"),
    ]


def test_a_wide_row_becomes_sentences_that_each_say_what_they_are_about() -> None:
    names = ["型号", *(f"第{number}项参数" for number in range(20))]
    parts, _ = told([names, ["J100", *("不超过十二升" for _ in range(20))]])
    lines = parts[0].text.split("\n")
    assert len(lines) > 1
    assert all(line.startswith("型号：J100，") and len(line) <= 121 for line in lines)
    assert sum(line.count("不超过十二升") for line in lines) == 20


def test_two_columns_may_be_a_list_of_names_and_values() -> None:
    parts, _ = told([["品牌", "海风"], ["保修", "两年"], ["客服热线", "早九点到晚九点"]])
    assert parts[0].text == "品牌：海风。\n保修：两年。\n客服热线：早九点到晚九点。"
    priced, _ = told([["套餐甲", "费率"], ["普通", "3%"], ["加急", "5%"]])
    assert priced[0].text == "套餐甲：普通，费率：3%。\n套餐甲：加急，费率：5%。"


@given(st.lists(st.lists(st.text(max_size=20), max_size=6), max_size=12))
def test_any_rows_are_read(rows: list[list[str]]) -> None:
    for part in told(rows)[0]:
        assert part.text.strip()
        assert all(heading.strip() for heading in part.path)


def test_values_are_written_as_the_sheet_shows_them() -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "价目"
    sheet.append(["商品", "价格", "折扣", "上市", "时段", "在售", "库存", "单价", "税率"])
    day, hour = datetime.datetime(2026, 3, 1), datetime.time(9, 30)
    values: list[Any] = ["净水器", 99.0, 0.15, day, hour, True, 12345678901, 0.1 + 0.2, 0.065]
    sheet.append(values)
    for cell, look in {
        "B2": '"¥"#,##0.00',
        "C2": "0%",
        "H2": '0.00"元"',
        "G2": "[$¥-804]#,##0",
        "I2": "0.0%",
    }.items():
        sheet[cell].number_format = look
    (part,) = read_xlsx(saved(book)).parts
    assert part.path == ("价目",)
    assert part.text == (
        "商品：净水器，价格：¥99，折扣：15%，上市：2026-03-01，时段：09:30，在售：是，库存：¥12345678901，"
        "单价：0.3元，税率：6.5%。"
    )


def test_merged_cells_count_for_all_that_they_cover() -> None:
    book = Workbook()
    sheet = book.active
    rows = [
        ["分类", "问题", "答案"],
        ["售后", "怎么退", "七天内能退。"],
        [None, "能不能退", None],
        [None, "怎么换", "十五天内能换。"],
    ]
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("A2:A4")
    sheet.merge_cells("C2:C3")
    assert read_xlsx(saved(book)).parts == (
        Part(("售后", "怎么退 / 能不能退"), "七天内能退。"),
        Part(("售后", "怎么换"), "十五天内能换。"),
    )


def test_what_is_hidden_is_left_out_and_told() -> None:
    book = Workbook()
    shown = book.active
    for row in (["问题", "答案", "话术"], ["退货", "能退。", "底价"], ["换货", "能换。", ""]):
        shown.append(row)
    shown.column_dimensions["C"].hidden = True
    shown.row_dimensions[3].hidden = True
    hidden = book.create_sheet("旧价目")
    hidden.append(["问题", "答案"])
    hidden.append(["价格", "一折。"])
    hidden.sheet_state = "hidden"
    document = read("a.xlsx", saved(book))
    assert [part.text for part in document.parts] == ["能退。"]
    assert codes(document) == {
        "sheets": {"names": "旧价目"},
        "hidden_rows": {"n": "1"},
        "hidden_columns": {"names": "Sheet"},
    }


def test_what_is_struck_out_in_a_sheet_is_gone() -> None:
    book = Workbook()
    for row in (["商品", "旧价", "价格"], ["净水器", 129, 99], ["滤芯", "停售", 39]):
        book.active.append(row)
    for cell in ("B2", "B3"):
        book.active[cell].font = Font(strike=True)
    book.active["C2"].font = Font(bold=True)
    (part,) = read_xlsx(saved(book)).parts
    assert part.text == "商品：净水器，价格：99。\n商品：滤芯，价格：39。"


def test_formulas_count_by_the_results_stored_with_them() -> None:
    data = xlsx_of(
        ("表1", [["商品", "价格", "备注"], ["甲", "=1+1", "是文字"], ["乙", 5, "=公式"]])
    )
    document = read("a.xlsx", data)
    assert codes(document) == {"formulas": {"n": "2"}}
    counted = changed(
        data,
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb"(<f>1\+1</f>)<v ?(?:/>|></v>)", rb"\1<v>2</v>", xml),
    )
    assert "甲，价格：2" in read("a.xlsx", counted).text


def test_a_cell_that_begins_like_a_formula_or_holds_controls_is_text() -> None:
    rows = [
        ["问题", "答案"],
        ["=1+1", '=HYPERLINK("x")\u202e\u0007了解'],
        ["甲\n乙", "# 不是标题\n```\n好的。"],
    ]
    first, second = read("a.csv", csv_of(rows)).parts
    assert (first.path, first.text) == (("=1+1",), '=HYPERLINK("x")了解')
    assert (second.path, second.text) == (("甲 / 乙",), "# 不是标题\n```\n好的。")


def test_rows_that_say_nothing_and_wrong_sizes_of_sheets_do_no_harm() -> None:
    rows = [["问题", "答案"], *([[None, None]] * 50), ["退货", "能退。"]]
    data = changed(
        xlsx_of(("一", rows)),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b'<dimension ref="A1:B52"', b'<dimension ref="A1:A2"'),
    )
    assert [part.text for part in read("a.xlsx", data).parts] == ["能退。"]


def test_several_sheets_are_told_apart_by_their_names() -> None:
    data = xlsx_of(
        ("售前", [["问题", "答案"], ["包邮吗", "包邮。"]]),
        ("Sheet2", [["问题", "答案"], ["退吗", "退。"]]),
    )
    assert [part.path for part in read("a.xlsx", data).parts] == [("售前", "包邮吗"), ("退吗",)]


def test_a_sheet_that_is_internal_by_its_name_stays_so() -> None:
    rows = [["问题", "答案"], ["最低几折", "最低七折。"]]
    document = read("a.xlsx", xlsx_of(("内部话术", rows), ("售前", rows)))
    assert [part.internal for part in document.parts] == [True, False]
    assert codes(document) == {"internal_sheets": {"names": "内部话术"}}


def test_a_hundred_thousand_questions_with_one_answer_are_read_at_once() -> None:
    """Quadratic time would keep this test for many minutes."""
    rows = [["问题", "答案"], *([f"第{number}问", "请联系人工客服。"] for number in range(100_000))]
    parts, _ = told(rows)
    assert {part.text for part in parts} == {"请联系人工客服。"}


def test_too_many_rows_are_refused_with_the_limit() -> None:
    from engine.errors import InputError

    with pytest.raises(InputError) as refusal:
        read_csv(b"a,b\n" * (MOST_ROWS + 1))
    assert refusal.value.code == "document_rows"
