"""Text files: Markdown with front matter, plain text, and how their encoding is found."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import yaml

from engine.errors import InputError
from engine.knowledge.formats.content import CONTROL, Content, Part
from engine.knowledge.formats.outline import Outline, numbered_heading
from engine.knowledge.formats.tables import Tally, table_parts

MAX_FRONT_MATTER = 16 * 1024

# The same in C, ten times as fast, where there is one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BINARY = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
# One that is never closed reaches to the end, as in Markdown.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# A question in one line, and below it the answer. Possessive, as all here that repeats: nobody can
# stop what is read unconfined.
_QUESTIONS = re.compile(
    r"^[ \t]*+(?:q|问题?)[ \t]*+\d{0,4}+[ \t]*+[:：].*\n++"
    r"[ \t]*+(?:a|答案?)[ \t]*+\d{0,4}+[ \t]*+[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_FEWEST_QUESTIONS = 2
# Below the head of a table. Possessive: read once, however many hyphens there are.
_RULER = re.compile(r"[ \t]*+\|?+(?:[ \t]*+:?+-++:?+[ \t]*+\|)*+(?:[ \t]*+:?+-++:?+)?+[ \t]*+")
_BAR = re.compile(r"(?<!\\)\|")


def read_markdown(data: bytes) -> Content:
    """Markdown, with front matter or without."""
    front, body = _front_matter(decoded(data))
    tally = Tally()
    # Comments are notes to other writers: they must not reach a customer.
    text = _tables_told(_COMMENT.sub("", body), tally)
    return Content(text, front=front, left_out=tally.told())


def read_text(data: bytes) -> Content:
    """Plain text; where it marks questions and answers, by these."""
    text = decoded(data)
    if len(_QUESTIONS.findall(text)) < _FEWEST_QUESTIONS:
        return Content(text)
    outline = Outline()
    for paragraph in text.split("\n"):
        if heading := numbered_heading(paragraph):
            outline.heading(*heading)
        else:
            outline.add(paragraph)
    return Content(parts=outline.parts())


def _tables_told(body: str, tally: Tally) -> str:
    """`body` with the rows of its tables as sentences, which can be quoted; as `table_parts` tells
    them. What needs headings or dates of its own stays a table."""
    if "|" not in body:
        return body
    lines = body.split("\n")
    told: list[str] = []
    place, fenced = 0, False
    while place < len(lines):
        fenced ^= lines[place].lstrip(" ").startswith(("```", "~~~"))
        rows = [] if fenced else _table(lines, place)
        own = Tally()
        parts = table_parts([_cells(one) for one in rows], (), own, header=True)
        # The ruler is no row.
        whole = lines[place : place + len(rows) + 1]
        if parts and all(part == Part((), part.text) for part in parts):
            told += ["", *(part.text for part in parts), ""]
            tally.add(own)
        elif any(part.internal for part in parts):
            # A line of text has no access of its own.
            told += whole[:2] + [row for row in whole[2:] if not _is_internal(whole[0], row, tally)]
        else:
            told += whole
        place += len(whole)
    return "\n".join(told)


def _is_internal(head: str, row: str, tally: Tally) -> bool:
    """Whether a row of a table is for insiders; it is counted as left out then."""
    parts = table_parts([_cells(head), _cells(row)], (), Tally(), header=True)
    internal = any(part.internal for part in parts)
    if internal:
        tally.row("internal_rows")
    return internal


def _table(lines: Sequence[str], place: int) -> list[str]:
    """The rows of the table that begins at `place`, without its ruler; none where none does."""
    head = lines[place]
    if "|" not in head or place + 1 >= len(lines) or not _RULER.fullmatch(lines[place + 1]):
        return []
    if len(_cells(head)) != len(_cells(lines[place + 1])):
        return []
    below = itertools.takewhile(lambda one: "|" in one, itertools.islice(lines, place + 2, None))
    return [head, *below]


def _cells(row: str) -> list[str]:
    """The cells of a row; a bar with a backslash before it belongs to its cell."""
    bare = row.strip().removeprefix("|")
    if bare.endswith("|") and not bare.endswith("\\|"):
        bare = bare[:-1]
    return [cell.replace("\\|", "|").strip() for cell in _BAR.split(bare)]


def decoded(data: bytes, encoding: str = "") -> str:
    """`data` as text without control characters, in `encoding` where that is right.

    Raises `InputError` when it is none.
    """
    text = _first_that_decodes(data, encoding)
    if text is None:
        raise InputError(
            "It is neither UTF-8, UTF-16 nor GB18030 text.",
            "document_binary" if b"\x00" in data else "document_encoding",
        )
    if not CONTROL.search(text):
        return text
    controls = len(_BINARY.findall(text, 0, 20000))
    if controls > max(2, len(text[:20000]) // 200):
        raise InputError("It is a binary file, not text.", "document_binary")
    return CONTROL.sub("", re.sub(r"\r\n?|\f|\x0b|\x85|\u2028|\u2029", "\n", text))


def _first_that_decodes(data: bytes, declared: str) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in data[:4096]:
        # Without a mark: in text of either language one half of the byte pairs is often zero.
        sample = data[:4096]
        little = sample[1::2].count(0) > sample[0::2].count(0)
        encodings = ["utf-16-le" if little else "utf-16-be"]
    else:
        encodings = [*([declared] if declared else []), "utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return None


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    first, _, rest = text.partition("\n")
    if first.rstrip() != "---":
        return {}, text
    end = re.search(r"^(?:---|\.\.\.)[ \t]*$", rest[:MAX_FRONT_MATTER], re.MULTILINE)
    if end is None:
        raise InputError("Its front matter has no closing '---' line.", "document_front_matter")
    head = rest[: end.start()]
    try:
        # Aliases can blow a few lines up to any size, and front matter needs none.
        tokens = yaml.scan(head, Loader=_Loader) if "*" in head else ()
        if any(isinstance(token, yaml.AliasToken) for token in tokens):
            raise ValueError("an alias")
        values = yaml.load(head, Loader=_Loader)
        # A hexadecimal figure may have more digits than can be written out.
        str(values)
    except Exception as error:  # A wrong tag raises anything: KeyError, AttributeError, ….
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark is not None else ""
        raise InputError(
            f"Its front matter is not valid YAML{where}.", "document_front_matter"
        ) from None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise InputError("Its front matter is not a list of 'key: value'.", "document_front_matter")
    front = {str(key).strip().lower().replace("-", "_"): value for key, value in values.items()}
    return front, rest[end.end() :]
