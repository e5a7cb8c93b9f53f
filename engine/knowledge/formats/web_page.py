"""Web pages: .html files as events, so that no depth of tags matters. Nothing is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from msgspec import Struct

from engine.knowledge.formats.content import Content, line
from engine.knowledge.formats.outline import QUESTION, Outline
from engine.knowledge.formats.plain_text import decoded
from engine.knowledge.formats.tables import Tally, table_parts

_CHARSET: Final = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]{2,20})", re.I
)
_META: Final = {
    "valid_from": "valid_from", "valid-from": "valid_from",
    "valid_until": "valid_until", "valid-until": "valid_until",
    "keywords": "tags", "internal": "internal",
}  # fmt: skip
_NO_TEXT: Final = (
    "script style noscript template nav footer aside iframe svg math object select button textarea "
    "dialog del s strike"
)
_LEFT_OUT: Final = frozenset(_NO_TEXT.split())
_UNCLOSED: Final = "area base br col embed hr img input link meta param source track wbr"
_VOID: Final = frozenset(_UNCLOSED.split())
_APART: Final = (
    "address article blockquote body center dd details div dl dt fieldset figcaption figure form "
    "header hr html legend main ol p pre section summary table tbody tfoot thead ul"
)
_BLOCKS: Final = frozenset(_APART.split())
_ROLES: Final = frozenset(("navigation", "banner", "contentinfo", "search", "complementary"))
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_MOST_SPAN: Final = 100
_MOST_CELLS: Final = 1_000_000


class _Table(Struct):
    """A table that is being read. `below` are cells that reach down into later rows."""

    rows: list[list[str]] = []
    row: list[str] = []
    cell: list[str] | None = None
    across: int = 1
    down: int = 1
    headed: bool = False
    below: dict[int, tuple[str, int]] = {}
    cells: int = 0


def read_html(data: bytes) -> Content:
    """The headings, paragraphs, lists and tables of a page."""
    declared = _CHARSET.search(data[:4096])
    name = declared[1].decode("ascii").lower() if declared else ""
    # What calls itself one of these is mostly the last.
    encoding = "gb18030" if name in ("gb2312", "gbk", "x-gbk") else name
    page = _Page()
    page.feed(decoded(data, encoding))
    page.close()
    return page.content()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._outline = self._whole = Outline()
        self._main: Outline | None = None
        self._tally = Tally()
        self._front: dict[str, str] = {}
        self._words: list[str] = []
        self._heading = 0
        self._item = False
        self._title: list[str] | None = None
        self._named = ""
        # The tag that opened what is left out, and how many of its kind are open.
        self._left_out = ""
        self._depth = 0
        self._plain = 0
        self._tables: list[_Table] = []

    def content(self) -> Content:
        """What was read."""
        while self._tables:
            self._end_table()
        self._flush()
        parts, first = self._whole.parts(), self._whole.first
        if self._main is not None and (main := self._main.parts()):
            parts, first = main, self._main.first or first
        # What a page is called often names the site as well.
        return Content(
            parts=parts,
            front=self._front,
            title=first or self._named,
            left_out=self._tally.told(),
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        if tag == "meta":
            self._meta(dict(attrs))
            return
        if tag == "title" and not self._named:
            self._title = []
            return
        if self._left_out == "p" and tag in _BLOCKS:
            # Nobody needs to close a paragraph: what begins here ends it.
            self._left_out = ""
        if self._left_out:
            self._depth += tag == self._left_out
            return
        given = dict(attrs)
        if tag == "body":
            given = {}
        if tag in _LEFT_OUT or (tag not in _VOID and _is_hidden(given)):
            self._left_out, self._depth = tag, 1
            return
        if tag == "br":
            self._words.append("\n")
        elif tag == "pre":
            self._flush()
            self._plain += 1
        elif tag == "table":
            self._begin_table()
        elif self._tables and tag in ("tr", "td", "th"):
            self._cell(tag, given)
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._flush()
            self._heading = int(tag[1])
        elif tag == "main" and not self._tables:
            self._flush()
            self._outline = self._main = self._main or Outline()
        elif tag in ("dt", "summary"):
            self._flush()
            self._heading = QUESTION
        elif tag == "li":
            self._flush()
            self._item = True
        elif tag in _BLOCKS:
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        """A tag ends."""
        if tag == "title" and self._title is not None:
            self._named, self._title = line("".join(self._title)), None
        elif self._left_out:
            self._depth -= tag == self._left_out
            if not self._depth or (self._left_out == "p" and tag in _BLOCKS):
                self._left_out = ""
        elif tag == "table" and self._tables:
            self._end_table()
        elif tag == "tr" and self._tables:
            self._end_row()
        elif tag in ("td", "th") and self._tables:
            self._end_cell()
        elif tag == "pre":
            self._flush()
            self._plain = max(0, self._plain - 1)
        elif tag == "li" or tag in _BLOCKS or (len(tag) == 2 and tag[0] == "h"):
            self._flush()
            self._item = False
            if tag == "main":
                self._outline = self._whole
            elif tag in ("dl", "details") and not self._tables:
                self._outline.leave(QUESTION)

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._title is not None:
            self._title.append(data[:1000])
        elif not self._left_out:
            self._words.append(data if self._plain else re.sub(r"\s+", " ", data))

    def _meta(self, given: dict[str, str | None]) -> None:
        key = _META.get((given.get("name") or "").lower())
        if key and given.get("content"):
            self._front.setdefault(key, line(given["content"] or "")[:500])

    def _flush(self) -> None:
        """A block ends here."""
        text = "".join(self._words).strip()
        self._words = []
        heading, self._heading = self._heading, 0
        if self._tables:
            cell = self._tables[-1].cell
            if cell is not None and text:
                cell.append(text)
            elif text:
                # Between the cells nothing may stand; what does belongs to no column.
                self._outline.add(text)
        elif heading and text:
            self._outline.heading(heading, text)
        elif text:
            self._outline.add(f"- {line(text)}" if self._item else text)
            self._item = False

    def _begin_table(self) -> None:
        self._flush()
        self._tables.append(_Table())

    def _end_table(self) -> None:
        self._end_row()
        table = self._tables.pop()
        rows = [row for row in table.rows if any(row)]
        if self._tables:
            # One within another: its text is that of the cell.
            told = ["，".join(dict.fromkeys(filter(None, row))) for row in rows]
            self._words.append("\n".join(told) + "\n")
        elif all(len(row) == 1 for row in rows):
            # Made for the layout.
            for row in rows:
                self._outline.add(row[0])
        else:
            headed = True if table.headed else None
            parts = table_parts(rows, self._outline.path, self._tally, header=headed)
            self._outline.place(parts)

    def _end_row(self) -> None:
        self._end_cell()
        table = self._tables[-1]
        if not table.row:
            return
        self._from_above(table)
        table.rows.append(table.row)
        table.row = []

    def _cell(self, tag: str, given: dict[str, str | None]) -> None:
        self._end_cell()
        table = self._tables[-1]
        if tag == "tr":
            self._end_row()
            return
        self._words = []
        table.headed = table.headed or (tag == "th" and not table.rows)
        table.cell = []
        table.across, table.down = _span(given.get("colspan")), _span(given.get("rowspan"))

    def _end_cell(self) -> None:
        self._flush()
        table = self._tables[-1]
        if table.cell is None:
            return
        text = "\n".join(table.cell)
        table.cell = None
        self._from_above(table)
        for _ in range(table.across):
            if table.cells > _MOST_CELLS:
                return
            table.cells += 1
            if table.down > 1:
                table.below[len(table.row)] = (text, table.down - 1)
            table.row.append(text)

    def _from_above(self, table: _Table) -> None:
        while found := table.below.get(len(table.row)):
            text, more = found
            place = len(table.row)
            if more > 1:
                table.below[place] = (text, more - 1)
            else:
                del table.below[place]
            table.row.append(text)
            table.cells += 1


def _is_hidden(given: dict[str, str | None]) -> bool:
    return (
        "hidden" in given
        or (given.get("aria-hidden") or "").lower() == "true"
        or (given.get("role") or "").lower() in _ROLES
        or _HIDDEN.search(given.get("style") or "") is not None
    )


def _span(value: str | None) -> int:
    words = (value or "").strip()
    return max(1, min(int(words), _MOST_SPAN)) if words.isdecimal() and len(words) < 6 else 1
