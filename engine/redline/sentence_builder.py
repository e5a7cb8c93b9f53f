"""A restored sentence while it is put together: copied in pieces, with what is put in between."""

from __future__ import annotations

from collections.abc import Sequence

from engine.redline.characters import Syllable, is_code
from engine.redline.suspicion import HOMOPHONE_OR_MORE, Cause
from engine.redline.view import Source, Trick


class SentenceBuilder:
    """One sentence of a text; what is copied is written when something else comes behind it.

    `pieces` are those of a `Restored`, `pairs` the causes of what stands side by side. `tricked`:
    whether anything was undone.
    """

    def __init__(
        self, text: str, causes: bytes | bytearray, source: Source, holed: bool, begin: int
    ) -> None:
        """`holed`: the second halves of characters that were joined stand in `text`, as "\\0"."""
        self.out: list[str] = []
        self.pieces: list[tuple[int, ...]] = []
        self.pairs = bytearray()
        self.tricked = False
        self._text = text
        self._causes = causes
        self._source = source
        self._holed = holed
        self._size = 0
        self._from = self._upto = begin  # What is still to be copied as it is.

    @property
    def state(self) -> tuple[int, int]:
        """Something else whenever anything was put or copied."""
        return len(self.pieces), self._upto

    def put(self, character: str, start: int, end: int, trick: int) -> None:
        """Put a character that stands for ``start:end``."""
        if self._from < self._upto:
            self.copied()
        if self.pairs:
            self.pairs[-1] = Cause.SEAM
        self.out.append(character)
        self.pairs.append(Cause.SEAM)
        self.pieces.append((start, end, trick))
        self._size += 1
        self.tricked = self.tricked or trick != 0

    def put_all(self, found: Sequence[Syllable], start: int) -> None:
        """Put the syllables of what begins at `start`."""
        self.copied()
        if self.pairs:
            self.pairs[-1] = Cause.SEAM
        trick = int(Trick.PINYIN)
        self.out.append("".join([one.code for one in found]))
        self.pairs += bytes([Cause.SEAM]) * len(found)
        self.pieces += [(start + one.start, start + one.end, trick) for one in found]
        self._size += len(found)
        self.tricked = True

    def leave_out(self) -> None:
        """Leave out what stands before the next character."""
        self.copied()
        self.pieces.append(())
        self.tricked = True

    def copy(self, start: int, end: int) -> None:
        """Put what stands at ``start:end`` as it is; the second halves of characters are none."""
        if start != self._upto:
            self.copied()
            self._from = start
        self._upto = end

    def copied(self) -> None:
        """Put what is still to be copied."""
        start, last = self._from, self._upto
        self._from = last
        while start < last:
            hole = self._text.find("\0", start, last) if self._holed else -1
            end = last if hole < 0 else hole
            if start < end:
                if self.pairs:
                    self.pairs[-1] = Cause.SEAM
                self.out.append(self._text[start:end])
                self.pairs += self._causes[start:end]
                self.pieces.append((start, end))
                self._size += end - start
                if not self.tricked:
                    tricks = self._source.tricks
                    self.tricked = HOMOPHONE_OR_MORE.search(tricks, start, end) is not None
            start = end + 1

    def ended(self, start: int) -> int:
        """Copy what ends a clause at `start`; how many characters stand by now."""
        self.copy(start, start + 1)
        if self._holed:
            self.copied()
        return self._size + self._upto - self._from

    def after_code(self) -> bool:
        """Whether the last character stands for a syllable."""
        self.copied()
        return bool(self.out) and is_code(self.out[-1][-1])
