"""Hits as CSV and XLSX: all of them, whole, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.learning.review_export import COLUMNS, export_reviews, harmless
from engine.records import Hit, Language
from engine.store.seeking import Sought
from engine.store.store import Store, open_store

EVIL = (
    '=HYPERLINK("http://example.invalid";"点我")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1",
    "-1",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "＝1+1",
    '";=1+1;"',
    "#N/A",
)
COLUMN = {name: place for place, name in enumerate(COLUMNS)}


def filled(store: Store) -> None:
    for number, evil in enumerate(EVIL):
        message = store.conversations.receive("王女士", evil)
        hit = Hit(f"rule.{number}", "承诺", "L2", "hint", 0, len(evil), evil, "customer", name=evil)
        store.hits.add_all(message.conversation, message.id, evil, [hit], agent=evil)
    hits = store.reviews.page().hits
    store.hits.judge(hits[0].id, "false_alarm", "王班长", "=1+1")
    made = store.reviews.appeal(hits[1].id, "小李", "=2+2")
    store.reviews.answer(made.id, True, "王班长", "=3+3")


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def read_xlsx(path: Path) -> list[list[object]]:
    from openpyxl import load_workbook

    sheet = load_workbook(path).active
    assert sheet is not None
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", ["承诺", "客户", "提示"]), ("en", ["承诺", "customer", "Hint"])],
)
def test_a_table_for_people_says_categories_and_actions_in_words(
    tmp_path: Path, language: Language, words: list[str]
) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        filled(store)
        message = store.conversations.receive("王女士", "法院见")
        hit = Hit("rule.law", "legal", "L3", "handover", 0, 3, "法院见", "customer")
        store.hits.add_all(message.conversation, message.id, "法院见", [hit])
        export_reviews(store, tmp_path / "hits.csv", language=language)
    columns = [COLUMN[name] for name in ("category", "side", "action")]
    rows = read_csv(tmp_path / "hits.csv")[1:]
    expected = {"zh": ["法律风险", "客户", "转人工"], "en": ["Legal risk", "customer", "Hand-over"]}
    assert [rows[0][column] for column in columns] == expected[language]
    # A company's own category keeps its name.
    assert [rows[1][column] for column in columns] == words


def test_every_hit_is_a_row_of_csv_and_no_cell_a_formula(tmp_path: Path) -> None:
    target = tmp_path / "hits.csv"
    with open_store(tmp_path / "zuoxi.db") as store:
        filled(store)
        assert export_reviews(store, target) == len(EVIL)
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    heading, *rows = read_csv(target)
    assert heading[:3] == ["时间", "复核结论", "规则编号"]
    assert [row[COLUMN["rule"]] for row in rows] == [f"rule.{n}" for n in range(len(EVIL))][::-1]
    for row in rows:
        assert len(row) == len(COLUMNS)
        for cell in row:
            assert not cell.strip().startswith(("=", "+", "@", "＝"))
            assert not cell.startswith(("-", "\t", "\r"))
    assert rows[0][COLUMN["verdict"]] == "误报"
    assert rows[0][COLUMN["note"]] == "'=1+1"
    assert rows[1][COLUMN["upheld"]] == "申诉成立"
    assert list(tmp_path.glob("out/*.tmp")) == []


def test_a_sheet_holds_the_texts_as_they_are_and_no_formula(tmp_path: Path) -> None:
    target = tmp_path / "hits.xlsx"
    with open_store(tmp_path / "zuoxi.db") as store:
        filled(store)
        assert export_reviews(store, target, language="en") == len(EVIL)
    heading, *rows = read_xlsx(target)
    assert heading[1] == "Verdict"
    found = [row[COLUMN["found"]] for row in rows][::-1]
    assert [str(one).strip() for one in found] == [evil.strip() for evil in EVIL]
    assert rows[0][COLUMN["end"]] == len(EVIL[-1])
    with zipfile.ZipFile(target) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert not [name for name in archive.namelist() if "external" in name.lower()]


def test_hostile_characters_spoil_neither_table(tmp_path: Path) -> None:
    text = "\x00\x01\x1f\ufffe<b>&\n\"'" + "长" * 40_000
    with open_store(tmp_path / "zuoxi.db") as store:
        message = store.conversations.receive("王\ud800", text)
        hit = Hit("rule", "c", "L1", "hint", 0, len(text), text, "customer")
        store.hits.add_all(message.conversation, message.id, text, [hit])
        for name in ("hits.csv", "hits.xlsx"):
            assert export_reviews(store, tmp_path / name) == 1
    assert "<b>&" in read_csv(tmp_path / "hits.csv")[1][COLUMN["found"]]
    cell = read_xlsx(tmp_path / "hits.xlsx")[1][COLUMN["found"]]
    assert isinstance(cell, str)
    assert "<b>&" in cell and len(cell) <= 32_767


def test_only_what_is_sought_is_written(tmp_path: Path) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        filled(store)
        target = tmp_path / "hits.csv"
        assert export_reviews(store, target, Sought(rule="rule.3")) == 1
        assert export_reviews(store, target, Sought(rule="nothing")) == 0
        assert len(read_csv(target)) == 1


@pytest.mark.parametrize("name", ["hits", "hits.ods", "hits.csv.exe"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path / "zuoxi.db") as store, pytest.raises(InputError) as caught:
        export_reviews(store, tmp_path / name)
    assert caught.value.code == "export_form"
    assert not (tmp_path / name).exists()


def test_a_folder_that_is_none_is_refused_and_the_former_file_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with open_store(tmp_path / "zuoxi.db") as store, pytest.raises(InputError) as caught:
        export_reviews(store, tmp_path / "file" / "hits.csv")
    assert caught.value.code == "export_failed"
    assert (tmp_path / "file").read_text() == "kept"


@given(st.text(st.sampled_from("=+-@＝＋\t\r\n \"';,|1ab中"), max_size=12))
def test_a_harmless_cell_is_read_back_and_begins_no_formula(value: str) -> None:
    cell = harmless(value)
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow([cell, "next"])
    ((first, second),) = csv.reader(io.StringIO(buffer.getvalue(), newline=""))
    assert (first, second) == (cell, "next")
    assert cell in (value, f"'{value}")
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋"))
