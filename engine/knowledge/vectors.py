"""Vectors of texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def dots(vectors: Vectors, other: Vectors) -> Vectors:
    """The product of each row of `vectors` with `other`.

    Row by row, because a product of matrices wakes the threads of the algebra library, which then
    spin for longer than it takes, on the cores that the search or the model is waiting for.
    """
    return np.asarray(np.vecdot(vectors, other), dtype=np.float32)


def unit(vectors: Vectors) -> Vectors:
    """`vectors` (rows) made as long as 1; one without a direction gets a fixed one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    empty = lengths[:, 0] < 1e-12
    if empty.any():
        vectors = vectors.copy()
        vectors[empty] = 0.0
        vectors[empty, 0] = 1.0
        lengths[empty] = 1.0
    return np.asarray(vectors / lengths, dtype=np.float32)
