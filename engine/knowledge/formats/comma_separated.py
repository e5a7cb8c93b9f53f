"""Comma-separated tables: .csv files as spreadsheets and other systems write them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Final

from engine.errors import InputError
from engine.knowledge.formats.content import Content, broken
from engine.knowledge.formats.plain_text import decoded
from engine.knowledge.formats.tables import Tally, table_parts

MOST_ROWS: Final = 200_000
MOST_CELLS: Final = 4_000_000
_LONGEST_CELL: Final = 1 << 20
_SEPARATORS: Final = ",\t;|，；"
_LOOKED_AT: Final = 50
_LAST: Final = "\x1f"
"""A row of its own behind the last one; what is decoded holds no control characters."""


def read_csv(data: bytes) -> Content:
    """The table in `data`, whatever it is separated by."""
    text = decoded(data)
    separator = ","
    first, _, rest = text.partition("\n")
    if first[:4].lower() == "sep=" and len(first[4:].rstrip(" ")) == 1:
        # How Excel is told.
        separator, text = first[4], rest
    else:
        separator = _separator(text)
    tally = Tally()
    parts = table_parts(_rows(text, separator), (), tally)
    return Content(parts=tuple(parts), left_out=tally.told())


def too_many_rows() -> InputError:
    """The table is larger than what is read."""
    return InputError(
        f"The table has more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells; split it.",
        "document_rows",
        rows=f"{MOST_ROWS:,}",
        cells=f"{MOST_CELLS:,}",
    )


def _rows(text: str, separator: str) -> list[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(f"{text}\n{_LAST}", newline=""), delimiter=separator):
            cells += len(row)
            if cells > MOST_CELLS:
                raise too_many_rows()
            if any(row):
                rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                raise too_many_rows()
    except csv.Error as error:
        raise broken("csv") from error
    # A quotation mark that is never closed makes one cell of all that follows.
    if rows.pop() != [_LAST]:
        raise broken("csv")
    return rows


def _separator(text: str) -> str:
    """What parts the first rows into the same number of cells most often."""
    head = text[: 1 << 16]

    def evenness(separator: str) -> tuple[float, int]:
        widths = _widths(head, separator)
        usual, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        return (count / len(widths) if usual > 1 else 0.0, usual)

    best = max(_SEPARATORS, key=evenness)
    return best if evenness(best)[0] else ","


def _widths(head: str, separator: str) -> Sequence[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(head, newline=""), delimiter=separator):
            if any(row):
                widths.append(len(row))
            if len(widths) == _LOOKED_AT:
                break
    except csv.Error:
        pass
    return widths
