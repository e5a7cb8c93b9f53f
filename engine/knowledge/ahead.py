"""A version's table, written while an import goes on reading: two threads embed and write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import Cancelled
from engine.knowledge import table
from engine.knowledge.catalogue import corrupt
from engine.knowledge.embedding import Embedder
from engine.knowledge.passages import searched_text
from engine.knowledge.reports import Step
from engine.knowledge.table import Row
from engine.knowledge.vectors import Vectors
from engine.records import Passage

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 256
_LOOK_UP_SECONDS = 0.2

Told = Callable[[Step, int, int], None]


class Ahead:
    """Use it in a ``with``: its end drops what has not been begun.

    The table goes into the folder `version`, which is made for its first passages. Without an
    `embedder` only vectors of `dimension` numbers that are known can be had.
    """

    def __init__(self, version: Path, embedder: Embedder | None, dimension: int) -> None:
        self._version = version
        self._embedder = embedder
        self._dimension = dimension
        self._embedding = ThreadPoolExecutor(embedder.at_once if embedder else 1, "embedding")
        self._writing = ThreadPoolExecutor(1, "table")
        self._known: dict[str, Vectors] = {}
        self._passages: list[Passage] = []
        self._words: list[str] = []
        self._batches: list[Future[pa.RecordBatch]] = []
        self._embedded: SimpleQueue[Future[pa.RecordBatch] | None] = SimpleQueue()
        self._table: Future[None] | None = None
        self._total = 0

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        dropped: Future[pa.RecordBatch] = Future()
        dropped.set_exception(Cancelled("The table is not wanted any more.", "import_cancelled"))
        self._embedded.put(dropped)
        for pool in (self._embedding, self._writing):
            pool.shutdown(cancel_futures=True)

    def know(self, rows: Iterable[Row]) -> None:
        """Take over the vectors of `rows`."""
        for row in rows:
            self._known[searched_text(row.passage)] = row.vector

    def add(self, passages: Sequence[Passage], words: Sequence[str]) -> None:
        """Put `passages` into the table; `words` are their grams with a space between them."""
        self._passages.extend(passages)
        self._words.extend(words)
        self._total += len(passages)
        if len(self._passages) >= _BATCH:
            self._send()

    def finish(self, told: Told) -> None:
        """Wait until the table is written and indexed; `told` hears how far that is, in passages.

        Raises what embedding raised, `KnowledgeError`, and `OSError` when the disk refuses.
        """
        self._send()
        self._embedded.put(None)
        done = 0
        for batch in self._batches:
            while not batch.done():
                told("embedding", done, self._total)
                wait([batch], timeout=_LOOK_UP_SECONDS)
            done += batch.result().num_rows
        told("embedding", done, self._total)
        if self._table is None:
            return
        while not self._table.done():
            told("indexing", 0, self._total)
            wait([self._table], timeout=_LOOK_UP_SECONDS)
        self._table.result()

    def _send(self) -> None:
        if not self._passages:
            return
        batch = self._embedding.submit(self._batch, self._passages, self._words)
        self._passages, self._words = [], []
        self._batches.append(batch)
        self._embedded.put(batch)
        if self._table is None:
            self._version.mkdir(parents=True, exist_ok=True)
            self._table = self._writing.submit(
                table.create, self._version, self._dimension, self._arriving()
            )

    def _batch(self, passages: Sequence[Passage], words: Sequence[str]) -> pa.RecordBatch:
        texts = [searched_text(passage) for passage in passages]
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new and self._embedder is None:
            raise corrupt(LookupError("vectors are missing"))
        if new and self._embedder is not None:
            self._known.update(zip(new, self._embedder.passages(new), strict=True))
        vectors = np.stack([self._known[text] for text in texts])
        return table.batch(passages, words, vectors)

    def _arriving(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._embedded.get()) is not None:
            yield batch.result()
