"""A model or an embedder that cannot be used is refused by name when it is chosen, and nothing
changes: the former one stays in use."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from gguf_files import Change, take_apart
from model_lies import LIES

from engine import settings
from engine.cli import main
from engine.errors import EmbedderError
from engine.knowledge.embedder_folder import check_embedder_folder
from engine.paths import STARTER_EMBEDDER, DataFolder
from engine.settings import Settings
from engine.texts import explain

TEMPLATE = "tokenizer.chat_template"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from engine.learning.starter.tiny import write_tiny_gguf

    return write_tiny_gguf(tmp_path_factory.mktemp("sound") / "tiny.gguf")


@pytest.fixture
def folder(tmp_path: Path, sound: Path) -> DataFolder:
    """A data folder in which a sound model is in use."""
    folder = DataFolder(tmp_path / "data")
    folder.models.mkdir(parents=True)
    shutil.copy(sound, folder.models / "former.gguf")
    settings.save(folder, Settings(model="former.gguf"))
    return folder


def refused(folder: DataFolder, capfd: pytest.CaptureFixture[str], *words: object) -> str:
    """What is told when the command is refused; nothing else may have changed."""
    capfd.readouterr()
    assert main(["--data", str(folder.root), *map(str, words), "--json"]) == 1
    out, err = capfd.readouterr()
    assert json.loads(out)["error"]["message"] == err.strip()
    assert settings.load(folder).model == "former.gguf"
    assert [one.name for one in folder.models.iterdir()] == ["former.gguf"]
    print(err)
    return str(json.loads(out)["error"]["code"])


@pytest.mark.parametrize("verb", ["add", "use"])
@pytest.mark.parametrize("lie", LIES)
def test_a_model_that_lies_is_neither_added_nor_used(
    lie: str,
    verb: str,
    folder: DataFolder,
    sound: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change: Change = LIES[lie][0]
    made = take_apart(sound)
    change(made)
    path = made.write(tmp_path / "new.gguf")
    assert refused(folder, capfd, "model", verb, path) in ("model_format", "model_template")


def test_a_cut_model_and_one_without_a_template_are_told_apart(
    folder: DataFolder, sound: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(sound.read_bytes()[:-5000])
    assert refused(folder, capfd, "model", "add", cut) == "model_format"
    made = take_apart(sound)
    del made.metadata[TEMPLATE]
    bare = made.write(tmp_path / "bare.gguf")
    assert refused(folder, capfd, "model", "use", bare) == "model_template"


def test_what_is_no_file_or_one_of_several_is_not_copied(
    folder: DataFolder, sound: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    part = tmp_path / "big-00002-of-00003.gguf"
    shutil.copy(sound, part)
    assert refused(folder, capfd, "model", "add", tmp_path / "pipe.gguf") == "unreadable"
    assert refused(folder, capfd, "model", "use", tmp_path / "pipe.gguf") == "no_model"
    assert refused(folder, capfd, "model", "add", part) == "model_in_parts"


# Embedders


@pytest.fixture
def embedder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER_EMBEDDER, tmp_path / "embedder"))


def why(folder: Path) -> str:
    """What is told of a folder that must be refused, in Chinese."""
    with pytest.raises(EmbedderError) as caught:
        check_embedder_folder(folder)
    print(explain(caught.value, "zh"), explain(caught.value, "en"), sep="\n")
    assert str(folder) in explain(caught.value, "en")
    return explain(caught.value, "zh")


def weights(path: Path, **tensors: tuple[int, ...]) -> None:
    """A safetensors file of half precision with zeros in those shapes; `_` stands for a dot."""
    header, at = {}, 0
    for name, shape in tensors.items():
        size = 2
        for one in shape:
            size *= one
        header[name.replace("__", ".")] = {
            "dtype": "F16",
            "shape": shape,
            "data_offsets": [at, at + size],
        }
        at += size
    written = json.dumps(header).encode()
    path.write_bytes(len(written).to_bytes(8, "little") + written + bytes(at))


def tokenizer(path: Path, tokens: int) -> None:
    vocabulary = {f"t{number}": number for number in range(tokens)}
    path.write_text(json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}}), "utf-8")


def bert(folder: Path, architecture: str = "BertModel", tokens: int = 900, rows: int = 900) -> Path:
    """A transformers folder without parts of its own."""
    folder.mkdir(exist_ok=True)
    config = {"architectures": [architecture], "vocab_size": rows}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    weights(folder / "model.safetensors", embeddings__word_embeddings__weight=(rows, 4))
    tokenizer(folder / "tokenizer.json", tokens)
    return folder


def fewer_tokens(folder: Path) -> None:
    tokenizer(folder / "tokenizer.json", 100)


def cut(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-2])


def another_first_part(folder: Path) -> None:
    part = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.CLIPModel"}
    (folder / "modules.json").write_text(json.dumps([part]), "utf-8")


def a_part_outside(folder: Path) -> None:
    part = {"path": "../elsewhere", "type": "sentence_transformers.models.Transformer"}
    (folder / "modules.json").write_text(json.dumps([part]), "utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (fewer_tokens, "分词器有 100 个词元，词向量却有 14336 行"),
        (cut, "model.safetensors 不完整"),
        (another_first_part, "第一部分是“CLIPModel”"),
        (a_part_outside, "modules.json 已损坏"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "缺少 tokenizer.json"),
    ],
)
def test_an_embedder_says_what_is_wrong_with_it(
    change: Callable[[Path], object], says: str, embedder: Path
) -> None:
    check_embedder_folder(embedder)
    change(embedder)
    assert says in why(embedder)


@pytest.mark.parametrize(
    "architecture",
    ["Qwen3ForCausalLM", "ViTForImageClassification", "XLMRobertaForSequenceClassification"],
)
def test_a_folder_of_another_kind_is_named_by_its_architecture(
    architecture: str, tmp_path: Path
) -> None:
    check_embedder_folder(bert(tmp_path / "model"))
    assert f"架构是 {architecture}" in why(bert(tmp_path / "model", architecture))


def test_a_transformer_may_have_some_rows_to_spare_and_no_token_too_many(tmp_path: Path) -> None:
    check_embedder_folder(bert(tmp_path / "model", tokens=900, rows=960))
    assert "两者不是一套" in why(bert(tmp_path / "model", tokens=901, rows=900))
    assert "两者不是一套" in why(bert(tmp_path / "model", tokens=900, rows=2100))


def test_weights_in_several_files_are_all_looked_at(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    weights(folder / "model-2.safetensors", encoder__weight=(4, 4))
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}), "utf-8")
    check_embedder_folder(folder)
    (folder / "model-2.safetensors").unlink()
    assert "缺少 model-2.safetensors" in why(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../model-1.safetensors"}}), "utf-8")
    assert "缺少" in why(folder)
