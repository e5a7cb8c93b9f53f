"""Makes the embedder and measures it: each lot of trades is left out once."""

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
from engine.knowledge.reranking import RERANKER, save_reranker
from engine.learning.starter.corpus import Trade, in_lots
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
from engine.learning.starter.lessons import Lesson, lessons
from engine.learning.starter.pairs import own_pairs, own_text, public_pairs, public_text
from engine.learning.starter.public import PublicText
from engine.learning.starter.reranker_recipe import (
    RerankerFigures,
    learn,
    learn_wording,
    remember,
)
from engine.learning.starter.retrieval import ask, gain, recall
from engine.learning.starter.tokenizer import load_tokenizer

OWN_TEXT_WEIGHT = 15
_TOKENIZER = "embedder-tokenizer.json"
_NOTED = "folds.json"
FOLDS = 3
CLOSE = 0.004
WEIGHTS = tuple(step / 20 for step in range(21))


class _Fold(Struct, frozen=True):
    """The `file` of an embedder that has not seen the trades `held`."""

    file: str
    held: list[str]


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
    tokenizer = _tokenizer(text, trades, out / _TOKENIZER, setup)
    public = _public_company(tokenizer, text, out / "company.npz")
    asked = [
        one
        for held, fold in _fold_models(tokenizer, public, text, trades, setup, out)
        for trade in held
        for one in ask(trade, fold, setup.seed)
    ]
    best = max(recall(asked, share) for share in WEIGHTS)
    # Of weights that are as good as the best, the one that trusts the vectors least.
    weight = next(share for share in WEIGHTS if recall(asked, share) > best - CLOSE)
    pairs = _pairs(text, trades, setup.seed)
    weights = _start(tokenizer, public, trades, setup)
    learnt = tune(tokenizer, weights, pairs, setup)
    save(build(tokenizer, learnt), model, vector_weight=weight, answerable=setup.answerable)
    reranked = make_reranker(trades, out, model)
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
    noted: list[_Fold] = []
    for fold, held in enumerate(in_lots(trades, FOLDS)):
        names = {trade.name for trade in held}
        rest = [trade for trade in trades if trade.name not in names]
        path = out / f"fold-{fold}-{_digest(held, rest)}.npy"
        if not path.exists():
            weights = _start(tokenizer, public, rest, setup)
            learnt = tune(tokenizer, weights, _pairs(text, rest, setup.seed + fold), setup)
            partial = path.with_suffix(".part")
            with partial.open("wb") as file:
                np.save(file, learnt)
            partial.replace(path)
        noted.append(_Fold(path.name, [trade.name for trade in held]))
        (out / _NOTED).write_bytes(msgspec.json.encode(noted))
        yield held, build(tokenizer, np.load(path))


def _digest(*groups: Sequence[Trade]) -> str:
    """A short name for what was left out and what was learnt from."""
    encoded = msgspec.json.encode([[msgspec.to_builtins(one) for one in group] for group in groups])
    return hashlib.sha256(encoded).hexdigest()[:12]


def make_reranker(trades: Sequence[Trade], out: Path, model: Path) -> RerankerFigures:
    """Learns the reranker of the embedder in `model` and writes it there.

    The embedders that `make` left in `out` are used again, and so a corpus may have grown since:
    none of them has seen the new trades, which are dealt out to them.
    """
    setup = EmbedderSetup()
    tokenizer = load_tokenizer(out / _TOKENIZER)
    # A former one may be of another version of the program, which nothing loads.
    (model / RERANKER).unlink(missing_ok=True)
    embedder = load_embedder(model)
    folds = msgspec.json.decode((out / _NOTED).read_bytes(), type=list[_Fold])
    known = {name for fold in folds for name in fold.held}
    new = [trade.name for trade in trades if trade.name not in known]
    taught: list[Lesson] = []
    with TemporaryDirectory() as folder:
        for number, fold in enumerate(folds):
            names = {*fold.held, *new[number :: len(folds)]}
            held = [trade for trade in trades if trade.name in names]
            rest = [trade for trade in trades if trade.name not in names]
            place = Path(folder, "embedder")
            weights = np.load(out / fold.file)
            save(
                build(tokenizer, weights),
                place,
                vector_weight=embedder.vector_weight,
                answerable=setup.answerable,
            )
            seeing = load_embedder(place)
            memory = remember(rest, seeing, setup.seed)
            wording = learn_wording(rest, setup.seed)
            taught += lessons(held, seeing, memory, wording, setup.seed, neighbours=trades)
    memory = remember(trades, embedder, setup.seed)
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
