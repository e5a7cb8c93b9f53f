"""The starter tokenizer: byte-level BPE that splits text exactly as Qwen2 does.

The merges are learnt on a stricter split (punctuation, Han, Latin and digits apart), so no token
ever joins a comma with the word behind it: a sentence has the same tokens wherever it stands, which
is what a small model needs to copy it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

END_OF_TEXT = "<|endoftext|>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
SPECIAL = (END_OF_TEXT, IM_START, IM_END)
VOCABULARY = 8192

QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's pre-tokenizer; llama.cpp has the same one under the name ``qwen2``."""

LEARNING_SPLIT = r" ?[A-Za-z]+|\p{Han}+|\p{L}+|\p{N}|[^\s\p{L}\p{N}]|\s+"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML, as Qwen uses it."""


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Any:
    """A `tokenizers.Tokenizer` of at most `vocabulary` tokens, special tokens first."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _byte_level(LEARNING_SPLIT)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _finished(tokenizer)


def load_tokenizer(path: Path) -> Any:
    """The tokenizer saved in `path` (a ``tokenizer.json``)."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of `text`; the marks of ChatML in it become special tokens."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def merges_of(tokenizer: Any) -> list[tuple[str, str]]:
    """The merges in order, each a pair in the byte-level alphabet."""
    import msgspec

    model = msgspec.json.decode(tokenizer.to_str())["model"]
    return [(left, right) for left, right in model["merges"]]


def _byte_level(split: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _finished(tokenizer: Any) -> Any:
    from tokenizers import decoders

    tokenizer.pre_tokenizer = _byte_level(QWEN2_SPLIT)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
