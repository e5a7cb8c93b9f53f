"""Writing one version of the knowledge: table, weights, catalogue, seal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from engine.knowledge import catalogue
from engine.knowledge.catalogue import Current, DocumentRow
from engine.knowledge.embedding import Vectors
from engine.knowledge.grams import Weights
from engine.knowledge.seal import seal
from engine.knowledge.table import create
from engine.records import Passage


def write_version(
    folder: Path,
    number: int,
    documents: Sequence[DocumentRow],
    passages: Sequence[Passage],
    words: Sequence[str],
    vectors: Vectors,
    *,
    embedder: str,
    digest: str,
) -> Current:
    """Write version `number` into `folder`; `catalogue.switch` to what is returned puts it in use.

    `words` are each passage's grams with a space between them, `vectors` its vectors by the
    embedder of that name and digest. Raises `KnowledgeError` and `OSError`.
    """
    with ThreadPoolExecutor(1) as beside:
        # Lance makes its indexes without Python, which can count meanwhile.
        counting = beside.submit(lambda: Weights.counted(line.split() for line in words))
        if passages:
            create(folder, passages, words, vectors)
        weights = counting.result()
    catalogue.replace(folder / "weights.json", msgspec.json.encode(weights))
    catalogue.write_catalogue(folder, documents)
    return Current(
        version=number,
        embedder=embedder,
        embedder_digest=digest,
        dimension=int(vectors.shape[1]),
        documents=len(documents),
        passages=len(passages),
        created=time.time(),
        seal=seal(folder),
    )
