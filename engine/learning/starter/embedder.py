"""The starter embedder: one vector per token, averaged, learnt from neighbours and from pairs.

First every token gets a vector from the company it keeps in all the text (positive pointwise
mutual information, reduced by a singular value decomposition): words of like use lie together
before any pair is seen. Then sentence-transformers' ranking loss moves questions to the passages
that answer them, by one map of the whole space, because there are few trades to learn from.
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

Floats = NDArray[Any]


class Pair(Struct, frozen=True):
    """What a customer says, what answers it, and passages of the same company that do not."""

    query: str
    answer: str
    others: tuple[str, ...] = ()


class EmbedderSetup(Struct, frozen=True):
    """Size and training of the embedder, and from which strength on the search may answer.

    `answerable` is kept low: a refusal hides a draft that the agent could have judged, and the
    strength tells answerable from unanswerable questions only roughly.
    """

    vocabulary: int = 14_336
    dimension: int = 256
    steps: int = 200
    batch: int = 96
    rate: float = 3e-3
    seed: int = 20261122
    answerable: float = 0.4


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


class Company(Struct):
    """Which tokens stand near which, and how often each stands. Companies can be added up."""

    together: Any
    frequency: Floats

    def __add__(self, other: Company) -> Company:
        return Company(self.together + other.together, self.frequency + other.frequency)


def count_company(tokenizer: Any, texts: Sequence[str]) -> Company:
    """Counts the neighbours of every token in `texts`, near ones for more than far ones."""
    from scipy.sparse import coo_matrix, csr_matrix

    size = tokenizer.get_vocab_size()
    together = csr_matrix((size, size), dtype=np.float32)
    frequency = np.zeros(size, dtype=np.float32)
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
    return Company(together + together.T, frequency)


def company_vectors(company: Company, dimension: int, seed: int) -> Floats:
    """A vector of unit length for each token: tokens that keep the same company lie together."""
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd

    together = company.together.tocoo()
    total = float(together.sum())
    share = np.asarray(together.sum(axis=1)).ravel() / total
    # Contexts are smoothed, or rare tokens would look telling.
    context = np.asarray(together.sum(axis=0)).ravel() ** 0.75
    context /= context.sum()
    mutual = np.log(together.data / total / (share[together.row] * context[together.col] + 1e-12))
    positive = mutual > 0
    matrix = csr_matrix(
        (mutual[positive], (together.row[positive], together.col[positive])),
        shape=together.shape,
    )
    directions, strength, _ = randomized_svd(matrix, dimension, n_iter=2, random_state=seed)
    vectors = directions * strength**EXPONENT
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = (vectors / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit


def initial_weights(company: Company, dimension: int, seed: int) -> Floats:
    """The tokens' vectors, frequent ones made short: an average is about its rare tokens."""
    vectors = company_vectors(company, dimension, seed)
    share = company.frequency / company.frequency.sum()
    weights: Floats = (vectors * (1e-3 / (1e-3 + share))[:, None]).astype(np.float32)
    return weights


def build(tokenizer: Any, weights: Floats) -> Any:
    """A sentence-transformers model that averages `weights` and makes the result unit length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    static = StaticEmbedding(tokenizer, embedding_weights=np.ascontiguousarray(weights))
    return SentenceTransformer(modules=[static, Normalize()], device="cpu")


def tune(tokenizer: Any, weights: Floats, pairs: Sequence[Pair], setup: EmbedderSetup) -> Floats:
    """Moves questions to their answers with the multiple negatives ranking loss; new weights.

    What is learnt is one linear map of all vectors, not the vectors: that carries over to words
    of trades that no pair speaks of. Moving the vectors themselves did worse on such trades.
    """
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.modules import Dense

    random = Random(setup.seed)
    model = build(tokenizer, weights)
    size = weights.shape[1]
    turn = Dense(size, size, bias=False, activation_function=torch.nn.Identity())
    torch.nn.init.eye_(turn.linear.weight)
    model.insert(1, turn)
    for value in model[0].parameters():
        value.requires_grad_(False)
    loss_of = MultipleNegativesRankingLoss(model, scale=20.0)
    optimizer = torch.optim.Adam(turn.parameters(), lr=setup.rate)
    model.train()
    for step in range(setup.steps):
        for group in optimizer.param_groups:
            group["lr"] = setup.rate * (1 - step / setup.steps)
        batch = random.sample(pairs, min(setup.batch, len(pairs)))
        columns = [
            [pair.query for pair in batch],
            [pair.answer for pair in batch],
            # A pair without hard negatives repeats another's answer: a negative all the same.
            [
                random.choice(pair.others) if pair.others else random.choice(pairs).answer
                for pair in batch
            ],
        ]
        loss = loss_of([model.preprocess(column) for column in columns], None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    learnt = turn.linear.weight.detach().numpy()
    turned: Floats = (weights @ learnt.T).astype(np.float32)
    return turned


def save(model: Any, folder: Path, *, vector_weight: float, answerable: float) -> None:
    """Writes `model` in half precision with ``fusion.json`` to `folder`, replacing it."""
    from safetensors.torch import load_file, save_file

    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    model.save(str(partial), create_model_card=False)
    for path in partial.rglob("model.safetensors"):
        halved = {name: value.half().contiguous() for name, value in load_file(path).items()}
        save_file(halved, path)
    for path in partial.rglob("tokenizer.json"):
        tokens = json.loads(path.read_text(encoding="utf-8"))
        small = json.dumps(tokens, ensure_ascii=False, separators=(",", ":"))
        path.write_text(small, encoding="utf-8")
    fusion = json.dumps({"vector_weight": round(vector_weight, 3), "answerable": answerable})
    (partial / "fusion.json").write_text(fusion + "\n", encoding="utf-8")
    former = folder.with_name(folder.name + ".old")
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        folder.rename(former)
    for path in partial.rglob("model.safetensors"):
        path.chmod(0o644)
    partial.rename(folder)
    shutil.rmtree(former, ignore_errors=True)
