"""Workbooks: .xlsx files, sheet by sheet, with what is hidden left out."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import InputError
from engine.knowledge.formats.archive import check_archive
from engine.knowledge.formats.columns import is_for_insiders
from engine.knowledge.formats.comma_separated import MOST_CELLS, MOST_ROWS, too_many_rows
from engine.knowledge.formats.content import Content, Part, broken, line
from engine.knowledge.formats.properties import custom_properties, front_of
from engine.knowledge.formats.tables import Tally, table_parts
from engine.knowledge.formats.values import written

# Rows that hold nothing may be many more; behind so many empty ones nothing is looked for.
_MOST_EMPTY: Final = 100_000
_MOST_WIDE: Final = 1_000
_UNNAMED: Final = re.compile(r"(?:sheet|工作表|表)\s*\d*", re.IGNORECASE)
_MERGED: Final = re.compile(
    rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"'
)
_ROW: Final = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_COLUMN: Final = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_HIDDEN: Final = re.compile(rb'\bhidden="(?:1|true)"')
_NUMBER: Final = re.compile(rb'\b(r|min|max)="(\d{1,7})"')
_UNCOUNTED: Final = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_MOST_MERGED: Final = 20_000
_MOST_FILLED: Final = 200_000


class _Layout(Struct):
    """Of a sheet: which cells take their value from another, and what is hidden."""

    filled: dict[int, dict[int, tuple[int, int]]]
    rows: set[int]
    columns: set[int]
    uncounted: int


def read_xlsx(data: bytes) -> Content:
    """The sheets of a workbook that one sees."""
    check_archive(data, "xlsx")
    from openpyxl import load_workbook

    tally = Tally()
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # The library raises anything on a broken file.
        raise broken("xlsx") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = _sheets(book, archive, tally)
        own = book.properties
        front = front_of(own.title or "", own.keywords or "", custom_properties(data))
    except InputError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise broken("xlsx") from error
    return Content(parts=tuple(parts), front=front, left_out=tally.told())


def _sheets(book: Any, archive: zipfile.ZipFile, tally: Tally) -> list[Part]:
    seen = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    tally.named("sheets", [line(one.title) for one in book.worksheets if one not in seen])
    parts: list[Part] = []
    rows = 0
    for sheet in seen:
        layout = _layout(archive.read(sheet._worksheet_path))
        name = line(sheet.title)
        path = () if _UNNAMED.fullmatch(name) else (name,)
        grid = list(_grid(sheet, layout, tally))
        rows += len(grid)
        if rows > MOST_ROWS:
            raise too_many_rows()
        for _ in range(layout.uncounted):
            tally.row("formulas")
        found = table_parts(grid, path, tally)
        if found and is_for_insiders(name):
            tally.named("internal_sheets", [name])
            found = [replace(part, internal=True) for part in found]
        parts += found
    return parts


def _grid(sheet: Any, layout: _Layout, tally: Tally) -> Iterator[list[str]]:
    """The rows as text. What the sheet says of its own size is not believed."""
    sheet.reset_dimensions()
    cells = empty = taken = 0
    kept: dict[tuple[int, int], str] = {}
    sources: dict[int, set[int]] = {}
    for row_of, column in (source for row in layout.filled.values() for source in row.values()):
        sources.setdefault(row_of, set()).add(column)
    for number, row in enumerate(sheet.rows, start=1):
        texts = [_text(cell) for cell in row[:_MOST_WIDE]]
        filled = layout.filled.get(number, {})
        for place, source in filled.items():
            if place <= _MOST_WIDE:
                texts += [""] * (place - len(texts))
                texts[place - 1] = texts[place - 1] or kept.get(source, "")
        for place in sources.get(number, ()):
            kept[number, place] = texts[place - 1] if place <= len(texts) else ""
        if not any(texts):
            empty += 1
            if empty > _MOST_EMPTY:
                return
            continue
        cells += len(texts)
        taken += 1
        if cells > MOST_CELLS or taken > MOST_ROWS:
            raise too_many_rows()
        if number in layout.rows:
            tally.row("hidden_rows")
            continue
        yield ["" if place in layout.columns else text for place, text in enumerate(texts, start=1)]
    if layout.columns:
        tally.named("hidden_columns", [line(sheet.title)])


def _text(cell: Any) -> str:
    value = cell.value
    if value is None or (cell.has_style and cell.font.strike):
        # What is struck out holds no longer, as in Word documents.
        return ""
    if isinstance(value, str):
        # What Excel shows where a formula failed is nobody's answer.
        return "" if cell.data_type == "e" else value.replace("_x000D_", "\n")
    return written(value, cell.number_format if isinstance(value, (int, float)) else "")


def _layout(sheet: bytes) -> _Layout:
    filled: dict[int, dict[int, tuple[int, int]]] = {}
    room = _MOST_FILLED
    for count, found in enumerate(_MERGED.finditer(sheet)):
        left, right = _column(found[1]), min(_column(found[3]), _MOST_WIDE)
        top, bottom = int(found[2]), int(found[4])
        room -= max(0, bottom - top + 1) * max(0, right - left + 1)
        if count > _MOST_MERGED or room < 0:
            break
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    filled.setdefault(row, {})[column] = (top, left)
    rows: set[int] = set()
    columns: set[int] = set()
    for one in _ROW.finditer(sheet):
        if _HIDDEN.search(one[1]):
            rows.update(value for name, value in _numbers(one[1]) if name == b"r")
    for one in _COLUMN.finditer(sheet):
        if _HIDDEN.search(one[1]):
            span = dict(_numbers(one[1]))
            columns.update(range(span.get(b"min", 1), min(span.get(b"max", 0), _MOST_WIDE) + 1))
    return _Layout(filled, rows, columns, len(_UNCOUNTED.findall(sheet)))


def _numbers(attributes: bytes) -> list[tuple[bytes, int]]:
    return [(name, int(value)) for name, value in _NUMBER.findall(attributes)]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
