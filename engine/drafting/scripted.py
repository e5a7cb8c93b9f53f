"""A generator that writes what it was told to: for tests of everything around a model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from engine.drafting.generation import Constraint, Logits, Piece, Shares, TextAssembler, alone
from engine.drafting.prompt import ChatMessage
from engine.model_card import ModelCard
from engine.protocol import ModelMemory, Offload
from engine.records import TokenCounts

_END = 256


class ByteVocabulary:
    """One token a byte, and one that ends the reply."""

    pieces: Sequence[bytes] = (*(bytes([value]) for value in range(256)), b"")
    ends = frozenset({_END})

    def tokenize(self, text: str) -> list[int]:
        """The bytes of `text`."""
        return list(text.encode("utf-8", "replace"))


class ScriptedGenerator:
    """Prefers, byte by byte, the next of its `replies`; constraints apply as to any model.

    Without replies left it repeats the last; with none at all it ends at once.
    """

    def __init__(self, replies: Sequence[str] = (), context: int = 65536) -> None:
        self.name = "scripted"
        self.card = ModelCard()
        self.offload = Offload(0, 0, "CPU", "gpu.none")
        self.vocabulary = ByteVocabulary()
        self.context = context
        self.replies_at_once = 4
        self.memory = ModelMemory()
        self.seen: list[Sequence[ChatMessage]] = []
        self._replies = list(replies)

    def count(self, text: str) -> int:
        """How many bytes `text` has."""
        return len(self.vocabulary.tokenize(text))

    def forget(self, conversations: Collection[str]) -> None:
        """Only what tests look at is remembered."""

    def read_ahead(
        self, messages: Sequence[ChatMessage], *, conversation: str = "", shares: Shares = alone
    ) -> Iterator[None]:
        """There is nothing to read."""
        yield from ()

    def generate(
        self,
        messages: Sequence[ChatMessage],
        constraint: Constraint,
        *,
        limit: int,
        conversation: str = "",
        shares: Shares = alone,
    ) -> Iterator[Piece]:
        """See `Generator.generate`."""
        self.seen.append(messages)
        prompt = sum(self.count(message.content) for message in messages)
        reply = self._replies.pop(0) if len(self._replies) > 1 else "".join(self._replies)
        wanted = [*self.vocabulary.tokenize(reply), _END]
        text = TextAssembler(self.vocabulary.pieces)
        yield Piece("", TokenCounts(prompt, 0, 0))
        generated = 0
        while generated < limit:
            tokens = list(constraint.choose(_preferring(wanted, generated)))[: limit - generated]
            if not tokens:
                break
            generated += len(tokens)
            yield Piece(text.add(tokens), TokenCounts(prompt, 0, generated))

    def close(self) -> None:
        """Nothing to free."""


def _preferring(wanted: Sequence[int], place: int) -> Logits:
    logits = np.zeros(257, dtype=np.float32)
    logits[wanted[min(place, len(wanted) - 1)]] = 10.0
    logits[_END] += 1.0
    return logits
