"""How many of a model's layers go to the GPU, decided from sizes alone."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from msgspec import Struct

from engine.protocol import Offload

# Left free on the device for the K/V cache's growth, compute buffers and the screen itself.
RESERVE_BYTES = 512 << 20


class Device(Struct, frozen=True):
    """A GPU as the backend reports it; memory in bytes."""

    name: str
    free: int
    total: int


class ModelShape(Struct, frozen=True):
    """What the choice needs to know of a model: layers (the output counts as one) and bytes."""

    layers: int
    weight_bytes: int
    cache_bytes: int = 0


def choose_offload(requested: int, shape: ModelShape, devices: Sequence[Device]) -> Offload:
    """The layers to put on the first device with the most free memory.

    `requested` −1 asks for as many as fit. `reason` is a key of the texts: ``gpu.none`` (no GPU
    found), ``gpu.off`` (asked for none), ``gpu.all``, ``gpu.partly`` and ``gpu.full_memory``.
    """
    if requested == 0:
        return Offload(0, shape.layers, "CPU", "gpu.off")
    if not devices:
        return Offload(0, shape.layers, "CPU", "gpu.none")
    device = max(devices, key=lambda item: item.free)
    each = max(1, (shape.weight_bytes + shape.cache_bytes) // max(1, shape.layers))
    fitting = max(0, (device.free - RESERVE_BYTES) // each)
    wanted = shape.layers if requested < 0 else min(requested, shape.layers)
    layers = min(wanted, fitting)
    if layers == 0:
        return Offload(0, shape.layers, "CPU", "gpu.full_memory")
    reason = "gpu.all" if layers == shape.layers else "gpu.partly"
    return Offload(layers, shape.layers, device.name, reason)


def gpu_devices() -> tuple[Device, ...]:
    """The GPUs that the installed llama.cpp can use; none where it was built without one."""
    import llama_cpp

    if not llama_cpp.llama_supports_gpu_offload():
        return ()
    from llama_cpp._ggml import libggml

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    libggml.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
    size = ctypes.POINTER(ctypes.c_size_t)
    libggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size, size]
    found = []
    for index in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(index)
        if libggml.ggml_backend_dev_type(device) not in (1, 2):  # A GPU, or one in the CPU.
            continue
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        libggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        name = libggml.ggml_backend_dev_description(device).decode("utf-8", "replace")
        found.append(Device(name, free.value, total.value))
    return tuple(found)
