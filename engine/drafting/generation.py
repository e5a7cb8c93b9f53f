"""What a generator is: chat messages and a constraint in, pieces of text out.

`llama.py` holds the real one, `scripted.py` the fake for tests; both pass the same contract test.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.drafting.prompt import ChatMessage
from engine.model_card import ModelCard
from engine.protocol import ModelMemory, Offload
from engine.records import TokenCounts

Logits = NDArray[np.float32]
Shares = Callable[[], bool]


def alone() -> bool:
    """The default of `Shares`: its work is done by itself, at once."""
    return False


class Vocabulary(Protocol):
    """The tokens of a model."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The UTF-8 bytes of every token; empty for control tokens."""
        ...

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a reply."""
        ...

    def tokenize(self, text: str) -> list[int]:
        """`text` as tokens; nothing in it is read as a control token."""
        ...


class Constraint(Protocol):
    """Decides what may come next: the sampler and all that is enforced in it."""

    def choose(self, logits: Logits) -> Sequence[int]:
        """The next tokens after those already chosen (`logits` are for the next one, unnormalised).

        One token, or several where only one way leads on; none ends the reply.
        """
        ...


class Piece(Struct, frozen=True):
    """Text that was generated, and the counts so far."""

    text: str
    tokens: TokenCounts


class Generator(Protocol):
    """A model that writes."""

    @property
    def name(self) -> str:
        """The model's name and short hash."""
        ...

    @property
    def card(self) -> ModelCard:
        """What is known of it beside its file."""
        ...

    @property
    def offload(self) -> Offload:
        """Where its layers are."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """Its tokens."""
        ...

    @property
    def context(self) -> int:
        """The most tokens that prompt and reply may have together."""
        ...

    @property
    def replies_at_once(self) -> int:
        """How many replies are best written in turn; beyond them room has to be made each time."""
        ...

    @property
    def memory(self) -> ModelMemory:
        """What it remembers of conversations."""
        ...

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        ...

    def forget(self, conversations: Collection[str]) -> None:
        """Have nothing of these conversations in memory any more; none is being written."""
        ...

    def read_ahead(
        self, messages: Sequence[ChatMessage], *, conversation: str = "", shares: Shares = alone
    ) -> Iterator[None]:
        """Read `messages`, which a prompt of `conversation`, or of any, will begin with.

        Each item is a step of work, as in `generate`. What was read stays read.
        """
        ...

    def generate(
        self,
        messages: Sequence[ChatMessage],
        constraint: Constraint,
        *,
        limit: int,
        conversation: str = "",
        shares: Shares = alone,
    ) -> Iterator[Piece]:
        """The reply to `messages`, piece by piece, at most about `limit` tokens.

        A piece, often an empty one, comes after every step of work (a chunk of the prompt, a
        token), so that whoever drives several replies can turn to another one in between, and
        leave one for good by closing the iterator. What was read for `conversation` stays read as
        long as there is room. While `shares` says so, its steps may be done in one batch with
        those of other replies that wait for theirs.
        """
        ...

    def close(self) -> None:
        """Free the model's memory."""
        ...


class TextAssembler:
    """Turns tokens into text as they come, each byte decoded once.

    A character that the last token leaves incomplete is left out.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._decoder: Any = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, tokens: Sequence[int]) -> str:
        """The characters that `tokens` complete."""
        text: str = self._decoder.decode(b"".join(map(self._pieces.__getitem__, tokens)))
        return text
