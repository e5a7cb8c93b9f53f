"""How a reply is chosen that only a limit or a caller ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.drafting.generation import Generator, Logits


class Greedy:
    """The likeliest token that is no end."""

    def __init__(self, generator: Generator) -> None:
        self._never = list(generator.vocabulary.ends)

    def choose(self, logits: Logits) -> Sequence[int]:
        allowed = np.array(logits)
        allowed[self._never] = -np.inf
        return (int(allowed.argmax()),)
