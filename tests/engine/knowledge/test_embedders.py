from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import paths
from engine.errors import EmbedderError
from engine.knowledge.embedding import Embedder, HashedEmbedder, load_embedder
from engine.knowledge.folder_embedders import SentenceTransformerEmbedder, StaticEmbedder
from engine.knowledge.vectors import unit
from engine.texts import explain

TEXTS = ["水壶坏了怎么修", "", "How much is shipping?", "\ud800坏\x00字符", "长" * 5000]


@pytest.fixture(scope="module", params=["hashed", "starter"])
def any_embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "hashed":
        return HashedEmbedder()
    if not (paths.STARTER_EMBEDDER / "modules.json").is_file():
        pytest.skip("the starter embedder is not built here")
    return load_embedder(paths.STARTER_EMBEDDER)


def test_vectors_have_the_promised_shape_and_unit_length(any_embedder: Embedder) -> None:
    for vectors in (any_embedder.queries(TEXTS), any_embedder.passages(TEXTS)):
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), any_embedder.dimension)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_no_texts_give_no_rows(any_embedder: Embedder) -> None:
    assert any_embedder.queries([]).shape == (0, any_embedder.dimension)
    assert any_embedder.passages([]).shape == (0, any_embedder.dimension)


def test_a_text_has_one_vector_whatever_stands_beside_it(any_embedder: Embedder) -> None:
    alone = any_embedder.passages(["运费8元"])[0]
    beside = any_embedder.passages(["运费8元", "退货七天内，" * 40])[0]
    assert np.allclose(alone, beside, atol=1e-3)


def test_threads_at_once_get_the_vectors_of_one(any_embedder: Embedder) -> None:
    texts = [f"第{number}条：退货运费{number}元，{number}天内提出。" * 5 for number in range(200)]
    alone = any_embedder.passages(texts)
    assert any_embedder.at_once >= 1
    with ThreadPoolExecutor(any_embedder.at_once) as threads:
        for vectors in threads.map(any_embedder.passages, [texts] * 8):
            assert np.allclose(vectors, alone, atol=1e-5)


def test_the_same_words_are_nearer_than_others(any_embedder: Embedder) -> None:
    query = any_embedder.queries(["退货运费谁出"])[0]
    near, far = any_embedder.passages(["退货运费由我们出", "门店周末九点开门"])
    assert query @ near > query @ far


def test_it_says_who_it_is(any_embedder: Embedder) -> None:
    assert any_embedder.name
    assert len(any_embedder.digest) == 64
    assert 0 <= any_embedder.vector_weight <= 1


def test_a_saved_hashed_embedder_is_the_same(tmp_path: Path) -> None:
    HashedEmbedder(64, 0.2).save(tmp_path / "e")
    loaded = load_embedder(tmp_path / "e")
    assert (loaded.dimension, loaded.vector_weight) == (64, 0.2)
    assert loaded.digest == HashedEmbedder(64).digest != HashedEmbedder(32).digest


def starter() -> Path:
    if not (paths.STARTER_EMBEDDER / "modules.json").is_file():
        pytest.skip("the starter embedder is not built here")
    return paths.STARTER_EMBEDDER


@pytest.fixture(scope="module")
def both_ways() -> tuple[Embedder, Any]:
    """The starter embedder as we load it, and as sentence-transformers does."""
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(starter()), local_files_only=True).float()
    return load_embedder(starter()), library


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=6))
@example(texts=[*TEXTS, " ", "\n", "🙂", "ＡＢＣ１２３", "a" * 300])
def test_a_table_gives_the_vectors_that_the_library_gives(
    both_ways: tuple[Embedder, Any], texts: list[str]
) -> None:
    ours, library = both_ways
    assert isinstance(ours, StaticEmbedder)
    readable = [text.encode("utf-8", "replace").decode() for text in texts]
    theirs = unit(np.asarray(library.encode(readable), dtype=np.float32))
    assert np.allclose(ours.passages(texts), theirs, atol=1e-5)
    assert np.allclose(ours.queries(texts), theirs, atol=1e-5)


def _with_a_prompt(folder: Path) -> None:
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "问："}}')


def _with_another_part(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    kind = "sentence_transformers.sentence_transformer.modules.dropout.Dropout"
    part = {"idx": 2, "name": "2", "path": "2_Dropout", "type": kind}
    (folder / "modules.json").write_text(json.dumps([*modules, part]))
    (folder / "2_Dropout").mkdir()
    (folder / "2_Dropout" / "config.json").write_text('{"dropout": 0.0}')


@pytest.mark.parametrize("more", [_with_a_prompt, _with_another_part])
def test_what_is_more_than_a_table_is_left_to_the_library(
    more: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(starter(), tmp_path / "embedder"))
    more(folder)
    loaded = load_embedder(folder)
    assert isinstance(loaded, SentenceTransformerEmbedder)
    plain = load_embedder(starter())
    assert np.allclose(loaded.passages(["运费8元"]), plain.passages(["运费8元"]), atol=1e-4)
    changed = not np.allclose(loaded.queries(["运费"]), plain.queries(["运费"]), atol=1e-2)
    assert changed == (more is _with_a_prompt)


def test_a_table_needs_none_of_the_large_libraries() -> None:
    lines = (
        "import sys; from pathlib import Path",
        "from engine.knowledge.embedding import load_embedder",
        f"load_embedder(Path({str(starter())!r})).queries(['运费'])",
        "assert not {'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, cwd=paths.ASSETS.parent)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError) as error:
        load_embedder(tmp_path / "nothing")
    assert error.value.code == "embedder_missing"
    assert "设置" in explain(error.value, "zh")


@pytest.mark.parametrize("name", ["hashed.json", "modules.json"])
def test_a_broken_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('[{"idx": 0, "type": "nothing.Here"', "utf-8")
    with pytest.raises(EmbedderError) as error:
        load_embedder(tmp_path)
    assert error.value.code == "embedder_broken"
    assert str(tmp_path) in error.value.message
