"""Files from outside become documents: text, title, dates, access. Nothing in them is trusted."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

import yaml
from msgspec import Struct

from engine.errors import InputError

MAX_BYTES = 8 * 1024 * 1024
MAX_FRONT_MATTER = 16 * 1024
MAX_TAGS = 32

# The same in C, ten times as fast, where there is one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = {"true", "yes", "on", "1", "是", "内部"}
_FALSE = {"false", "no", "off", "0", "否", "公开", ""}
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u200b\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BINARY = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
# One that is never closed reaches to the end, as in Markdown.
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+([^ \t#\n].*)$", re.MULTILINE)


class Document(Struct, frozen=True):
    """One knowledge file as read. `doc` is the file's name, `digest` the SHA-256 of its bytes.

    The dates are ISO strings, both days included; None leaves that side open.
    """

    doc: str
    title: str
    text: str
    valid_from: str | None = None
    valid_until: str | None = None
    tags: tuple[str, ...] = ()
    internal: bool = False
    digest: str = ""


class Skipped(Struct, frozen=True):
    """A file that was not imported. `reason` is an English line, `code` and `values` its text's."""

    path: str
    reason: str
    code: str = "bad_input"
    values: dict[str, str] = {}

    def error(self) -> InputError:
        """The same as an error, for `texts.explain`."""
        return InputError(self.reason, self.code, **self.values)


class _Content(Struct, frozen=True):
    """What a reader makes of a file's bytes: the text, and front matter where the format has it."""

    text: str
    front: dict[str, object] = {}


def read_document(path: Path) -> Document:
    """The document in `path`; raises `InputError` with the reason when there is none to be had."""
    return parse_document(path, read_bytes(path))


def parse_document(path: Path, data: bytes) -> Document:
    """The document that `data`, the content of `path`, holds. Raises like `read_document`."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"Files of the kind '{path.suffix or path.name}' cannot be imported.",
            "document_kind",
            kind=path.suffix or path.name,
        )
    content = reader(data)
    if not content.text.strip():
        raise InputError("The file holds no text.", "document_empty")
    name = document_name(path)
    valid_from = _day(content.front, "valid_from")
    valid_until = _day(content.front, "valid_until")
    if valid_from and valid_until and valid_from > valid_until:
        raise InputError(
            f"It is valid from {valid_from} until {valid_until}: the end is before the beginning.",
            "document_dates",
            start=valid_from,
            end=valid_until,
        )
    return Document(
        doc=name,
        title=_title(content, Path(name).stem),
        text=content.text,
        valid_from=valid_from,
        valid_until=valid_until,
        tags=_tags(content.front),
        internal=_flag(content.front, "internal"),
        digest=hashlib.sha256(data).hexdigest(),
    )


def document_name(path: Path) -> str:
    """The name a document goes by: its file's, composed (NFC) so that it is the same everywhere."""
    name = path.name.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("", unicodedata.normalize("NFC", name))


def collect(paths: Sequence[Path]) -> tuple[list[Path], list[Skipped]]:
    """The importable files among `paths` and below its folders, in a stable order, and the rest.

    Hidden files and folders found on the way are left out silently; loops of links end.
    """
    files: list[Path] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for given in paths:
        if given.is_dir():
            found = list(_walk(given, set()))
            if not found:
                skipped.append(_skip(given, "The folder holds no files.", "document_folder_empty"))
        elif given.exists():
            found = [given]
        else:
            skipped.append(_skip(given, "There is no such file.", "document_missing"))
            continue
        for path in found:
            place = os.path.realpath(path)
            if place in seen:
                continue
            seen.add(place)
            if path.suffix.lower() in READERS:
                files.append(path)
            else:
                kind = path.suffix or path.name
                reason = f"Files of the kind '{kind}' cannot be imported."
                skipped.append(_skip(path, reason, "document_kind", kind=kind))
    return files, skipped


def _skip(path: Path, reason: str, code: str, **values: str) -> Skipped:
    shown = str(path).encode("utf-8", "replace").decode("utf-8")
    return Skipped(shown, reason, code, values)


def _walk(folder: Path, visited: set[str]) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in visited:
        return
    visited.add(place)
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")):
            continue
        if entry.is_dir():
            yield from _walk(entry, visited)
        elif entry.exists():
            yield entry


def read_bytes(path: Path) -> bytes:
    """The content of `path`; raises `InputError` when it is missing, too large or unreadable."""
    try:
        if not path.is_file():
            raise InputError("There is no such file.", "document_missing")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"The file is larger than {MAX_BYTES // 2**20} MB; split it.",
                "document_large",
                limit=f"{MAX_BYTES // 2**20} MB",
            )
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(
            f"The file cannot be read: {why}.", "document_unreadable", why=why
        ) from None


def _markdown(data: bytes) -> _Content:
    text = _decoded(data)
    front, body = _front_matter(text)
    # Comments are notes to other writers: they must not reach a customer.
    return _Content(_COMMENT.sub("", body), front)


def _plain(data: bytes) -> _Content:
    return _Content(_decoded(data))


# To add a kind of file, add its reader here: bytes in, text (with Markdown headings) out.
READERS: dict[str, Callable[[bytes], _Content]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
}


def _decoded(data: bytes) -> str:
    text = _first_that_decodes(data)
    if text is None:
        raise InputError(
            "It is neither UTF-8, UTF-16 nor GB18030 text.",
            "document_binary" if b"\x00" in data else "document_encoding",
        )
    if not _CONTROL.search(text):
        return text
    controls = len(_BINARY.findall(text, 0, 20000))
    if controls > max(2, len(text[:20000]) // 200):
        raise InputError("It is a binary file, not text.", "document_binary")
    return _CONTROL.sub("", re.sub(r"\r\n?|\f|\x0b|\x85|\u2028|\u2029", "\n", text))


def _first_that_decodes(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in data[:4096]:
        # Without a mark: in text of either language one half of the byte pairs is often zero.
        sample = data[:4096]
        little = sample[1::2].count(0) > sample[0::2].count(0)
        encodings = ["utf-16-le" if little else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
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


def _refused(key: str) -> InputError:
    return InputError(f"The value of '{key}' cannot be understood.", "document_value", field=key)


def _day(front: dict[str, object], key: str) -> str | None:
    value = front.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    parts = re.fullmatch(r"\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\s*", str(value))
    try:
        if parts is None:
            raise ValueError(key)
        return date(*(int(part) for part in parts.groups())).isoformat()
    except ValueError:
        raise _refused(key) from None


def _flag(front: dict[str, object], key: str) -> bool:
    value = front.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    # Guessing here could publish what is internal.
    raise _refused(key)


def _tags(front: dict[str, object]) -> tuple[str, ...]:
    value = front.get("tags")
    if value is None:
        return ()
    if isinstance(value, str):
        parts = re.split(r"[,，、;；]", value)
    elif isinstance(value, list) and all(isinstance(tag, (str, int, float)) for tag in value):
        parts = [str(tag) for tag in value]
    else:
        raise _refused("tags")
    return tuple(dict.fromkeys(part.strip()[:60] for part in parts if part.strip()))[:MAX_TAGS]


def _title(content: _Content, stem: str) -> str:
    value = content.front.get("title")
    if isinstance(value, (str, int, float, date)) and str(value).strip():
        return " ".join(str(value).split())[:200]
    if value is not None and value != "":
        raise _refused("title")
    heading = _HEADING.search(content.text)
    return heading.group(1).rstrip(" \t#")[:200] if heading else stem
