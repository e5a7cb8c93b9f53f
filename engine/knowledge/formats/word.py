"""Word documents: .docx files, as they read once what is tracked, hidden or struck out is gone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from engine.errors import InputError
from engine.knowledge.formats.archive import check_archive
from engine.knowledge.formats.content import Content, broken, line
from engine.knowledge.formats.outline import Outline, numbered_heading
from engine.knowledge.formats.properties import custom_properties, front_of
from engine.knowledge.formats.tables import Tally, table_parts

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING: Final = re.compile(r"(?:heading|标题)\s*([1-9])", re.IGNORECASE)
_LEVELLED: Final = re.compile(r"([一二三四五六])级标题")
_CONTENTS: Final = re.compile(r"(?:toc|目录)\s*(?:\d|heading|标题)?", re.IGNORECASE)
_TITLES: Final = frozenset(("title", "标题", "文档标题"))
_HAN: Final = re.compile("[\u3400-\u9fff]")
_OFF: Final = frozenset(("0", "false", "off", "none"))
_GONE: Final = frozenset(
    f"{_W}{name}"
    for name in ("del", "moveFrom", "delText", "instrText", "pPr", "tblPr", "rPr", "sectPr")
) | {_FALLBACK}
_STRUCK: Final = ("vanish", "strike", "dstrike", "webHidden")
_LONGEST_BOLD: Final = 30
_DEEPEST: Final = 60
_MOST_COLUMNS: Final = 200


class _Style(Struct):
    """What a paragraph's style says of it; `level` 0 is the title of the document."""

    level: int | None = None
    listed: bool = False
    contents: bool = False
    bold: bool = False


def read_docx(data: bytes) -> Content:
    """The text of a Word document: no headers and footers, no comments, no deletions."""
    check_archive(data, "docx")
    import docx

    try:
        document = docx.Document(io.BytesIO(data))
        reading = _Reading(_styles(document))
        body = document.element.body
        _put_in_notes(document, body)
        reading.read(body, 0)
        if not reading.styled:
            # Nobody used styles: headings can only be guessed.
            reading = _Reading(reading.styles, guess=True)
            reading.read(body, 0)
        core = document.core_properties
        front = front_of(core.title or "", core.keywords or "", custom_properties(data))
    except (InputError, MemoryError):
        raise
    except Exception as error:  # The library raises anything on a broken file.
        raise broken("docx") from error
    return Content(
        parts=reading.outline.parts(),
        front=front,
        title=reading.title or reading.outline.first,
        left_out=reading.tally.told(),
    )


class _Reading:
    """Goes through a document's blocks in order."""

    def __init__(self, styles: Mapping[str, _Style], *, guess: bool = False) -> None:
        self.styles = styles
        self.outline = Outline()
        self.tally = Tally()
        self.title = ""
        self.styled = False
        self._guess = guess

    def read(self, element: Any, depth: int) -> None:
        """Take in the paragraphs and tables below `element`, whatever wraps them."""
        if depth > _DEEPEST:
            return
        for child in element:
            tag = child.tag
            if tag == f"{_W}p":
                self._paragraph(child, depth)
            elif tag == f"{_W}tbl":
                self._table(child)
            elif isinstance(tag, str) and tag not in _GONE and not _is_contents(child):
                self.read(child, depth + 1)

    def _paragraph(self, paragraph: Any, depth: int) -> None:
        style = self._style(paragraph)
        text = _text(paragraph)
        if style.contents:
            return
        if text.strip():
            level = style.level
            if level is not None and (level > 0 or not self.title):
                self.styled = self.styled or level > 0
            if level == 0 and not self.title and not self.outline.path:
                self.title = line(text)
            elif level is not None and len(text) <= 200:
                self.outline.heading(max(1, level), text)
            elif level is None and self._guess and (guessed := _guessed(paragraph, text, style)):
                self.outline.heading(guessed, line(text).strip("【】"))
            else:
                self.outline.add(f"- {line(text)}" if style.listed else text)
        for box in paragraph.iter(f"{_W}txbxContent"):
            if not _is_inside(box, paragraph):
                self.read(box, depth + 1)

    def _table(self, table: Any) -> None:
        rows, header = _rows(table)
        if (len(rows) == 1 and len(set(rows[0])) == 1) or all(len(row) == 1 for row in rows):
            # A frame around paragraphs.
            for row in rows:
                self.outline.add(row[0])
            return
        self.outline.place(table_parts(rows, self.outline.path, self.tally, header=header))

    def _style(self, paragraph: Any) -> _Style:
        own = paragraph.find(f"{_W}pPr")
        if own is None:
            return self.styles.get("", _Style())
        named = own.find(f"{_W}pStyle")
        style = self.styles.get(_value(named) if named is not None else "", _Style())
        level = own.find(f"{_W}outlineLvl")
        outline = _level(level) if level is not None else style.level
        numbered = own.find(f"{_W}numPr")
        listed = style.listed
        if numbered is not None:
            identity = numbered.find(f"{_W}numId")
            listed = identity is None or _value(identity) != "0"
        return _Style(outline, listed and outline is None, style.contents, style.bold)


def _put_in_notes(document: Any, body: Any) -> None:
    """Write footnotes where they are referred to: they say what a price or a right depends on."""
    from docx.oxml import parse_xml

    for kind in ("footnote", "endnote"):
        notes: dict[str, str] = {}
        for relation in document.part.rels.values():
            if relation.reltype.endswith(f"/{kind}s") and not relation.is_external:
                for note in parse_xml(relation.target_part.blob):
                    notes[note.get(f"{_W}id", "")] = line(" ".join(_cell(note, 0)))
        for reference in list(body.iter(f"{_W}{kind}Reference")):
            if words := notes.get(reference.get(f"{_W}id", ""), ""):
                reference.tag = f"{_W}t"
                reference.text = f"（{words}）" if _HAN.search(words) else f" ({words})"


def _styles(document: Any) -> dict[str, _Style]:
    """What the styles say, by their ids; "" is the one of paragraphs that name none."""
    elements = {
        one.get(f"{_W}styleId", ""): one
        for one in document.styles.element.findall(f"{_W}style")
        if one.get(f"{_W}type") in ("paragraph", None)
    }
    found: dict[str, _Style] = {}
    for identity, element in elements.items():
        found[identity] = _of_chain(element, elements)
        if element.get(f"{_W}default") in ("1", "true"):
            found.setdefault("", found[identity])
    return found


def _of_chain(element: Any, elements: Mapping[str, Any]) -> _Style:
    """A style with what it takes over from those it is based on."""
    style = _Style()
    visited: set[str] = set()
    while element is not None:
        named = element.find(f"{_W}name")
        name = _value(named).strip() if named is not None else ""
        outline = element.find(f"{_W}pPr/{_W}outlineLvl")
        if style.level is None:
            style.level = _level(outline) if outline is not None else _named_level(name)
        style.contents = style.contents or _CONTENTS.fullmatch(name) is not None
        style.listed = style.listed or element.find(f"{_W}pPr/{_W}numPr") is not None
        style.bold = style.bold or _is_on(element.find(f"{_W}rPr/{_W}b"))
        based = element.find(f"{_W}basedOn")
        before = _value(based) if based is not None else ""
        element = None if before in visited else elements.get(before)
        visited.add(before)
    style.listed = style.listed and style.level is None
    return style


def _named_level(name: str) -> int | None:
    if name.lower() in _TITLES:
        return 0
    if found := _HEADING.fullmatch(name):
        return int(found[1])
    found = _LEVELLED.search(name)
    return "一二三四五六".index(found[1]) + 1 if found else None


def _level(outline: Any) -> int | None:
    value = _value(outline)
    # Nine means: running text.
    return int(value) + 1 if value.isdigit() and int(value) < 9 else None


def _value(element: Any) -> str:
    return str(element.get(f"{_W}val", ""))


def _is_on(element: Any) -> bool:
    return element is not None and _value(element).lower() not in _OFF


def _is_contents(element: Any) -> bool:
    gallery = element.find(f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery")
    return gallery is not None and "Table of Contents" in _value(gallery)


def _is_inside(box: Any, paragraph: Any) -> bool:
    """Whether a text box stands in another one, or is its picture for old programs."""
    for above in box.iterancestors():
        if above is paragraph:
            return False
        if above.tag in (_FALLBACK, f"{_W}txbxContent", f"{_W}del"):
            return True
    return False


def _text(paragraph: Any) -> str:
    """What a paragraph says, text boxes aside."""
    return "".join(_runs(paragraph, 0))


def _runs(element: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    for child in element:
        tag = child.tag
        if tag == f"{_W}t":
            yield child.text or ""
        elif tag in (f"{_W}tab", f"{_W}ptab"):
            yield "\t"
        elif tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif tag == f"{_W}noBreakHyphen":
            yield "-"
        elif tag in _GONE or tag == f"{_W}txbxContent":
            continue
        elif tag == f"{_W}r":
            properties = child.find(f"{_W}rPr")
            if properties is not None and any(
                _is_on(properties.find(f"{_W}{name}")) for name in _STRUCK
            ):
                continue
            yield from _runs(child, depth + 1)
        elif isinstance(tag, str):
            yield from _runs(child, depth + 1)


def _guessed(paragraph: Any, text: str, style: _Style) -> int | None:
    words = line(text)
    if numbered := numbered_heading(words):
        return numbered[0]
    runs = [run for run in paragraph.iter(f"{_W}r") if "".join(_runs(run, 0)).strip()]
    bold = runs and all(style.bold or _is_on(run.find(f"{_W}rPr/{_W}b")) for run in runs)
    ends = words.endswith(tuple("。！？；：，.!?;:,"))
    return 2 if bold and len(words) <= _LONGEST_BOLD and not ends and not style.listed else None


def _rows(table: Any) -> tuple[list[list[str]], bool | None]:
    """A table's rows with merged cells filled, and whether the first is said to name columns."""
    rows: list[list[str]] = []
    header: bool | None = None
    for row in _below(table, f"{_W}tr"):
        if row.find(f"{_W}trPr/{_W}del") is not None:
            continue
        if not rows and _is_on(row.find(f"{_W}trPr/{_W}tblHeader")):
            header = True
        cells: list[str] = []
        for cell in _below(row, f"{_W}tc"):
            properties = cell.find(f"{_W}tcPr")
            span, goes_on = 1, False
            if properties is not None:
                wide = properties.find(f"{_W}gridSpan")
                width = _value(wide) if wide is not None else ""
                span = int(width) if width.isdigit() else 1
                merged = properties.find(f"{_W}vMerge")
                goes_on = merged is not None and _value(merged) != "restart"
            text = "\n".join(_cell(cell, 0))
            if goes_on and rows and len(cells) < len(rows[-1]):
                text = rows[-1][len(cells)]
            cells += [text] * max(1, min(span, _MOST_COLUMNS - len(cells)))
            if len(cells) >= _MOST_COLUMNS:
                break
        if cells:
            rows.append(cells)
    if header is None and rows and _is_bold(table):
        header = True
    return rows, header


def _is_bold(table: Any) -> bool:
    """Whether the first row is bold and the second is not."""
    bold = []
    for row in _first(_below(table, f"{_W}tr"), 2):
        runs = [run for run in row.iter(f"{_W}r") if "".join(_runs(run, 0)).strip()]
        bold.append(bool(runs) and all(_is_on(run.find(f"{_W}rPr/{_W}b")) for run in runs))
    return bold == [True, False]


def _first(found: Iterator[Any], most: int) -> Sequence[Any]:
    return [one for one, _ in zip(found, range(most), strict=False)]


def _below(element: Any, tag: str, depth: int = 0) -> Iterator[Any]:
    """The nearest elements of that kind, whatever wraps them."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag not in _GONE and isinstance(child.tag, str) and depth < _DEEPEST:
            yield from _below(child, tag, depth + 1)


def _cell(cell: Any, depth: int) -> Iterator[str]:
    for child in cell:
        if child.tag == f"{_W}p":
            words = _text(child).strip()
            if words:
                yield words
        elif child.tag not in _GONE and isinstance(child.tag, str) and depth < _DEEPEST:
            yield from _cell(child, depth + 1)
