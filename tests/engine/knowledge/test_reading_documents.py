from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.knowledge.documents import collect, parse_document, read_document
from engine.texts import explain


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_front_matter_gives_title_dates_tags_and_access(tmp_path: Path) -> None:
    text = (
        "---\ntitle: 运费\nvalid_from: 2026-01-01\nvalid_until: '2026/6/30'\n"
        "tags: 运费、配送\nInternal: yes\n---\n# 标题\n正文。\n"
    )
    document = read_document(written(tmp_path, "运费.md", text))
    assert document.title == "运费"
    assert (document.valid_from, document.valid_until) == ("2026-01-01", "2026-06-30")
    assert document.tags == ("运费", "配送")
    assert document.internal
    assert document.text.strip() == "# 标题\n正文。"
    assert len(document.digest) == 64


def test_without_front_matter_the_heading_or_the_name_is_the_title(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, "a.md", "# 退货\n七天。")).title == "退货"
    assert read_document(written(tmp_path, "b.txt", "七天。")).title == "b"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
)
def test_encodings_are_detected(tmp_path: Path, encoding: str) -> None:
    text = "满59元包邮，不满收8元运费。Free shipping over 59 yuan."
    document = read_document(written(tmp_path, "运费.txt", text.encode(encoding)))
    assert document.text.strip() == text


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.md", "", "document_empty"),
        ("a.md", "---\ntitle: 空\n---\n  \n", "document_empty"),
        ("a.md", "<!-- 只有备注 -->\n", "document_empty"),
        ("a.md", "---\ntitle: 没有结尾\n正文", "document_front_matter"),
        ("a.md", "---\n[unclosed: {\n---\n正文", "document_front_matter"),
        ("a.md", "---\n- 列表\n---\n正文", "document_front_matter"),
        ("a.md", "---\ninternal: !!bool 也许\n---\n正文", "document_front_matter"),
        ("a.md", "---\nvalid_from: !!timestamp 明天\n---\n正文", "document_front_matter"),
        ("a.md", "---\na: &a {x: 1}\nb: {<<: [*a, *a]}\n---\n正文", "document_front_matter"),
        ("a.md", "---\nvalid_from: 2026-02-30\n---\n正文", "document_front_matter"),
        ("a.md", "---\nvalid_from: '2026-2-30'\n---\n正文", "document_value"),
        ("a.md", "---\nvalid_until: 下个月\n---\n正文", "document_value"),
        (
            "a.md",
            "---\nvalid_from: 2026-05-01\nvalid_until: 2026-04-01\n---\n正文",
            "document_dates",
        ),
        ("a.md", "---\ninternal: maybe\n---\n正文", "document_value"),
        ("a.md", "---\ntitle: [a, b]\n---\n正文", "document_value"),
        ("a.md", "---\n" + "[" * 9000 + "\n---\n正文", "document_front_matter"),
        ("a.md", f"---\ntitle: 0x{'f' * 5000}\n---\n正文", "document_front_matter"),
        ("a.md", f"---\ntags: [0x{'f' * 5000}]\n---\n正文", "document_front_matter"),
        ("a.txt", bytes(range(256)) * 20, "document_binary"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe\xfd" * 50, "document_binary"),
        ("a.txt", b"caf\xe9 \xff\xff au lait", "document_encoding"),
        ("a.xyz", "正文", "document_kind"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    tmp_path: Path, name: str, data: bytes | str, code: str
) -> None:
    with pytest.raises(InputError) as refusal:
        read_document(written(tmp_path, name, data))
    assert refusal.value.code == code
    assert explain(refusal.value, "zh") != explain(refusal.value, "en")


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(8 * 2**20 + 1)
    with pytest.raises(InputError, match="larger"):
        read_document(path)


def test_notes_in_comments_and_control_characters_do_not_come_along(tmp_path: Path) -> None:
    text = "运费8元。<!-- 底价5元 -->\n满59\u200b元包邮。\x07\u202e"
    assert read_document(written(tmp_path, "a.md", text)).text == "运费8元。\n满59元包邮。"


def test_what_turns_or_hides_text_does_not_come_along_in_front_matter() -> None:
    text = '---\ntitle: "退货\\u202e\\x07"\ntags: ["运\\u200b费", "\\u202e"]\n---\n正文'
    document = parse_document(Path("a.md"), text.encode())
    assert (document.title, document.tags) == ("退货", ("运费",))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in ("a.md", "a.txt"):
        try:
            document = parse_document(Path(name), data)
        except InputError:
            continue
        assert document.text.strip()
        document.text.encode()


@given(st.text(max_size=200), st.text(max_size=100))
def test_any_front_matter_is_read_or_refused(front: str, body: str) -> None:
    data = f"---\n{front}\n---\n{body}".encode("utf-8", "replace")
    try:
        document = parse_document(Path("a.md"), data)
    except InputError:
        return
    if document.valid_from and document.valid_until:
        assert document.valid_from <= document.valid_until


def test_folders_are_walked_without_hidden_files_and_loops(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    written(deep, "一.md", "正文")
    written(tmp_path / "a", ".hidden.md", "正文")
    written(tmp_path / "a", "二.xyz", "正文")
    (tmp_path / "a" / ".git").mkdir()
    written(tmp_path / "a" / ".git", "三.md", "正文")
    (deep / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    (deep / "dangling.md").symlink_to(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    files, skipped = collect([tmp_path / "a", empty, tmp_path / "missing.md", deep / "一.md"])
    assert [path.name for path in files] == ["一.md"]
    assert {Path(entry.path).name: entry.code for entry in skipped} == {
        "二.xyz": "document_kind",
        "empty": "document_folder_empty",
        "missing.md": "document_missing",
    }


def test_a_comment_that_is_never_closed_reaches_no_customer() -> None:
    assert parse_document(Path("a.md"), "可以退。<!-- 底价5折\n更多".encode()).text == "可以退。"


@pytest.mark.parametrize("text", ["正文" + "<!--" * 300_000, "# 标题" + " " * 300_000 + "。\n正文"])
def test_markup_made_to_be_slow_is_read_at_once(text: str) -> None:
    """Quadratic time would keep this test for hours."""
    assert parse_document(Path("a.md"), text.encode()).text.startswith(("正文", "# 标题"))


def test_a_link_out_of_a_folder_is_left_out_and_told(tmp_path: Path) -> None:
    """A stick's folder may link to what nobody means customers to read."""
    private, policies = tmp_path / "private", tmp_path / "policies"
    for folder in (private, policies):
        folder.mkdir()
        written(folder, f"{folder.name}.md", "正文")
    (policies / "file.md").symlink_to(private / "private.md")
    (policies / "everything").symlink_to(tmp_path, target_is_directory=True)
    files, skipped = collect([policies])
    assert [path.name for path in files] == ["policies.md"]
    assert {Path(entry.path).name: entry.code for entry in skipped} == {
        "file.md": "document_outside",
        "everything": "document_outside",
    }
    # What somebody names is meant.
    assert len(collect([policies / "file.md"])[0]) == 1
    assert len(collect([policies / "everything"])[0]) == 2


def test_folders_that_link_to_each_other_are_walked_once(tmp_path: Path) -> None:
    """Walked along every path, twelve such folders would take hours."""
    folders = [tmp_path / str(number) for number in range(12)]
    for folder in folders:
        folder.mkdir()
        written(folder, f"{folder.name}.md", "正文")
        for other in folders:
            if other != folder:
                (folder / f"to{other.name}").symlink_to(other)
    assert len(collect([tmp_path])[0]) == 12


def test_rows_of_a_markdown_table_are_told_as_sentences() -> None:
    text = """# 退款

按下表收费。

| 项目 | 费用 |
|:-----|-----:|
| 退款手续费 | 0元 |
| 加急\\|次日到 | 15元 |

型号 | 月租
--- | ---
小仓 | 219元
"""
    told = parse_document(Path("a.md"), text.encode()).text
    assert [line for line in told.split("\n") if line] == [
        *("# 退款", "按下表收费。", "项目：退款手续费，费用：0元。"),
        *("项目：加急|次日到，费用：15元。", "型号：小仓，月租：219元。"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```",
        "| 不是表 |\n| 只有竖线 |",
        "甲 | 乙\n之后",
        "| 甲 | 乙 |\n|---|\n| 1 | 2 |",
        "| 问题 | 答案 |\n|---|---|\n| 能退吗 | 可以退。 |\n之后",
    ],
)
def test_what_is_no_table_or_has_questions_stays_as_it_is(text: str) -> None:
    assert parse_document(Path("a.md"), text.encode()).text == text


def test_what_of_a_markdown_table_is_left_out_is_told() -> None:
    table = "| 项目 | 费用 | 内部备注 | 失效日期 |\n|---|---|---|---|\n"
    rows = "| 退款 | 0元 | 成本5元 | 长期 |\n| 加急 | 15元 | | 春节前 |\n"
    document = parse_document(Path("a.md"), f"{table}{rows}\n{table}{rows}".encode())
    assert "成本" not in document.text and "15元" not in document.text
    assert {one.code: one.values for one in document.partly} == {
        "left_out_internal_columns": {"names": "内部备注"},
        "left_out_dates": {"n": "2"},
    }


def test_internal_rows_of_a_markdown_table_are_left_out_and_told() -> None:
    table = "| 项目 | 费用 | 内部 |\n|---|---|---|\n| 退款 | 0元 | 否 |\n| 底价 | 5元 | 是 |\n"
    document = parse_document(Path("a.md"), f"# 价目\n\n{table}\n别的话。\n".encode())
    assert "退款" in document.text and "别的话。" in document.text
    assert "底价" not in document.text
    assert {one.code: one.values for one in document.partly} == {
        "left_out_internal_rows": {"n": "1"}
    }


_MANY = 200_000


@pytest.mark.parametrize(
    "text",
    [
        f"| {'(' * _MANY} | b |\n|---|---|\n| 1 | 2 |\n",
        f"| {'1' * _MANY}x | b |\n|---|---|\n| 1 | 2 |\n",
        f"| 问题 | 答案 |\n|---|---|\n| q{' ' * _MANY}x | 1 |\n",
        f"| 问题 | 答案 | 失效日期 |\n|---|---|---|\n| q | 1 | 2026-1-1{' ' * _MANY}x |\n",
        f"| 甲 | {'.' * _MANY}x |\n|---|---|\n| 问题 | 答案 |\n| q | a |\n",
        f"| 问题 | 答案 |{'甲|' * _MANY}\n|---|---|{'---|' * _MANY}\n| q | a |\n",
        f"| 甲 |\n|---|\n{''.join(f'| {number} |' + chr(10) for number in range(_MANY))}| q | a |",
    ],
)
def test_cells_made_to_be_slow_are_read_at_once(text: str) -> None:
    """Quadratic time would keep this test for many minutes; nobody stops what reads Markdown."""
    assert parse_document(Path("a.md"), text.encode()).text


def test_questions_made_to_be_slow_are_read_at_once() -> None:
    """As above."""
    assert parse_document(Path("a.txt"), f"q{' ' * _MANY}x".encode()).text


def test_a_small_file_does_not_blow_up_by_what_is_told_with_each_row() -> None:
    long = "长" * 10_000
    for head in (f"| {long} | b |\n", f"| {long} |{' a |' * 2000}\n"):
        ruler = "|---" * (head.count("|") - 1) + "|\n"
        text = head + ruler + "| 1 | 2 |\n" * 2000 + "| 问题 | 答案 |\n"
        told = parse_document(Path("a.md"), text.encode()).text
        assert told.count("长") == 10_000


@pytest.mark.parametrize("text", ["| 问题 | 答案 |\n|---|---|\n", "| 甲 | 乙 |\n|---|---|\n", "|-"])
def test_tables_made_to_be_slow_are_read_at_once(text: str) -> None:
    """Quadratic time would keep this test for hours."""
    assert parse_document(Path("a.md"), b"a\n" + text.encode() * 30_000).text
