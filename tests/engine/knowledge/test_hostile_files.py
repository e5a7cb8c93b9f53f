"""Files that somebody made to do harm, and files that are damaged: each costs itself only."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from office_files import changed, docx_of, pdf_of, xlsx_of

from engine.errors import Cancelled, InputError
from engine.knowledge.documents import collect, parse_document
from engine.knowledge.formats.confinement import Confinement
from engine.knowledge.formats.kinds import KINDS
from engine.texts import explain

DOCX = docx_of(lambda document: document.add_paragraph("七天内可以退。" * 20))
XLSX = xlsx_of(("一", [["问题", "答案"], ["退货", "能退。"]]))
PDF = pdf_of([[(50, 700, 12, "七天内可以退。")]])
HTML = "<h1>退货</h1><p>七天内可以退。".encode()
CSV = "问题,答案\n退货,能退。\n".encode()
SOUND = {"a.docx": DOCX, "a.xlsx": XLSX, "a.pdf": PDF, "a.html": HTML, "a.csv": CSV}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
LOCKED = OLE + "EncryptedPackage".encode("utf-16-le") + bytes(1000)
BODY = "word/document.xml"


@pytest.fixture(scope="module")
def confinement() -> Iterator[Confinement]:
    with Confinement(seconds=20) as confinement:
        yield confinement


def refused(name: str, data: bytes, confinement: Confinement) -> str:
    """The code of the refusal, which is explained in both languages."""
    with pytest.raises(InputError) as refusal:
        parse_document(Path(name), data, confinement)
    assert explain(refusal.value, "zh") != explain(refusal.value, "en")
    assert "{" not in explain(refusal.value, "zh") + explain(refusal.value, "en")
    return refusal.value.code


def archive(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return stream.getvalue()


def locked_pdf() -> bytes:
    """A PDF that says it is encrypted, by a password that nobody has."""
    keys = f"/O <{'11' * 32}> /U <{'22' * 32}>"
    lock = f"/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 {keys} >> /Info 5 0 R"
    return PDF.replace(b"/Info 5 0 R", lock.encode())


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.docx", DOCX[: len(DOCX) // 2], "document_broken"),
        ("a.xlsx", XLSX[: len(XLSX) // 2], "document_broken"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(2000), "document_broken"),
        ("a.docx", b"PK\x03\x04" + bytes(500), "document_broken"),
        ("a.docx", archive(("nothing.txt", b"")), "document_broken"),
        ("a.docx", HTML, "document_broken"),
        ("a.xlsx", CSV, "document_broken"),
        ("a.docx", OLE, "document_save_as"),
        ("a.xlsx", OLE, "document_save_as"),
        ("a.docx", LOCKED, "document_locked"),
        ("a.xlsx", LOCKED, "document_locked"),
        ("a.pdf", locked_pdf(), "document_locked"),
        ("a.docx", XLSX, "document_misnamed"),
        ("a.xlsx", DOCX, "document_misnamed"),
        ("a.pdf", DOCX, "document_misnamed"),
        ("a.docx", PDF, "document_misnamed"),
        ("a.txt", DOCX, "document_misnamed"),
        ("a.csv", XLSX, "document_misnamed"),
        ("a.csv", b"\x00\x01\x02\x03" * 500, "document_binary"),
        ("a.csv", b'a,"' + b"b" * 2_000_000, "document_broken"),
        ("a.csv", '问题,答案\n甲,"乙\n丙,丁\n'.encode(), "document_broken"),
        ("a.html", b"", "document_empty"),
        ("a.html", b"<script>alert(1)</script>", "document_empty"),
        ("a.csv", b"", "document_empty"),
        ("a.xlsx", xlsx_of(("一", [])), "document_empty"),
        ("a.doc", OLE, "document_save_as"),
        ("a.xlsm", XLSX, "document_save_as"),
        ("a.pptx", b"", "document_save_as"),
        ("a.exe", b"MZ", "document_kind"),
    ],
)
def test_what_is_no_sound_file_is_refused_with_what_to_do(
    name: str, data: bytes, code: str, confinement: Confinement
) -> None:
    assert refused(name, data, confinement) == code


def test_archives_that_blow_up_are_refused_before_they_do(confinement: Confinement) -> None:
    bombs = {
        "one member": archive((BODY, bytes(300 << 20))),
        "a picture": archive((BODY, b""), ("word/media/a.png", bytes(600 << 20))),
        "members": archive((BODY, b""), *((f"word/{number}", b"") for number in range(6000))),
    }
    for bomb in bombs.values():
        assert refused("a.docx", bomb, confinement) == "document_inflated"


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_entities_that_blow_up_are_refused_unexpanded(
    encoding: str, confinement: Confinement
) -> None:
    declared = "".join(
        f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12)
    )
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "退">{declared}]><d>&e11;</d>'
    for name, whole, member in (
        ("a.docx", DOCX, BODY),
        ("a.xlsx", XLSX, "xl/worksheets/sheet1.xml"),
    ):
        bomb = changed(whole, member, lambda _: xml.encode(encoding, "xmlcharrefreplace"))
        assert refused(name, bomb, confinement) == "document_entities"


def test_an_entity_that_reads_a_file_is_refused(confinement: Confinement) -> None:
    xml = b'<!DOCTYPE d [<!ENTITY secret SYSTEM "file:///etc/hostname">]><d>&secret;</d>'
    bomb = changed(DOCX, "docProps/core.xml", lambda _: xml)
    assert refused("a.docx", bomb, confinement) == "document_entities"


def test_deep_nesting_in_a_word_document_ends(confinement: Confinement) -> None:
    for tag in ("w:ins", "w:sdt", "w:tbl><w:tr><w:tc"):
        names = tag.split("><")
        opened = b"".join(f"<{name}>".encode() for name in names) * 5_000
        closed = b"".join(f"</{name}>".encode() for name in reversed(names)) * 5_000

        def deepen(xml: bytes, opened: bytes = opened, closed: bytes = closed) -> bytes:
            return xml.replace(b"<w:body>", b"<w:body>" + opened + closed, 1)

        try:
            document = parse_document(Path("a.docx"), changed(DOCX, BODY, deepen), confinement)
        except InputError as error:
            assert error.code == "document_broken"
        else:
            assert "七天内可以退" in document.text


def test_a_sheet_that_pretends_to_be_endless_ends(confinement: Confinement) -> None:
    sheet = "xl/worksheets/sheet1.xml"
    far = '<row r="{row}"><c r="{cell}{row}" t="inlineStr"><is><t>远</t></is></c></row></sheetData>'
    for row, cell in ((1_048_576, "A"), (99_999_999, "A"), (9, "XFD"), (9, "ZZZZ")):
        more = far.format(row=row, cell=cell).encode()
        data = changed(XLSX, sheet, lambda xml, more=more: xml.replace(b"</sheetData>", more))
        try:
            document = parse_document(Path("a.xlsx"), data, confinement)
        except InputError as error:
            assert error.code == "document_broken"
        else:
            assert "能退。" in document.text


def test_merged_cells_over_everything_fill_no_memory(confinement: Confinement) -> None:
    merged = b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
    data = changed(
        XLSX,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"</worksheet>", merged),
    )
    assert "能退。" in parse_document(Path("a.xlsx"), data, confinement).text


def test_a_hundred_thousand_rows_are_read(confinement: Confinement) -> None:
    rows = "".join(f"第{number}问,第{number}答。\n" for number in range(100_000))
    document = parse_document(Path("a.csv"), f"问题,答案\n{rows}".encode(), confinement)
    assert len(document.parts) == 100_000


def test_a_pdf_whose_objects_go_round_in_circles_is_refused(confinement: Confinement) -> None:
    circle = PDF.replace(b"/Kids [6 0 R]", b"/Kids [2 0 R]").replace(b"/Count 1", b"/Count 9999999")
    assert refused("a.pdf", circle, confinement) in ("document_pages", "document_broken")


def test_what_takes_too_long_or_too_much_is_stopped_and_the_next_file_is_read() -> None:
    rows = "".join(f"{number},甲\n" for number in range(199_000)).encode()
    with Confinement(seconds=0.05) as hasty:
        assert refused("a.csv", b"a,b\n" + rows[:1_000_000], hasty) == "document_slow"
    with Confinement(megabytes=60) as narrow:
        assert refused("a.csv", b"a,b\n" + rows, narrow) == "document_inflated"
    with Confinement() as confinement:
        process = confinement._started()
        process.kill()
        process.wait()
        assert refused("a.csv", CSV, confinement) == "document_broken"
        assert parse_document(Path("a.csv"), CSV, confinement).text == "能退。"


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is found in /proc")
def test_a_reader_ends_with_whoever_asked_it_even_while_it_reads() -> None:
    """The reader waits for ever for the rest of what it was sent."""
    asking = "; ".join(
        (
            "import time",
            "from engine.knowledge.formats.confinement import Confinement",
            "process = Confinement()._started()",
            "print(process.pid, flush=True)",
            "print(process.stdin.fileno(), flush=True)",
            "time.sleep(600)",
        )
    )
    with subprocess.Popen([sys.executable, "-c", asking], stdout=subprocess.PIPE) as asker:
        assert asker.stdout is not None
        reader = psutil.Process(int(asker.stdout.readline()))
        ends = Path(f"/proc/{asker.pid}/fd/{int(asker.stdout.readline())}")
        # Held open here, so that the reader is not ended by the end of what it is sent.
        with ends.open("wb"):
            while reader.num_threads() < 2:
                time.sleep(0.05)
            asker.kill()
            assert psutil.wait_procs([reader], timeout=20)[0] == [reader]


def test_a_file_that_takes_long_can_be_called_off() -> None:
    rows = b"a,b\n" + b"1,2\n" * 199_000
    unwanted = [True]
    with Confinement(called_off=lambda: unwanted[0]) as confinement:
        with pytest.raises(Cancelled):
            parse_document(Path("a.csv"), rows, confinement)
        unwanted[0] = False
        assert parse_document(Path("b.csv"), CSV, confinement).text == "能退。"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SOUND)), st.integers(0), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_is_read_or_refused(name: str, place: int, damage: bytes) -> None:
    data = SOUND[name]
    place %= len(data)
    damaged = data[:place] + damage + data[place + len(damage) :]
    try:
        KINDS[Path(name).suffix].read(damaged)
    except InputError:
        pass
    except Exception as error:  # Confined, it would be told as a damaged file.
        pytest.fail(f"{name}: {error!r}")


def test_what_no_program_saves_is_told_apart_from_what_one_can(tmp_path: Path) -> None:
    for name in ("旧.doc", "宏.xlsm", "片.ppt", "图.png", "好.docx"):
        (tmp_path / name).write_bytes(b"")
    files, skipped = collect([tmp_path])
    assert [path.name for path in files] == ["好.docx"]
    assert {Path(one.path).name: (one.code, one.values.get("wanted")) for one in skipped} == {
        "旧.doc": ("document_save_as", ".docx"),
        "宏.xlsm": ("document_save_as", ".xlsx"),
        "片.ppt": ("document_save_as", ".pdf"),
        "图.png": ("document_kind", None),
    }
