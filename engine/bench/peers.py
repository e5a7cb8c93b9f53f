"""What the figures stand beside: the plainest program that does the same work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.workbench import BenchError
from engine.drafting.llama.context import Threads
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import grams, with_pairs
from engine.knowledge.vectors import Vectors

_CHUNK = 128


class BareLoop:
    """`llama_decode` and argmax, nothing else: a limit to generation with the same model."""

    def __init__(self, model: Path, *, gpu_layers: int, threads: Threads, context: int) -> None:
        import llama_cpp

        api: Any = llama_cpp
        self._api = api
        model_parameters = api.llama_model_default_params()
        model_parameters.n_gpu_layers = gpu_layers
        self._model = api.llama_model_load_from_file(str(model).encode(), model_parameters)
        parameters = api.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = _CHUNK
        parameters.n_threads = threads.writing
        parameters.n_threads_batch = threads.reading
        self._context = api.llama_init_from_model(self._model, parameters) if self._model else None
        if not self._context:
            raise BenchError("The bare loop could not load the model.", "bench_no_memory")
        self._width = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self._model))
        self._batch = api.llama_batch_init(_CHUNK, 0, 1)

    def seconds(self, prompt: Sequence[int], tokens: int) -> float:
        """The seconds that `tokens` tokens take after `prompt`, whose reading is not counted."""
        self.read(prompt)
        return self.write(prompt, tokens)

    def read(self, prompt: Sequence[int]) -> float:
        """The seconds until `prompt` is read and the first token known; nothing is reused."""
        self._api.llama_memory_clear(self._api.llama_get_memory(self._context), True)
        began = time.perf_counter()
        for start in range(0, len(prompt), _CHUNK):
            self._decode(prompt[start : start + _CHUNK], start)
        self._best()
        return time.perf_counter() - began

    def write(self, prompt: Sequence[int], tokens: int) -> float:
        """The seconds that `tokens` tokens take after `prompt`, which was read before."""
        last = len(prompt) - 1
        self._api.llama_memory_seq_rm(self._api.llama_get_memory(self._context), 0, last, -1)
        self._decode(prompt[last:], last)
        began = time.perf_counter()
        for place in range(len(prompt), len(prompt) + tokens):
            self._decode([self._best()], place)
        return time.perf_counter() - began

    def _best(self) -> int:
        logits = self._api.llama_get_logits_ith(self._context, -1)
        return int(np.argmax(np.ctypeslib.as_array(logits, (self._width,))))

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


class TorchModel:
    """The same GGUF file in transformers on torch, its weights unpacked to bfloat16."""

    def __init__(self, model: Path, *, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.set_verbosity_error()
        torch.set_num_threads(threads)
        self._torch: Any = torch
        self._model: Any = AutoModelForCausalLM.from_pretrained(
            str(model.parent), gguf_file=model.name, dtype=torch.bfloat16
        ).eval()

    def seconds(self, prompt: Sequence[int], tokens: int) -> tuple[float, float]:
        """The seconds until the first token after `prompt`, and those of `tokens` more."""
        torch = self._torch
        with torch.inference_mode():
            began = time.perf_counter()
            step = self._model(torch.tensor([list(prompt)]), use_cache=True, logits_to_keep=1)
            best = step.logits[:, -1].argmax(-1, keepdim=True)
            first = time.perf_counter() - began
            for _ in range(tokens):
                step = self._model(best, past_key_values=step.past_key_values, use_cache=True)
                best = step.logits[:, -1].argmax(-1, keepdim=True)
            return first, time.perf_counter() - began - first


class FlatSearch:
    """All vectors by numpy, and BM25 worked out beforehand in a sparse matrix, fused by rank.

    All in memory, and nothing else: no dates, no access, no texts. `words` are each passage's grams
    with a space between them. Everything is there `copies` times.
    """

    def __init__(
        self, words: Sequence[str], vectors: Vectors, embedder: Embedder, *, copies: int = 1
    ) -> None:
        from scipy import sparse

        self._embedder = embedder
        self._vectors = vectors
        self._terms: dict[str, int] = {}
        terms = [[self._terms.setdefault(t, len(self._terms)) for t in w.split()] for w in words]
        lengths = np.array([len(found) for found in terms])
        places = np.repeat(np.arange(len(words)), lengths)
        flat = np.concatenate([np.array(found, dtype=np.int64) for found in terms])
        ones = np.ones(len(flat), dtype=np.float32)
        counts = sparse.csr_matrix((ones, (flat, places)), (len(self._terms), len(words)))
        counts.sum_duplicates()
        seen = np.diff(counts.indptr)
        rarity = np.log(1 + (len(words) - seen + 0.5) / (seen + 0.5)).repeat(seen)
        norm = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())[counts.indices]
        counts.data = (rarity * counts.data * 2.2 / (counts.data + norm)).astype(np.float32)
        self._scores: Any = sparse.hstack([counts] * copies).tocsr() if copies > 1 else counts

    def search(self, query: str, k: int = 5) -> list[int]:
        """The places of the `k` best passages."""
        cosines = self._vectors @ self._embedder.queries([query])[0]
        words = np.zeros(len(self._vectors), dtype=np.float32)
        for gram in dict.fromkeys(with_pairs(grams(query))):
            term = self._terms.get(gram)
            if term is not None:
                first, last = self._scores.indptr[term : term + 2]
                words[self._scores.indices[first:last]] += self._scores.data[first:last]
        scores: dict[int, float] = {}
        for values in (cosines, words):
            for rank, place in enumerate(_top(values, 50)):
                scores[place] = scores.get(place, 0.0) + 1 / (61 + rank)
        return sorted(scores, key=lambda place: -scores[place])[:k]


def _top(values: Any, most: int) -> list[int]:
    most = min(most, len(values))
    best = np.argpartition(values, -most)[-most:]
    return [int(place) for place in best[np.argsort(values[best])[::-1]]]
