"""Questions of other trades: what answered the ones most like this one, and which had no answer.

Nearest neighbours need no training and forget nothing; they carry a wish (the parcel is late) over
to the wording that meets it (delivery takes …) where the two share no word. And what companies do
not write down is much the same everywhere: who is hired, what next year brings, where to park.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.grams import is_function
from engine.knowledge.vectors import Vectors, dots, unit

_NEIGHBOURS: Final = 200
_SHARPNESS: Final = 12.0
_RIDGE: Final = 8.0
# The words of far neighbours are noise.
_READ: Final = 60
# Less than this many times its usual share a word is not expected.
_USUAL: Final = 1.5


class AnswerWords(Struct, frozen=True, dict=True):
    """Which content `grams` stand in each answer: their places, one answer after the other
    (`said`), and where each answer ends in that (`ends`); `usual` is the share of all sentences
    that hold a gram."""

    grams: list[str]
    usual: Vectors
    said: NDArray[np.int32]
    ends: NDArray[np.int32]

    @classmethod
    def of(
        cls, answers: Sequence[Iterable[str]], sentences: Sequence[Iterable[str]]
    ) -> AnswerWords:
        """Those of `answers`, given their grams and those of all `sentences` of the companies."""
        kept = [{gram for gram in answer if not is_function(gram)} for answer in answers]
        known = sorted(set().union(*kept))
        places = {gram: place for place, gram in enumerate(known)}
        counts = np.zeros(len(known), dtype=np.float32)
        for sentence in sentences:
            counts[[places[gram] for gram in set(sentence) if gram in places]] += 1
        said = [sorted(places[gram] for gram in answer) for answer in kept]
        return cls(
            known,
            np.asarray(counts / max(1, len(sentences)), dtype=np.float32),
            np.array([place for one in said for place in one], dtype=np.int32),
            np.cumsum([len(one) for one in said], dtype=np.int32),
        )

    def fits(self, answers: int) -> bool:
        """Whether these are the words of so many answers, and whole."""
        ends = [0, *self.ends.tolist()]
        return (
            self.usual.shape == (len(self.grams),)
            and len(ends) == answers + 1
            and ends == sorted(ends)
            and ends[-1] == len(self.said)
            and bool(((self.said >= 0) & (self.said < len(self.grams))).all())
        )

    def expected(self, nearest: NDArray[np.intp], shares: Vectors) -> dict[str, float]:
        """By how much each gram stands more often than usual in the answers `nearest`, each of
        which counts as its share."""
        begins = self._begins[nearest]
        lengths = self.ends[nearest] - begins
        places = np.concatenate(
            [
                self.said[start : start + length]
                for start, length in zip(begins, lengths, strict=True)
            ]
        )
        found = np.bincount(places, np.repeat(shares, lengths), minlength=len(self.grams))
        more = found - _USUAL * self.usual
        there = np.flatnonzero(more > 0)
        return dict(zip(self._names[there].tolist(), more[there].tolist(), strict=True))

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        return np.array(self.grams, dtype=object)

    @cached_property
    def _begins(self) -> NDArray[np.int32]:
        return np.concatenate([np.zeros(1, dtype=np.int32), self.ends[:-1]])


class Recalled(Struct, frozen=True):
    """What a memory tells of a question, by the questions most like it, each weighing the more the
    more alike it is.

    `answered`: the direction (unit length) in which their answers lie; `turned`, `turned_newest`:
    that in which the answer lies by the linear map, of the whole question and of its newest turn;
    `words`: the grams that their answers hold more often than others, and by how much (a relevance
    model, Lavrenko and Croft, 2001, from other companies); `unanswered`: the share (0…1) of them
    that had no answer.
    """

    answered: Vectors
    turned: Vectors
    turned_newest: Vectors
    words: dict[str, float]
    unanswered: float


class AnswerMemory(Struct, frozen=True):
    """Vectors of `questions` and of what answered each, less the mean of its company's sentences;
    and of questions `unanswered` by what their companies know. All are float32 of shape
    (questions, dimension). `words` are those of the answers, and `turn` (dimension, dimension) is
    the linear map that takes questions nearest to their answers."""

    questions: Vectors
    answers: Vectors
    unanswered: Vectors
    words: AnswerWords
    turn: Vectors

    def recall(self, question: Vectors, newest: Vectors) -> Recalled:
        """What became of questions like `question`, of which `newest` is the newest turn alone."""
        known = dots(self.questions, question)
        nearest, shares = _nearest(known)
        closest = np.argsort(-shares, kind="stable")[:_READ]
        everyone, shares_of_all = _nearest(np.concatenate([dots(self.unanswered, question), known]))
        return Recalled(
            answered=_direction((shares[:, None] * self.answers[nearest]).sum(axis=0)),
            turned=_direction(dots(self.turn, question)),
            turned_newest=_direction(dots(self.turn, newest)),
            words=self.words.expected(nearest[closest], shares[closest]),
            unanswered=float(shares_of_all[everyone < len(self.unanswered)].sum()),
        )


def _direction(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def turned(questions: Vectors, answers: Vectors) -> Vectors:
    """The linear map of `questions` nearest to `answers`, which count alike (ridge regression)."""
    square = questions.T @ questions + _RIDGE * np.eye(questions.shape[1])
    solved = np.linalg.solve(square, questions.T @ unit(answers))
    return np.ascontiguousarray(solved.T, dtype=np.float32)


def _nearest(likeness: Vectors) -> tuple[NDArray[np.intp], Vectors]:
    """The places of the most alike, and what each of them weighs, 1 all together."""
    count = min(_NEIGHBOURS, len(likeness))
    nearest = np.argpartition(-likeness, count - 1)[:count]
    weights = np.exp(_SHARPNESS * (likeness[nearest] - likeness[nearest].max()))
    return nearest, np.asarray(weights / weights.sum(), dtype=np.float32)
