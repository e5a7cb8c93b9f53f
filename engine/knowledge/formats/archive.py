"""Office files are archives of XML: what may be opened, and what a file really is."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from engine.errors import InputError
from engine.knowledge.formats.content import broken, inflated

_MOST_MEMBERS: Final = 5_000
_MOST_INFLATED: Final = 512 << 20
_MOST_XML: Final = 256 << 20
_CHUNK: Final = 1 << 20
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Office never writes either; both are how a few bytes are blown up to gigabytes.
_DECLARED: Final = tuple(
    word.encode(encoding)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("ascii", "utf-16-le", "utf-16-be")
)
_LONGEST: Final = max(map(len, _DECLARED))


def recognised(data: bytes) -> str:
    """What `data` is by its first bytes: docx, xlsx, pptx, zip, pdf, ole, locked, or ""."""
    if data.startswith(_OLE):
        return "locked" if "EncryptedPackage".encode("utf-16-le") in data else "ole"
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    if not data.startswith(b"PK\x03\x04"):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""
    folders = {name.partition("/")[0] for name in names[:_MOST_MEMBERS]}
    kinds = {"word": "docx", "xl": "xlsx", "ppt": "pptx"}
    return next((kind for folder, kind in kinds.items() if folder in folders), "zip")


def check_archive(data: bytes, kind: str) -> None:
    """Raise `InputError` unless `data` is a sound archive that can be opened safely as `kind`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, kind)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, ValueError) as error:
        raise broken(kind) from error
    except NotImplementedError as error:
        raise broken(kind) from error
    except Exception as error:
        if isinstance(error, InputError):
            raise
        # zlib.error, lzma.LZMAError and whatever else a decompressor has.
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
