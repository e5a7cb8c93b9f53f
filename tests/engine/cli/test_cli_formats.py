"""A company's files of every kind, from the import to the draft, as the command line does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx.document import Document
from office_files import csv_of, docx_of, pdf_of, xlsx_of

from engine.paths import DataFolder

Zuoxi = Callable[..., Any]

ASKED = {
    "热水壶怎么除水垢": ("除垢.docx", "倒入白醋煮沸，静置30分钟后冲净。"),
    "能不能开增值税专票": ("常见问题.xlsx", "专用发票在订单完成后3个工作日内开出。"),
    "会员积分什么时候清零": ("积分.csv", "积分每年12月31日清零。"),
    "滤芯多久换一次": ("滤芯.pdf", "滤芯每6个月更换一次，水质差的地区每4个月更换一次。"),
    "到店自提要带什么": ("自提.html", "到店自提请带上订单号和手机，自提点保留7天。"),
}


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """One file of each kind, and some that cannot be used."""
    folder = tmp_path / "公司"
    folder.mkdir()

    def write(document: Document) -> None:
        document.add_heading("热水壶保养", 1)
        document.add_heading("除水垢", 2)
        document.add_paragraph("倒入白醋煮沸，静置30分钟后冲净。")
        document.add_heading("清洁", 2)
        document.add_paragraph("外壳用软布擦拭。")

    rows = [
        ["序号", "分类", "客户问", "标准答", "内部"],
        [1, "发票", "能不能开增值税专票\n专票怎么开", ASKED["能不能开增值税专票"][1], "否"],
        [2, "发票", "抬头开错了怎么办", "抬头有误可以在30天内换开一次。", "否"],
        [3, "发票", "专票最快多久", "催得急的可以当天开，别主动说。", "是"],
    ]
    files = {
        "除垢.docx": docx_of(write),
        "常见问题.xlsx": xlsx_of(("发票", rows)),
        "积分.csv": csv_of(
            [
                ["问题", "回复"],
                ["会员积分什么时候清零", "积分每年12月31日清零。"],
                ["怎么升级", "满1000积分升级。"],
            ],
            "gb18030",
        ),
        "滤芯.pdf": pdf_of(
            [
                [
                    (50, 700, 20, "滤芯更换"),
                    (50, 660, 12, "滤芯每6个月更换一次，水质差的地区每4个月更换一次。"),
                    (50, 600, 20, "滤芯保修"),
                    (50, 560, 12, "滤芯属于耗材，不在保修范围内。"),
                ]
            ]
        ),
        "自提.html": "<html><body><nav>首页 | 购物车</nav><h1>到店自提</h1>"
        "<p>到店自提请带上订单号和手机，自提点保留7天。</p></body></html>".encode(),
        "旧版.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "坏.xlsx": b"PK\x03\x04 cut off",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_files_of_every_kind_are_imported_found_and_quoted(
    zuoxi: Zuoxi, quoting: DataFolder, company: Path
) -> None:
    imported = zuoxi("kb", "import", company, "--json").one
    assert imported["documents"] == 5
    reasons = {Path(one["path"]).name: one["reason"] for one in imported["skipped"]}
    assert set(reasons) == {"旧版.doc", "坏.xlsx"}
    assert ".docx" in reasons["旧版.doc"]
    assert imported["partly"] == []

    for question, (doc, answer) in ASKED.items():
        best = zuoxi("kb", "search", question, "--json").one["passages"][0]
        assert (best["doc"], best["text"]) == (doc, answer)
        draft = zuoxi("draft", "--message", question, "--json").one
        assert draft["status"] == "drafted", draft
        assert draft["evidence"][0]["doc"] == doc
        assert answer.rstrip("。") in draft["text"].replace("*", "").replace("[1]", "")

    # The customer's own wording is never the reply, and what is internal never found.
    assert (
        "能不能开增值税专票"
        not in zuoxi("draft", "--message", "能不能开增值税专票", "--json").one["text"]
    )
    found = zuoxi("kb", "search", "专票最快多久", "-k", 20, "--json").one["passages"]
    assert "别主动说" not in "".join(one["text"] for one in found)
    inside = zuoxi("kb", "search", "专票最快多久", "-k", 20, "--internal", "--json").one["passages"]
    assert "别主动说" in "".join(one["text"] for one in inside)

    # Made anew from the stored copies it is the same.
    assert zuoxi("kb", "rebuild", "--json").one["passages"] == imported["passages"]


def test_what_of_a_file_is_left_out_is_told(
    zuoxi: Zuoxi, quoting: DataFolder, tmp_path: Path
) -> None:
    rows = [
        ["问题", "答案", "失效日期"],
        ["怎么退", "七天内退。", "2020-01-01"],
        ["怎么换", "", ""],
    ]
    (tmp_path / "话术.csv").write_bytes(csv_of(rows))
    imported = zuoxi("kb", "import", tmp_path / "话术.csv", "--json").one
    (partly,) = imported["partly"]
    assert partly["path"].endswith("话术.csv")
    assert "1 行" in partly["reason"]
    # A row's own date counts as a document's does.
    asked = ["kb", "search", "怎么退", "--json"]
    assert zuoxi(*asked, "--as-of", "2026-01-01").one["passages"] == []
    assert zuoxi(*asked, "--as-of", "2019-01-01").one["passages"][0]["text"] == "七天内退。"
