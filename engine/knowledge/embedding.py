"""What turns texts into vectors: sentence-transformers from a folder, or a hashed stand-in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import numpy as np
from msgspec import Meta, Struct

from engine.errors import EmbedderError
from engine.knowledge.embedder_folder import HASHED, check_embedder_folder
from engine.knowledge.grams import grams, is_function
from engine.knowledge.reranking import RERANKER, Reranker, load_reranker
from engine.knowledge.vectors import Vectors, unit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_VECTOR_WEIGHT = 0.3
DEFAULT_ANSWERABLE = 0.7
FUSION = "fusion.json"
_BATCH = 32
# More would wait for the interpreter.
_AT_ONCE = 2
# These beside a model change nothing in its vectors.
_NOT_DIGESTED = {FUSION, RERANKER, "README.md", ".gitattributes"}


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


class _Fusion(Struct, frozen=True):
    vector_weight: float = DEFAULT_VECTOR_WEIGHT
    answerable: float = DEFAULT_ANSWERABLE


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


class SentenceTransformerEmbedder:
    """A sentence-transformers model from a folder on this machine."""

    def __init__(self, folder: Path, model: SentenceTransformer, dimension: int) -> None:
        self.name = folder.name
        self.digest = folder_digest(folder)
        self.dimension = dimension
        # A table of vectors is mostly cutting into tokens, which one thread does by itself. A
        # network has threads of its own, and its tokenizer is changed while it is used.
        table = type(next(iter(model))).__name__ == "StaticEmbedding"
        self.at_once = min(_AT_ONCE, os.cpu_count() or 1) if table else 1
        # What is looked up in a table is not padded: the sentences of a search are one batch.
        self._batch = 4 * _BATCH if table else _BATCH
        fusion = _fusion(folder)
        self.vector_weight = min(1.0, max(0.0, fusion.vector_weight))
        self.answerable = fusion.answerable
        self.reranker = load_reranker(folder, dimension)
        self._model = model

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, with the model's own query prompt where it has one."""
        return self._vectors(self._model.encode_query, texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what may answer them, with the model's own document prompt."""
        return self._vectors(self._model.encode_document, texts)

    def _vectors(self, encode: Callable[..., object], texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encodable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        found = np.array(
            encode(
                encodable, batch_size=self._batch, convert_to_numpy=True, show_progress_bar=False
            ),
            dtype=np.float32,
        )
        # A text that makes no tokens has no mean of them; it must not spoil an import.
        wordless = np.array([not any(char.isalnum() for char in text) for text in texts])
        found[wordless & ~np.isfinite(found).all(axis=1)] = 0.0
        if found.ndim != 2 or found.shape[1] != self.dimension or not np.isfinite(found).all():
            raise EmbedderError(
                f"The embedder {self.name} returns unusable vectors; choose another one.",
                "embedder_broken",
                name=self.name,
                why="vectors",
            )
        return unit(found)


def load_embedder(folder: Path) -> Embedder:
    """The embedder in `folder`, without network. Raises `EmbedderError` when there is none."""
    check_embedder_folder(folder)
    if (folder / HASHED).is_file():
        try:
            config = msgspec.json.decode((folder / HASHED).read_bytes(), type=_HashedConfig)
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            raise _broken(folder, error) from error
        return HashedEmbedder(config.dimension, config.vector_weight)
    try:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        # Half precision is for the file; sums of it on a CPU are slow and inexact.
        model = model.float().eval()
        dimension = int(np.asarray(model.encode(["a"], show_progress_bar=False)).shape[1])
    except Exception as error:  # Any library below may raise anything on a broken file.
        raise _broken(folder, error) from error
    return SentenceTransformerEmbedder(folder, model, dimension)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of a model folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in _NOT_DIGESTED or "__pycache__" in path.parts:
            continue
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _fusion(folder: Path) -> _Fusion:
    try:
        return msgspec.json.decode((folder / FUSION).read_bytes(), type=_Fusion)
    except FileNotFoundError:
        return _Fusion()
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise _broken(folder, error) from error


def _broken(folder: Path, error: Exception) -> EmbedderError:
    why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return EmbedderError(
        f"The embedder in {folder} cannot be loaded ({why}). Copy it again or choose another one.",
        "embedder_broken",
        name=str(folder),
        why=why,
    )
