"""Identifiers: UUID version 7, so that ids sort by the time they were made."""

from __future__ import annotations

import os
import threading
import time

_TAIL_BITS = 74  # 12 bits of rand_a and 62 of rand_b


def _random(bits: int) -> int:
    return int.from_bytes(os.urandom((bits + 7) // 8)) & ((1 << bits) - 1)


class IdSource:
    """Makes UUIDv7 strings that grow strictly, also within one millisecond or a set-back clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._tail = 0

    def new(self) -> str:
        """The next id, 36 characters."""
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._milliseconds:
                self._milliseconds = now
                self._tail = _random(_TAIL_BITS - 1)
            else:
                self._tail += 1 + _random(32)
                if self._tail >> _TAIL_BITS:
                    self._milliseconds += 1
                    self._tail = _random(_TAIL_BITS - 1)
            head, low = self._tail >> 62, self._tail & ((1 << 62) - 1)
            number = (self._milliseconds << 80) | (7 << 76) | (head << 64) | (2 << 62) | low
        digits = f"{number:032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def after(self, known: str) -> None:
        """Make only ids greater than `known`, a UUIDv7 from before: the clock may be set back."""
        try:
            number = int(known.replace("-", ""), 16)
        except ValueError:
            return
        milliseconds = number >> 80
        tail = ((number >> 64 & 0xFFF) << 62) | (number & ((1 << 62) - 1))
        with self._lock:
            if (milliseconds, tail) > (self._milliseconds, self._tail):
                self._milliseconds, self._tail = milliseconds, tail


# One per process, so that ids of several open stores grow together.
_source = IdSource()


def new_id() -> str:
    """A new id, greater than every id this process made before."""
    return _source.new()


def ids_after(known: str) -> None:
    """See to it that every new id of this process is greater than `known`."""
    _source.after(known)
