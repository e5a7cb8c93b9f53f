"""What is worked out from files that ship, kept beside them as Python keeps its bytecode.

It lies in the ``__pycache__`` of their own folder: whoever may write there may change the files
themselves, so nobody new is trusted. Where that folder cannot be written, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class _Kept(Struct, frozen=True, array_like=True):
    """A value as MessagePack, with its checksum, and everything that it was worked out from."""

    sources: tuple[bytes, ...]
    checksum: int
    value: bytes


def recall(folder: Path, name: str, sources: Iterable[bytes], kind: type[T]) -> T | None:
    """What was kept as `name` for exactly these `sources`; None where there is nothing sound."""
    try:
        kept = msgspec.msgpack.decode(_path(folder, name).read_bytes(), type=_Kept)
        # Compared whole: a digest would need OpenSSL, which takes longer to load than this.
        if kept.sources == tuple(sources) and kept.checksum == zlib.crc32(kept.value):
            return msgspec.msgpack.decode(kept.value, type=kind)
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    return None


def keep(folder: Path, name: str, sources: Iterable[bytes], value: object) -> None:
    """Keep `value` as `name` in one step; where the folder cannot be written, nothing happens."""
    path = _path(folder, name)
    encoded = msgspec.msgpack.encode(value)
    kept = _Kept(tuple(sources), zlib.crc32(encoded), encoded)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        try:
            scratch.write_bytes(msgspec.msgpack.encode(kept))
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / "__pycache__" / f"{name}.bin"
