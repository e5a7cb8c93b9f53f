"""Office files are archives of XML: what may be opened, and what a file really is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.knowledge.formats.content import broken, inflated

if TYPE_CHECKING:
    import zipfile

_MOST_MEMBERS: Final = 5_000
_MOST_INFLATED: Final = 512 << 20
_MOST_XML: Final = 256 << 20
_CHUNK: Final = 1 << 20
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MEMBERS: Final = {"docx": b"word/document", "xlsx": b"xl/workbook", "pptx": b"ppt/presentation"}
# Office never writes either; both are how a few bytes are blown up to gigabytes.
_DECLARED: Final = tuple(
    word.encode(encoding)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("ascii", "utf-16-le", "utf-16-be")
)
_LONGEST: Final = max(map(len, _DECLARED))


def recognised(data: bytes, wanted: str) -> str:
    """What `data` is by its bytes: docx, xlsx, pptx, zip, pdf, ole, locked, or "".

    Nothing is opened. Where an office file holds others, it is what is `wanted` if that is among
    them.
    """
    if data.startswith(_OLE):
        return "locked" if "EncryptedPackage".encode("utf-16-le") in data else "ole"
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    if not data.startswith(b"PK\x03\x04"):
        return ""
    found = [kind for kind, member in _MEMBERS.items() if member in data]
    return wanted if wanted in found else next(iter(found), "zip")


def check_archive(data: bytes, kind: str) -> None:
    """Raise `InputError` unless `data` is a sound archive that can be opened safely as `kind`."""
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, kind)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # BadZipFile, EOFError, and whatever a decompressor has.
        raise broken(kind) from error


def _check(archive: zipfile.ZipFile, kind: str) -> None:
    members = archive.infolist()
    texts = [one for one in members if one.filename.lower().endswith((".xml", ".rels", ".vml"))]
    if (
        len(members) > _MOST_MEMBERS
        or sum(one.file_size for one in members) > _MOST_INFLATED
        or sum(one.file_size for one in texts) > _MOST_XML
    ):
        raise inflated(kind)
    if any(one.flag_bits & 1 for one in members):
        raise locked()
    for member in texts:
        with archive.open(member) as stream:
            before = b""
            while chunk := stream.read(_CHUNK):
                if any(word in before + chunk for word in _DECLARED):
                    raise InputError(
                        f"The {kind} file declares XML entities, which no office program writes; "
                        "open it in one and save it again.",
                        "document_entities",
                        kind=kind,
                    )
                before = chunk[-_LONGEST:]


def locked() -> InputError:
    """A password is needed."""
    return InputError(
        "The file is protected by a password; save it without one and import it again.",
        "document_locked",
    )
