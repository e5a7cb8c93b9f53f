"""Starts the generator with the skill it needs most: to go on copying what it has begun to quote.

Copying is a circuit of two layers that a model otherwise finds only after many millions of tokens:
the first layer's heads look one, two and three tokens back, the second layer's head looks for the
place whose last tokens are those just written and takes the token that stands there. Both are
written into the weights here; training then learns what to copy, and may change any of it.

The residual stream is laid out as: the token's code, a constant, the codes of the three tokens
before. The layers above begin as nothing (their outputs are zero) and learn freely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.learning.starter.export import HEAD_DIM, Shape

ROPE_BASE = 1e9
"""So large that two thirds of a head's dimensions hardly turn: content is matched in those."""

_CODE = 128
_CONSTANT = _CODE
_BACK = ((_CODE + 1, 46), (_CODE + 47, 40), (_CODE + 87, 40))
"""Where the codes of the tokens one, two and three before stand in the stream, and their widths."""
_FIRST_STILL = 21
"""From this pair of a head's dimensions on the position turns them too little to matter."""
_MATCHED = (46, 20, 20)
"""How many of the still dimensions compare the last token, the one before, and one more back."""
_POSITION_PAIRS = 10
"""How many of the fast-turning pairs tell one distance from another."""
_SCALE = 0.1
"""The spread of an embedding's entries."""

Matrix = NDArray[np.float32]


def copying_weights(shape: Shape, seed: int) -> dict[str, Matrix]:
    """Weights for `shape` that copy from the first step on.

    Needs at least 256 dimensions, two layers, two key-value heads with two heads each, and
    `ROPE_BASE`; raises `ValueError` otherwise.
    """
    enough = shape.hidden >= 256 and shape.layers >= 2 and shape.kv_heads >= 2
    if not enough or shape.heads < 2 * shape.kv_heads or shape.rope_base != ROPE_BASE:
        raise ValueError("the model is too small for a head start, or its rope base differs")
    random = np.random.default_rng(seed)
    weights = {
        name: _initial(name, size, random).astype(np.float32)
        for name, size in shape.tensors().items()
    }
    table = weights["model.embed_tokens.weight"]
    table[:, _CODE:] *= 0.05
    table[:, _CONSTANT] = 3 * _SCALE
    projection = random.standard_normal((_BACK[0][1], _CODE)) / np.sqrt(_CODE)
    _look_back(weights, shape, projection)
    _match(weights, shape, projection)
    return weights


def _initial(name: str, size: tuple[int, ...], random: np.random.Generator) -> Any:
    if len(size) == 1:
        return np.ones(size)
    if "o_proj" in name or "down_proj" in name:
        return np.zeros(size)
    spread = _SCALE if "embed_tokens" in name else 1 / np.sqrt(size[1])
    return random.standard_normal(size) * spread


def _look_back(weights: dict[str, Matrix], shape: Shape, projection: Any) -> None:
    """Layer 0: one head for each distance; keys are constant, only the position turns them."""
    layer = "model.layers.0.self_attn."
    group = shape.heads // shape.kv_heads
    for kv in range(2):
        _constant_key(weights[layer + "k_proj.weight"], kv)
        _code_value(weights[layer + "v_proj.weight"], kv)
    for distance, (start, width) in enumerate(_BACK, 1):
        head = (distance - 1) // 2 * group + (distance - 1) % 2
        _positional_query(weights[layer + "q_proj.weight"], head, distance)
        out = weights[layer + "o_proj.weight"]
        out[start : start + width, _of(head)] = projection[:width]
    for norm in ("q_norm", "k_norm"):
        weights[f"{layer}{norm}.weight"][:] = 3.0


def _match(weights: dict[str, Matrix], shape: Shape, projection: Any) -> None:
    """Layer 1: head 0 finds where the last tokens stood before; another takes the own code out."""
    layer = "model.layers.1.self_attn."
    query, key = weights[layer + "q_proj.weight"], weights[layer + "k_proj.weight"]
    query[_of(0)] = 0
    key[_of(0)] = 0
    still = list(range(_FIRST_STILL, HEAD_DIM // 2))
    rows = still + [pair + HEAD_DIM // 2 for pair in still]
    place = 0
    for step, width in enumerate(_MATCHED):
        chosen = rows[place : place + width]
        place += width
        start = _BACK[step][0]
        for number, row in enumerate(chosen):
            key[row, start + number] = 1.0
            if step == 0:
                query[row, :_CODE] = projection[number]
            else:
                query[row, _BACK[step - 1][0] + number] = 1.0
    _code_value(weights[layer + "v_proj.weight"], 0)
    weights[layer + "o_proj.weight"][:_CODE, _of(0)] = 2.5 * np.eye(_CODE)
    own = shape.heads // shape.kv_heads
    _constant_key(key, 1)
    _code_value(weights[layer + "v_proj.weight"], 1)
    _positional_query(query, own, 0)
    weights[layer + "o_proj.weight"][:_CODE, _of(own)] = -np.eye(_CODE)
    for norm in ("q_norm", "k_norm"):
        weights[f"{layer}{norm}.weight"][:] = 1.8


def _constant_key(key: Matrix, kv: int) -> None:
    key[_of(kv)] = 0
    for pair in range(_POSITION_PAIRS):
        key[kv * HEAD_DIM + pair, _CONSTANT] = 1.0


def _positional_query(query: Matrix, head: int, distance: int) -> None:
    """A query that a constant key meets best `distance` tokens back."""
    query[_of(head)] = 0
    for pair in range(_POSITION_PAIRS):
        angle = -distance * ROPE_BASE ** (-pair / 64)
        query[head * HEAD_DIM + pair, _CONSTANT] = np.cos(angle)
        query[head * HEAD_DIM + 64 + pair, _CONSTANT] = np.sin(angle)


def _code_value(value: Matrix, kv: int) -> None:
    value[_of(kv)] = 0
    value[_of(kv), :_CODE] = np.eye(HEAD_DIM) * _SCALE


def _of(head: int) -> slice:
    return slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)
