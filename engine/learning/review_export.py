"""Hits with what leads said of them, as a table for a spreadsheet: CSV or XLSX.

What customers and agents wrote is in it, so no cell may become a formula: in CSV a cell that a
spreadsheet would take for one gets an apostrophe in front, in XLSX every cell is plain text.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from engine.errors import InputError
from engine.learning.exporting import export_failed
from engine.records import Language
from engine.store.rows import StoredHit
from engine.store.seeking import Sought
from engine.store.store import Store
from engine.texts import category_named, text

COLUMNS = (
    *("at", "verdict", "rule", "name", "category", "level", "side", "action", "agent"),
    *("found", "start", "end", "context", "judged_by", "note"),
    *("appeal_by", "appeal", "upheld", "answered_by", "answer", "conversation", "message", "id"),
)

_CELL = 32_767  # What a cell of a spreadsheet holds.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Cell = str | int


def export_reviews(
    store: Store, target: Path, sought: Sought | None = None, *, language: Language = "zh"
) -> int:
    """Write the hits that match to `target`, newest first; how many there were.

    The name's ending says which form: .csv (UTF-8 with a mark, as spreadsheets want it) or .xlsx.
    The file is replaced in one step. Raises `InputError` (`export_form`, `export_failed`) and
    `StoreError`.
    """
    forms: dict[str, Callable[[BinaryIO, Iterator[Sequence[Cell]]], int]] = {
        ".csv": _write_csv,
        ".xlsx": _write_xlsx,
    }
    write = forms.get(target.suffix.lower())
    if write is None:
        raise InputError(
            f"{target.name}: the ending says which table to write, .csv or .xlsx.",
            "export_form",
            name=target.name,
        )
    scratch = target.with_name(f"{target.name}.tmp")
    try:
        with scratch.open("wb") as file:
            count = write(file, _rows(store, sought, language))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise export_failed(target, error) from error
    return count


def _rows(store: Store, sought: Sought | None, language: Language) -> Iterator[Sequence[Cell]]:
    """The heading, then a row for each hit."""
    yield [text(f"review.column.{name}", language) for name in COLUMNS]
    for hit in store.reviews.each(sought):
        yield _row(store, hit, language)


def _row(store: Store, stored: StoredHit, language: Language) -> Sequence[Cell]:
    hit = stored.hit
    verdicts = store.reviews.verdicts(stored.id) if stored.verdict else []
    _, judged_by, note, _ = verdicts[-1] if verdicts else ("", "", "", 0.0)
    appeals = store.reviews.appeals(stored.id)
    appeal = appeals[-1] if appeals else None
    upheld = "" if appeal is None or appeal.upheld is None else str(appeal.upheld).lower()
    return [
        datetime.fromtimestamp(stored.at).isoformat(" ", "seconds"),
        text(f"review.verdict.{stored.verdict or 'unjudged'}", language),
        hit.rule,
        hit.name,
        category_named(hit.category, language),
        hit.level,
        text(f"review.side.{hit.side}", language),
        text(f"redline.action.{hit.action}", language),
        stored.agent,
        hit.text,
        hit.start,
        hit.end,
        stored.screened,
        judged_by,
        note,
        appeal.who if appeal else "",
        appeal.text if appeal else "",
        text(f"review.upheld.{upheld}", language) if upheld else "",
        appeal.answered_by if appeal else "",
        appeal.answer if appeal else "",
        stored.conversation,
        stored.message or "",
        stored.id,
    ]


def _write_csv(file: BinaryIO, rows: Iterator[Sequence[Cell]]) -> int:
    wrapper = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    try:
        writer = csv.writer(wrapper, quoting=csv.QUOTE_ALL)
        number = -1
        for number, row in enumerate(rows):  # noqa: B007
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
        return number
    finally:
        wrapper.detach()


def _write_xlsx(file: BinaryIO, rows: Iterator[Sequence[Cell]]) -> int:
    # Here: it takes a quarter of a second to load, for this alone.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Zuoxi")
    sheet.freeze_panes = "A2"
    number = -1
    for number, row in enumerate(rows):  # noqa: B007
        cells = []
        for value in row:
            plain = _plain(value) if isinstance(value, str) else value
            cell = WriteOnlyCell(sheet, value=plain)
            if isinstance(value, str):
                # It takes a text that begins with = for a formula.
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    book.save(file)
    return number


def harmless(value: str) -> str:
    """`value` as a cell of CSV that no spreadsheet takes for a formula or a command."""
    shown = value.replace("\x00", "")[: _CELL - 1]
    return f"'{shown}" if _FORMULA.match(shown) else shown


def _plain(value: str) -> str:
    return _NO_XML.sub("", value)[:_CELL]
