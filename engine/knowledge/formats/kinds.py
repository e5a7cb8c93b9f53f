"""Which files are knowledge, who reads them, and what to do with those that nobody does."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from engine.errors import InputError
from engine.knowledge.formats.archive import locked, recognised
from engine.knowledge.formats.content import Content


class Kind(Struct, frozen=True):
    """A reader of bytes, by its module here and its name; how many megabytes a file may have.

    A `confined` one is run where it can be stopped (`confinement`).
    """

    module: str
    name: str
    most: int
    confined: bool = True

    def read(self, data: bytes) -> Content:
        """What `data` holds. Raises `InputError`, and what a library raises on a broken file."""
        # Most programs that import this read no files.
        reader: Callable[[bytes], Content] = getattr(
            import_module(f"engine.knowledge.formats.{self.module}"), self.name
        )
        return reader(data)


# To add a kind of file, add its reader here.
KINDS: Final[dict[str, Kind]] = {
    ".md": Kind("plain_text", "read_markdown", 8, confined=False),
    ".markdown": Kind("plain_text", "read_markdown", 8, confined=False),
    ".txt": Kind("plain_text", "read_text", 8, confined=False),
    ".docx": Kind("word", "read_docx", 64),
    ".pdf": Kind("portable", "read_pdf", 64),
    ".xlsx": Kind("spreadsheet", "read_xlsx", 64),
    ".csv": Kind("comma_separated", "read_csv", 32),
    ".html": Kind("web_page", "read_html", 8),
    ".htm": Kind("web_page", "read_html", 8),
}
# What other programs and former versions write, and what their programs can save it as.
_SAVED_AS: Final[dict[str, str]] = {
    **dict.fromkeys((".doc", ".docm", ".dot", ".dotx", ".dotm", ".rtf", ".odt", ".wps"), "docx"),
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".xlt", ".xltx", ".xltm", ".ods", ".et"), "xlsx"),
    **dict.fromkeys((".ppt", ".pptx", ".dps", ".ofd", ".pages", ".key"), "pdf"),
    ".numbers": "xlsx",
}
_FORMER: Final[dict[str, str]] = {"docx": "doc", "xlsx": "xls"}


def kind_of(path: PurePath) -> Kind:
    """How the file `path` is read, by its ending. Raises `InputError` where nobody reads it."""
    ending = path.suffix.lower()
    kind = KINDS.get(ending)
    if kind is not None:
        return kind
    if ending in _SAVED_AS:
        raise _saved_as(ending, _SAVED_AS[ending])
    shown = path.suffix or path.name
    raise InputError(
        f"Files of the kind '{shown}' cannot be imported.", "document_kind", kind=shown
    )


def check_is(path: PurePath, data: bytes) -> None:
    """Raise `InputError` when the content of `path` is something else than its ending says."""
    wanted = path.suffix.lower().lstrip(".")
    found = recognised(data, wanted)
    if found == "locked":
        raise locked()
    if found == "ole" and wanted in _FORMER:
        raise _saved_as(f".{_FORMER[wanted]}", wanted)
    if found in ("docx", "xlsx", "pdf") and found != wanted:
        raise InputError(
            f"By its content it is a {found} file; name it so and import it again.",
            "document_misnamed",
            kind=found,
        )


def _saved_as(ending: str, wanted: str) -> InputError:
    return InputError(
        f"Files of the kind '{ending}' cannot be imported: open it and save it as .{wanted}.",
        "document_save_as",
        kind=ending,
        wanted=f".{wanted}",
    )
