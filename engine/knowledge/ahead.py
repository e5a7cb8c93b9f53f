"""What an import does not wait for while it goes on reading: embedding, and storing copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from engine.knowledge import catalogue
from engine.knowledge.embedding import Embedder, Vectors
from engine.knowledge.table import Row, searched_text
from engine.records import Passage

_BATCH = 256
_LOOK_UP_SECONDS = 0.2

Told = Callable[[int, int, str], None]


class Ahead:
    """Two threads, one that embeds and one that writes. Use it in a ``with``: its end drops what
    has not been begun. Without an `embedder` only vectors that are known can be had.
    """

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._embedding = ThreadPoolExecutor(1, "embedding")
        self._storing = ThreadPoolExecutor(1, "copies")
        self._known: dict[str, Any] = {}
        self._places: dict[str, int] = {}
        self._waiting: list[str] = []
        self._batches: list[Future[Vectors]] = []
        self._copies: list[Future[None]] = []

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in (self._embedding, self._storing):
            pool.shutdown(cancel_futures=True)

    def know(self, rows: Iterable[Row]) -> None:
        """Take over the vectors of `rows`."""
        for row in rows:
            self._known[searched_text(row.passage)] = row.vector

    def embed(self, texts: Iterable[str]) -> None:
        """Begin to embed those of `texts` that are not known."""
        for text in texts:
            if text not in self._known and text not in self._places:
                self._places[text] = len(self._places)
                self._waiting.append(text)
                if len(self._waiting) == _BATCH:
                    self._send()

    def vectors(self, found: Sequence[Passage], dimension: int, told: Told) -> Vectors:
        """The vectors of `found`, in order; `told` hears done, total and a document meanwhile.

        Raises what embedding raised, and `KnowledgeError` when there are none for a passage.
        """
        self._send()
        total, done, embedded = len(self._places), 0, []
        for batch in self._batches:
            while not batch.done():
                told(done, total, "")
                wait([batch], timeout=_LOOK_UP_SECONDS)
            embedded.append(batch.result())
            done += len(embedded[-1])
            told(done, total, "")
        every = np.concatenate(embedded) if embedded else None
        vectors = np.zeros((len(found), dimension), dtype=np.float32)
        for row, passage in enumerate(found):
            text = searched_text(passage)
            place = self._places.get(text)
            if place is not None and every is not None:
                vectors[row] = every[place]
            elif text in self._known:
                vectors[row] = self._known[text]
            else:
                raise catalogue.corrupt(LookupError("vectors are missing"))
        return vectors

    def store(self, path: Path, data: bytes) -> None:
        """Begin to write `data` into `path`."""
        self._copies.append(self._storing.submit(catalogue.replace, path, data))

    def stored(self) -> None:
        """Wait until all is written; raises `OSError` when something could not be."""
        for copy in self._copies:
            copy.result()

    def _send(self) -> None:
        if self._waiting and self._embedder is not None:
            texts, self._waiting = self._waiting, []
            self._batches.append(self._embedding.submit(self._embedder.passages, texts))
