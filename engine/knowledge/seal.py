"""A version's seal: size and SHA-256 of each of its files, so that damage is seen before use.

Everything is read once when a version is opened, about a second for each GB: LanceDB itself has no
checksums, and a changed byte in its files may come back as another passage.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.knowledge.catalogue import corrupt

FILES = "files.json"
# LanceDB opens whatever has the highest number in here.
_NUMBERED = "_versions"
_AT_ONCE = 4


class _File(Struct, frozen=True):
    path: str
    size: int
    digest: str


def seal(version: Path) -> str:
    """Write down all files of a finished version, see them on disk, and return the list's digest.

    Raises `OSError` when the disk refuses.
    """
    paths = [path for path in sorted(version.rglob("*")) if path.is_file()]
    with ThreadPoolExecutor(_AT_ONCE, "seal") as threads:
        files = list(threads.map(lambda path: _on_disk(version, path), paths))
    data = msgspec.json.encode(files)
    with (version / FILES).open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def _on_disk(version: Path, path: Path) -> _File:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _File(path.relative_to(version).as_posix(), file.tell(), digest)


def verify(version: Path, digest: str) -> None:
    """Raise `KnowledgeError` unless every file is as it was sealed under `digest`."""
    try:
        if not (version / FILES).is_file():
            # To read a pipe would be to wait for ever.
            raise ValueError(FILES)
        data = (version / FILES).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(FILES)
        files = msgspec.json.decode(data, type=list[_File])
        # All sizes first: the commonest damage is found at once.
        for one in files:
            path = version / one.path
            if not path.is_file() or path.stat().st_size != one.size:
                raise ValueError(one.path)
        known = {one.path for one in files}
        for path in version.rglob(f"{_NUMBERED}/*"):
            if path.relative_to(version).as_posix() not in known:
                raise ValueError(f"{_NUMBERED}: {len(known)}")
        for one in files:
            with (version / one.path).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != one.digest:
                    raise ValueError(one.path)
    except (OSError, ValueError) as error:
        raise corrupt(error) from error
