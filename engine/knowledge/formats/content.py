"""What a reader makes of a file."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from engine.errors import InputError

# Control and format characters that turn, hide or break text; a tab and a line break are kept.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\ufeff\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    "\ud800-\udfff]"
)
_BREAK = re.compile("\r\n?|\f|\x0b|\x85|\u2028|\u2029|_x000[dD]_")
_BLANKS = re.compile("[ \t\u00a0\u3000]+")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]+\d{1,2}:\d{2}.{0,16})?|"
    r"(\d{4})(\d{2})(\d{2})"
)
# How a question and its answer are marked in running text and in cells.
ASKED = re.compile(r"\s*+(?:q|question|问题?)\s*+\d{0,4}+\s*+[:：.、]\s*+", re.IGNORECASE)
ANSWERED = re.compile(r"\s*+(?:a|answer|答案?)\s*+\d{0,4}+\s*+[:：]\s*+", re.IGNORECASE)


class Part(Struct, frozen=True):
    """A stretch of a document: the headings it stands under, the outermost first, and its text.

    Dates and access count for it where it has them of its own.
    """

    path: tuple[str, ...]
    text: str
    valid_from: str | None = None
    valid_until: str | None = None
    internal: bool = False
    tags: tuple[str, ...] = ()


class LeftOut(Struct, frozen=True):
    """Something of a file that was not taken in: an English line, and its text by `code`."""

    reason: str
    code: str
    values: dict[str, str] = {}


class Content(Struct, frozen=True, tag=True):
    """A file as read: `text` with headings as in Markdown, or `parts` that are cut already.

    `front` is its front matter or what the format has of it, `title` the name it gives itself
    otherwise, and `left_out` what a person should know is missing.
    """

    text: str = ""
    parts: tuple[Part, ...] = ()
    front: dict[str, Any] = {}
    title: str = ""
    left_out: tuple[LeftOut, ...] = ()


def line(text: str) -> str:
    """`text` in one line: a heading, a question, a cell."""
    return " ".join(CONTROL.sub("", _BREAK.sub(" ", text)).split())


def block(text: str) -> str:
    """`text` without control characters, its lines without blanks around them, one empty line at
    the most between two."""
    lines = (
        _BLANKS.sub(" ", one).strip() for one in CONTROL.sub("", _BREAK.sub("\n", text)).split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def day(value: object) -> str:
    """The day that `value` names, as an ISO date. Raises `ValueError` when it names none."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    # A run of blanks could be shared out among the expression's in too many ways.
    found = _DAY.fullmatch(" ".join(unicodedata.normalize("NFKC", str(value)).split()))
    if found is None:
        raise ValueError(value)
    numbers = [int(part) for part in found.groups() if part]
    return date(numbers[0], numbers[1], numbers[2]).isoformat()


def broken(kind: str) -> InputError:
    """The file is not what its name says, or damaged."""
    return InputError(
        f"It is no intact {kind} file; open it in the program it comes from and save it again.",
        "document_broken",
        kind=kind,
    )


def inflated(kind: str) -> InputError:
    """There is more in the file than can be taken into memory."""
    return InputError(
        f"What is packed into the {kind} file is too large; split it, or save it anew without "
        "pictures.",
        "document_inflated",
        kind=kind,
    )
