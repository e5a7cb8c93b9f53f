"""The models of random weights: as large as said, loadable, and with a tokenizer that works."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.bench.peers import BareLoop
from engine.bench.random_model import (
    QWEN3_06B,
    QWEN3_4B,
    RealSize,
    random_blocks,
    write_random_model,
)
from engine.drafting.llama import load_generator
from engine.drafting.llama.context import Threads
from engine.drafting.prompt import ChatMessage
from engine.learning.starter.export import Shape
from engine.paths import STARTER_MODEL

_SMALL = Shape(
    vocabulary=9_000,
    hidden=256,
    layers=8,
    heads=2,
    kv_heads=1,
    feed_forward=512,
    context=1024,
    rope_base=1_000_000.0,
)
_TEXT = "东西坏了，想退又不值当运费，咋整？ 7 days"


@pytest.fixture(scope="module", params=["Q8_0", "Q4_K_M"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("random") / "small.gguf"
    write_random_model(path, RealSize("Small", _SMALL, request.param), STARTER_MODEL)
    return path


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_K", "Q6_K"])
def test_random_blocks_hold_weights_around_nought_that_spread_as_asked(kind: str) -> None:
    random = np.random.Generator(np.random.SFC64(1))
    blocks = random_blocks(kind, 600, 0.03, random)
    values = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[kind])
    assert abs(values.mean()) < 0.002
    assert values.std() == pytest.approx(0.03, rel=0.03)
    assert len(np.unique(blocks, axis=0)) == len(blocks)


def test_the_shapes_are_those_of_the_published_models() -> None:
    assert QWEN3_06B.shape.parameters() == 596_049_920
    assert QWEN3_4B.shape.parameters() == 4_022_468_096
    # Eight bits and a sixteenth of a scale for each weight; between four and seven bits.
    assert QWEN3_06B.bytes * 8 / QWEN3_06B.shape.parameters() == pytest.approx(8.5, rel=0.01)
    assert 4.5 < QWEN3_4B.bytes * 8 / QWEN3_4B.shape.parameters() < 6.6
    assert QWEN3_4B.cache_bytes(1) == 2 * 36 * 8 * 128 * 2


def test_the_file_is_as_large_as_was_said_beforehand(model: Path) -> None:
    reader = gguf.GGUFReader(model)
    quantisation = "Q8_0" if reader.tensors[0].tensor_type.name == "Q8_0" else "Q4_K_M"
    said = RealSize("Small", _SMALL, quantisation).bytes
    assert sum(int(tensor.n_bytes) for tensor in reader.tensors) == said
    kinds = {tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds == ({"F32", "Q8_0"} if quantisation == "Q8_0" else {"F32", "Q4_K", "Q6_K"})


def test_text_has_the_tokens_it_has_with_the_donor(model: Path) -> None:
    ours, donor = load_generator(model, threads=1), load_generator(STARTER_MODEL, threads=1)
    try:
        assert ours.vocabulary.tokenize(_TEXT) == donor.vocabulary.tokenize(_TEXT)
        pieces = ours.vocabulary.pieces
        assert len(pieces) == 9_000
        fillers = pieces[len(donor.vocabulary.pieces) :]
        assert all(piece.startswith(b" ") and piece[1:].isalpha() for piece in fillers)
        assert len(set(fillers)) == len(fillers)
    finally:
        ours.close()
        donor.close()


class _Likeliest:
    def __init__(self) -> None:
        self.finite = True

    def choose(self, logits: np.ndarray) -> list[int]:
        self.finite = self.finite and bool(np.isfinite(logits).all())
        return [int(np.argmax(logits))]


def test_it_reads_and_writes_and_the_bare_loop_does_too(model: Path) -> None:
    generator = load_generator(model, threads=1)
    loop = BareLoop(model, gpu_layers=0, threads=Threads(1, 1), context=512)
    try:
        constraint = _Likeliest()
        chat = [ChatMessage("user", _TEXT * 9)]
        *_, last = generator.generate(chat, constraint, limit=5)
        assert last.tokens.generated == 5
        assert constraint.finite
        prompt = generator.prompt_tokens(chat)
        assert len(prompt) > 128, "more than one batch"
        assert loop.read(prompt) > 0
        assert loop.write(prompt, 5) > 0
        assert loop.seconds(prompt[:9], 5) > 0
    finally:
        loop.close()
        generator.close()
