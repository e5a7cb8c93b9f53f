"""Text as SQLite can keep it, and as a list can show it."""

from __future__ import annotations

import re

import msgspec

_BLANKS = re.compile(r"[\x00-\x20\x7f\u2028\u2029]+")


def clean(text: str) -> str:
    """`text` as valid Unicode: surrogate pairs joined, lone surrogates become U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def one_line(text: str, limit: int) -> str:
    """The start of `text` on one line, without control characters, at most `limit` characters."""
    line = _BLANKS.sub(" ", clean(text[: limit * 4])).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def to_json(value: object) -> str:
    """A struct, or a list of them, as JSON text; lone surrogates are replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(value))).decode()


def sha256(text: str) -> str:
    """The SHA-256 of `text`, which is valid Unicode, in hexadecimal digits."""
    import hashlib  # Here, since OpenSSL takes a while to load and a window stands before it.

    return hashlib.sha256(text.encode()).hexdigest()


def like(search: str) -> str:
    r"""A LIKE pattern that finds `search` literally anywhere; to be used with ``ESCAPE '\'``."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value
