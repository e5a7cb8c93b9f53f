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
    """A `tokenizers.Tokenizer` of at most `vocabulary` tokens, special tokens first.

    More merges are learnt than are kept: a token of more than two Chinese characters or one that
    joins pieces of different characters is left out, and with it all that is built on it.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _byte_level(LEARNING_SPLIT)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=2 * vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        show_progress=False,
        min_frequency=2,
    )
    learner.train_from_iterator(texts, trainer)
    ids = {token: number for number, token in enumerate([*SPECIAL, *alphabet])}
    kept = []
    for left, right in merges_of(learner):
        if len(ids) == vocabulary:
            break
        if left in ids and right in ids and _is_wanted(left + right):
            ids.setdefault(left + right, len(ids))
            kept.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=kept))
    tokenizer.add_special_tokens(list(SPECIAL))
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


def _is_wanted(token: str) -> bool:
    try:
        text = bytes(_BYTES[c] for c in token).decode()
    except UnicodeDecodeError:
        return len(token) <= 3  # The first bytes of one character.
    return text.isascii() or len(text) <= 2


def _byte_of() -> dict[str, int]:
    """The byte that each character of the byte-level alphabet stands for."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shifted = [byte for byte in range(0x100) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {
        chr(0x100 + place): byte for place, byte in enumerate(shifted)
    }


_BYTES = _byte_of()


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
