"""Makes the embedder and measures it: each third of the trades is left out once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from engine.knowledge.embedding import load_embedder
from engine.knowledge.reranking import save_reranker
from engine.learning.starter.corpus import Trade
from engine.learning.starter.embedder import (
    Company,
    EmbedderSetup,
    Floats,
    Pair,
    build,
    count_company,
    initial_weights,
    save,
    train_embedding_tokenizer,
    tune,
)
from engine.learning.starter.figures import machine
from engine.learning.starter.pairs import own_pairs, own_text, public_pairs, public_text
from engine.learning.starter.public import PublicText
from engine.learning.starter.reranker_recipe import (
    RerankerFigures,
    learn,
    learn_wording,
    lessons,
    remember,
)
from engine.learning.starter.retrieval import ask, gain, recall
from engine.learning.starter.tokenizer import load_tokenizer

OWN_TEXT_WEIGHT = 15
FOLDS = 3
CLOSE = 0.004
WEIGHTS = tuple(step / 20 for step in range(21))


class EmbedderFigures(Struct, frozen=True):
    """Shares of left-out questions with a right passage among the first three.

    `by_rank` maps a vector weight to the recall of weighted reciprocal ranks, `by_score` to that of
    the weighted sum of normalised scores; `kinds` gives for each kind of question the number asked
    and the recall of words, vectors and the fusion by rank with the weight chosen. `gain` is the
    fusion's recall less full text's, and a paired bootstrap interval, over all questions and over
    the hard ones.
    """

    trades: int
    questions: int
    pairs: int
    words: float
    vectors: float
    vector_weight: float
    by_rank: dict[str, float]
    by_score: dict[str, float]
    kinds: dict[str, tuple[int, float, float, float]]
    gain: tuple[float, float, float]
    gain_hard: tuple[float, float, float]
    answerable: float
    reranker: RerankerFigures
    machine: str


def make(text: PublicText, trades: Sequence[Trade], out: Path, model: Path) -> EmbedderFigures:
    """Writes the embedder folder `model`; intermediate results lie in `out` and are reused."""
    setup = EmbedderSetup()
    tokenizer = _tokenizer(text, trades, out / "embedder-tokenizer.json", setup)
    public = _public_company(tokenizer, text, out / "company.npz")
    folds = list(_fold_models(tokenizer, public, text, trades, setup, out))
    asked = [one for held, fold in folds for trade in held for one in ask(trade, fold, setup.seed)]
    best = max(recall(asked, share) for share in WEIGHTS)
    # Of weights that are as good as the best, the one that trusts the vectors least.
    weight = next(share for share in WEIGHTS if recall(asked, share) > best - CLOSE)
    pairs = _pairs(text, trades, setup.seed)
    weights = _start(tokenizer, public, trades, setup)
    learnt = tune(tokenizer, weights, pairs, setup)
    save(build(tokenizer, learnt), model, vector_weight=weight, answerable=setup.answerable)
    reranked = _reranker(folds, trades, model, weight, setup)
    right = [one for one in asked if one.gold]
    return EmbedderFigures(
        trades=len(trades),
        questions=len(right),
        pairs=len(pairs),
        words=round(recall(right, 0.0), 4),
        vectors=round(recall(right, 1.0), 4),
        vector_weight=weight,
        by_rank={f"{share:g}": round(recall(right, share), 4) for share in WEIGHTS},
        by_score={f"{s:g}": round(recall(right, s, by_score=True), 4) for s in WEIGHTS},
        kinds={
            kind: (
                len(some := [one for one in right if one.kind == kind]),
                round(recall(some, 0.0), 4),
                round(recall(some, 1.0), 4),
                round(recall(some, weight), 4),
            )
            for kind in sorted({one.kind for one in right})
        },
        gain=gain(asked, weight, setup.seed),
        gain_hard=gain([one for one in asked if one.kind == "hard"], weight, setup.seed),
        answerable=setup.answerable,
        reranker=reranked,
        machine=machine(),
    )


def _fold_models(
    tokenizer: Any,
    public: Company,
    text: PublicText,
    trades: Sequence[Trade],
    setup: EmbedderSetup,
    out: Path,
) -> Iterator[tuple[list[Trade], Any]]:
    """The trades that are left out together, with a model that saw nothing of them but the
    tokenizer. Each is kept in `out` when it is made, so that a stop costs one at most."""
    order = list(trades)
    Random(4).shuffle(order)
    for fold in range(min(FOLDS, len(order))):
        held = order[fold::FOLDS]
        rest = [trade for trade in order if trade not in held]
        path = out / f"fold-{fold}-{_digest(held, rest)}.npy"
        if not path.exists():
            weights = _start(tokenizer, public, rest, setup)
            learnt = tune(tokenizer, weights, _pairs(text, rest, setup.seed + fold), setup)
            partial = path.with_suffix(".part")
            with partial.open("wb") as file:
                np.save(file, learnt)
            partial.replace(path)
        yield held, build(tokenizer, np.load(path))


def _digest(*groups: Sequence[Trade]) -> str:
    """A short name for what was left out and what was learnt from."""
    encoded = msgspec.json.encode([[msgspec.to_builtins(one) for one in group] for group in groups])
    return hashlib.sha256(encoded).hexdigest()[:12]


def _reranker(
    folds: Sequence[tuple[list[Trade], Any]],
    trades: Sequence[Trade],
    model: Path,
    weight: float,
    setup: EmbedderSetup,
) -> RerankerFigures:
    """Learns the reranker of the embedder in `model` and writes it there."""
    taught = []
    with TemporaryDirectory() as folder:
        for held, fold in folds:
            place = Path(folder, "embedder")
            save(fold, place, vector_weight=weight, answerable=setup.answerable)
            embedder = load_embedder(place)
            rest = [one for one in trades if one not in held]
            memory = remember(rest, embedder, setup.seed)
            wording = learn_wording(rest, setup.seed)
            taught += list(lessons(held, embedder, memory, wording, setup.seed))
    memory = remember(trades, load_embedder(model), setup.seed)
    reranker, figures = learn(taught, memory, learn_wording(trades, setup.seed))
    save_reranker(reranker, model)
    return figures


def _tokenizer(text: PublicText, trades: Sequence[Trade], path: Path, setup: EmbedderSetup) -> Any:
    if not path.exists():
        texts = [*public_text(text), *(line for _ in range(6) for line in own_text(trades))]
        tokenizer = train_embedding_tokenizer(texts, setup.vocabulary)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        tokenizer.save(str(partial))
        partial.replace(path)
    return load_tokenizer(path)


def _public_company(tokenizer: Any, text: PublicText, path: Path) -> Company:
    from scipy.sparse import load_npz, save_npz

    frequency = path.with_suffix(".frequency.npy")
    if not path.exists() or not frequency.exists():
        company = count_company(tokenizer, list(public_text(text)))
        np.save(frequency, company.frequency)
        partial = path.with_name("part-" + path.name)
        save_npz(partial, company.together)
        partial.replace(path)
    return Company(load_npz(path), np.load(frequency))


def _start(
    tokenizer: Any, public: Company, trades: Sequence[Trade], setup: EmbedderSetup
) -> Floats:
    own = count_company(tokenizer, list(own_text(trades)))
    weighed = Company(own.together * OWN_TEXT_WEIGHT, own.frequency * OWN_TEXT_WEIGHT)
    return initial_weights(public + weighed, setup.dimension, setup.seed)


def _pairs(text: PublicText, trades: Sequence[Trade], seed: int) -> list[Pair]:
    random = Random(seed)
    own = own_pairs(trades, random, copies=3)
    return own + public_pairs(text, random, len(own))


def figures_of(noted: dict[str, Any]) -> EmbedderFigures:
    """The figures as they were noted."""
    return msgspec.convert(noted, EmbedderFigures)
