"""Portable documents: the text of .pdf files, its lines put together into paragraphs again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.errors import InputError
from engine.knowledge.formats.archive import locked
from engine.knowledge.formats.content import Content, LeftOut, broken, line
from engine.knowledge.formats.outline import Outline
from engine.knowledge.formats.properties import front_of
from engine.knowledge.sentences import ITEM

MOST_PAGES: Final = 2_000
_MOST_CHARACTERS: Final = 4_000_000
_PASSWORD_ERROR: Final = 4
_MARGIN: Final = 0.12
_FULL: Final = 0.85
_LARGER: Final = 1.15
_GAP: Final = 1.7
_LONGEST_HEADING: Final = 40
_HAN: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—]")
_END: Final = re.compile(r"[。！？；!?;:：.…][\"'”’」』）)】]*$")
_PAGE_NUMBER: Final = re.compile(
    r"[-–—\s·|]*(?:第|page|p\.)?\s*[\divxlc]{1,5}\s*页?\s*(?:[/／,，]?\s*(?:共|of)?\s*\d{1,5}\s*页?)?[-–—\s·|]*",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"第[一二三四五六七八九十百\d]{1,4}[章节篇部编][ \t:：、]?[^。！？；]{0,30}|【[^】]{1,40}】"
)
# A line of a table of contents.
_LEADER: Final = re.compile(r"(?:[.…·]\s?){5,}\s*\d{0,4}$")
_UNREADABLE: Final = re.compile("[\ue000-\uf8ff\ufffd\ufffe\uffff\x00-\x08\x0e-\x1f]")


class _Line(Struct):
    """A line on a page: where it stands in points from below, and how high its letters are."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    page: int
    page_height: float

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def in_margin(self) -> bool:
        """Whether it stands where headers and footers do."""
        middle = (self.top + self.bottom) / 2
        return not _MARGIN < middle / max(self.page_height, 1) < 1 - _MARGIN


class _Paragraph(Struct):
    """Lines that belong together."""

    lines: list[_Line]

    @property
    def text(self) -> str:
        words = ""
        for one in self.lines:
            words = _joined(words, one.text)
        return words


def read_pdf(data: bytes) -> Content:
    """The text of a PDF, by its headings or by its pages."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR or "assword" in str(error):
            raise locked() from error
        raise broken("pdf") from error
    try:
        count = len(document)
        if count > MOST_PAGES:
            raise InputError(
                f"The PDF has more than {MOST_PAGES} pages; split it.",
                "document_pages",
                pages=str(MOST_PAGES),
            )
        pages = [_lines(document, number) for number in range(count)]
        own = document.get_metadata_dict()
    except pypdfium2.PdfiumError as error:
        raise broken("pdf") from error
    finally:
        document.close()
    return _content(pages, front_of(own.get("Title", ""), own.get("Keywords", ""), {}))


def _lines(document: Any, number: int) -> list[_Line]:
    """The lines of a page in the order of its text."""
    from pypdfium2 import raw

    page = document[number]
    text_page = page.get_textpage()
    try:
        height = page.get_height()
        characters = text_page.count_chars()
        if characters > _MOST_CHARACTERS:
            raise broken("pdf")
        found: list[_Line] = []
        begun, text = 0, ""
        for place in range(characters + 1):
            code = raw.FPDFText_GetUnicode(text_page, place) if place < characters else 10
            if code in (10, 13):
                if text.strip():
                    found.append(_line(text_page, text, begun, number, height))
                begun, text = place + 1, ""
            else:
                text += chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        return found
    finally:
        text_page.close()
        page.close()


def _line(text_page: Any, text: str, begun: int, number: int, height: float) -> _Line:
    start = begun + len(text) - len(text.lstrip())
    end = begun + len(text.rstrip()) - 1
    left, bottom, right, top = text_page.get_charbox(start, loose=True)
    if end > start:
        right = text_page.get_charbox(end, loose=True)[2]
        middle = text_page.get_charbox((start + end) // 2, loose=True)
        bottom, top = min(bottom, middle[1]), max(top, middle[3])
    return _Line(_clean(text), left, right, bottom, top, number, height)


def _clean(text: str) -> str:
    # A word that was divided at the end of a line comes whole, with a mark in it.
    return " ".join(re.sub("[\x02\ufffe]", "-", re.sub("[\x02\ufffe](?=[a-z])", "", text)).split())


def _content(pages: Sequence[Sequence[_Line]], front: dict[str, str]) -> Content:
    every = [one for page in pages for one in page]
    text = "".join(one.text for one in every)
    if len("".join(text.split())) < max(2, len(_UNREADABLE.findall(text)) * 3):
        raise InputError(
            "The PDF holds pictures of text, not text: recognise it (OCR) or import the document "
            "it was made from.",
            "document_scanned",
        )
    running = _running(pages)
    kept = [
        one
        for one in every
        if not _is_running(one, running, len(pages)) and not _LEADER.search(one.text)
    ]
    empty = sum(not page for page in pages)
    left_out = (
        (LeftOut(f"{empty} pages hold no text.", "left_out_pages", {"n": str(empty)}),)
        if empty
        else ()
    )
    paragraphs = list(_paragraphs(kept))
    headings = _headings(paragraphs)
    named = {place: line(paragraphs[place].text) for place in headings}
    outline = Outline()
    chinese = bool(_HAN.search(text))
    page = -1
    for place, paragraph in enumerate(paragraphs):
        if place in headings:
            outline.heading(headings[place], paragraph.text)
            continue
        if not headings and len(pages) > 1 and paragraph.lines[0].page != page:
            page = paragraph.lines[0].page
            outline.heading(1, f"第 {page + 1} 页" if chinese else f"Page {page + 1}")
        item = ITEM.match(paragraph.text)
        outline.add(
            f"- {paragraph.text[item.end() :]}" if item and _is_bullet(item[0]) else paragraph.text
        )
    return Content(
        parts=outline.parts(),
        front=front,
        title=next((name for place, name in named.items() if headings[place] == 1), ""),
        left_out=left_out,
    )


def _is_bullet(mark: str) -> bool:
    return not any(char.isalnum() or char in "|>" for char in mark)


def _running(pages: Sequence[Sequence[_Line]]) -> Counter[str]:
    """On how many pages each line stands in the margin, whatever figures it holds."""
    return Counter(
        words for page in pages for words in {_bare(one.text) for one in page if one.in_margin}
    )


def _bare(text: str) -> str:
    return re.sub(r"\d+", "#", "".join(text.split()))


def _is_running(one: _Line, running: Counter[str], pages: int) -> bool:
    if not one.in_margin:
        return False
    count = running[_bare(one.text)]
    return (count > 1 and count >= 0.4 * pages) or (
        pages > 1 and _PAGE_NUMBER.fullmatch(one.text) is not None
    )


def _paragraphs(lines: Sequence[_Line]) -> Iterator[_Paragraph]:
    widest: dict[int, float] = {}
    for one in lines:
        widest[one.page] = max(widest.get(one.page, 0.0), one.right)
    current: list[_Line] = []
    for one in lines:
        if current and not _goes_on(current, one, widest):
            yield _Paragraph(current)
            current = []
        current.append(one)
    if current:
        yield _Paragraph(current)


def _goes_on(current: Sequence[_Line], one: _Line, widest: dict[int, float]) -> bool:
    before = current[-1]
    if ITEM.match(one.text) or _NUMBERED.fullmatch(one.text) or _NUMBERED.fullmatch(before.text):
        return False
    if not 1 / _LARGER < one.height / max(before.height, 0.1) < _LARGER:
        return False
    if before.page != one.page:
        return before.right >= _FULL * widest[before.page] and not _END.search(before.text)
    if before.bottom - one.top > (_GAP - 1) * before.height or one.top > before.top:
        # An empty line between them, or the next column.
        return one.top > before.top and not _END.search(before.text) and one.left > before.right
    if one.left > before.left + before.height and _END.search(before.text):
        # The first line of a paragraph is set in.
        return False
    return before.right >= _FULL * widest[before.page]


def _joined(before: str, after: str) -> str:
    if not before:
        return after
    if before.endswith("-") and len(before) > 1 and before[-2].isascii() and after[:1].islower():
        return before[:-1] + after
    close = _HAN.match(before[-1]) or _HAN.match(after[:1])
    return before + ("" if close else " ") + after


def _headings(paragraphs: Sequence[_Paragraph]) -> dict[int, int]:
    """Which paragraphs are headings, and of which level: larger than the rest, or numbered."""
    sizes: Counter[float] = Counter()
    for paragraph in paragraphs:
        for one in paragraph.lines:
            sizes[round(one.height, 1)] += len(one.text)
    if not sizes:
        return {}
    usual = sizes.most_common(1)[0][0]
    found: dict[int, float] = {}
    for place, paragraph in enumerate(paragraphs):
        words, height = paragraph.text, paragraph.lines[0].height
        short = len(paragraph.lines) <= 2 and len(words) <= _LONGEST_HEADING
        if not short or words.endswith(tuple("。；，,;")) or not re.search(r"\w", words):
            continue
        if height >= _LARGER * usual or _NUMBERED.fullmatch(words):
            found[place] = round(height, 1)
    if len(found) < 2 or len(found) > 0.6 * len(paragraphs):
        return {}
    levels = _levels(found.values())
    return {place: levels[height] for place, height in found.items()}


def _levels(heights: Iterable[float]) -> dict[float, int]:
    """Levels by height; heights that hardly differ are of one level."""
    levels: dict[float, int] = {}
    level, last = 0, 0.0
    for height in sorted(set(heights), reverse=True):
        if not level or height < 0.93 * last:
            level, last = min(level + 1, 6), height
        levels[height] = level
    return levels
