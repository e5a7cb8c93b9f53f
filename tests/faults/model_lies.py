"""What a hostile or broken model file can say: each a change of a sound one."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from gguf_files import ARRAY, BOOL, F32, I32, STRING, U32, Change, Gguf, string

A = "qwen3"


def number(key: str, value: float, kind: int = U32) -> Change:
    return lambda made: made.set(f"{A}.{key}", kind, value)


def without(key: str) -> Change:
    return lambda made: made.metadata.pop(key) and None


def renamed(architecture: str) -> Change:
    def change(made: Gguf) -> None:
        made.set("general.architecture", STRING, architecture)
        made.metadata = {
            key.replace(f"{A}.", f"{architecture}.", 1) if key.startswith(f"{A}.") else key: value
            for key, value in made.metadata.items()
        }

    return change


def tokens(edit: Callable[[list[bytes]], Any]) -> Change:
    def change(made: Gguf) -> None:
        kind, (inner, items) = made.metadata["tokenizer.ggml.tokens"]
        edited = list(items)
        edit(edited)
        made.metadata["tokenizer.ggml.tokens"] = (kind, (inner, edited))

    return change


def claim(key: str, kind: int, claimed: bytes) -> Change:
    return lambda made: made.set(key, kind, claimed)


def tensor(name: str, **changes: Any) -> Change:
    def change(made: Gguf) -> None:
        for key, value in changes.items():
            setattr(made.tensors[name], key, value)

    return change


def extra(**fields: Any) -> Change:
    def change(made: Gguf) -> None:
        for key, value in fields.items():
            setattr(made, key, value)

    return change


NESTED = struct.pack("<IQ", ARRAY, 1) * 200_000
# What the check sees, and words that stand in what it says of it.
LIES: dict[str, tuple[Change, str]] = {
    "big-endian": (extra(version=3 << 24), "字节顺序"),
    "version of tomorrow": (extra(version=4), "版本 4"),
    "2^63 tensors": (extra(claimed_tensors=2**63), "不可能成立"),
    "2^60 entries": (extra(claimed_entries=2**60), "不可能成立"),
    "more entries than there are": (extra(claimed_entries=60), "文件"),
    "fewer entries than there are": (extra(claimed_entries=5), "无法识别"),
    "string of 2^60 bytes": (claim("a", STRING, struct.pack("<Q", 2**60)), "声称的长度"),
    "string of 2^64-1 bytes": (claim("a", STRING, b"\xff" * 8), "声称的长度"),
    "array of 2^62 numbers": (claim("a", ARRAY, struct.pack("<IQ", U32, 2**62)), "声称的长度"),
    "array of 2^61 strings": (claim("a", ARRAY, struct.pack("<IQ", STRING, 2**61)), "声称的长度"),
    "arrays in arrays": (claim("a", ARRAY, NESTED), "读不通"),
    "value of no kind": (claim("a", 13, b""), "读不通"),
    "text that is no UTF-8": (claim("a", STRING, string(b"\xff\xfe")), "读不通"),
    "key with a line break": (claim("a\nb", U32, bytes(4)), "名称"),
    "key without end": (claim("k" * 70_000, U32, bytes(4)), "名称"),
    "alignment of 3": (claim("general.alignment", U32, struct.pack("<I", 3)), "alignment"),
    "alignment of 0": (claim("general.alignment", U32, bytes(4)), "alignment"),
    "no architecture": (without("general.architecture"), "模型架构"),
    "architecture of markup": (
        lambda made: made.set("general.architecture", STRING, "<b>\u202e"),
        "模型架构",
    ),
    "image encoder": (renamed("clip"), "clip"),
    "bert": (renamed("bert"), "bert，这是向量模型"),
    "t5 encoder": (renamed("t5encoder"), "t5encoder，这是向量模型"),
    "whisper": (renamed("whisper"), "whisper"),
    "diffusion": (renamed("flux"), "flux"),
    "embedding model": (number("pooling_type", 3), "向量模型"),
    "reads both ways": (number("attention.causal", 0, BOOL), "向量模型"),
    "adapter": (lambda made: made.set("general.type", STRING, "adapter"), "附加部分（adapter）"),
    "0 heads": (number("attention.head_count", 0), "head_count"),
    "heads that do not divide": (number("attention.head_count_kv", 3), "head_count_kv"),
    "no heads": (without(f"{A}.attention.head_count"), "head_count"),
    "heads as text": (
        lambda made: made.set(f"{A}.attention.head_count", STRING, "2"),
        "head_count",
    ),
    "2^32-1 heads": (number("attention.head_count", 2**32 - 1), "head_count"),
    "context of 0": (number("context_length", 0), "context_length"),
    "context of -1": (number("context_length", -1, I32), "context_length"),
    "context of 2^32-1": (number("context_length", 2**32 - 1), "context_length"),
    "no context": (without(f"{A}.context_length"), "context_length"),
    "0 layers": (number("block_count", 0), "block_count"),
    "a layer too many": (number("block_count", 3), "3 层"),
    "a layer too few": (number("block_count", 1), "1 层"),
    "2^31 layers": (number("block_count", 2**31), "block_count"),
    "width of another model": (number("embedding_length", 128), "embedding_length"),
    "width of 0": (number("embedding_length", 0), "embedding_length"),
    "rope not a number": (number("rope.freq_base", float("nan"), F32), "freq_base"),
    "rope of 0": (number("rope.freq_base", 0.0, F32), "freq_base"),
    "rope without end": (number("rope.freq_base", float("inf"), F32), "freq_base"),
    "odd rope": (number("rope.dimension_count", 7), "dimension_count"),
    "rope wider than a head": (number("rope.dimension_count", 4096), "dimension_count"),
    "epsilon not a number": (
        number("attention.layer_norm_rms_epsilon", float("nan"), F32),
        "epsilon",
    ),
    "more experts used than there are": (number("expert_used_count", 4), "expert_used_count"),
    "100,000 experts": (number("expert_count", 100_000), "expert_count"),
    "no tokenizer": (without("tokenizer.ggml.tokens"), "没有分词器"),
    "tokenizer of no kind": (without("tokenizer.ggml.model"), "没有分词器"),
    "tokenizer left out": (
        lambda made: made.set("tokenizer.ggml.model", STRING, "no_vocab"),
        "没有分词器",
    ),
    "tokens as a number": (claim("tokenizer.ggml.tokens", U32, bytes(4)), "tokens"),
    "tokens missing at the end": (tokens(lambda all_: all_.pop()), "token_type"),
    "a token twice": (tokens(lambda all_: all_.__setitem__(300, all_[301])), "两次"),
    "a token twice to its NUL": (
        tokens(lambda all_: all_.__setitem__(300, all_[301] + b"\0x")),
        "两次",
    ),
    "a token that is no text": (tokens(lambda all_: all_.__setitem__(300, b"\xff\xfe")), "读不通"),
    "too few kinds of tokens": (
        lambda made: made.set("tokenizer.ggml.token_type", ARRAY, (I32, [1] * 10)),
        "token_type",
    ),
    "scores of the wrong size": (
        lambda made: made.set("tokenizer.ggml.scores", ARRAY, (F32, [0.0] * 10)),
        "scores",
    ),
    "no merges": (without("tokenizer.ggml.merges"), "merges"),
    "empty merges": (
        lambda made: made.set("tokenizer.ggml.merges", ARRAY, (STRING, ["a b", ""])),
        "merges",
    ),
    "end token beyond the vocabulary": (
        lambda made: made.set("tokenizer.ggml.eos_token_id", U32, 10**6),
        "eos_token_id",
    ),
    "first of 2^16 files": (lambda made: made.set("split.count", U32, 2**16 - 1), "split.count"),
    "first of 2 files, renamed": (lambda made: made.set("split.count", U32, 2), "分成了 2 个"),
    "no embedding": (lambda made: made.tensors.pop("token_embd.weight") and None, "token_embd"),
    "weights of no kind": (tensor("blk.0.attn_q.weight", kind=99), "无法识别"),
    "weights that cannot be multiplied": (tensor("token_embd.weight", kind=27), "无法识别"),
    "norms in half precision": (
        tensor("blk.0.attn_norm.weight", kind=1, data=bytes(128)),
        "无法识别",
    ),
    "no axes": (tensor("blk.0.attn_q.weight", dimensions=[]), "尺寸"),
    "five axes": (tensor("blk.0.attn_q.weight", dimensions=[1, 1, 1, 1, 1]), "尺寸"),
    "an axis of 0": (tensor("blk.0.attn_q.weight", dimensions=[64, 0]), "尺寸"),
    "an axis of -1": (tensor("blk.0.attn_q.weight", dimensions=[64, -1]), "尺寸"),
    "axes that overflow": (tensor("blk.0.attn_q.weight", dimensions=[2**33, 2**33]), "尺寸"),
    "axes that overflow to a fit": (
        tensor("blk.0.attn_q.weight", dimensions=[2**32, 2**32, 1, 1]),
        "尺寸",
    ),
    "a start out of step": (tensor("blk.0.attn_q.weight", start=8), "位置"),
    "weights over weights": (tensor("blk.1.attn_q.weight", start=0), "位置"),
    "a start beyond the end": (tensor("blk.1.attn_q.weight", start=2**63), "位置"),
    "a size beyond the end": (tensor("token_embd.weight", dimensions=[64, 2**30]), "位置"),
    "no template": (without("tokenizer.chat_template"), "没有可用的对话模板"),
    "blank template": (
        lambda made: made.set("tokenizer.chat_template", STRING, " \n"),
        "没有可用的对话模板",
    ),
    "a megabyte of template": (
        lambda made: made.set("tokenizer.chat_template", STRING, "x" * (1 << 20)),
        "chat_template",
    ),
}

# What only llama.cpp, or the first use, can tell.
SURPRISES: dict[str, Change] = {
    "an architecture nobody knows": renamed("nosuch"),
    "a tokenizer nobody knows": lambda made: made.set("tokenizer.ggml.model", STRING, "xyz"),
    "splitting nobody knows": lambda made: made.set("tokenizer.ggml.pre", STRING, "xyz"),
    "another architecture's weights": renamed("llama"),
    "a falcon": renamed("falcon"),
    "a mamba": renamed("mamba"),
    "experts": number("expert_count", 8),
    "wrong width of heads": number("attention.key_length", 64),
    "wrong inner width": number("feed_forward_length", 999),
    "tokens without words": tokens(lambda all_: all_.__setitem__(slice(3, 60), [b""] * 57)),
    "kinds of tokens nobody knows": lambda made: made.set(
        "tokenizer.ggml.token_type", ARRAY, (I32, [99] * 640)
    ),
    "all tokens are control tokens": lambda made: made.set(
        "tokenizer.ggml.token_type", ARRAY, (I32, [3] * 640)
    ),
    "merges of nothing": lambda made: made.set(
        "tokenizer.ggml.merges", ARRAY, (STRING, ["xxx", "a", " "])
    ),
    "a template that asks for names": lambda made: made.set(
        "tokenizer.chat_template", STRING, "{{ nobody.knows.this }}"
    ),
    "a template that reaches out": lambda made: made.set(
        "tokenizer.chat_template",
        STRING,
        "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ cycler.__init__.__globals__.os }}",
    ),
    "a template that never ends": lambda made: made.set(
        "tokenizer.chat_template",
        STRING,
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    ),
    "a template of powers": lambda made: made.set(
        "tokenizer.chat_template", STRING, "{{ 9 ** 9 ** 9 ** 9 }}"
    ),
    "a template of repetitions": lambda made: made.set(
        "tokenizer.chat_template", STRING, "{% set x = 'x' * 99999999999 %}{{ x }}"
    ),
    "a template of brackets": lambda made: made.set(
        "tokenizer.chat_template", STRING, "{{" + "(" * 20_000 + ")" * 20_000 + "}}"
    ),
    "a template with a mark of our own": lambda made: made.set(
        "tokenizer.chat_template", STRING, "\ue0000\ue001\ue0007\ue001"
    ),
}
