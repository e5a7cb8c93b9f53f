"""What turns texts into vectors: a model from a folder, or a hashed stand-in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
import numpy as np
from msgspec import Meta, Struct

from engine.knowledge.embedder_folder import HASHED, broken, check_embedder_folder
from engine.knowledge.folder_embedders import embedder_in
from engine.knowledge.grams import grams, is_function
from engine.knowledge.reranking import Reranker
from engine.knowledge.vectors import Vectors, unit


class Embedder(Protocol):
    """Texts to vectors of unit length, float32, shape (number of texts, `dimension`).

    `name` and `digest` are stored with the index; vectors of another digest never meet it.
    `vector_weight` (0…1) is what the vector ranking weighs against the full text's in a search.
    """

    @property
    def name(self) -> str:
        """The embedder's short name."""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides its vectors."""

    @property
    def dimension(self) -> int:
        """The length of its vectors."""

    @property
    def vector_weight(self) -> float:
        """The vectors' share in the fusion with full text."""

    @property
    def at_once(self) -> int:
        """How many threads may ask for vectors at the same time, and gain by it."""

    @property
    def answerable(self) -> float:
        """From which coverage + cosine on a passage is likely to answer a question."""

    @property
    def reranker(self) -> Reranker | None:
        """What was learnt for its vectors of which sentences answer."""

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what may answer them."""


class _HashedConfig(Struct, frozen=True):
    dimension: Annotated[int, Meta(ge=8, le=8192)] = 256
    vector_weight: Annotated[float, Meta(ge=0, le=1)] = 0.0


class HashedEmbedder:
    """Hashed grams, signed and weighted: no model, no learning, the same on every machine.

    It finds what shares characters or words, which full text does better, so it has no say in the
    fusion unless told otherwise; it stands in where no embedder is installed, and in tests.
    """

    def __init__(self, dimension: int = 256, vector_weight: float = 0.0) -> None:
        self.name = f"hashed-{dimension}"
        self.digest = hashlib.sha256(f"zuoxi hashed 1 {dimension}".encode()).hexdigest()
        self.dimension = dimension
        self.at_once = 1
        self.vector_weight = vector_weight
        # Hashed vectors of texts without a common gram are nearly at right angles.
        self.answerable = 0.35
        self.reranker: Reranker | None = None

    def save(self, folder: Path) -> None:
        """Write what `load_embedder` needs to make the same one from `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        config = _HashedConfig(self.dimension, self.vector_weight)
        (folder / HASHED).write_bytes(msgspec.json.encode(config))

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions."""
        return self._vectors(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what may answer them."""
        return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for gram in grams(text):
                hashed = hashlib.blake2b(gram.encode("utf-8", "replace"), digest_size=8).digest()
                number = int.from_bytes(hashed, "little")
                weight = 0.1 if is_function(gram) else float(min(len(gram), 3))
                vectors[row, (number >> 1) % self.dimension] += weight if number & 1 else -weight
        return unit(vectors)


def load_embedder(folder: Path) -> Embedder:
    """The embedder in `folder`, without network. Raises `EmbedderError` when there is none."""
    check_embedder_folder(folder)
    if not (folder / HASHED).is_file():
        return embedder_in(folder)
    try:
        config = msgspec.json.decode((folder / HASHED).read_bytes(), type=_HashedConfig)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise broken(folder, error) from error
    return HashedEmbedder(config.dimension, config.vector_weight)
