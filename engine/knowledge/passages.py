"""A document becomes passages: headings make sections, sections are cut at sentence borders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from engine.knowledge.documents import Document
from engine.knowledge.formats.content import Part
from engine.knowledge.sentences import ITEM, split_sentences
from engine.records import Passage

__all__ = ["passages", "searched_text", "size", "split_sentences"]

MOST = 350
AIM = 240
LEAST = 60
MOST_CHARACTERS = 2000

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.*)$")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_PLAIN_HEADINGS = (
    (1, re.compile(r"第[一二三四五六七八九十百\d]{1,4}[章节篇部编][ \t:：、]?.{0,40}$")),
    (1, re.compile(r"【[^】]{1,40}】$")),
    (2, re.compile(r"[一二三四五六七八九十]{1,3}、[^。！？；，,!?]{1,30}$")),
)
_WORD = re.compile(r"[A-Za-z0-9]+(?:[.,'’-][A-Za-z0-9]+)*")
_RULER = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*$")
_CLAUSE = re.compile(r"[，,、：:;\s]")


class _Unit(Struct, frozen=True):
    """The smallest thing that is not cut: a sentence, a list item, a row. `start` opens a block.

    `glue`: what follows belongs to it (a question, a line that ends in a colon).
    `table` is the head of the table a row belongs to.
    """

    text: str
    size: int
    start: bool
    glue: bool = False
    table: str = ""


def size(text: str) -> int:
    """How long `text` reads: one for a Chinese character, two for a word or number."""
    characters = len("".join(text.split()))
    # A "word" of hundreds of letters is no word: it counts by its length.
    lengths = map(len, _WORD.findall(text))
    return characters + sum([max(2, length // 6) - length for length in lengths])


def passages(document: Document) -> tuple[Passage, ...]:
    """The passages of `document` in order. Together they hold all its text but the headings."""
    found: list[Passage] = []
    for part in document.parts or _sections(document):
        path = part.path[1:] if part.path[:1] == (document.title,) else part.path
        for text in _pieces(part.text):
            found.append(
                Passage(
                    doc=document.doc,
                    title=document.title,
                    section=" › ".join(path),
                    text=text,
                    ordinal=len(found),
                    valid_from=part.valid_from or document.valid_from,
                    valid_until=part.valid_until or document.valid_until,
                    internal=part.internal or document.internal,
                    tags=part.tags or document.tags,
                )
            )
    return tuple(found)


def searched_text(passage: Passage) -> str:
    """What of a passage is embedded and searched: where it stands, and what it says."""
    return "\n".join(part for part in (passage.title, passage.section, passage.text) if part)


def _sections(document: Document) -> Iterator[Part]:
    plain = document.doc.lower().endswith(".txt")
    marks = "" if plain else ("#", "```", "~~~")
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    bare = False
    for line in document.text.split("\n"):
        if not line.lstrip(" ").startswith(marks):
            lines.append(line)
            continue
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1) == fence):
            fence = "" if fence else mark.group(1)
        heading = None if fence or mark else _heading(line, plain)
        if heading is None:
            lines.append(line)
            continue
        yield from _section(path, lines, bare and heading[0] <= path[-1][0])
        lines = []
        bare = True
        path = [*(above for above in path if above[0] < heading[0]), heading]
    yield from _section(path, lines, bare)


def _section(path: list[tuple[int, str]], lines: list[str], leaf: bool) -> Iterator[Part]:
    body = "\n".join(lines)
    names = tuple(name for _, name in path)
    if body.strip():
        yield Part(names, body)
    elif leaf and names:
        # A heading with nothing below it says what it has to say itself.
        yield Part(names, names[-1])


def _heading(line: str, plain: bool) -> tuple[int, str] | None:
    if plain:
        stripped = line.strip()
        for level, pattern in _PLAIN_HEADINGS:
            if pattern.match(stripped):
                return level, stripped.strip("【】")
        return None
    match = _HEADING.match(line)
    name = match.group(2).rstrip(" \t#").strip() if match else ""
    return (len(match.group(1)), name) if match and name else None


def _pieces(body: str) -> Iterator[str]:
    # Nothing reads longer than half as long again as it is: "a;b;c" is three words.
    total = MOST if 3 * len(body) <= 2 * MOST else size(body)
    if total <= MOST:
        yield body.strip()
        return
    units = list(_units(body))
    aim = total / round(total / AIM)
    piece: list[_Unit] = []
    filled = 0
    left = total
    for unit in units:
        over = filled + unit.size > MOST
        ready = filled >= LEAST and left >= LEAST and not piece[-1].glue
        nearer = filled + unit.size / 2 > aim
        if piece and (over or (ready and (nearer or (unit.start and filled >= 0.75 * aim)))):
            yield _joined(piece)
            piece, filled = [], 0
        piece.append(unit)
        filled += unit.size
        left -= unit.size
    yield _joined(piece)


def _joined(piece: list[_Unit]) -> str:
    head = piece[0].table
    text = "".join(unit.text for unit in piece).strip("\n").rstrip()
    # A row without its column names cannot be read.
    return f"{head}\n{text}" if head and not text.startswith(head) else text.strip()


def _units(body: str) -> Iterator[_Unit]:
    """Units whose texts, white space included, make up `body` again."""
    head = ""
    start = True
    lines = body.splitlines(keepends=True)
    place = 0
    while place < len(lines):
        line = lines[place]
        if not line.strip():
            yield _Unit(line, 0, False)
            start, head = True, ""
            place += 1
        elif line.lstrip().startswith("|"):
            first = not head
            rows = 1
            if first and place + 1 < len(lines) and _RULER.match(lines[place + 1].rstrip()):
                rows = 2
            text = "".join(lines[place : place + rows])
            # The head stays with the first row.
            yield _Unit(text, size(text), first, glue=first, table="" if first else head)
            head = text.strip("\n") if first else head
            place += rows
            start = False
        else:
            upto = place + 1
            while upto < len(lines) and lines[upto].strip() and not ITEM.match(lines[upto]):
                upto += 1
            yield from _running("".join(lines[place:upto]), start or bool(ITEM.match(line)))
            start, head = False, ""
            place = upto


def _running(text: str, start: bool) -> Iterator[_Unit]:
    borders = [*(span.start for span in split_sentences(text)[1:]), len(text)]
    place = 0
    for border in borders:
        for piece in _cut(text[place:border]):
            glue = piece.rstrip().endswith(("？", "?", "：", ":")) or piece.lstrip().startswith("#")
            yield _Unit(piece, size(piece), start, glue)
            start = False
        place = border


def _cut(sentence: str) -> Iterator[str]:
    """`sentence`, or parts of it no longer than a passage, cut after a comma or a space."""
    while len(sentence) > MOST_CHARACTERS or size(sentence) > MOST:
        cut = _fitting(sentence)
        clauses = [match.end() for match in _CLAUSE.finditer(sentence, 0, cut)]
        if clauses and size(sentence[: clauses[-1]]) >= LEAST:
            cut = clauses[-1]
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def _fitting(sentence: str) -> int:
    low, high = 1, min(len(sentence), MOST_CHARACTERS)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(sentence[:middle]) <= MOST else (low, middle - 1)
    return low
