"""Settings are kept whole or not at all, and a broken file is told and never overwritten unseen."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import paths, settings
from engine.errors import InputError
from engine.paths import DataFolder
from engine.settings import Settings, engine_config
from engine.texts import explain

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ANY = st.builds(
    Settings,
    language=st.sampled_from(["zh", "en"]),
    theme=st.sampled_from(["system", "light", "dark"]),
    model=TEXT,
    embedder=TEXT,
    gpu_layers=st.integers(-1, 1000),
    threads=st.integers(0, 256),
    context=st.integers(1024, 131072),
    mode=st.sampled_from(["auto", "verbatim", "free"]),
    style=TEXT,
    enter_sends=st.booleans(),
    undo_seconds=st.floats(0, 60),
    agent=TEXT,
)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@given(ANY)
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, given: Settings) -> None:
    folder = DataFolder(tmp_path_factory.mktemp("data"))
    settings.save(folder, given)
    assert settings.load(folder) == given


def test_without_a_file_the_defaults_hold_and_nothing_is_made(folder: DataFolder) -> None:
    assert settings.load(folder) == Settings()
    assert not folder.root.exists()


def test_only_what_differs_is_written(folder: DataFolder) -> None:
    settings.save(folder, Settings(agent="小林"))
    assert folder.settings.read_text("utf-8") == 'agent = "小林"\n'
    settings.save(folder, Settings())
    assert folder.settings.read_text("utf-8") == ""
    assert settings.load(folder) == Settings()


@pytest.mark.parametrize(
    "data",
    [
        b"agent = ",
        b"\xff\xfe\x00",
        b"threads = 'many'",
        b"context = 12",
        b"context = 9999999999",
        b"undo_seconds = -1.0",
        b"undo_seconds = nan",
        b"undo_seconds = inf",
        b"language = 'fr'",
        b"gpu_layers = true",
        b"agent = '" + b"x" * 61 + b"'",
        b"agent = 'a'\nagent = 'b'",
        b"\x00" * 50,
    ],
)
def test_a_broken_file_is_told_and_left_as_it_is(folder: DataFolder, data: bytes) -> None:
    folder.root.mkdir()
    folder.settings.write_bytes(data)
    with pytest.raises(InputError) as caught:
        settings.load(folder)
    assert caught.value.code == "settings"
    assert str(folder.settings) in caught.value.message
    assert folder.settings.read_bytes() == data


def test_a_folder_in_the_files_place_is_told(folder: DataFolder) -> None:
    folder.settings.mkdir(parents=True)
    with pytest.raises(InputError):
        settings.load(folder)


def test_a_setting_of_a_newer_program_does_no_harm(folder: DataFolder) -> None:
    folder.root.mkdir()
    folder.settings.write_text('agent = "小林"\nfrom_the_future = 3\n', "utf-8")
    assert settings.load(folder) == Settings(agent="小林")


@pytest.mark.parametrize(
    "change",
    [
        {"threads": -1},
        {"context": 1},
        {"undo_seconds": math.nan},
        {"undo_seconds": 61.0},
        {"language": "fr"},
        {"agent": "x" * 61},
        {"model": "\ud800.gguf"},
    ],
)
def test_what_could_not_be_loaded_is_not_saved(folder: DataFolder, change: dict[str, Any]) -> None:
    settings.save(folder, Settings(agent="小林"))
    with pytest.raises(InputError) as caught:
        settings.save(folder, replace(Settings(), **change))
    assert caught.value.code == "settings_not_written"
    assert settings.load(folder) == Settings(agent="小林")
    assert list(folder.root.iterdir()) == [folder.settings]


def test_a_write_that_fails_leaves_the_old_file_whole(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.save(folder, Settings(agent="小林"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError) as caught:
        settings.save(folder, Settings(agent="小周"))
    assert "No space left" in explain(caught.value, "en")
    assert "No space left" in explain(caught.value, "zh")
    assert settings.load(folder) == Settings(agent="小林")
    assert list(folder.root.iterdir()) == [folder.settings]


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x", "utf-8")
    with pytest.raises(InputError):
        settings.save(DataFolder(tmp_path / "data"), Settings())


def test_models_are_found_by_name_by_path_or_are_the_starter(folder: DataFolder) -> None:
    config = engine_config(folder, Settings())
    assert config.model == str(paths.STARTER_MODEL)
    assert config.embedder == str(paths.STARTER_EMBEDDER)
    config = engine_config(folder, Settings(model="big.gguf", embedder="/elsewhere/embedder"))
    assert config.model == str(folder.models / "big.gguf")
    assert Path(config.embedder) == Path("/elsewhere/embedder").absolute()


def test_an_engine_is_told_all_that_concerns_it(folder: DataFolder) -> None:
    wanted = Settings("en", gpu_layers=7, threads=3, context=2048, mode="free", style="rigorous")
    config = engine_config(folder, wanted)
    for name in ("language", "gpu_layers", "threads", "context", "mode"):
        assert getattr(config, name) == getattr(wanted, name)
    assert Path(config.style).name == "rigorous.yaml"
    assert config.knowledge == str(folder.knowledge)
    assert config.generator == "llama"


def test_every_setting_says_its_limits() -> None:
    schema = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    for name, value in schema.items():
        if value.get("type") in ("integer", "number"):
            assert "minimum" in value, name
            assert "maximum" in value, name


def test_the_data_folder_is_named_by_option_then_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZUOXI_DATA", str(tmp_path / "named"))
    assert paths.data_folder().root == tmp_path / "named"
    assert paths.data_folder(tmp_path / "given").root == tmp_path / "given"
    monkeypatch.delenv("ZUOXI_DATA")
    assert paths.data_folder().root.is_absolute()
    monkeypatch.chdir(tmp_path)
    assert paths.data_folder("here").root == tmp_path / "here"
