"""Passages taken apart into sentences for comparing with questions; the newest ones are kept.

The questions of a conversation find the same passages again and again, and what is worked out of
a passage by itself is most of the work of judging it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from engine.knowledge.answer_cues import OFFERS, cues_in
from engine.knowledge.grams import Weights, clean, grams
from engine.knowledge.recent import Recent
from engine.knowledge.sentences import split_sentences
from engine.knowledge.vectors import Vectors
from engine.knowledge.weighing import Scale, Weighed
from engine.records import Passage

if TYPE_CHECKING:
    from engine.knowledge.embedding import Embedder

# Some ten megabytes.
_KEPT: Final = 128


class Sentences(Struct, frozen=True):
    """A passage's sentences: each one's text; itself and with its section before it, by its grams
    (`said`, `within`) and as rows of vectors (`alone`, `inside`); what it offers, a row of cues.
    `head` is the vector of title and section, `section` and `title` are these by their grams."""

    texts: list[str]
    said: list[Weighed]
    within: list[Weighed]
    alone: Vectors
    inside: Vectors
    head: Vectors
    offers: Vectors
    section: Weighed
    title: Weighed


class SentenceReader:
    """Takes passages of one version of the knowledge apart, by what it finds remarkable."""

    def __init__(self, embedder: Embedder, weights: Weights) -> None:
        self.scale = Scale(weights)
        self._embedder = embedder
        self._recent: Recent[Passage, Sentences] = Recent(_KEPT)

    def read(self, passages: Sequence[Passage]) -> list[Sentences]:
        """The sentences of each of `passages`."""
        read = {one: kept for one in passages if (kept := self._recent.get(one))}
        new = [one for one in dict.fromkeys(passages) if one not in read]
        for passage, sentences in zip(new, self._taken_apart(new), strict=True):
            read[passage] = sentences
            self._recent.keep(passage, sentences)
        return [read[passage] for passage in passages]

    def _taken_apart(self, passages: Sequence[Passage]) -> list[Sentences]:
        split = [[span.text for span in split_sentences(passage.text)] for passage in passages]
        asked = [
            clean(text)
            for passage, texts in zip(passages, split, strict=True)
            for text in (
                *texts,
                *(f"{passage.section} {text}" for text in texts),
                f"{passage.title} {passage.section}",
            )
        ]
        # All at once: an embedder has its costs for each call.
        vectors = self._embedder.passages(asked)
        apart: list[Sentences] = []
        place = 0
        for passage, texts in zip(passages, split, strict=True):
            count = len(texts)
            own = vectors[place : place + 2 * count + 1].copy()
            place += len(own)
            section = grams(passage.section)
            said = [grams(text) for text in texts]
            apart.append(
                Sentences(
                    texts,
                    [self.scale.weigh(one) for one in said],
                    [self.scale.weigh((*section, *one)) for one in said],
                    own[:count],
                    own[count:-1],
                    own[-1],
                    np.array([cues_in(text, OFFERS) for text in texts], dtype=np.float32).reshape(
                        count, len(OFFERS)
                    ),
                    self.scale.weigh(section),
                    self.scale.weigh(grams(passage.title)),
                )
            )
        return apart
