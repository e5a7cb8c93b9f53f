"""From a GGUF file to a generator: what it needs is looked up before anything large is read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine.drafting.llama.context import NativeContext, Threads, plan_cache
from engine.drafting.llama.generator import LlamaGenerator
from engine.drafting.llama.library import Library
from engine.drafting.model_file import check_model_file
from engine.drafting.offload import Device, ModelShape, choose_offload, gpu_devices
from engine.errors import ModelError
from engine.model_card import fingerprint, read_card
from engine.protocol import Offload
from engine.records import DraftMode

_MOST_CACHE = 3 << 29
_SMALL_MODEL = 64 << 20
_CACHE_SHARE = 8
"""The K/V cache, and the saved states beside it, take at most this part of the free memory."""


def load_generator(
    path: Path,
    *,
    gpu_layers: int = -1,
    threads: int = 0,
    context: int = 4096,
    mode: DraftMode = "auto",
) -> LlamaGenerator:
    """The model in the GGUF file `path`, made ready for replies in `mode`; it can write others too.

    Raises `ModelError`: ``model_missing``, ``model_format`` (what `check_model_file` refuses, and
    what llama.cpp itself does), ``model_template`` (no usable chat template), ``model_memory``.
    """
    import psutil

    attention = check_model_file(path)
    context = min(context, attention.context or context)
    plan = partial(plan_cache, attention.layers, attention.heads, attention.width, context=context)
    library = Library()
    size = path.stat().st_size
    devices = gpu_devices() if gpu_layers else ()
    available = psutil.virtual_memory().available
    cache = plan(budget=cache_budget(available, devices), on_gpu=bool(devices))
    shape = ModelShape(attention.layers + 1, size, cache.bytes)
    offload = choose_offload(gpu_layers, shape, devices)
    model = library.load(path, offload.layers)
    if not model and offload.layers:
        offload = Offload(0, shape.layers, "CPU", "gpu.failed")
        model = library.load(path, 0)
    if not offload.layers:
        cache = plan(budget=cache_budget(available, ()))
    if not model:
        raise ModelError(
            f"{path.name} is not a model this program can run ({library.last_error}). "
            "Choose another model in the settings.",
            "model_format",
            name=path.name,
            detail=library.last_error,
        )
    shared = choose_threads(threads, psutil.cpu_count(logical=False) or 1, size)
    card = read_card(path)
    # Whole sentences are read in runs; so is what is guessed, which does not pay in small models.
    singly = size < _SMALL_MODEL and (card.mode if mode == "auto" else mode) == "free"
    try:
        native = NativeContext(
            library, model, cache, threads=shared, on_gpu=offload.layers > 0, singly=singly
        )
    except MemoryError as error:
        library.api.llama_model_free(model)
        raise ModelError(
            f"{path.name} does not fit into memory with {cache.context} tokens of context. "
            "Choose a smaller model or context in the settings.",
            "model_memory",
            name=path.name,
            context=cache.context,
        ) from error
    generator = LlamaGenerator(
        library,
        model,
        native,
        name=f"{path.stem}@{fingerprint(path)}",
        file=path.name,
        offload=offload,
        threads=shared,
        saved_bytes=cache.bytes,
        card=card,
    )
    generator.speculation = not singly
    return generator


def choose_threads(wanted: int, cores: int, model_bytes: int) -> Threads:
    """The threads for a model of so many bytes: `wanted`, or as many as there are `cores`.

    A small model's token takes less time than it takes threads to meet, the more so where the
    window needs a core as well: it is written by one.
    """
    if wanted:
        return Threads(wanted, wanted)
    return Threads(1 if model_bytes < _SMALL_MODEL else cores, cores)


def cache_budget(available: int, devices: Sequence[Device]) -> int:
    """The bytes that the K/V cache may take, and the saved states beside it in main memory.

    `available` is the free main memory; where there are `devices` the cache is on one of them.
    """
    roomiest = max((device.free for device in devices), default=available)
    return min(_MOST_CACHE, min(available, roomiest) // _CACHE_SHARE)
