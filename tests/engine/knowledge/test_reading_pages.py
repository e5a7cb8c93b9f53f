"""Word documents, PDFs and web pages: their headings, lists and tables, and what is left out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx.document import Document as Word
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from hypothesis import given, settings
from hypothesis import strategies as st
from office_files import docx_of, pdf_of

from engine.errors import InputError
from engine.knowledge.documents import parse_document
from engine.knowledge.formats.content import Part
from engine.knowledge.formats.plain_text import read_text
from engine.knowledge.formats.portable import read_pdf
from engine.knowledge.formats.properties import front_of
from engine.knowledge.formats.web_page import read_html
from engine.knowledge.formats.word import read_docx


def parts_of(write: Any) -> tuple[Part, ...]:
    return read_docx(docx_of(write)).parts


# Word


def test_headings_lists_and_tables_of_a_word_document() -> None:
    def write(document: Word) -> None:
        document.add_heading("售后指引", 0)
        document.add_heading("退货", 1)
        document.add_paragraph("七天内可以退。")
        document.add_paragraph("先申请", style="List Bullet")
        document.add_paragraph("再寄回", style="List Number")
        document.add_heading("偏远地区", 2)
        table = document.add_table(3, 3)
        rows = [["地区", "运费（元）", "时效"], ["新疆", "20", "7天"], ["", "25", "9天"]]
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                table.cell(row, column).text = text
        table.cell(1, 0).merge(table.cell(2, 0))
        document.sections[0].header.paragraphs[0].text = "内部页眉"
        document.sections[0].footer.paragraphs[0].text = "第1页"

    content = read_docx(docx_of(write))
    assert (content.title, content.front) == ("售后指引", {})
    assert content.parts == (
        Part(("退货",), "七天内可以退。\n\n- 先申请\n- 再寄回"),
        Part(
            ("退货", "偏远地区"),
            "地区：新疆，运费：20元，时效：7天。\n地区：新疆，运费：25元，时效：9天。",
        ),
    )


def test_chinese_styles_and_outline_levels_are_headings() -> None:
    def write(document: Word) -> None:
        own = document.styles.add_style("标题 1", 1)
        own.element.find(qn("w:name")).set(qn("w:val"), "标题 1")
        document.add_paragraph("运费", style=own)
        document.add_paragraph("八元。")
        second = document.styles.add_style("政策二级标题", 1)
        document.add_paragraph("偏远", style=second)
        document.add_paragraph("二十元。")
        paragraph = document.add_paragraph("海外")
        level = OxmlElement("w:outlineLvl")
        level.set(qn("w:val"), "2")
        paragraph._p.get_or_add_pPr().append(level)
        document.add_paragraph("不送。")

    assert parts_of(write) == (
        Part(("运费",), "八元。"),
        Part(("运费", "偏远"), "二十元。"),
        Part(("运费", "偏远", "海外"), "不送。"),
    )


def test_without_styles_headings_are_guessed_from_bold_lines_and_numbers() -> None:
    def write(document: Word) -> None:
        document.add_paragraph("第一章 退货")
        document.add_paragraph().add_run("退货时限").bold = True
        document.add_paragraph("签收后七天。")
        document.add_paragraph().add_run("请务必保留包装。").bold = True
        document.add_paragraph("二、换货")
        document.add_paragraph("十五天。")

    assert parts_of(write) == (
        Part(("第一章 退货", "退货时限"), "签收后七天。\n\n请务必保留包装。"),
        Part(("第一章 退货", "二、换货"), "十五天。"),
    )


def test_what_is_deleted_struck_out_or_hidden_is_gone_and_what_is_inserted_stays() -> None:
    def write(document: Word) -> None:
        paragraph = document.add_paragraph("运费")
        for xml in (
            "<w:del %s><w:r><w:delText>5元</w:delText></w:r></w:del>",
            "<w:moveFrom %s><w:r><w:t>旧的</w:t></w:r></w:moveFrom>",
            "<w:ins %s><w:r><w:t>8元</w:t></w:r></w:ins>",
            "<w:r %s><w:rPr><w:strike/></w:rPr><w:t>6元</w:t></w:r>",
            "<w:r %s><w:rPr><w:vanish/></w:rPr><w:t>底价</w:t></w:r>",
            '<w:r %s><w:rPr><w:strike w:val="0"/></w:rPr><w:t>起</w:t></w:r>',
            "<w:r %s><w:instrText>PAGE</w:instrText></w:r>",
        ):
            paragraph._p.append(parse_xml(xml % nsdecls("w")))
        document.add_comment(paragraph.runs[0], text="别告诉客户")

    assert parts_of(write) == (Part((), "运费8元起"),)


def test_text_boxes_and_content_controls_are_read_once_and_contents_are_not() -> None:
    box = (
        "<w:r %s><mc:AlternateContent"
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        "<mc:Choice><w:txbxContent><w:p><w:r><w:t>全国联保。</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
        "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>全国联保。</w:t></w:r></w:p></w:txbxContent>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    control = (
        "<w:sdt %s><w:sdtContent><w:p><w:r><w:t>客服在线。</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    contents = (
        '<w:sdt %s><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
        "</w:docPartObj></w:sdtPr><w:sdtContent><w:p><w:r><w:t>退货……1</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )

    def write(document: Word) -> None:
        document.add_paragraph("保修两年。")._p.append(parse_xml(box % nsdecls("w")))
        for xml in (contents, control):
            document.element.body.insert(-1, parse_xml(xml % nsdecls("w")))

    assert parts_of(write) == (Part((), "保修两年。\n\n全国联保。\n\n客服在线。"),)


def test_footnotes_stand_where_they_are_referred_to() -> None:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part as File

    note = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='2'><w:p><w:r><w:t>偏远地区除外</w:t></w:r>"
    )

    def write(document: Word) -> None:
        paragraph = document.add_paragraph("满59元包邮")
        reference = '<w:r %s><w:footnoteReference w:id="2"/></w:r>'
        paragraph._p.append(parse_xml(reference % nsdecls("w")))
        paragraph.add_run("。")
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
        blob = f"{note}</w:p></w:footnote></w:footnotes>".encode()
        notes = File(PackURI("/word/footnotes.xml"), kind, blob, document.part.package)
        base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        document.part.relate_to(notes, f"{base}/footnotes")

    assert parts_of(write) == (Part((), "满59元包邮（偏远地区除外）。"),)


def test_a_table_of_questions_in_a_word_document_is_one() -> None:
    def write(document: Word) -> None:
        table = document.add_table(2, 2)
        for place, text in enumerate(["问题", "答案", "怎么退", "七天内退。"]):
            table.cell(place // 2, place % 2).text = text

    assert parts_of(write) == (Part(("怎么退",), "七天内退。"),)


def test_the_properties_name_a_document_before_its_heading_does() -> None:
    def write(document: Word) -> None:
        document.core_properties.title = "售后手册"
        document.add_heading("退货", 1)
        document.add_paragraph("能退。")

    assert parse_document(Path("a.docx"), docx_of(write)).title == "售后手册"
    empty = docx_of(lambda document: document.add_paragraph("能退。"))
    assert parse_document(Path("手册.docx"), empty).title == "手册"


def test_questions_and_answers_in_running_text_are_told_apart() -> None:
    def write(document: Word) -> None:
        document.add_heading("常见问题", 1)
        for text in (
            "问：能退吗",
            "答：七天内能退。",
            "运费由您承担。",
            "Q2: 怎么换\nA: 联系客服。",
        ):
            document.add_paragraph(text)
        document.add_paragraph("问题：没有回答")
        document.add_heading("其他", 1)
        document.add_paragraph("八元。")

    parts = parts_of(write)
    assert parts == (
        Part(("常见问题", "能退吗"), "七天内能退。\n\n运费由您承担。"),
        Part(("常见问题", "怎么换"), "联系客服。\n\n问题：没有回答"),
        Part(("其他",), "八元。"),
    )
    page = "<h1>常见问题</h1><dl><dt>能退吗<dd>能退。<dt>能换吗<dd>能换。</dl><p>周末照常。"
    assert read_html(page.encode()).parts == (
        Part(("常见问题", "能退吗"), "能退。"),
        Part(("常见问题", "能换吗"), "能换。"),
        Part(("常见问题",), "周末照常。"),
    )
    text = "一、退货\n问：能退吗\n答：能退。\n\n问：能换吗\n答：能换。\n"
    assert read_text(text.encode()).parts == (
        Part(("一、退货", "能退吗"), "能退。"),
        Part(("一、退货", "能换吗"), "能换。"),
    )


def test_properties_that_somebody_gave_a_file_count_as_front_matter_does() -> None:
    custom = "".join(
        f'<property name="{name}"><vt:lpwstr>{value}</vt:lpwstr></property>'
        for name, value in (
            ("生效日期", "2026-01-01T00:00:00Z"),
            ("valid_until", "2026/12/31"),
            ("内部", "是"),
            ("作者的话", "无"),
        )
    )
    space = 'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"'

    def write(document: Word) -> None:
        document.core_properties.keywords = "运费、配送"
        document.add_paragraph("八元。")

    plain = docx_of(write)
    stream = io.BytesIO(plain)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("docProps/custom.xml", f"<Properties {space}>{custom}</Properties>")
    document = parse_document(Path("运费.docx"), stream.getvalue())
    assert (document.valid_from, document.valid_until) == ("2026-01-01", "2026-12-31")
    assert document.internal
    assert document.tags == ("运费", "配送")


@pytest.mark.parametrize(
    ("public", "front"),
    [
        ("否", {"internal": "yes"}),
        ("内部", {"internal": "yes"}),
        ("是", {}),
        ("看情况", {"internal": "看情况"}),
    ],
)
def test_a_property_that_says_whether_a_file_is_public_is_heard(
    public: str, front: dict[str, str]
) -> None:
    assert front_of("", "", {"是否公开": public}) == front
    assert front_of("", "", {"是否公开": "否", "内部": "否"}) == {"internal": "yes"}
    assert front_of("", "", {"内部": "否", "是否公开": "否"}) == {"internal": "yes"}


# PDF

RUNNING = (50, 780, 9, "海风商城客服手册"), (50, 20, 9, "机密 2026")


def page(number: int, *lines: tuple[float, float, float, str]) -> list[Any]:
    return [*RUNNING, *lines, (280, 20, 9, f"第 {number} 页 / 共 3 页")]


def test_lines_become_paragraphs_and_what_runs_along_is_left_out() -> None:
    full = "七天之内商品完好不影响第二次销售的可以申请无理由退货来回的运费都由买家承"
    data = pdf_of(
        [
            page(
                1,
                (50, 700, 20, "退货政策"),
                (50, 660, 12, full),
                (50, 644, 12, "担。"),
                (50, 628, 12, "质量问题由我们承担。"),
                (50, 600, 20, "换货政策"),
                (50, 570, 12, "十五天内可以换货。"),
            ),
            page(2, (50, 700, 12, "1. 先申请"), (50, 684, 12, "2. 再寄回")),
            page(
                3,
                (50, 700, 20, "维修"),
                (50, 660, 12, "Repairs take three days and cost no-"),
                (50, 644, 12, "thing at all."),
            ),
        ],
        title="售后手册",
    )
    content = read_pdf(data)
    assert content.front == {"title": "售后手册"}
    assert content.parts == (
        Part(("退货政策",), f"{full}担。\n\n质量问题由我们承担。"),
        Part(("换货政策",), "十五天内可以换货。\n\n1. 先申请\n\n2. 再寄回"),
        Part(("维修",), "Repairs take three days and cost nothing at all."),
    )


def test_without_headings_pages_are_the_sections() -> None:
    data = pdf_of(
        [[(50, 700, 12, "退货要七天。")], [], [(50, 700, 12, "换货要十五天。")]],
        title="Microsoft Word - 手册.doc",
    )
    document = parse_document(Path("手册.pdf"), data)
    assert document.title == "手册"
    assert [(part.path, part.text) for part in document.parts] == [
        (("第 1 页",), "退货要七天。"),
        (("第 3 页",), "换货要十五天。"),
    ]
    assert [one.code for one in document.partly] == ["left_out_pages"]


def test_a_pdf_of_pictures_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError) as refusal:
        read_pdf(pdf_of([[], []]))
    assert refusal.value.code == "document_scanned"


# Web pages


def test_headings_lists_and_tables_of_a_web_page() -> None:
    html = """<!DOCTYPE html><html><head><title>运费 - 海风商城</title><style>p{}</style>
    <meta name="valid_until" content="2026-12-31"></head>
    <body><nav><ul><li>首页</ul></nav><div style="display: none">底价</div>
    <main><h1>运费说明</h1><p>满59元&nbsp;包邮 &amp; 次日<b>达</b>。<script>alert("x")</script>
    <p>旧价<del>5元</del>8元<h2>偏远地区</h2><ul><li>新疆20元<li>西藏<br>25元</ul>
    <table><tr><th>城市<th>费用<th>时效</tr><tr><td rowspan="2">北京<td>8元<td>1天
    <tr><td colspan="2">面议</table></main><footer>版权所有</footer></body></html>"""
    content = read_html(html.encode())
    assert (content.title, content.front) == ("运费说明", {"valid_until": "2026-12-31"})
    assert content.parts == (
        Part(("运费说明",), "满59元 包邮 & 次日达。\n\n旧价8元"),
        Part(
            ("运费说明", "偏远地区"),
            "- 新疆20元\n- 西藏 25元\n\n城市：北京，费用：8元，时效：1天。\n"
            "城市：北京，费用：面议，时效：面议。",
        ),
    )


def test_of_a_page_with_a_main_part_only_that_is_read() -> None:
    page = "<h1>商城</h1><a>登录</a><main><h2>退货</h2><p>能退。</main><p>备案号</p>"
    content = read_html(page.encode())
    assert (content.title, content.parts) == ("退货", (Part(("退货",), "能退。"),))
    assert read_html("<p>能退。<main></main>".encode()).parts == (Part((), "能退。"),)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("gb2312", "gb18030"),
        ("GBK", "gbk"),
        ("utf-8", "utf-8"),
        ("", "utf-16"),
        ("", "utf-8-sig"),
        ("undefined", "utf-8"),
        ("base64", "utf-8"),
    ],
)
def test_a_page_is_read_in_the_encoding_it_declares(declared: str, encoding: str) -> None:
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}">'
    html = f"<html><head>{meta if declared else ''}</head><body><p>镕记包邮。</p></body></html>"
    assert read_html(html.encode(encoding)).parts == (Part((), "镕记包邮。"),)


def test_a_hidden_paragraph_that_is_never_closed_hides_itself_only() -> None:
    html = "<div><p hidden>底价<p>能退。</div><div><p style='display:none'>成本</div><p>能换。"
    assert read_html(html.encode()).parts == (Part((), "能退。\n\n能换。"),)


def test_what_folds_up_with_nothing_inside_is_not_lost() -> None:
    html = "<details><summary>周末照常发货</summary></details><p>能换。"
    assert [part.text for part in read_html(html.encode()).parts] == ["周末照常发货", "能换。"]


def test_ten_thousand_nested_tags_and_a_tag_that_is_never_closed_lose_no_text() -> None:
    html = "<div>" * 10_000 + "<p>能退。" + "<table><tr><td>" * 2_000 + "能换。"
    text = "\n".join(part.text for part in read_html(html.encode()).parts)
    assert "能退。" in text and "能换。" in text


@given(st.text(st.sampled_from("<>/!-ahtdrpel1 =\"'退&;#"), max_size=200))
def test_any_markup_is_read(html: str) -> None:
    for part in read_html(html.encode()).parts:
        assert part.text.strip()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 9), st.text(max_size=30)), max_size=8))
def test_any_paragraphs_of_a_word_document_are_read(given: list[tuple[int, str]]) -> None:
    def write(document: Word) -> None:
        for level, text in given:
            words = "".join(char for char in text if char.isprintable())
            document.add_paragraph(words, style=f"Heading {level}" if level < 4 else None)

    for part in parts_of(write):
        assert part.text.strip()
