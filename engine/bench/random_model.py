"""Models in the shapes of real ones, filled with random weights: as slow and as large as those.

What such a model writes means nothing; how long it takes, and how much memory, is that of the real
one, because neither depends on what the weights say.
"""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.learning.starter.export import HEAD_DIM, Shape, add_shape

Quantisation = Literal["Q8_0", "Q4_K_M"]

_HALF_BITS = 16
_SEED = 3


class RealSize(Struct, frozen=True):
    """A published model: its name, its shape, and how its weights are commonly packed."""

    name: str
    shape: Shape
    quantisation: Quantisation

    @property
    def bytes(self) -> int:
        """How large the file is, but for its tokenizer."""
        return sum(
            math.prod(size) // block * octets
            for _, size, (_, block, octets) in self._packed_tensors()
        )

    def cache_bytes(self, context: int) -> int:
        """How much memory the keys and values of `context` tokens take, at 16 bits each."""
        return 2 * self.shape.layers * self.shape.kv_heads * HEAD_DIM * context * _HALF_BITS // 8

    def _packed_tensors(self) -> Iterator[tuple[str, tuple[int, ...], tuple[str, int, int]]]:
        """Each weight's name in transformers, its shape, and its type, block and block's bytes."""
        for name, size in self.shape.tensors().items():
            yield name, size, _PACKINGS[self._packing(name, size)]

    def _packing(self, name: str, size: tuple[int, ...]) -> str:
        if len(size) == 1:
            return "F32"
        if self.quantisation == "Q8_0":
            return "Q8_0"
        # As llama.cpp does for Q4_K_M: more bits where they matter most.
        if name == "model.embed_tokens.weight":
            return "Q6_K"
        if name.endswith(("v_proj.weight", "down_proj.weight")):
            layer, layers = int(name.split(".")[2]), self.shape.layers
            outer = layer < layers // 8 or layer >= 7 * layers // 8
            if outer or (layer - layers // 8) % 3 == 2:
                return "Q6_K"
        return "Q4_K"


_PACKINGS = {
    "F32": ("F32", 1, 4),
    "Q8_0": ("Q8_0", 32, 34),
    "Q4_K": ("Q4_K", 256, 144),
    "Q6_K": ("Q6_K", 256, 210),
}


def _qwen3(hidden: int, layers: int, heads: int, feed_forward: int) -> Shape:
    return Shape(
        vocabulary=151_936,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=8,
        feed_forward=feed_forward,
        context=40_960,
        rope_base=1_000_000.0,
    )


QWEN3_06B = RealSize("Qwen3-0.6B", _qwen3(1024, 28, 16, 3072), "Q8_0")
QWEN3_4B = RealSize("Qwen3-4B", _qwen3(2560, 36, 32, 9728), "Q4_K_M")


def write_random_model(path: Path, size: RealSize, donor: Path) -> None:
    """A GGUF file of `size` at `path`, with the tokenizer and chat template of the model `donor`.

    The donor's vocabulary is filled up with words that no text is cut into. One weight at a time
    is in memory. Equal for equal arguments.
    """
    import gguf

    writer = gguf.GGUFWriter(str(path), gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN3])
    shape = size.shape
    writer.add_name(f"{size.name}-random")
    add_shape(writer, shape)
    _copy_tokenizer(writer, gguf.GGUFReader(str(donor)), shape.vocabulary)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, shape.layers)
    tensors = list(size._packed_tensors())
    for name, dimensions, (kind, block, octets) in tensors:
        stem, suffix = name.rsplit(".", 1)
        packed = (*dimensions[:-1], dimensions[-1] // block * octets)
        single = kind == "F32"
        writer.add_tensor_info(
            f"{names.get_name(stem)}.{suffix}",
            dimensions if single else packed,
            np.dtype(np.float32) if single else np.dtype(np.uint8),
            math.prod(packed),
            None if single else gguf.GGMLQuantizationType[kind],
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = np.random.Generator(np.random.SFC64(_SEED))
    for _, dimensions, (kind, block, _) in tensors:
        if kind == "F32":
            writer.write_tensor_data(np.ones(dimensions, np.float32))
        else:
            blocks = math.prod(dimensions) // block
            # So that what goes through a matrix comes out about as large as it went in.
            spread = 1 / math.sqrt(dimensions[-1])
            writer.write_tensor_data(random_blocks(kind, blocks, spread, random))
    writer.close()


def random_blocks(
    kind: str, blocks: int, spread: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """`blocks` blocks of ggml's `kind`, one a row, of weights around 0 that spread by `spread`."""
    _, _, octets = _PACKINGS[kind]
    data = np.frombuffer(bytearray(random.bytes(blocks * octets)), np.uint8)
    rows = data.reshape(blocks, octets)
    if kind == "Q8_0":  # scale, 32 numbers of 8 bits (which spread by 74)
        rows[:, :2] = _half(spread / 74)
    elif kind == "Q6_K":  # 256 numbers of 6 bits less 32 (by 18.5), 16 scales, scale of the scales
        rows[:, 192:208] = 16
        rows[:, 208:] = _half(spread / 18.5 / 16)
    elif kind == "Q4_K":  # two scales, 8 scales and 8 minima of 6 bits, 256 numbers of 4 (by 4.6)
        scale = spread / 4.61 / 32
        rows[:, :2] = _half(scale)
        rows[:, 2:4] = _half(7.5 * scale)  # Numbers of 0 to 15 lie around 7.5.
        rows[:, 4:12] = 32 | 32 >> 4 << 6  # Each of the 16 is 32; the upper two bits stand apart.
        rows[:, 12:16] = 0
    else:
        raise ValueError(f"no blocks of {kind} are made here")
    return rows


def _half(value: float) -> NDArray[np.uint8]:
    return np.frombuffer(np.float16(value).tobytes(), np.uint8)


def _copy_tokenizer(writer: Any, donor: Any, vocabulary: int) -> None:
    import gguf

    def of(key: str) -> Any:
        return donor.get_field(f"tokenizer.{key}").contents()

    tokens = [str(token) for token in of("ggml.tokens")]
    kinds = [int(kind) for kind in of("ggml.token_type")]
    if len(tokens) > vocabulary:
        raise ValueError(f"the donor has {len(tokens)} tokens, the model {vocabulary}")
    fillers = _fillers(set(tokens))
    tokens += itertools.islice(fillers, vocabulary - len(tokens))
    kinds += [int(gguf.TokenType.NORMAL)] * (vocabulary - len(kinds))
    writer.add_tokenizer_model(of("ggml.model"))
    writer.add_tokenizer_pre(of("ggml.pre"))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([str(merge) for merge in of("ggml.merges")])
    writer.add_eos_token_id(int(of("ggml.eos_token_id")))
    writer.add_bos_token_id(int(of("ggml.bos_token_id")))
    writer.add_add_bos_token(False)
    writer.add_chat_template(of("chat_template"))


def _fillers(taken: set[str]) -> Iterator[str]:
    """Words of five letters behind a blank (Ġ in byte-level tokens), none of them in `taken`."""
    for letters in itertools.product(string.ascii_lowercase, repeat=5):
        word = f"Ġ{''.join(letters)}"
        if word not in taken:
            yield word
