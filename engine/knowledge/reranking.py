"""Which sentence answers, and whether any does: learnt from questions whose answer is known.

What is measured of each sentence (`answer_features`) is weighed by what was learnt
(`answer_network`). Without a reranker a plain sum decides.
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
    Candidates,
    Features,
    Wish,
    is_english,
    measure,
    whole,
)
from engine.knowledge.answer_network import AnswerNetwork
from engine.knowledge.embedder_folder import broken
from engine.knowledge.memory import AnswerMemory, AnswerWords
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.vectors import Vectors
from engine.knowledge.wording import Wording, read, written
from engine.records import Found

if TYPE_CHECKING:
    from engine.knowledge.embedding import Embedder

RERANKER: Final = "reranker.safetensors"
RERANKED: Final = 8
"""So many of the first passages are looked at sentence by sentence."""
_LARGEST: Final = 64 << 20
# Counted up whenever the file or what is measured of a sentence changes.
_FORMAT: Final = 2
# Of a number of four bits, to either side.
_STEPS: Final = 7
# A sentence in its section says more than alone; its passage's place in the search counts like
# the sentence itself; and what a policy fixes in numbers is mostly what was asked for.
_IN_SECTION: Final = 0.5
_PASSAGE: Final = 1.0
_FIGURES: Final = 0.08
# A chance spreads over many powers of ten; what chooses sentences reads a scale on which three
# quarters of the best are still worth saying: a fifth of its chance.
_FLATTENED: Final = 0.18


class Reranker(Struct, frozen=True):
    """`network` rates sentences, and whether a question is answered at all, which it is taken to be
    from the log odds `least` on (`least_english`: a question in English); `memory` is what both
    look back to, and `wording` is how questions sound that have an answer."""

    network: AnswerNetwork
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
    recalled = reranker.memory.recall(wish.vector, wish.newest) if reranker is not None else None
    candidates = measure(wish, head, reader, recalled)
    if reranker is None or recalled is None:
        return Judged(
            [*head, *tail],
            best_of(candidates.texts, plain(candidates, embedder.vector_weight)),
            max((strength(item) for item in head[:3]), default=0.0) >= embedder.answerable,
        )
    seen = whole(wish, head, candidates, recalled, reranker.wording)
    chances, sure = reranker.network.chances(candidates.features, seen)
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
        return _assembled(stored, dimension)
    except Exception as error:  # The library below may raise anything on a broken file.
        why = str(error).partition("\n")[0][:200]
        raise broken(folder, "part", what=RERANKER, why=why) from error


def save_reranker(reranker: Reranker, folder: Path) -> None:
    """Write `reranker` beside its embedder, its memory with four bits a number."""
    from safetensors.numpy import save_file

    memory, wording = reranker.memory, reranker.wording
    stored: dict[str, NDArray[Any]] = {
        "format": np.array([_FORMAT], dtype=np.int32),
        **_short("memory.questions", memory.questions),
        **_short("memory.answers", memory.answers),
        **_short("memory.unanswered", memory.unanswered),
        "memory.turn": memory.turn.astype(np.float16),
        "words.grams": written(memory.words.grams),
        "words.usual": memory.words.usual,
        "words.said": memory.words.said.astype(np.min_scalar_type(len(memory.words.grams))),
        "words.ends": memory.words.ends,
        "wording.grams": written(wording.grams),
        "wording.rarity": wording.rarity,
        "wording.weights": wording.weights,
        "wording.bias": np.array([wording.bias], dtype=np.float32),
        "least": np.array([reranker.least, reranker.least_english], dtype=np.float32),
        **{f"network.{name}": value for name, value in reranker.network.written().items()},
    }
    partial = folder / f"{RERANKER}.part"
    # What does not lie row by row would be stored wrongly, without a word.
    save_file({name: np.ascontiguousarray(value) for name, value in stored.items()}, partial)
    partial.chmod(0o644)
    partial.replace(folder / RERANKER)


def _assembled(stored: dict[str, NDArray[Any]], dimension: int) -> Reranker:
    if "format" not in stored or stored["format"].tolist() != [_FORMAT]:
        raise ValueError("it was made for another version of the program")
    for name, value in stored.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{name} is no number")
    questions, answers, unanswered = (
        _long(stored[f"memory.{name}"], stored[f"memory.{name}.scale"])
        for name in ("questions", "answers", "unanswered")
    )
    turn = stored["memory.turn"].astype(np.float32)
    widths = {questions.shape[1:], answers.shape[1:], unanswered.shape[1:]}
    widths |= {turn.shape[:1], turn.shape[1:]}
    if len(questions) != len(answers) or widths != {(dimension,)} or not len(answers):
        raise ValueError("its memory is of another embedder")
    words = AnswerWords(
        read(stored["words.grams"]),
        stored["words.usual"],
        stored["words.said"],
        stored["words.ends"],
    )
    if not words.fits(len(answers)):
        raise ValueError("the words of its answers are not whole")
    grams = read(stored["wording.grams"])
    rarity, weights = stored["wording.rarity"], stored["wording.weights"]
    if not rarity.shape == weights.shape == (len(grams),):
        raise ValueError("its wordings are not whole")
    least, least_english = stored["least"].tolist()
    start = "network."
    return Reranker(
        AnswerNetwork.read(
            {name[len(start) :]: value for name, value in stored.items() if name.startswith(start)}
        ),
        least,
        least_english,
        AnswerMemory(questions, answers, unanswered, words, turn),
        Wording(grams, rarity, weights, float(stored["wording.bias"][0])),
    )


def _short(name: str, vectors: Vectors) -> dict[str, NDArray[Any]]:
    """`vectors` as whole numbers of four bits, two in a byte, each row with its own scale."""
    scale = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9) / _STEPS
    steps = (np.rint(vectors / scale) + _STEPS + 1).astype(np.uint8)
    return {name: steps[:, ::2] | steps[:, 1::2] << 4, f"{name}.scale": scale.astype(np.float16)}


def _long(stored: NDArray[Any], scale: NDArray[Any]) -> Vectors:
    """The vectors that `_short` made shorter."""
    steps = np.stack([stored & 15, stored >> 4], axis=2).reshape(len(stored), -1)
    return np.asarray((steps.astype(np.float32) - _STEPS - 1) * scale.astype(np.float32))


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
