"""Vectors of texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


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
