"""Embedders' folders that are cut, mixed up or hostile: a sentence that says so, and no harm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EmbedderError
from engine.knowledge.embedding import load_embedder
from engine.paths import STARTER_EMBEDDER
from engine.texts import explain

WEIGHTS = "model.safetensors"
DEEP = b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER_EMBEDDER, tmp_path / "embedder"))


def refusal(folder: Path) -> tuple[str, str]:
    with pytest.raises(EmbedderError) as caught:
        load_embedder(folder)
    told = [explain(caught.value, "zh"), explain(caught.value, "en")]
    print(*told, sep="\n")
    assert all("\n" not in words and len(words) < 600 for words in told)
    return caught.value.code, told[0]


def test_no_folder_and_an_empty_one_hold_no_embedder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("none", "empty", "file"):
        code, words = refusal(tmp_path / name)
        assert code == "embedder_missing"
        assert "里没有向量模型" in words


def cut(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def lying_header(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((2**62).to_bytes(8, "little") + b"{}")


def narrower(folder: Path) -> None:
    """The same bytes, said to be of another shape than they are."""
    data = (folder / WEIGHTS).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    for name, one in header.items():
        if name != "__metadata__":
            one["shape"] = [one["shape"][0] + 7, *one["shape"][1:]]
    written = json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(len(written).to_bytes(8, "little") + written + data[8 + size :])


def other_tensors(folder: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def foreign_code(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('run')\nclass Evil: pass\n")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]
    (folder / "modules.json").write_text(json.dumps(modules))


BROKEN: dict[str, Callable[[Path], object]] = {
    "cut weights": cut,
    "weights that claim 2^62 bytes": lying_header,
    "weights of another shape": narrower,
    "weights of another model": other_tensors,
    "no weights": lambda folder: (folder / WEIGHTS).unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "a damaged tokenizer": lambda folder: (folder / "tokenizer.json").write_bytes(b'{"a":'),
    "code of its own": foreign_code,
    "modules that are a number": lambda folder: (folder / "modules.json").write_text("7"),
    "modules without end": lambda folder: (folder / "modules.json").write_bytes(DEEP),
    "a fusion that is no JSON": lambda folder: (folder / "fusion.json").write_bytes(b"\xff{"),
    "a fusion without end": lambda folder: (folder / "fusion.json").write_bytes(DEEP),
    "a weight that is a text": lambda folder: (folder / "fusion.json").write_text(
        '{"vector_weight": "1"}'
    ),
    "hashes of 2^40 numbers": lambda folder: (folder / "hashed.json").write_text(
        '{"dimension": 1099511627776}'
    ),
    "hashes of no number": lambda folder: (folder / "hashed.json").write_text('{"dimension": 0}'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_folder_is_told(name: str, folder: Path) -> None:
    BROKEN[name](folder)
    code, words = refusal(folder)
    assert code == "embedder_broken"
    assert "无法使用" in words


def test_without_a_fusion_the_usual_one_is_taken(folder: Path) -> None:
    (folder / "fusion.json").unlink()
    embedder = load_embedder(folder)
    assert 0 < embedder.vector_weight < 1
    assert embedder.queries(["壶坏了"]).shape == (1, embedder.dimension)
