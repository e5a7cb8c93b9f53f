from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine import paths
from engine.errors import EmbedderError
from engine.knowledge.embedding import Embedder, HashedEmbedder, load_embedder
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
