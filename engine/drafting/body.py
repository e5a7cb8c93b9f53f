"""What the model writes between the opening and the closing of a reply."""

from __future__ import annotations

from msgspec import Struct

from engine.records import Hit, TokenCounts


class Body(Struct):
    """What one try of the model came to."""

    text: str = ""
    tokens: TokenCounts = TokenCounts()
    blocked: tuple[Hit, ...] = ()
    blanks: str = ""

    def add(self, piece: str) -> str:
        """Take `piece`; what of it stands in the reply, which has no blanks around it."""
        whole = self.blanks + piece if self.text else piece.lstrip()
        kept = whole.rstrip()
        self.blanks = whole[len(kept) :]
        self.text += kept
        return kept
