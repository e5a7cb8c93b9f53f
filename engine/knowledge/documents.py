"""Files from outside become documents: text, title, dates, access. Nothing in them is trusted."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from engine.errors import InputError
from engine.knowledge.formats.confinement import Confinement
from engine.knowledge.formats.content import CONTROL, Content, Part, day, line
from engine.knowledge.formats.kinds import check_is, kind_of
from engine.knowledge.formats.values import is_internal

MAX_TAGS = 32

_HEADING = re.compile(r"^#{1,6}[ \t]+([^ \t#\n].*)$", re.MULTILINE)


class Document(Struct, frozen=True):
    """One knowledge file as read. `doc` is the file's name, `digest` the SHA-256 of its bytes.

    The dates are ISO strings, both days included; None leaves that side open. `parts` is the text
    as its format cuts it; without them headings stand in the text as in Markdown. `partly` tells
    what of the file was left out.
    """

    doc: str
    title: str
    text: str
    valid_from: str | None = None
    valid_until: str | None = None
    tags: tuple[str, ...] = ()
    internal: bool = False
    digest: str = ""
    parts: tuple[Part, ...] = ()
    partly: tuple[Skipped, ...] = ()


class Skipped(Struct, frozen=True):
    """A file that was not imported, or not all of it. `reason` is an English line, `code` and
    `values` its text's."""

    path: str
    reason: str
    code: str = "bad_input"
    values: dict[str, str] = {}

    def error(self) -> InputError:
        """The same as an error, for `texts.explain`."""
        return InputError(self.reason, self.code, **self.values)


def read_document(path: Path, confinement: Confinement | None = None) -> Document:
    """The document in `path`; raises `InputError` with the reason when there is none to be had."""
    return parse_document(path, read_bytes(path), confinement)


def parse_document(path: Path, data: bytes, confinement: Confinement | None = None) -> Document:
    """The document that `data`, the content of `path`, holds. Raises like `read_document`.

    Whoever reads many gives the `confinement` that all of them are read in.
    """
    kind = kind_of(path)
    check_is(path, data)
    if not kind.confined:
        content = kind.read(data)
    elif confinement is not None:
        content = confinement.read(path, data)
    else:
        with Confinement() as confinement:
            content = confinement.read(path, data)
    return _document(path, data, content)


def _document(path: Path, data: bytes, content: Content) -> Document:
    text = content.text or "\n\n".join(part.text for part in content.parts)
    if not text.strip():
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
        text=text,
        valid_from=valid_from,
        valid_until=valid_until,
        tags=_tags(content.front),
        internal=_flag(content.front, "internal"),
        digest=hashlib.sha256(data).hexdigest(),
        parts=content.parts,
        partly=tuple(_skip(path, one.reason, one.code, **one.values) for one in content.left_out),
    )


def document_name(path: Path) -> str:
    """The name a document goes by: its file's, composed (NFC) so that it is the same everywhere."""
    name = path.name.encode("utf-8", "replace").decode("utf-8")
    return CONTROL.sub("", unicodedata.normalize("NFC", name))


def collect(paths: Sequence[Path]) -> tuple[list[Path], list[Skipped]]:
    """The importable files among `paths` and below its folders, in a stable order, and the rest.

    Hidden files and folders found on the way are left out silently; loops of links end. A link out
    of a folder is not followed: what is quoted to customers is what lies in it.
    """
    files: list[Path] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for given in paths:
        if given.is_dir():
            root = os.path.realpath(given)
            found = list(_walk(given, root, set()))
            if not found:
                skipped.append(_skip(given, "The folder holds no files.", "document_folder_empty"))
        elif given.exists():
            root, found = "", [given]
        else:
            skipped.append(_skip(given, "There is no such file.", "document_missing"))
            continue
        for path in found:
            place = os.path.realpath(path)
            if root and not _inside(path, root):
                skipped.append(_skip(path, "A link out of the folder.", "document_outside"))
                continue
            if place in seen:
                continue
            seen.add(place)
            try:
                kind_of(path)
            except InputError as error:
                values = {key: str(value) for key, value in error.values.items()}
                skipped.append(_skip(path, error.message, error.code, **values))
            else:
                files.append(path)
    return files, skipped


def _skip(path: Path, reason: str, code: str, **values: str) -> Skipped:
    shown = str(path).encode("utf-8", "replace").decode("utf-8")
    return Skipped(shown, reason, code, values)


def _inside(path: Path, root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _walk(folder: Path, root: str, visited: set[str]) -> Iterator[Path]:
    """What lies below `folder`; a link out of `root` as what it is."""
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
        if entry.is_dir() and _inside(entry, root):
            yield from _walk(entry, root, visited)
        elif entry.exists():
            yield entry


def read_bytes(path: Path) -> bytes:
    """The content of `path`; raises `InputError` when it is missing, too large or unreadable."""
    try:
        if not path.is_file():
            raise InputError("There is no such file.", "document_missing")
        most = kind_of(path).most
        if path.stat().st_size > most * 2**20:
            raise InputError(
                f"The file is larger than {most} MB; split it.",
                "document_large",
                limit=f"{most} MB",
            )
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(
            f"The file cannot be read: {why}.", "document_unreadable", why=why
        ) from None


def _refused(key: str) -> InputError:
    return InputError(f"The value of '{key}' cannot be understood.", "document_value", field=key)


def _day(front: dict[str, object], key: str) -> str | None:
    value = front.get(key)
    if value is None or value == "":
        return None
    try:
        return day(value)
    except ValueError:
        raise _refused(key) from None


def _flag(front: dict[str, object], key: str) -> bool:
    value = front.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    try:
        return is_internal(str(value))
    except ValueError:
        # Guessing here could publish what is internal.
        raise _refused(key) from None


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
    return tuple(dict.fromkeys(line(part)[:60] for part in parts if line(part)))[:MAX_TAGS]


def _title(content: Content, stem: str) -> str:
    value = content.front.get("title")
    if isinstance(value, (str, int, float, date)) and (title := line(str(value))):
        return title[:200]
    if value is not None and value != "":
        raise _refused("title")
    heading = _HEADING.search(content.text)
    own = heading.group(1).rstrip(" \t#") if heading else content.title
    return own[:200] or stem
