"""The starter embedder: one vector per token, averaged, learnt from neighbours and from pairs.

First every token gets a vector from the company it keeps in all the text (positive pointwise
mutual information, reduced by a singular value decomposition): words of like use lie together
before any pair is seen. Then sentence-transformers' ranking loss moves questions to the passages
that answer them, gently, because there are few trades to learn from and many to be used in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.learning.starter.tokenizer import LEARNING_SPLIT, train_tokenizer

WINDOW = 6
"""Tokens to either side that count as company."""
EXPONENT = 0.5
"""How much the strong directions of the decomposition keep of their strength."""

Floats = NDArray[np.float32]


class Pair(Struct, frozen=True):
    """What a customer says, what answers it, and passages of the same company that do not."""

    query: str
    answer: str
    others: tuple[str, ...] = ()


class EmbedderSetup(Struct, frozen=True):
    """Size and training of the embedder."""

    vocabulary: int = 14_336
    dimension: int = 256
    steps: int = 600
    batch: int = 96
    rate: float = 2e-3
    seed: int = 20261122


def train_embedding_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A tokenizer for averaging: folded to lower case, punctuation apart, nothing else lost."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer = train_tokenizer((normalizer.normalize_str(text) for text in texts), vocabulary)
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LEARNING_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def neighbour_vectors(
    tokenizer: Any, texts: Sequence[str], dimension: int, seed: int
) -> tuple[Floats, Floats]:
    """A vector for each token from the company it keeps, and how often it stands (a share)."""
    from scipy.sparse import coo_matrix, csr_matrix
    from sklearn.utils.extmath import randomized_svd

    size = tokenizer.get_vocab_size()
    together = csr_matrix((size, size), dtype=np.float32)
    frequency = np.zeros(size, dtype=np.float64)
    for start in range(0, len(texts), 20_000):
        encoded = tokenizer.encode_batch(list(texts[start : start + 20_000]))
        gap = [-1] * WINDOW
        ids = np.array([i for one in encoded for i in (*one.ids, *gap)], dtype=np.int64)
        frequency += np.bincount(ids[ids >= 0], minlength=size)
        for distance in range(1, WINDOW + 1):
            left, right = ids[:-distance], ids[distance:]
            both = (left >= 0) & (right >= 0)
            weight = np.full(int(both.sum()), 1.0 / distance, dtype=np.float32)
            counted = coo_matrix((weight, (left[both], right[both])), shape=(size, size))
            together = together + counted.tocsr()
    together = (together + together.T).tocoo()
    total = float(together.sum())
    share = np.asarray(together.sum(axis=1)).ravel() / total
    # Contexts are smoothed, or rare tokens would look telling.
    context = np.asarray(together.sum(axis=0)).ravel() ** 0.75
    context /= context.sum()
    mutual = np.log(together.data / total / (share[together.row] * context[together.col] + 1e-12))
    positive = mutual > 0
    matrix = csr_matrix(
        (mutual[positive], (together.row[positive], together.col[positive])), shape=(size, size)
    )
    left_vectors, strength, _ = randomized_svd(matrix, dimension, n_iter=3, random_state=seed)
    vectors = left_vectors * strength**EXPONENT
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.maximum(lengths, 1e-6)
    return vectors.astype(np.float32), (frequency / frequency.sum()).astype(np.float32)


def initial_weights(vectors: Floats, frequency: Floats) -> Floats:
    """`vectors` with frequent tokens made short, so that an average is about its rare ones."""
    rarity = 1e-3 / (1e-3 + frequency)
    return (vectors * rarity[:, None]).astype(np.float32)


def build(tokenizer: Any, weights: Floats) -> Any:
    """A sentence-transformers model that averages `weights` and makes the result unit length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    static = StaticEmbedding(tokenizer, embedding_weights=np.ascontiguousarray(weights))
    return SentenceTransformer(modules=[static, Normalize()], device="cpu")


def tune(model: Any, pairs: Sequence[Pair], setup: EmbedderSetup) -> list[float]:
    """Moves questions to their answers with the multiple negatives ranking loss; the losses."""
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    random = Random(setup.seed)
    loss_of = MultipleNegativesRankingLoss(model, scale=20.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=setup.rate)
    losses = []
    model.train()
    for step in range(setup.steps):
        for group in optimizer.param_groups:
            group["lr"] = setup.rate * (1 - step / setup.steps)
        batch = random.sample(pairs, min(setup.batch, len(pairs)))
        columns = [
            [pair.query for pair in batch],
            [pair.answer for pair in batch],
            [random.choice(pair.others) if pair.others else "" for pair in batch],
        ]
        if not any(columns[2]):
            columns.pop()
        loss = loss_of([model.preprocess(column) for column in columns], None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def save(model: Any, folder: Path, vector_weight: float) -> None:
    """Writes `model` in half precision with ``fusion.json`` to `folder`, replacing it."""
    from safetensors.torch import load_file, save_file

    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    model.save(str(partial), create_model_card=False)
    for path in partial.rglob("model.safetensors"):
        halved = {name: value.half().contiguous() for name, value in load_file(path).items()}
        save_file(halved, path)
    fusion = json.dumps({"vector_weight": round(vector_weight, 3)})
    (partial / "fusion.json").write_text(fusion + "\n", encoding="utf-8")
    former = folder.with_name(folder.name + ".old")
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        folder.rename(former)
    for path in partial.rglob("model.safetensors"):
        path.chmod(0o644)
    partial.rename(folder)
    shutil.rmtree(former, ignore_errors=True)
