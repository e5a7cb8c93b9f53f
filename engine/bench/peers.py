"""What the figures stand beside: the plainest program that does the same work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.workbench import BenchError
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import grams
from engine.knowledge.table import PassageTable, searched_text

_CHUNK = 128


class BareLoop:
    """`llama_decode` and argmax, nothing else: a limit to generation with the same model."""

    def __init__(self, model: Path, *, gpu_layers: int, threads: int, context: int) -> None:
        import llama_cpp

        api: Any = llama_cpp
        self._api = api
        model_parameters = api.llama_model_default_params()
        model_parameters.n_gpu_layers = gpu_layers
        self._model = api.llama_model_load_from_file(str(model).encode(), model_parameters)
        parameters = api.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = _CHUNK
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = api.llama_init_from_model(self._model, parameters) if self._model else None
        if not self._context:
            raise BenchError("The bare loop could not load the model.", "bench_no_memory")
        self._width = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self._model))
        self._batch = api.llama_batch_init(_CHUNK, 0, 1)

    def seconds(self, prompt: Sequence[int], tokens: int) -> float:
        """The seconds that `tokens` tokens take after `prompt`, whose reading is not counted."""
        self._api.llama_memory_clear(self._api.llama_get_memory(self._context), True)
        for start in range(0, len(prompt), _CHUNK):
            self._decode(prompt[start : start + _CHUNK], start)
        began = time.perf_counter()
        for place in range(len(prompt), len(prompt) + tokens):
            logits = self._api.llama_get_logits_ith(self._context, -1)
            best = int(np.argmax(np.ctypeslib.as_array(logits, (self._width,))))
            self._decode([best], place)
        return time.perf_counter() - began

    def _decode(self, tokens: Sequence[int], first: int) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = first + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1
        status = self._api.llama_decode(self._context, batch)
        if status:
            raise BenchError(f"The bare loop stopped (status {status}).", "bench_no_memory")

    def close(self) -> None:
        """Free its memory."""
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)


class FlatSearch:
    """All vectors by numpy and all words by rank_bm25 in memory, fused by rank. No dates."""

    def __init__(self, version: Path, embedder: Embedder) -> None:
        from rank_bm25 import BM25Okapi

        rows = PassageTable(version).all_rows()
        self._embedder = embedder
        self._passages = [row.passage for row in rows]
        self._vectors = np.stack([row.vector for row in rows])
        self._words: Any = BM25Okapi([grams(searched_text(one)) for one in self._passages])

    def search(self, query: str, k: int = 5) -> list[int]:
        """The places of the `k` best passages."""
        cosines = self._vectors @ self._embedder.queries([query])[0]
        words = self._words.get_scores(grams(query))
        scores: dict[int, float] = {}
        for values in (cosines, words):
            for rank, place in enumerate(_top(values, 50)):
                scores[place] = scores.get(place, 0.0) + 1 / (61 + rank)
        return sorted(scores, key=lambda place: -scores[place])[:k]


def _top(values: Any, most: int) -> list[int]:
    most = min(most, len(values))
    best = np.argpartition(values, -most)[-most:]
    return [int(place) for place in best[np.argsort(values[best])[::-1]]]
