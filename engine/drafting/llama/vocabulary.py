"""The tokens of a loaded model."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

# A prompt is counted and cut into tokens again with every turn, message by message.
_KEPT_TEXTS = 512
_KEPT_LENGTH = 2_000


class LlamaVocabulary:
    """The tokens of a loaded model."""

    def __init__(self, api: Any, model: Any) -> None:
        self._api = api
        self._vocabulary = api.llama_model_get_vocab(model)
        size = api.llama_vocab_n_tokens(self._vocabulary)
        self.pieces: list[bytes] = [self._piece(token) for token in range(size)]
        self.ends = frozenset(
            token for token in range(size) if api.llama_vocab_is_eog(self._vocabulary, token)
        )
        self.begin = self._special(api.llama_vocab_bos(self._vocabulary))
        self.end = self._special(api.llama_vocab_eos(self._vocabulary))
        self._kept = lru_cache(_KEPT_TEXTS)(self._cut)

    def _piece(self, token: int) -> bytes:
        if self._api.llama_vocab_is_control(self._vocabulary, token):
            return b""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._api.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def _special(self, token: int) -> str:
        """The written form of a control token; "" when there is none."""
        if token < 0:
            return ""
        text: bytes | None = self._api.llama_vocab_get_text(self._vocabulary, token)
        return (text or b"").decode("utf-8", "replace")

    def tokenize(self, text: str) -> list[int]:
        """`text` as tokens; nothing in it is read as a control token."""
        return self.tokens(text, control=False)

    def tokens(self, text: str, *, control: bool) -> list[int]:
        """`text` as tokens, control tokens recognised when `control` is true."""
        cut = self._kept if len(text) <= _KEPT_LENGTH else self._cut
        return list(cut(text, control))

    def forget_texts(self) -> None:
        """Keep none of the texts that were cut into tokens."""
        self._kept.cache_clear()

    def _cut(self, text: str, control: bool) -> tuple[int, ...]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(
            self._vocabulary, data, len(data), buffer, room, False, control
        )
        return tuple(buffer[: max(0, count)])
