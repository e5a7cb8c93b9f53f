"""Reads the header of a GGUF file: metadata and tensor directory, and nothing of the weights.

The file is untrusted. What it claims (counts, lengths, sizes) is held against the file's own size
and against bounds before anything is read, so no claim costs more memory or time than reading the
file's first megabytes does.
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

MAGIC: Final = b"GGUF"
# Far above what any model needs: the largest have a thousand tensors and half a million strings.
MAX_ENTRIES: Final = 16_384
MAX_TENSORS: Final = 65_536
MAX_STRINGS: Final = 4_000_000
MAX_STRING: Final = 1 << 24
MAX_TOKEN: Final = 1 << 16
_KEPT: Final = 2048
_MAX_NAME: Final = 63
_DIMENSIONS: Final = 4
_PLAIN: Final = re.compile(rb"[\x21-\x7e]+")

_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    _BOOL: struct.Struct("<B"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
INTEGERS: Final = frozenset({0, 1, 2, 3, 4, 5, 10, 11})
FLOATS: Final = frozenset({6, 12})

# How the weights of each kind are packed: weights per block, bytes per block. Kinds that llama.cpp
# can store but not multiply with are left out: it ends the process when it comes to them.
WEIGHTS: Final = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    26: (1, 4),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}


class Unsound(Exception):
    """The file cannot be used. `reason` is the end of a text's key, `values` fill that text."""

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


class Strings(Struct, frozen=True):
    """What is known of an array of strings, which is not kept: how many there are, how many of
    them are empty, and how many different ones."""

    count: int
    empty: int
    different: int


class Numbers(Struct, frozen=True):
    """An array of numbers; `items` are its first ones, `kind` is GGUF's number of their type."""

    kind: int
    count: int
    items: tuple[float, ...]


Value = bool | int | float | str | Strings | Numbers


class Tensor(Struct, frozen=True):
    """One entry of the tensor directory; `start` counts bytes from the start of the weights,
    `kind` is GGUF's number of how they are packed (0: 32-bit floats)."""

    name: str
    dimensions: tuple[int, ...]
    kind: int
    start: int
    size: int


class Header(Struct, frozen=True):
    """What a GGUF file says of itself. Each tensor lies within the file and by itself."""

    metadata: dict[str, Value]
    tensors: dict[str, Tensor]


def read_header(path: Path) -> Header:
    """The header of the file at `path`.

    Raises `Unsound` when it is none, and `OSError`. A value whose text is not UTF-8 is refused.
    """
    with path.open("rb") as file:
        return _Reader(file, path.stat().st_size).header()


class _Reader:
    """Reads forward through one file of `size` bytes, never past its end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0
        self._strings = 0

    def header(self) -> Header:
        if self._size < len(MAGIC) or self._take(4) != MAGIC:
            raise Unsound("no_gguf")
        version = self._unsigned(4)
        if version in (2 << 24, 3 << 24):
            raise Unsound("endian")
        if version not in (2, 3):
            raise Unsound("version", version=version)
        tensors, entries = self._unsigned(8), self._unsigned(8)
        # An entry takes 13 bytes at least, a tensor 24.
        if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
            raise Unsound("absurd", what="counts", value=max(tensors, entries))
        metadata: dict[str, Value] = {}
        for _ in range(entries):
            key = self._name(MAX_TOKEN)
            if key in metadata:
                raise Unsound("twice", what=key)
            metadata[key] = self._value(self._unsigned(4), key)
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 20:
            raise Unsound("absurd", what="general.alignment", value=_shown(alignment))
        if alignment & (alignment - 1):
            raise Unsound("absurd", what="general.alignment", value=alignment)
        return Header(metadata, self._directory(tensors, alignment))

    def _directory(self, count: int, alignment: int) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        expected = 0
        for _ in range(count):
            tensor = self._tensor()
            if tensor.name in tensors:
                raise Unsound("twice", what=tensor.name)
            if tensor.start != expected:
                raise Unsound("overlap", name=tensor.name)
            tensors[tensor.name] = tensor
            expected = _padded(tensor.start + tensor.size, alignment)
        if tensors:
            last = next(reversed(tensors.values()))
            needed = _padded(self._at, alignment) + last.start + last.size
            if needed > self._size:
                raise Unsound("cut", needed=needed, size=self._size)
        return tensors

    def _tensor(self) -> Tensor:
        name = self._name(_MAX_NAME)
        axes = self._unsigned(4)
        if not 1 <= axes <= _DIMENSIONS:
            raise Unsound("dimensions", name=name)
        dimensions = tuple(self._unsigned(8) for _ in range(axes))
        kind, start = self._unsigned(4), self._unsigned(8)
        if kind not in WEIGHTS:
            raise Unsound("weights", name=name, kind=kind)
        block, packed = WEIGHTS[kind]
        elements = math.prod(dimensions)
        if not 0 < elements < 1 << 48 or dimensions[0] % block:
            raise Unsound("dimensions", name=name)
        return Tensor(name, dimensions, kind, start, elements // block * packed)

    def _value(self, kind: int, key: str) -> Value:
        if kind == _STRING:
            return self._text(MAX_STRING, key)
        if kind == _ARRAY:
            return self._array(key)
        if kind not in _SCALARS:
            raise Unsound("garbled", what=key)
        return self._scalar(kind)

    def _scalar(self, kind: int) -> bool | int | float:
        layout = _SCALARS[kind]
        number: int | float = layout.unpack(self._take(layout.size))[0]
        return bool(number) if kind == _BOOL else number

    def _array(self, key: str) -> Strings | Numbers:
        kind, count = self._unsigned(4), self._unsigned(8)
        if kind == _STRING:
            return self._texts(count, key)
        # llama.cpp knows no arrays of arrays.
        if kind not in _SCALARS:
            raise Unsound("garbled", what=key)
        layout = _SCALARS[kind]
        if count * layout.size > self._size - self._at:
            raise Unsound("claims", what=key)
        kept = self._take(min(count, _KEPT) * layout.size)
        self._skip((count - min(count, _KEPT)) * layout.size)
        return Numbers(kind, count, tuple(one[0] for one in layout.iter_unpack(kept)))

    def _texts(self, count: int, key: str) -> Strings:
        self._strings += count
        if count * 8 > self._size - self._at or self._strings > MAX_STRINGS:
            raise Unsound("claims", what=key)
        empty = 0
        seen = set()
        for _ in range(count):
            # llama.cpp reads each to its first NUL.
            text = self._text(MAX_TOKEN, key).partition("\0")[0]
            empty += not text
            # The hash, which is another one in each process, is a twentieth of what some texts are.
            seen.add(hash(text))
        return Strings(count, empty, len(seen))

    def _text(self, longest: int, what: str) -> str:
        length = self._unsigned(8)
        if length > longest:
            raise Unsound("claims", what=what)
        try:
            return self._take(length).decode()
        except UnicodeDecodeError as error:
            raise Unsound("garbled", what=what) from error

    def _name(self, longest: int) -> str:
        length = self._unsigned(8)
        if not 0 < length <= longest:
            raise Unsound("garbled_name")
        data = self._take(length)
        if not _PLAIN.fullmatch(data):
            raise Unsound("garbled_name")
        return data.decode("ascii")

    def _unsigned(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _skip(self, size: int) -> None:
        self._file.seek(size, 1)
        self._at += size

    def _take(self, size: int) -> bytes:
        data = self._file.read(size) if size <= self._size - self._at else b""
        if len(data) != size:
            raise Unsound("cut_header", size=self._size)
        self._at += size
        return data


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment


def _shown(value: Value) -> object:
    return value if isinstance(value, int | float) else type(value).__name__
