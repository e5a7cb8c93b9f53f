"""Where a text could be disguised at all, told by its characters two by two.

Most of what people write gives no cause to restore anything. A pair is judged on first sight and
looked up from then on, so that an ordinary message costs one look-up a character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from sys import byteorder

_MOST = 1 << 16
_ENCODING = f"utf-32-{byteorder[0]}e"

HOMOPHONE_OR_MORE = re.compile(rb"[^\x00]")
CHANGED_OR_MORE = re.compile(rb"[^\x00\x01]")
TRICKY = re.compile(rb"[\x08-\xff]")
PARTS = re.compile(rb"[\x10-\xff]")
SEAM = re.compile(rb"[\x40-\xff]+")
HOMOPHONE = re.compile(b"[" + re.escape(bytes(range(1, 256, 2))) + b"]")
NUMBER = re.compile(b"[" + re.escape(bytes(n for n in range(256) if n & 4)) + b"]")


class Cause(IntEnum):
    """What a pair of characters gives cause to; several are added up. The patterns go by value."""

    HOMOPHONE = 1  # One of the two sounds like a rule's character.
    RESTORE = 2  # The first is no Han character, digit, or border.
    NUMBER = 4  # Part of a number that is written in Han numerals.
    SIGN = 8  # The first is a sign that is read as a character.
    PLAIN = 16  # The first is a look-alike.
    WHOLE = 32  # The two are the parts of one character.
    SEAM = 64  # The two did not stand side by side: the pair must be judged anew.


class Suspicion(dict[int, int]):
    """Pair of characters → its causes, kept for the latest tens of thousands of pairs.

    A pair is looked up by the number that the two make in memory, which spares a string for each.
    """

    def __init__(self, judge: Callable[[str, str], int]) -> None:
        super().__init__()
        self._judge = judge

    def __missing__(self, pair: int) -> int:
        if len(self) >= _MOST:
            self.clear()
        two = pair.to_bytes(8, byteorder).decode(_ENCODING, "surrogatepass")
        causes = self[pair] = self._judge(two[0], two[1])
        return causes

    def causes(self, text: str, following: str = "") -> bytes:
        """For each character of `text` what it gives cause to, together with the next one.

        `following`: the one behind the text.
        """
        size = len(text)
        half = size // 2 * 8
        points = memoryview((text + (following or "\0") + "\0").encode(_ENCODING, "surrogatepass"))
        found = bytearray(size)
        found[::2] = bytes(map(self.__getitem__, points[: half + size % 2 * 8].cast("Q")))
        found[1::2] = bytes(map(self.__getitem__, points[4 : half + 4].cast("Q")))
        return bytes(found)
