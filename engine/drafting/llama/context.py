"""The native side of one loaded model: sequences that tokens are read into, and their states."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from engine.drafting.generation import Logits
from engine.drafting.llama.library import Library
from engine.errors import ModelError

BATCH = 512
"""The most tokens that are handed over at once."""
_FEW = 16
CHUNK = 128
"""The most that are computed at once, and the longest step of reading a prompt."""


class CachePlan(Struct, frozen=True):
    """How the K/V cache is laid out: how many sequences of how many tokens, in which precision."""

    sequences: int
    context: int
    quantised: bool
    token_bytes: int

    @property
    def bytes(self) -> int:
        """The memory that it takes."""
        return self.sequences * self.context * self.token_bytes


def plan_cache(
    layers: int,
    heads: int,
    width: int,
    *,
    context: int,
    budget: int,
    on_gpu: bool = False,
    most: int = 5,
) -> CachePlan:
    """The plan for a model of `layers` with `heads` K/V heads of `width` within `budget` bytes.

    Two sequences there always are, so that one conversation can be read while another waits. More
    than those of the replies written at once are not worth their memory: restoring a saved state
    of the starter model takes half a millisecond for a thousand tokens.

    The cache is in q8_0, which halves it, unless it fits into main memory as it is: a CPU reads a
    prompt half as fast again from 16-bit values (0.6 billion parameters, 512 tokens, two cores:
    2.6 s against 3.9 s), and eight guessed tokens in 92 ms against 134.
    """
    exact = max(1, 4 * layers * heads * width)
    quantised = width % 32 == 0 and (on_gpu or budget < 2 * exact * context)
    # A block of 32 values takes 34 bytes in q8_0.
    each = exact * 34 // 64 if quantised else exact
    sequences = max(2, min(most, budget // (each * context)))
    return CachePlan(sequences, context, quantised, each)


class Threads(Struct, frozen=True):
    """How many work on the next tokens of a reply, and how many on a chunk of a prompt."""

    writing: int
    reading: int


class Run(Struct, frozen=True):
    """Tokens to read into `sequence` from `position` on; logits are kept of the last `wanted`."""

    sequence: int
    position: int
    tokens: Sequence[int]
    wanted: int = 1


class NativeContext:
    """A llama.cpp context with several sequences, each with room for `plan.context` tokens.

    The sequences have separate streams: attention then costs what one conversation holds, not
    what all of them do together.
    """

    def __init__(
        self,
        library: Library,
        model: Any,
        plan: CachePlan,
        *,
        threads: Threads,
        on_gpu: bool,
        singly: bool = False,
    ) -> None:
        """`singly`: what is written will mostly be read token by token, not in runs."""
        api = self._api = library.api
        self.plan = plan
        self._width = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
        flash = on_gpu or singly
        self._native = self._open(model, plan, threads, flash=flash)
        if not self._native and plan.quantised:
            # Some models' heads or some devices do not take a quantised cache.
            self._native = self._open(model, plan, threads, flash=flash, exact=True)
        if not self._native:
            raise MemoryError
        self._memory = api.llama_get_memory(self._native)
        self._batch = api.llama_batch_init(BATCH, 0, 1)
        for index in range(BATCH):
            self._batch.n_seq_id[index] = 1
            self._batch.seq_id[index][0] = 0
        # Arrays over the batch's memory take a run at once.
        self._tokens = _array(self._batch.token)
        self._positions = _array(self._batch.pos)
        self._wants = _array(self._batch.logits)
        self._sequences = [0] * BATCH
        self._rows: dict[int, Logits] = {}
        # Its address is all that is needed of a row; as a typed pointer it would cost more.
        self._logits = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)(
            ctypes.cast(api.llama_get_logits_ith, ctypes.c_void_p).value or 0
        )
        self._threads = threads
        self._at_work = threads.writing

    def _open(
        self, model: Any, plan: CachePlan, threads: Threads, *, flash: bool, exact: bool = False
    ) -> Any:
        api = self._api
        parameters = api.llama_context_default_params()
        parameters.n_ctx = plan.context * plan.sequences
        parameters.n_batch = BATCH
        parameters.n_ubatch = CHUNK
        parameters.n_seq_max = plan.sequences
        parameters.kv_unified = False
        # llama.cpp tells one token from several; guessed tokens are several and few.
        parameters.n_threads = parameters.n_threads_batch = threads.writing
        parameters.no_perf = True
        quantised = plan.quantised and not exact
        if quantised:
            parameters.type_k = parameters.type_v = api.GGML_TYPE_Q8_0
        if quantised or flash:
            parameters.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_AUTO
        else:
            # On a CPU flash attention reads one token a tenth sooner, but a run of sixteen half as
            # long again; a prompt takes as long either way.
            parameters.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return api.llama_init_from_model(model, parameters)

    def read(self, runs: Sequence[Run]) -> list[range]:
        """Read all of `runs` at once, at most `BATCH` tokens; per run the places of its logits.

        Raises `ModelError` ``model_decode``: nothing of `runs` was kept then.
        """
        batch = self._batch
        place = 0
        places: list[range] = []
        for run in runs:
            count = len(run.tokens)
            end = place + count
            wanted = range(end - run.wanted, end)
            self._tokens[place:end] = run.tokens
            self._positions[place:end] = range(run.position, run.position + count)
            self._wants[place:end] = bytes(count - run.wanted) + b"\1" * run.wanted
            for index in range(place, end):
                if self._sequences[index] != run.sequence:
                    self._sequences[index] = batch.seq_id[index][0] = run.sequence
            places.append(wanted)
            place = end
        self._compute(place, runs)
        return places

    def read_token(self, sequence: int, position: int, token: int) -> Logits:
        """Read one token; the logits behind it, as by `logits`. Raises as `read` does."""
        self._tokens[0] = token
        self._positions[0] = position
        self._wants[0] = 1
        if self._sequences[0] != sequence:
            self._sequences[0] = self._batch.seq_id[0][0] = sequence
        self._compute(1, (Run(sequence, position, ()),))
        return self.logits(0)

    def _compute(self, count: int, runs: Sequence[Run]) -> None:
        batch = self._batch
        batch.n_tokens = count
        self._set_threads(self._threads.reading if count > _FEW else self._threads.writing)
        status = self._api.llama_decode(self._native, batch)
        if status != 0:
            for run in runs:
                self.cut(run.sequence, run.position)
            raise ModelError(
                f"The model could not go on (status {status}). The draft was given up; "
                "draft again, or restart.",
                "model_decode",
                status=status,
            )

    def _set_threads(self, count: int) -> None:
        if count != self._at_work:
            self._api.llama_set_n_threads(self._native, count, count)
            self._at_work = count

    def logits(self, place: int) -> Logits:
        """The logits at one of the places that `read` gave: a view, valid until the next read."""
        address = self._logits(self._native, place)
        row = self._rows.get(address)
        if row is None:
            if len(self._rows) > 2 * BATCH:
                self._rows.clear()
            buffer = (ctypes.c_float * self._width).from_address(address)
            row = self._rows[address] = np.frombuffer(buffer, dtype=np.float32)
        return row

    def cut(self, sequence: int, length: int) -> bool:
        """Forget what `sequence` holds behind its first `length` tokens; False if it cannot."""
        return bool(self._api.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def clear(self) -> None:
        """Forget what all sequences hold, and overwrite it."""
        self._api.llama_memory_clear(self._memory, True)
        ctypes.memset(self._batch.token, 0, BATCH * ctypes.sizeof(ctypes.c_int32))

    def save(self, sequence: int) -> bytearray:
        """The state of a sequence; empty when it cannot be had."""
        state = bytearray(self._api.llama_state_seq_get_size(self._native, sequence))
        written = self._api.llama_state_seq_get_data(
            self._native, _native_bytes(state), len(state), sequence
        )
        del state[written:]
        return state

    def restore(self, sequence: int, state: bytearray) -> bool:
        """Make `sequence` what it was when `state` was saved of it, or of another one."""
        self.cut(sequence, 0)
        read = self._api.llama_state_seq_set_data(
            self._native, _native_bytes(state), len(state), sequence
        )
        if not read:
            self.cut(sequence, 0)
        return bool(read)

    def close(self) -> None:
        """Free the native memory."""
        if self._native:
            self._rows.clear()
            self._api.llama_batch_free(self._batch)
            self._api.llama_free(self._native)
            self._native = None


def _array(pointer: Any) -> Any:
    """The `BATCH` values behind `pointer`."""
    return (pointer._type_ * BATCH).from_address(ctypes.addressof(pointer.contents))


def _native_bytes(data: bytearray) -> Any:
    return (ctypes.c_uint8 * len(data)).from_buffer(data)
