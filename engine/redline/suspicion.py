"""Where a text could be disguised at all, told by its characters two by two.

Most of what people write gives no cause to restore anything. A pair is judged on first sight and
looked up from then on, so that an ordinary message costs one look-up a character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from operator import add

_MOST = 1 << 16

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


class Suspicion(dict[str, int]):
    """Pair of characters → its causes, kept for the latest tens of thousands of pairs."""

    def __init__(self, judge: Callable[[str, str], int]) -> None:
        super().__init__()
        self._judge = judge

    def __missing__(self, pair: str) -> int:
        if len(self) >= _MOST:
            self.clear()
        causes = self[pair] = self._judge(pair[0], pair[1])
        return causes

    def causes(self, text: str, following: str = "") -> bytes:
        """For each character of `text` what it gives cause to, together with the next one.

        `following`: the one behind the text.
        """
        return bytes(map(self.__getitem__, map(add, text, text[1:] + (following or "\0"))))
