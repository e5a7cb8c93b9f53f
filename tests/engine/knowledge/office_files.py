"""Files as office programs write them, made for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import docx
from docx.document import Document
from openpyxl import Workbook

Page = Sequence[tuple[float, float, float, str]]
"""Lines of a page: from the left, from below, the size of the letters (in points), the text."""


def docx_of(write: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    # A new one is called so by the library's own template.
    document.core_properties.title = ""
    write(document)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def xlsx_of(*sheets: tuple[str, Sequence[Sequence[Any]]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def csv_of(rows: Sequence[Sequence[str]], encoding: str = "utf-8", separator: str = ",") -> bytes:
    import csv

    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator).writerows(rows)
    return stream.getvalue().encode(encoding)


def pdf_of(pages: Sequence[Page], title: str = "") -> bytes:
    """A PDF in one of the fonts that every reader knows, so that nothing must be embedded."""
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H"
        " /DescendantFonts [4 0 R] >>",
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
        f"<< /Title <{title.encode('utf-16').hex()}> >>" if title else "<< >>",
    ]
    kids = []
    for page in pages:
        drawn = "".join(
            f"BT /F1 {size} Tf 1 0 0 1 {left} {below} Tm <{text.encode('utf-16-be').hex()}> Tj ET\n"
            for left, below, size, text in page
        )
        kids.append(f"{len(bodies) + 1} 0 R")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {len(bodies) + 2} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        bodies.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    bodies[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    written = "%PDF-1.7\n"
    places = []
    for number, body in enumerate(bodies, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(bodies) + 1
    written += f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    written += f"trailer << /Size {size} /Root 1 0 R /Info 5 0 R >>\nstartxref\n"
    return f"{written}{written.index('xref')}\n%%EOF\n".encode("latin-1")


def changed(archive: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same archive with one member rewritten."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w") as new:
        for one in old.infolist():
            data = old.read(one)
            new.writestr(one.filename, change(data) if one.filename == member else data)
    return stream.getvalue()
