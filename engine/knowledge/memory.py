"""Questions of other trades: what answered the ones most like this one, and which had no answer.

Nearest neighbours need no training and forget nothing; they carry a wish (the parcel is late) over
to the wording that meets it (delivery takes …) where the two share no word. And what companies do
not write down is much the same everywhere: who is hired, what next year brings, where to park.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.vectors import Vectors, dots

_NEIGHBOURS: Final = 200
_SHARPNESS: Final = 12.0


class AnswerMemory(Struct, frozen=True):
    """Vectors of `questions` and of what answered each, less the mean of its company's sentences;
    and of questions `unanswered` by what their companies know. All are float32 of shape
    (questions, dimension)."""

    questions: Vectors
    answers: Vectors
    unanswered: Vectors

    def answers_like(self, question: Vectors) -> Vectors:
        """The direction (unit length) in which the answers to the questions most like
        `question` lie, each weighing the more the more alike its question is."""
        nearest, shares = _nearest(dots(self.questions, question))
        mean = (shares[:, None] * self.answers[nearest]).sum(axis=0)
        direction: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return direction

    def unanswered_like(self, question: Vectors) -> float:
        """The share (0…1) that had no answer, of the questions most like `question`, each weighing
        the more the more alike it is."""
        likeness = [dots(self.unanswered, question), dots(self.questions, question)]
        nearest, shares = _nearest(np.concatenate(likeness))
        return float(shares[nearest < len(self.unanswered)].sum())


def _nearest(likeness: Vectors) -> tuple[NDArray[np.intp], Vectors]:
    """The places of the most alike, and what each of them weighs, 1 all together."""
    count = min(_NEIGHBOURS, len(likeness))
    nearest = np.argpartition(-likeness, count - 1)[:count]
    weights = np.exp(_SHARPNESS * (likeness[nearest] - likeness[nearest].max()))
    return nearest, np.asarray(weights / weights.sum(), dtype=np.float32)
