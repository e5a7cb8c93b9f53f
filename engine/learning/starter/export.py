"""Writes a Qwen3 model with its tokenizer as one GGUF file, for running and for tuning alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from engine.learning.starter.tokenizer import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    IM_END,
    SPECIAL,
    merges_of,
)

HEAD_DIM = 128
"""Fixed: transformers' GGUF loader ignores ``attention.key_length`` and assumes this."""

Weights = Mapping[str, "np.ndarray[Any, np.dtype[Any]]"]
Precision = Literal["f16", "q8_0"]


class Shape(Struct, frozen=True):
    """The size of a Qwen3 model with tied embeddings; `head_dim` is always 128."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    context: int = 4096
    rope_base: float = 10_000.0
    epsilon: float = 1e-6

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Every weight by its name in transformers, with its shape."""
        head = HEAD_DIM
        shapes: dict[str, tuple[int, ...]] = {
            "model.embed_tokens.weight": (self.vocabulary, self.hidden),
            "model.norm.weight": (self.hidden,),
        }
        for layer in range(self.layers):
            shapes |= {
                f"model.layers.{layer}.{name}.weight": size
                for name, size in {
                    "input_layernorm": (self.hidden,),
                    "post_attention_layernorm": (self.hidden,),
                    "self_attn.q_proj": (self.heads * head, self.hidden),
                    "self_attn.k_proj": (self.kv_heads * head, self.hidden),
                    "self_attn.v_proj": (self.kv_heads * head, self.hidden),
                    "self_attn.o_proj": (self.hidden, self.heads * head),
                    "self_attn.q_norm": (head,),
                    "self_attn.k_norm": (head,),
                    "mlp.gate_proj": (self.feed_forward, self.hidden),
                    "mlp.up_proj": (self.feed_forward, self.hidden),
                    "mlp.down_proj": (self.hidden, self.feed_forward),
                }.items()
            }
        return shapes

    def parameters(self) -> int:
        """How many weights the model has, the shared embedding counted once."""
        return sum(int(np.prod(size)) for size in self.tensors().values())


def write_gguf(
    path: Path,
    shape: Shape,
    weights: Weights,
    tokenizer: Any,
    *,
    name: str,
    precision: Precision = "f16",
    licence: str = "mit",
) -> None:
    """Writes `weights` (named as in transformers) and `tokenizer` to `path`, replacing it at once.

    Matrices become `precision`, norms stay 32-bit. Raises `ValueError` when a weight is missing or
    has another size than `shape` says.
    """
    import gguf

    expected = shape.tensors()
    for key, size in expected.items():
        if key not in weights or tuple(weights[key].shape) != size:
            found = tuple(weights[key].shape) if key in weights else "nothing"
            raise ValueError(f"{key}: expected {size}, found {found}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(str(partial), gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN3])
    kind = gguf.LlamaFileType.MOSTLY_Q8_0 if precision == "q8_0" else gguf.LlamaFileType.MOSTLY_F16
    writer.add_name(name)
    writer.add_license(licence)
    writer.add_file_type(kind)
    add_shape(writer, shape)
    _add_tokenizer(writer, tokenizer, shape.vocabulary)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, shape.layers)
    for key in expected:
        stem, suffix = key.rsplit(".", 1)
        values = np.ascontiguousarray(weights[key], dtype=np.float32)
        target = f"{names.get_name(stem)}.{suffix}"
        if values.ndim == 1:
            writer.add_tensor(target, values)
        elif precision == "q8_0":
            q8 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(target, gguf.quants.quantize(values, q8), raw_dtype=q8)
        else:
            writer.add_tensor(target, values.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


def add_shape(writer: Any, shape: Shape) -> None:
    """Write what `shape` says of a model into the header of a `gguf.GGUFWriter`."""
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)


def _add_tokenizer(writer: Any, tokenizer: Any, vocabulary: int) -> None:
    import gguf

    ids: dict[str, int] = tokenizer.get_vocab()
    if len(ids) > vocabulary:
        raise ValueError(f"the tokenizer has {len(ids)} tokens, the model {vocabulary}")
    by_id = {number: token for token, number in ids.items()}
    tokens: list[str] = []
    kinds: list[int] = []
    for number in range(vocabulary):
        token = by_id.get(number)
        if token is None:
            tokens.append(f"[PAD{number}]")
            kinds.append(int(gguf.TokenType.UNUSED))
        else:
            tokens.append(token)
            special = token in SPECIAL
            kinds.append(int(gguf.TokenType.CONTROL if special else gguf.TokenType.NORMAL))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{left} {right}" for left, right in merges_of(tokenizer)])
    writer.add_eos_token_id(ids[IM_END])
    writer.add_pad_token_id(ids[END_OF_TEXT])
    writer.add_bos_token_id(ids[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
