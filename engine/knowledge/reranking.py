"""Which sentence answers, and whether any does: learnt from questions whose answer is known.

Pointwise learning to rank (Liu, Learning to Rank for Information Retrieval, 2009, ch. 2) by
logistic regression, so that a relevance is a probability. Without one a plain sum decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from engine.knowledge.answer_features import (
    COUNT,
    WHOLE,
    Candidates,
    Features,
    Wish,
    is_english,
    measure,
    whole,
)
from engine.knowledge.embedder_folder import broken
from engine.knowledge.memory import AnswerMemory
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.vectors import Vectors, dots
from engine.knowledge.wording import Wording, read, written
from engine.records import Found

if TYPE_CHECKING:
    from engine.knowledge.embedding import Embedder

RERANKER: Final = "reranker.safetensors"
RERANKED: Final = 8
"""So many of the first passages are looked at sentence by sentence."""
_LARGEST: Final = 64 << 20
# A sentence in its section says more than alone; its passage's place in the search counts like
# the sentence itself; and what a policy fixes in numbers is mostly what was asked for.
_IN_SECTION: Final = 0.5
_PASSAGE: Final = 1.0
_FIGURES: Final = 0.08
# A probability spreads over many powers of ten; what chooses sentences reads a scale on which
# three quarters of the best is still worth saying.
_FLATTENED: Final = 0.25


class Linear(Struct, frozen=True):
    """A logistic regression over standardised features: arrays of one length, and `bias`."""

    mean: Features
    spread: Features
    weights: Features
    bias: float

    def chances(self, features: Features) -> Features:
        """The probability of each row."""
        rated = dots((features - self.mean) / self.spread, self.weights) + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(rated, -30, 30))), dtype=np.float32)


class Reranker(Struct, frozen=True):
    """`sentence` rates sentences, `answered` whether a question is answered at all, which it is
    taken to be from the probability `least` on (`least_english`: a question in English); `memory`
    is what both look back to, and `wording` is how questions sound that have an answer."""

    sentence: Linear
    answered: Linear
    least: float
    least_english: float
    memory: AnswerMemory
    wording: Wording


class Judged(Struct, frozen=True):
    """`found` by how well each passage's best sentence answers, the `relevance` (0…1) of every
    sentence, and whether they are likely to answer the question at all."""

    found: list[Found]
    relevance: dict[str, float]
    answered: bool


def judge(
    wish: Wish, passages: Sequence[Found], reader: SentenceReader, embedder: Embedder
) -> Judged:
    """Judge the first `RERANKED` of `passages`; what lies behind them stays there."""
    head, tail = list(passages[:RERANKED]), list(passages[RERANKED:])
    reranker = embedder.reranker
    memory = reranker.memory if reranker is not None else None
    candidates = measure(wish, head, reader, memory)
    if reranker is None:
        return Judged(
            [*head, *tail],
            best_of(candidates.texts, plain(candidates, embedder.vector_weight)),
            max((strength(item) for item in head[:3]), default=0.0) >= embedder.answerable,
        )
    chances = reranker.sentence.chances(candidates.features)
    seen = whole(wish, head, candidates, chances, reranker.memory, reranker.wording)
    sure = reranker.answered.chances(seen[None, :])[0]
    relevance = chances**_FLATTENED
    best = [0.0] * len(head)
    for owner, one in zip(candidates.owners, relevance.tolist(), strict=True):
        best[owner] = max(best[owner], one)
    order = sorted(range(len(head)), key=lambda place: (-best[place], place))
    ranked = [replace(head[place], score=round(best[place], 6)) for place in order]
    behind = [replace(item, score=0.0) for item in tail]
    return Judged(
        [replace(item, rank=rank) for rank, item in enumerate([*ranked, *behind], start=1)],
        best_of(candidates.texts, relevance),
        bool(sure >= (reranker.least_english if is_english(wish) else reranker.least)),
    )


def strength(item: Found) -> float:
    """How much a passage has to do with the question, by its words and by its meaning."""
    return item.coverage + item.cosine


def load_reranker(folder: Path, dimension: int) -> Reranker | None:
    """The reranker that was learnt for the embedder in `folder`; None when there is none.

    Raises `EmbedderError` when it does not fit the embedder or this program.
    """
    path = folder / RERANKER
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        from safetensors.numpy import load_file

        stored = load_file(path)
        grams = read(stored.pop("wording.grams"))
        numbers = {name: value.astype(np.float32) for name, value in stored.items()}
        return _assembled(numbers, grams, dimension)
    except Exception as error:  # The library below may raise anything on a broken file.
        why = str(error).partition("\n")[0][:200]
        raise broken(folder, "part", what=RERANKER, why=why) from error


def save_reranker(reranker: Reranker, folder: Path) -> None:
    """Write `reranker` beside its embedder, its memory with eight bits a number."""
    from safetensors.numpy import save_file

    stored: dict[str, NDArray[Any]] = {
        **_short("memory.questions", reranker.memory.questions),
        **_short("memory.answers", reranker.memory.answers),
        **_short("memory.unanswered", reranker.memory.unanswered),
        "wording.grams": written(reranker.wording.grams),
        "wording.rarity": reranker.wording.rarity,
        "wording.weights": reranker.wording.weights,
        "wording.bias": np.array([reranker.wording.bias], dtype=np.float32),
        "least": np.array([reranker.least, reranker.least_english], dtype=np.float32),
    }
    for name, linear in (("sentence", reranker.sentence), ("answered", reranker.answered)):
        stored |= {
            f"{name}.mean": linear.mean,
            f"{name}.spread": linear.spread,
            f"{name}.weights": linear.weights,
            f"{name}.bias": np.array([linear.bias], dtype=np.float32),
        }
    partial = folder / f"{RERANKER}.part"
    save_file(stored, partial)
    partial.chmod(0o644)
    partial.replace(folder / RERANKER)


def _assembled(stored: dict[str, Features], grams: list[str], dimension: int) -> Reranker:
    for name, value in stored.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{name} is no number")
    linears = []
    for name, count in (("sentence", COUNT), ("answered", WHOLE)):
        mean, spread, weights = (stored[f"{name}.{part}"] for part in ("mean", "spread", "weights"))
        if not mean.shape == spread.shape == weights.shape == (count,) or (spread <= 0).any():
            raise ValueError(f"{name} is made for another version of the program")
        linears.append(Linear(mean, spread, weights, float(stored[f"{name}.bias"][0])))
    questions, answers, unanswered = (
        stored[f"memory.{name}"] * stored[f"memory.{name}.scale"]
        for name in ("questions", "answers", "unanswered")
    )
    widths = {questions.shape[1:], answers.shape[1:], unanswered.shape[1:]}
    if len(questions) != len(answers) or widths != {(dimension,)} or not len(answers):
        raise ValueError("its memory is of another embedder")
    least, least_english = stored["least"].tolist()
    memory = AnswerMemory(questions, answers, unanswered)
    rarity, weights = stored["wording.rarity"], stored["wording.weights"]
    if not rarity.shape == weights.shape == (len(grams),):
        raise ValueError("its wordings are not whole")
    wording = Wording(grams, rarity, weights, float(stored["wording.bias"][0]))
    return Reranker(linears[0], linears[1], least, least_english, memory, wording)


def _short(name: str, vectors: Vectors) -> dict[str, NDArray[Any]]:
    """`vectors` as whole numbers of eight bits, each row with its own scale."""
    scale = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9) / 127
    return {name: np.rint(vectors / scale).astype(np.int8), f"{name}.scale": scale}


def plain(candidates: Candidates, share: float) -> Features:
    """The relevance of sentences by a sum of what words and vectors (their `share`) say of them."""
    measures = candidates.features
    if not len(measures):
        return np.zeros(0, dtype=np.float32)
    alone = (1 - share) * measures[:, 0] + share * measures[:, 4].clip(0, 1)
    inside = (1 - share) * measures[:, 1] + share * measures[:, 5].clip(0, 1)
    figures = [bool(re.search(r"\d", text)) for text in candidates.texts]
    total = alone + _IN_SECTION * inside + _PASSAGE * measures[:, 9] + _FIGURES * np.array(figures)
    return np.asarray(total / (1 + _IN_SECTION + _PASSAGE + _FIGURES), dtype=np.float32)


def best_of(texts: Sequence[str], relevance: Features) -> dict[str, float]:
    """The best relevance of each text, which may stand in several passages."""
    best: dict[str, float] = {}
    for text, one in zip(texts, relevance.tolist(), strict=True):
        best[text] = max(best.get(text, 0.0), one)
    return best
