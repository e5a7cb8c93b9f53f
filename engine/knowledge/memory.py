"""Questions that were answered before, in other trades: what answered the ones most like this one.

Nearest neighbours need no training and forget nothing; they carry a wish (the parcel is late) over
to the wording that meets it (delivery takes …) where the two share no word.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from engine.knowledge.vectors import Vectors, dots

_NEIGHBOURS: Final = 200
_SHARPNESS: Final = 12.0


class AnswerMemory(Struct, frozen=True):
    """Vectors of `questions` and of what answered each, less the mean of its company's sentences;
    both float32 of shape (questions, dimension)."""

    questions: Vectors
    answers: Vectors

    def answers_like(self, question: Vectors) -> Vectors:
        """The direction (unit length) in which the answers to the questions most like
        `question` lie, each weighing the more the more alike its question is."""
        likeness = dots(self.questions, question)
        count = min(_NEIGHBOURS, len(likeness))
        nearest = np.argpartition(-likeness, count - 1)[:count]
        shares = np.exp(_SHARPNESS * (likeness[nearest] - likeness[nearest].max()))
        mean = (shares[:, None] * self.answers[nearest]).sum(axis=0)
        direction: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return direction
