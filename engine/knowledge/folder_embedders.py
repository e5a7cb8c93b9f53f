"""Embedders that are a folder on this machine: a table of token vectors, or any other model.

A table is averaged by numpy, which gives the vectors that sentence-transformers would. That spares
a process the seconds and the memory of its libraries, and whatever runs beside a search the
threads that torch leaves spinning behind each small product.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from msgspec import Struct

from engine.errors import EmbedderError
from engine.knowledge.embedder_folder import broken, static_table
from engine.knowledge.reranking import RERANKER, load_reranker
from engine.knowledge.vectors import Vectors, unit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

FUSION: Final = "fusion.json"
_VECTOR_WEIGHT: Final = 0.3
_ANSWERABLE: Final = 0.7
_BATCH: Final = 32
# More would wait for the interpreter.
_AT_ONCE: Final = 2
# These beside a model change nothing in its vectors.
_NOT_DIGESTED: Final = {FUSION, RERANKER, "README.md", ".gitattributes"}


class _Fusion(Struct, frozen=True):
    vector_weight: float = _VECTOR_WEIGHT
    answerable: float = _ANSWERABLE


class _FolderEmbedder:
    """What all of them have in common; see `engine.knowledge.embedding.Embedder`."""

    def __init__(self, folder: Path, dimension: int, at_once: int) -> None:
        self.name = folder.name
        self._folder = folder
        self.digest = folder_digest(folder)
        self.dimension = dimension
        self.at_once = at_once
        fusion = _fusion(folder)
        self.vector_weight = min(1.0, max(0.0, fusion.vector_weight))
        self.answerable = fusion.answerable
        self.reranker = load_reranker(folder, dimension)

    def _usable(self, found: Vectors) -> Vectors:
        if found.ndim != 2 or found.shape[1] != self.dimension or not np.isfinite(found).all():
            raise broken(self._folder, "vectors")
        return unit(found)


class StaticEmbedder(_FolderEmbedder):
    """A table with a vector for each token: a text's is the mean of its tokens'."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, table: Vectors) -> None:
        # It is mostly cutting into tokens, which one thread does by itself.
        super().__init__(folder, table.shape[1], min(_AT_ONCE, os.cpu_count() or 1))
        self._tokenizer = tokenizer
        self._table = table

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions."""
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what may answer them."""
        cut = self._tokenizer.encode_batch_fast(_encodable(texts), add_special_tokens=False)
        tokens = [one.ids for one in cut]
        ends = list(accumulate(map(len, tokens)))
        flat = np.fromiter(chain.from_iterable(tokens), dtype=np.int64)
        # A text that makes no token has no direction.
        means = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        for place, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < end:
                self._table.take(flat[start:end], axis=0).mean(axis=0, out=means[place])
        return self._usable(means)


class SentenceTransformerEmbedder(_FolderEmbedder):
    """A sentence-transformers model of whatever parts."""

    def __init__(self, folder: Path, model: SentenceTransformer, dimension: int) -> None:
        # A network has threads of its own, and its tokenizer is changed while it is used.
        super().__init__(folder, dimension, at_once=1)
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
        found = np.array(
            encode(
                _encodable(texts),
                batch_size=_BATCH,
                convert_to_numpy=True,
                show_progress_bar=False,
            ),
            dtype=np.float32,
        )
        # A text that makes no tokens has no mean of them; it must not spoil an import.
        wordless = np.array([not any(char.isalnum() for char in text) for text in texts])
        found[wordless & ~np.isfinite(found).all(axis=1)] = 0.0
        return self._usable(found)


def embedder_in(folder: Path) -> StaticEmbedder | SentenceTransformerEmbedder:
    """The embedder in `folder`, which was checked. Raises `EmbedderError`."""
    try:
        table = static_table(folder)
        if table is not None:
            from safetensors import safe_open
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(table.tokenizer))
            tokenizer.no_padding()
            with safe_open(table.weights, framework="numpy") as stored:
                vectors = stored.get_tensor(table.tensor).astype(np.float32)
            return StaticEmbedder(folder, tokenizer, vectors)
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        # Half precision is for the file; sums of it on a CPU are slow and inexact.
        model = model.float().eval()
        dimension = int(np.asarray(model.encode(["a"], show_progress_bar=False)).shape[1])
        return SentenceTransformerEmbedder(folder, model, dimension)
    except EmbedderError:
        raise
    except Exception as error:  # Any library may raise anything on a broken file.
        raise broken(folder, error) from error


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
        raise broken(folder, error) from error


def _encodable(texts: Sequence[str]) -> list[str]:
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
