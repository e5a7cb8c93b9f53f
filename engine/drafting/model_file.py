"""Looks at a GGUF file before llama.cpp does, which on some broken ones ends the process.

Only the header is read. What passes may still be refused by llama.cpp, which knows every
architecture; what would make it abort, read past an array or take all memory does not pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine import texts
from engine.drafting.gguf_header import (
    FLOATS,
    INTEGERS,
    Header,
    Numbers,
    Strings,
    Tensor,
    Unsound,
    Value,
    read_header,
)
from engine.errors import ModelError

# What these make is no text, or no text word by word; of all others llama.cpp says whether it
# knows them.
_ENCODERS: Final = frozenset(
    {
        "bert",
        "modern-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "neo-bert",
        "jina-bert-v2",
        "jina-bert-v3",
        "eurobert",
        "gemma-embedding",
        "llama-embed",
        "t5encoder",
        "roberta",
        "xlm-roberta",
    }
)
_OTHERS: Final = frozenset(
    {
        "clip",
        "mmproj",
        "whisper",
        "wavtokenizer-dec",
        "t5",
        "flux",
        "sd1",
        "sd3",
        "sdxl",
        "wan",
        "ltxv",
        "hyvid",
        "aura",
        "cosmos",
        "lumina2",
        "qwen_image",
        "pig",
        "esrgan",
        "hidream",
        "dream",
        "llada",
        "llada-moe",
        "rnd1",
        "eagle3",
        "dflash",
    }
)
_RECURRENT: Final = ("ssm.", "wkv.", "shortconv.", "kda.", "attention.indexer.")
_LAYER: Final = re.compile(r"blk\.(\d{1,6})\.")
_PART: Final = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")

# What a number may be; the bounds are far beyond any model.
_BOUNDS: Final = {
    "block_count": (1, 512),
    "embedding_length": (1, 1 << 20),
    "context_length": (256, 1 << 28),
    "attention.key_length": (1, 1 << 16),
    "attention.value_length": (1, 1 << 16),
    "rope.dimension_count": (0, 1 << 16),
    "vocab_size": (1, 1 << 24),
    "expert_count": (0, 512),
    "expert_used_count": (0, 512),
}
_PER_LAYER: Final = {
    "feed_forward_length": (0, 1 << 24),
    "attention.head_count": (0, 1 << 14),
    "attention.head_count_kv": (0, 1 << 14),
}
_FEWEST_TOKENS: Final = 32
_MOST_TOKENS: Final = 1 << 24
_LONGEST_TEMPLATE: Final = 1 << 18
_MOST_PARTS: Final = 999


class Attention(Struct, frozen=True):
    """What a model remembers of a token: how many layers it has, each with how many `heads` (keys
    and values) of which `width`; `context` is the most tokens it was trained for, 0 unless told."""

    layers: int
    heads: int
    width: int
    context: int


def check_model_file(path: Path) -> Attention:
    """What the file says of the model's attention; a file that is no usable generator is refused.

    Raises `ModelError`: ``model_missing``, ``model_template`` (it has no chat template),
    ``model_format`` for all else, with `detail` saying what is wrong with it.
    """
    try:
        if not path.is_file():
            # A pipe or a device would be read for ever.
            raise FileNotFoundError
        return _checked(path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ModelError(
            f"There is no model at {path}. Choose one in the settings, or go on without drafts.",
            "model_missing",
            name=path.name,
        ) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise _refusal(path, Unsound("unreadable", why=why)) from error
    except Unsound as unsound:
        raise _refusal(path, unsound) from unsound


def _refusal(path: Path, unsound: Unsound) -> ModelError:
    detail = texts.both(f"model_file.{unsound.reason}", **unsound.values)
    if unsound.reason == "template":
        return ModelError(
            f"{path.name} has no usable chat template ({detail.en}), so it cannot be told how to "
            "answer. Choose an instruction-tuned model.",
            "model_template",
            name=path.name,
            detail=detail,
        )
    return ModelError(
        f"{path.name} is not a model this program can run ({detail.en}). "
        "Choose another model in the settings.",
        "model_format",
        name=path.name,
        detail=detail,
    )


def _checked(path: Path) -> Attention:
    header = read_header(path)
    facts = _Facts(header)
    _check_purpose(facts)
    _check_numbers(facts)
    _check_heads(facts)
    tokens = _check_tokenizer(facts)
    tensors = dict(header.tensors)
    for part in _other_parts(path, facts):
        tensors |= read_header(part).tensors
    for tensor in tensors.values():
        # llama.cpp adds and scales with these as they are, and ends the process over other kinds.
        if tensor.kind and ("norm" in tensor.name or tensor.name.endswith(".bias")):
            raise Unsound("weights", name=tensor.name, kind=tensor.kind)
    _check_layers(facts, tensors)
    _check_embedding(facts, tensors, tokens)
    template = facts.header.metadata.get("tokenizer.chat_template")
    if not isinstance(template, str) or not template.strip():
        raise Unsound("template")
    if len(template) > _LONGEST_TEMPLATE:
        raise Unsound("claims", what="tokenizer.chat_template")
    heads = _whole(facts, "attention.head_count")
    return Attention(
        layers=facts.whole("block_count") or 0,
        heads=max(_whole(facts, "attention.head_count_kv") or heads, default=0),
        width=_head_width(facts, heads),
        context=facts.whole("context_length") or 0,
    )


class _Facts:
    """The metadata, and what the architecture says under its own name."""

    def __init__(self, header: Header) -> None:
        self.header = header
        name = header.metadata.get("general.architecture")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise Unsound("no_architecture")
        self.architecture = name

    def of(self, key: str) -> Value | None:
        """The value of the architecture's `key`."""
        return self.header.metadata.get(f"{self.architecture}.{key}")

    def named(self, key: str) -> str:
        """How the file names that key."""
        return f"{self.architecture}.{key}"

    def whole(self, key: str) -> int | None:
        """That value, where it is a whole number."""
        value = self.of(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def own(self) -> dict[str, Value]:
        """What the architecture says, without its name in front."""
        start = f"{self.architecture}."
        found = self.header.metadata.items()
        return {key[len(start) :]: value for key, value in found if key.startswith(start)}


def _check_purpose(facts: _Facts) -> None:
    name = facts.architecture
    kind = facts.header.metadata.get("general.type", "model")
    if kind != "model" and isinstance(kind, str):
        raise Unsound("no_model", kind=kind[:40])
    if name in _OTHERS:
        raise Unsound("no_text", architecture=name)
    pooling = facts.whole("pooling_type")
    causal = facts.of("attention.causal")
    # A pooling type is what makes vectors out of a model that could write (Qwen3-Embedding, say).
    if name in _ENCODERS or causal is False or pooling in (1, 2, 3, 4):
        raise Unsound("encoder", architecture=name)


def _check_numbers(facts: _Facts) -> None:
    for key, value in facts.own().items():
        items = value.items if isinstance(value, Numbers) else (value,)
        for item in items:
            if isinstance(item, float) and not math.isfinite(item):
                raise _impossible(facts, key, item)
    for key, (least, most) in _BOUNDS.items():
        found = facts.of(key)
        needed = key in ("block_count", "embedding_length", "context_length")
        if found is None and not needed:
            continue
        if found is None:
            raise Unsound("lacks", what=facts.named(key))
        if not all(least <= one <= most for one in _whole(facts, key)):
            raise _impossible(facts, key, found)
        if needed and facts.whole(key) is None:
            raise _impossible(facts, key, found)
    for key, (least, most) in _PER_LAYER.items():
        several = facts.of(key)
        if isinstance(several, Numbers) and several.count != facts.whole("block_count"):
            raise _impossible(facts, key, several)
        if not all(least <= one <= most for one in _whole(facts, key)):
            raise _impossible(facts, key, several)
    for key in ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"):
        _check_float(facts, key, 0.0, 1.0)
    _check_float(facts, "rope.freq_base", 1.0, 1e15)
    _check_float(facts, "rope.scaling.factor", 0.0, 1e6)
    experts = facts.whole("expert_count") or 0
    for used in _whole(facts, "expert_used_count") or (0,):
        if used > experts or (experts and not used):
            raise _impossible(facts, "expert_used_count", used)


def _check_float(facts: _Facts, key: str, least: float, most: float) -> None:
    value = facts.of(key)
    if value is not None and not (isinstance(value, float) and least <= value <= most):
        raise _impossible(facts, key, value)


def _check_heads(facts: _Facts) -> None:
    recurrent = any(key.startswith(_RECURRENT) for key in facts.own())
    heads = _whole(facts, "attention.head_count")
    if not heads and not recurrent:
        raise Unsound("lacks", what=facts.named("attention.head_count"))
    # Models that mix attention with other kinds of layers have layers without heads.
    if heads and not any(heads) and not recurrent:
        raise _impossible(facts, "attention.head_count", 0)
    shared = _whole(facts, "attention.head_count_kv") or heads
    layers = facts.whole("block_count") or 1
    for own, kv in zip(_spread(heads, layers), _spread(shared, layers), strict=False):
        if own and kv and own % kv:
            raise _impossible(facts, "attention.head_count_kv", kv)
        if own and facts.of("attention.key_length") is None:
            width = facts.whole("embedding_length") or 0
            if width % own:
                raise _impossible(facts, "attention.head_count", own)
    width = _head_width(facts, heads)
    for turned in _whole(facts, "rope.dimension_count"):
        if width and (turned % 2 or turned > width):
            raise _impossible(facts, "rope.dimension_count", turned)


def _check_tokenizer(facts: _Facts) -> int:
    """How many tokens there are."""
    metadata = facts.header.metadata
    tokens = metadata.get("tokenizer.ggml.tokens")
    model = metadata.get("tokenizer.ggml.model")
    if tokens is None or not isinstance(model, str) or model in ("none", "no_vocab", ""):
        raise Unsound("no_tokenizer")
    if not isinstance(tokens, Strings) or not _FEWEST_TOKENS <= tokens.count <= _MOST_TOKENS:
        raise Unsound("tokenizer", what="tokenizer.ggml.tokens")
    # The empty ones get names of their own in llama.cpp; it ends the process over any other two.
    if tokens.different < tokens.count - max(0, tokens.empty - 1):
        raise Unsound("twice", what="tokenizer.ggml.tokens")
    # llama.cpp reads these beside the tokens, as many as there are tokens.
    for key, kinds in (("scores", FLOATS), ("token_type", INTEGERS)):
        beside = metadata.get(f"tokenizer.ggml.{key}")
        if beside is None:
            continue
        if not isinstance(beside, Numbers) or beside.count != tokens.count:
            raise Unsound("tokenizer", what=f"tokenizer.ggml.{key}")
        if beside.kind not in kinds or beside.kind in (10, 11, 12):
            raise Unsound("tokenizer", what=f"tokenizer.ggml.{key}")
    merges = metadata.get("tokenizer.ggml.merges")
    if merges is not None and (not isinstance(merges, Strings) or merges.empty):
        raise Unsound("tokenizer", what="tokenizer.ggml.merges")
    if merges is None and model == "gpt2":
        raise Unsound("tokenizer", what="tokenizer.ggml.merges")
    charmap = metadata.get("tokenizer.ggml.precompiled_charsmap")
    if charmap is not None and not (isinstance(charmap, Numbers) and charmap.kind in (0, 1)):
        raise Unsound("tokenizer", what="tokenizer.ggml.precompiled_charsmap")
    for key in ("bos_token_id", "eos_token_id", "eot_token_id"):
        token = metadata.get(f"tokenizer.ggml.{key}")
        if token is not None and not (isinstance(token, int) and 0 <= token < tokens.count):
            raise Unsound("tokenizer", what=f"tokenizer.ggml.{key}")
    return tokens.count


def _other_parts(path: Path, facts: _Facts) -> list[Path]:
    """The further files of a model in several; none for a model in one."""
    count = facts.header.metadata.get("split.count", 0)
    number = facts.header.metadata.get("split.no", 0)
    if not isinstance(count, int) or not 0 <= count <= _MOST_PARTS:
        raise Unsound("absurd", what="split.count", value=count)
    if count <= 1:
        return []
    named = _PART.search(path.name)
    if number != 0 or named is None or int(named[1]) != 1 or int(named[2]) != count:
        raise Unsound("first_part", count=count)
    stem = path.name[: named.start()]
    names = [f"{stem}-{one:05d}-of-{count:05d}.gguf" for one in range(2, count + 1)]
    for name in names:
        if not path.with_name(name).is_file():
            raise Unsound("lacks_part", name=name)
    return [path.with_name(name) for name in names]


def _check_layers(facts: _Facts, tensors: dict[str, Tensor]) -> None:
    layers = facts.whole("block_count") or 0
    # The layers that guess further ahead are often left out.
    ahead = facts.whole("nextn_predict_layers") or 0
    found = {int(match[1]) for name in tensors if (match := _LAYER.match(name))}
    present = len(found & set(range(layers)))
    if present < layers - ahead or any(one >= layers for one in found):
        raise Unsound("layers", claimed=layers, found=len(found))


def _check_embedding(facts: _Facts, tensors: dict[str, Tensor], tokens: int) -> None:
    found = tensors.get("token_embd.weight")
    if found is None or len(found.dimensions) < 2:
        raise Unsound("lacks", what="token_embd.weight")
    width, rows = found.dimensions[:2]
    if rows != tokens:
        raise Unsound("vocabulary", tokens=tokens, rows=rows)
    if width != facts.whole("embedding_length"):
        raise _impossible(facts, "embedding_length", facts.of("embedding_length"))


def _whole(facts: _Facts, key: str) -> tuple[int, ...]:
    """The whole numbers under `key`, one or one per layer; nothing when there are none."""
    value = facts.of(key)
    if isinstance(value, Numbers) and value.kind in INTEGERS:
        return tuple(int(one) for one in value.items)
    number = facts.whole(key)
    if value is not None and number is None:
        raise _impossible(facts, key, value)
    return () if number is None else (number,)


def _head_width(facts: _Facts, heads: Sequence[int]) -> int:
    first = next((one for one in heads if one), 0)
    shared = (facts.whole("embedding_length") or 0) // first if first else 0
    return facts.whole("attention.key_length") or shared


def _spread(numbers: tuple[int, ...], layers: int) -> tuple[int, ...]:
    return numbers * layers if len(numbers) == 1 else numbers


def _impossible(facts: _Facts, key: str, value: object) -> Unsound:
    if isinstance(value, Numbers | Strings):
        value = f"[{value.count}]"
    return Unsound("absurd", what=facts.named(key), value=str(value)[:40])
