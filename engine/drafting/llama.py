"""The generator that runs GGUF models with llama.cpp, through llama-cpp-python's low-level calls.

Everything native is used from one thread. A failed assertion in llama.cpp ends the process; that
is why this runs in the engine process only.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.drafting.chat_template import ChatTemplate
from engine.drafting.generation import Constraint, Logits, Piece, Shares, TextAssembler, alone
from engine.drafting.offload import ModelShape, choose_offload, gpu_devices
from engine.drafting.prompt import ChatMessage
from engine.errors import ModelError
from engine.protocol import Offload
from engine.records import TokenCounts

PREFILL_CHUNK = 128
_SEQUENCE = 0


def load_generator(
    path: Path, *, gpu_layers: int = -1, threads: int = 0, context: int = 4096
) -> LlamaGenerator:
    """The model in the GGUF file `path`.

    Raises `ModelError`: ``model_missing``, ``model_format`` (not a GGUF file, cut, an architecture
    this llama.cpp does not know), ``model_template`` (no usable chat template).
    """
    _check_file(path)
    backend = _Backend()
    devices = gpu_devices()
    shape = backend.shape(path, context) if devices and gpu_layers else ModelShape(0, 0)
    offload = choose_offload(gpu_layers, shape, devices)
    model = backend.load(path, offload.layers)
    if not model and offload.layers:
        offload = Offload(0, shape.layers, "CPU", "gpu.failed")
        model = backend.load(path, 0)
    if not model:
        raise ModelError(
            f"{path.name} is not a model this program can run ({backend.last_error}). "
            "Choose another model in the settings.",
            "model_format",
            name=path.name,
            detail=backend.last_error,
        )
    return LlamaGenerator(backend, model, path, offload, threads=threads, context=context)


def fingerprint(path: Path) -> str:
    """A short hash of a model file: size, first and last MiB (all of it would be too slow)."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        file.seek(max(0, size - (1 << 20)))
        digest.update(file.read(1 << 20))
    return digest.hexdigest()[:12]


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(
            f"There is no model at {path}. Choose one in the settings, or go on without drafts.",
            "model_missing",
            name=path.name,
        ) from error
    if magic != b"GGUF":
        raise ModelError(
            f"{path.name} is not a GGUF model file. Choose another model in the settings.",
            "model_format",
            name=path.name,
            detail="not GGUF",
        )


@cache
def _library() -> tuple[Any, deque[str], object]:
    """llama.cpp, what it complained of lately, and the callback by which it does.

    There is one callback for the process, and it must live as long as the library may call it.
    """
    import llama_cpp

    errors: deque[str] = deque(maxlen=8)

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def keep(level: int, text: bytes, _: object) -> None:
        if level == 4:  # GGML_LOG_LEVEL_ERROR
            errors.append(text.decode("utf-8", "replace").strip())

    llama_cpp.llama_log_set(keep, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp, errors, keep


class _Backend:
    """llama.cpp's library with its log caught, so that a refusal can be explained."""

    def __init__(self) -> None:
        self.api, self._errors, _ = _library()

    @property
    def last_error(self) -> str:
        """The first thing llama.cpp complained of, which names the cause."""
        return self._errors[0][:200] if self._errors else "unknown cause"

    def load(self, path: Path, gpu_layers: int, *, vocabulary_only: bool = False) -> Any:
        self._errors.clear()
        parameters = self.api.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        parameters.vocab_only = vocabulary_only
        return self.api.llama_model_load_from_file(str(path).encode(), parameters)

    def shape(self, path: Path, context: int) -> ModelShape:
        model = self.load(path, 0, vocabulary_only=True)
        if not model:
            return ModelShape(0, 0)
        api = self.api
        layers = api.llama_model_n_layer(model)
        heads = max(1, api.llama_model_n_head(model))
        width = api.llama_model_n_embd(model) // heads * api.llama_model_n_head_kv(model)
        api.llama_model_free(model)
        cache = 2 * layers * width * context * 2
        return ModelShape(layers + 1, path.stat().st_size, cache)


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

    def special(self, token: int) -> str:
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
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(
            self._vocabulary, data, len(data), buffer, room, False, control
        )
        return list(buffer[: max(0, count)])


class LlamaGenerator:
    """One model with one context. The longest prefix of the former prompt is not read again."""

    def __init__(
        self,
        backend: _Backend,
        model: Any,
        path: Path,
        offload: Offload,
        *,
        threads: int,
        context: int,
    ) -> None:
        api = self._api = backend.api
        self._backend = backend
        self._model = model
        self._native: Any = None
        template = api.llama_model_chat_template(model, None)
        if not template:
            self.close()
            raise ModelError(
                f"{path.name} has no chat template, so it cannot be told how to answer. "
                "Choose an instruction-tuned model.",
                "model_template",
                name=path.name,
                detail="missing",
            )
        self.vocabulary = LlamaVocabulary(api, model)
        raw = api.llama_model_get_vocab(model)
        self._template = ChatTemplate(
            template.decode("utf-8", "replace"),
            begin=self.vocabulary.special(api.llama_vocab_bos(raw)),
            end=self.vocabulary.special(api.llama_vocab_eos(raw)),
        )
        # A template may fail only when it is used: better now than at the first draft.
        self._template.render([ChatMessage("system", "."), ChatMessage("user", ".")])
        self.name = f"{path.stem}@{fingerprint(path)}"
        layers = api.llama_model_n_layer(model) + 1
        self.offload = Offload(offload.layers, layers, offload.device, offload.reason)
        self.context = min(context, api.llama_model_n_ctx_train(model))
        self._native = self._new_context(threads)
        if not self._native:
            self.close()
            raise ModelError(
                f"{path.name} does not fit into memory with {self.context} tokens of context. "
                "Choose a smaller model or context in the settings.",
                "model_memory",
                name=path.name,
                context=self.context,
            )
        self._memory = api.llama_get_memory(self._native)
        self._batch = api.llama_batch_init(PREFILL_CHUNK, 0, 1)
        self._evaluated: list[int] = []

    def _new_context(self, threads: int) -> Any:
        import psutil

        parameters = self._api.llama_context_default_params()
        parameters.n_ctx = self.context
        parameters.n_batch = parameters.n_ubatch = PREFILL_CHUNK
        parameters.n_seq_max = 1
        threads = threads or psutil.cpu_count(logical=False) or 1
        parameters.n_threads = parameters.n_threads_batch = threads
        return self._api.llama_init_from_model(self._model, parameters)

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return len(self.vocabulary.tokenize(text))

    def prompt_tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The tokens of the prompt that asks for a reply to `messages`."""
        return [
            token
            for part in self._template.render(messages)
            for token in self.vocabulary.tokens(part.text, control=part.from_template)
        ]

    def generate(
        self,
        messages: Sequence[ChatMessage],
        constraint: Constraint,
        *,
        limit: int,
        conversation: str = "",
        shares: Shares = alone,
    ) -> Iterator[Piece]:
        """See `Generator.generate`. Raises `ModelError` ``model_context`` when all is too long."""
        prompt = self.prompt_tokens(messages)
        if len(prompt) + limit > self.context:
            raise ModelError(
                f"The prompt has {len(prompt)} tokens; with the reply that is more than the "
                f"context of {self.context}. Raise the context in the settings.",
                "model_context",
                tokens=len(prompt),
                context=self.context,
            )
        reused = self._keep_prefix(prompt)
        logits = self._evaluate(prompt[reused:])
        generated = 0
        yield Piece("", TokenCounts(len(prompt), reused, 0))
        text = TextAssembler(self.vocabulary.pieces)
        while generated < limit:
            tokens = list(constraint.choose(logits))[: limit - generated]
            if not tokens:
                break
            generated += len(tokens)
            yield Piece(text.add(tokens), TokenCounts(len(prompt), reused, generated))
            logits = self._evaluate(tokens)

    def _keep_prefix(self, prompt: Sequence[int]) -> int:
        """Drop what is in memory behind the longest common prefix; how long that is."""
        common = 0
        # The last token is always read again: its logits are what the reply begins with.
        for ours, theirs in zip(self._evaluated, prompt[:-1], strict=False):
            if ours != theirs:
                break
            common += 1
        if not self._api.llama_memory_seq_rm(self._memory, _SEQUENCE, common, -1):
            self._api.llama_memory_clear(self._memory, True)
            common = 0
        del self._evaluated[common:]
        return common

    def _evaluate(self, tokens: Sequence[int]) -> Logits:
        """Read `tokens`; the logits after the last one (a view, valid until the next call)."""
        for start in range(0, len(tokens), PREFILL_CHUNK):
            chunk = tokens[start : start + PREFILL_CHUNK]
            self._fill_batch(chunk)
            status = self._api.llama_decode(self._native, self._batch)
            if status != 0:
                raise ModelError(
                    f"The model could not go on (status {status}). The draft was given up; "
                    "draft again, or restart.",
                    "model_decode",
                    status=status,
                )
            self._evaluated.extend(chunk)
        pointer = self._api.llama_get_logits_ith(self._native, -1)
        return np.ctypeslib.as_array(pointer, (len(self.vocabulary.pieces),))

    def _fill_batch(self, tokens: Sequence[int]) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        first = len(self._evaluated)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = first + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = _SEQUENCE
            batch.logits[index] = index == len(tokens) - 1

    def close(self) -> None:
        """Free the model's memory. The generator is of no use afterwards."""
        if self._native:
            self._api.llama_batch_free(self._batch)
            self._api.llama_free(self._native)
            self._native = None
        if self._model:
            self._api.llama_model_free(self._model)
            self._model = None
