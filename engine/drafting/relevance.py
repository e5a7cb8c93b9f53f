"""How much each sentence of the evidence has to do with the question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.records import Evidence

# A sentence in its section says more than alone; its passage's place in the search counts like
# the sentence itself; and what a policy fixes in numbers is mostly what was asked for.
_IN_SECTION = 0.5
_PASSAGE = 1.0
_FIGURES = 0.08
_WHOLE = 1 + _IN_SECTION + _PASSAGE + _FIGURES


class SentenceScores(Protocol):
    """Scores sentences against a question, 0…1 each."""

    def score_sentences(self, query: str, sentences: Sequence[str]) -> list[float]: ...  # noqa: D102


def relevance(
    knowledge: SentenceScores, query: str, sentences: Mapping[str, Evidence]
) -> list[float]:
    """The relevance (0…1) of each of `sentences`, which map to the passages they stand in."""
    if not sentences:
        return []
    best = max(item.score for item in sentences.values()) or 1.0
    within = [f"{item.section} {sentence}" for sentence, item in sentences.items()]
    scores = knowledge.score_sentences(query, [*sentences, *within])
    alone, in_section = scores[: len(within)], scores[len(within) :]
    return [
        (
            alone[place]
            + _IN_SECTION * in_section[place]
            + _PASSAGE * item.score / best
            + _FIGURES * bool(re.search(r"\d", sentence))
        )
        / _WHOLE
        for place, (sentence, item) in enumerate(sentences.items())
    ]
