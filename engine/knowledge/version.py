"""Finishing one version of the knowledge: weights, catalogue and seal beside its table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.knowledge import catalogue
from engine.knowledge.catalogue import Current, DocumentRow
from engine.knowledge.grams import Weights
from engine.knowledge.seal import seal


def finish_version(
    folder: Path,
    number: int,
    documents: Sequence[DocumentRow],
    passages: int,
    frequency: Mapping[str, int],
    *,
    embedder: str,
    digest: str,
    dimension: int,
) -> Current:
    """Finish version `number` in `folder`, where the table of its `passages` lies, if it has any.

    `catalogue.switch` to what is returned puts it in use. `frequency` says in how many passages
    each gram stands; the vectors are by the embedder of that name and digest. Raises `OSError`.
    """
    weights = Weights(passages, dict(frequency))
    catalogue.replace(folder / "weights.json", msgspec.json.encode(weights))
    catalogue.write_catalogue(folder, documents)
    return Current(
        version=number,
        embedder=embedder,
        embedder_digest=digest,
        dimension=dimension,
        documents=len(documents),
        passages=passages,
        created=time.time(),
        seal=seal(folder),
    )
