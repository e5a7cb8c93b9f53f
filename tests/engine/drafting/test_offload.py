"""The choice of GPU layers, over made-up devices and memory sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.drafting.llama.context import Threads, plan_cache
from engine.drafting.llama.loading import cache_budget, choose_threads
from engine.drafting.offload import RESERVE_BYTES, Device, ModelShape, choose_offload, gpu_devices

GIB = 1 << 30
MODEL = ModelShape(layers=37, weight_bytes=int(2.5 * GIB), cache_bytes=GIB // 2)


def test_no_gpu_no_layers() -> None:
    offload = choose_offload(-1, MODEL, [])
    assert (offload.layers, offload.total, offload.device) == (0, 37, "CPU")
    assert offload.reason == "gpu.none"


def test_all_layers_where_they_fit() -> None:
    offload = choose_offload(-1, MODEL, [Device("big", 8 * GIB, 8 * GIB)])
    assert (offload.layers, offload.reason) == (37, "gpu.all")


def test_fewer_layers_where_memory_is_short() -> None:
    offload = choose_offload(-1, MODEL, [Device("small", 2 * GIB, 4 * GIB)])
    assert 0 < offload.layers < 37
    assert offload.reason == "gpu.partly"


def test_none_where_it_is_full() -> None:
    offload = choose_offload(-1, MODEL, [Device("full", GIB // 4, 8 * GIB)])
    assert (offload.layers, offload.device, offload.reason) == (0, "CPU", "gpu.full_memory")


def test_none_when_none_are_wanted() -> None:
    assert choose_offload(0, MODEL, [Device("big", 8 * GIB, 8 * GIB)]).reason == "gpu.off"


def test_the_device_with_most_room_is_taken() -> None:
    devices = [Device("a", GIB, 8 * GIB), Device("b", 6 * GIB, 8 * GIB)]
    assert choose_offload(-1, MODEL, devices).device == "b"


@given(
    st.integers(-1, 200),
    st.integers(1, 200),
    st.integers(1, 200 * GIB),
    st.lists(st.integers(0, 200 * GIB), max_size=4),
)
def test_what_is_chosen_always_fits(
    requested: int, layers: int, weights: int, free: list[int]
) -> None:
    devices = [Device(str(index), size, size) for index, size in enumerate(free)]
    offload = choose_offload(requested, ModelShape(layers, weights), devices)
    assert 0 <= offload.layers <= layers
    assert requested < 0 or offload.layers <= requested
    if offload.layers:
        most = max(free)
        assert offload.layers * (weights // layers) + RESERVE_BYTES <= most


def test_asking_this_machine_for_gpus_is_safe() -> None:
    assert all(device.total >= device.free >= 0 for device in gpu_devices())


def test_the_cache_is_no_larger_than_main_memory_and_the_device_allow() -> None:
    assert cache_budget(4 * GIB, []) == GIB // 2
    assert cache_budget(64 * GIB, []) == 3 * GIB // 2
    assert cache_budget(64 * GIB, [Device("small", 2 * GIB, 4 * GIB)]) == GIB // 4
    two = [Device("tiny", 0, GIB), Device("large", 80 * GIB, 80 * GIB)]
    assert cache_budget(64 * GIB, two) == 3 * GIB // 2


@given(st.integers(1, 128 * GIB), st.lists(st.integers(0, 200 * GIB), max_size=3))
def test_a_model_of_four_billion_and_its_cache_fit_where_all_layers_go(
    available: int, free: list[int]
) -> None:
    devices = [Device(str(index), size, size) for index, size in enumerate(free)]
    budget = cache_budget(available, devices)
    plan = plan_cache(36, 8, 128, context=4096, budget=budget, on_gpu=True)
    offload = choose_offload(-1, ModelShape(37, int(2.5 * GIB), plan.bytes), devices)
    if offload.reason == "gpu.all":
        assert int(2.5 * GIB) + plan.bytes + RESERVE_BYTES <= max(free) + 37


def test_a_small_model_writes_with_one_thread_unless_told_otherwise() -> None:
    assert choose_threads(0, 8, 9 << 20) == Threads(1, 8)
    assert choose_threads(0, 8, 3 * GIB) == Threads(8, 8)
    assert choose_threads(3, 8, 9 << 20) == Threads(3, 3)
