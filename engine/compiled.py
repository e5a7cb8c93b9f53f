"""What is worked out from files that ship, kept beside them as Python keeps its bytecode.

It lies in the ``__pycache__`` of their own folder: whoever may write there may change the files
themselves, so nobody new is trusted. Where that folder cannot be written, nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def key_of(parts: Iterable[bytes]) -> bytes:
    """A digest of `parts` that changes when any of them, their order or their borders do."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


def recall(folder: Path, name: str, key: bytes, kind: type[T]) -> T | None:
    """What was kept as `name` for exactly this `key`; None where there is nothing sound."""
    try:
        data = _path(folder, name).read_bytes()
        if data[:32] == key and data[32:64] == hashlib.sha256(data[64:]).digest():
            return msgspec.msgpack.decode(data[64:], type=kind)
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    return None


def keep(folder: Path, name: str, key: bytes, value: object) -> None:
    """Keep `value` as `name` in one step; where the folder cannot be written, nothing happens."""
    path = _path(folder, name)
    payload = msgspec.msgpack.encode(value)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        try:
            scratch.write_bytes(key + hashlib.sha256(payload).digest() + payload)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / "__pycache__" / f"{name}.bin"
