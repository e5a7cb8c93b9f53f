"""GGUF files as a liar writes them: every field of a sound one can be given another value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q"}


@dataclass
class Stored:
    """One tensor as it is declared, and its bytes."""

    dimensions: list[int]
    kind: int
    data: bytes
    start: int | None = None


@dataclass
class Gguf:
    """A file in parts. A value is (kind, what), an array's what is (kind of items, items)."""

    metadata: dict[str, tuple[int, Any]] = field(default_factory=dict)
    tensors: dict[str, Stored] = field(default_factory=dict)
    version: int = 3
    claimed_tensors: int | None = None
    claimed_entries: int | None = None

    def set(self, key: str, kind: int, value: Any) -> None:
        self.metadata[key] = (kind, value)

    def copy(self) -> Gguf:
        return deepcopy(self)

    def header(self) -> bytes:
        """Everything before the weights."""
        tensors, entries = len(self.tensors), len(self.metadata)
        parts = [
            b"GGUF",
            struct.pack(
                "<IQQ",
                self.version,
                tensors if self.claimed_tensors is None else self.claimed_tensors,
                entries if self.claimed_entries is None else self.claimed_entries,
            ),
        ]
        for key, (kind, value) in self.metadata.items():
            parts += [string(key), struct.pack("<I", kind), packed(kind, value)]
        at = 0
        for name, one in self.tensors.items():
            start = at if one.start is None else one.start
            parts += [string(name), struct.pack("<I", len(one.dimensions))]
            parts += [struct.pack("<Q", size % 2**64) for size in one.dimensions]
            parts.append(struct.pack("<IQ", one.kind, start))
            at += padded(len(one.data))
        data = b"".join(parts)
        return data + bytes(padded(len(data)) - len(data))

    def encode(self) -> bytes:
        blocks = [
            one.data + bytes(padded(len(one.data)) - len(one.data)) for one in self.tensors.values()
        ]
        return self.header() + b"".join(blocks)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.encode())
        return path


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def packed(kind: int, value: Any) -> bytes:
    if isinstance(value, bytes):  # A lie, ready made.
        return value
    if kind == STRING:
        return string(value)
    if kind == ARRAY:
        inner, items = value
        head = struct.pack("<IQ", inner, len(items))
        if inner == STRING:
            return head + b"".join(string(item) for item in items)
        return head + struct.pack(f"<{len(items)}{_FORMATS[inner]}", *items)
    return struct.pack("<" + _FORMATS[kind], value)


def padded(size: int) -> int:
    return (size + 31) // 32 * 32


def take_apart(path: Path) -> Gguf:
    """A sound file, ready to be changed."""
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(path)
    made = Gguf()
    for one in reader.fields.values():
        if one.name.startswith("GGUF."):
            continue
        kind = int(one.types[0])
        value: Any = one.contents()
        if kind == GGUFValueType.ARRAY:
            inner = int(one.types[1])
            raw = [bytes(one.parts[at]) for at in one.data] if inner == STRING else list(value)
            value = (inner, raw)
        made.metadata[one.name] = (kind, value)
    for tensor in reader.tensors:
        dimensions = [int(size) for size in tensor.shape]
        stored = Stored(dimensions, int(tensor.tensor_type), tensor.data.tobytes())
        made.tensors[tensor.name] = stored
    return made


Change = Callable[[Gguf], None]
