"""`zuoxi model`: added with its card, listed with all its parts, used; refused without a trace."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import settings
from engine.model_card import ModeEvidence, ModelCard, card_path, fingerprint, read_card, write_card
from engine.paths import DataFolder

Zuoxi = Callable[..., Any]


def measured_on(model: Path) -> ModelCard:
    figures = ModeEvidence(
        "verbatim", fingerprint(model), "2026-11-23", 9, verbatim=0.6, free=0.2, low=-0.5, high=-0.1
    )
    return ModelCard(trust=2.0, measured=figures)


def test_a_model_is_added_checked_listed_and_used(
    zuoxi: Zuoxi, folder: DataFolder, tiny_gguf: Path
) -> None:
    digest = hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    added = zuoxi("model", "add", tiny_gguf, "--sha256", digest.upper(), "--json").one
    assert added == {
        "name": "tiny.gguf",
        "path": str(folder.models / "tiny.gguf"),
        "sha256": digest,
    }
    assert (folder.models / "tiny.gguf").read_bytes() == tiny_gguf.read_bytes()
    assert zuoxi("model", "use", "tiny.gguf", "--json").one == {"model": "tiny.gguf"}
    listed = {one["name"]: one for one in zuoxi("model", "list", "--json").one["models"]}
    assert listed["tiny.gguf"]["in_use"]
    assert not listed["starter"]["in_use"]
    assert "* tiny.gguf" in zuoxi("model", "list").out
    assert zuoxi("model", "use", "starter").code == 0
    assert settings.load(folder).model == ""


def test_a_model_of_another_hash_leaves_nothing(
    zuoxi: Zuoxi, folder: DataFolder, tiny_gguf: Path
) -> None:
    zuoxi("model", "add", tiny_gguf, "--sha256", "0" * 64, "--json").refused("model_hash")
    assert list(folder.models.iterdir()) == []


def test_what_is_no_model_is_not_added(zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello", "utf-8")
    zuoxi("model", "add", tmp_path / "text.gguf", "--json").refused("model_format")
    zuoxi("model", "add", tmp_path / "none.gguf", "--json").refused("unreadable")
    zuoxi("model", "add", tmp_path, "--json").refused("unreadable")
    assert not folder.models.exists()
    zuoxi("model", "use", tmp_path / "text.gguf", "--json").refused("model_format")
    zuoxi("model", "use", "none.gguf", "--json").refused("no_model")


def test_a_model_without_the_usual_ending_is_listed_all_the_same(
    zuoxi: Zuoxi, tmp_path: Path, tiny_gguf: Path
) -> None:
    (tmp_path / "blob").write_bytes(tiny_gguf.read_bytes())
    assert zuoxi("model", "add", tmp_path / "blob", "--json").one["name"] == "blob.gguf"
    assert "blob.gguf" in zuoxi("model", "list").out


def test_a_model_named_by_a_relative_path_is_found_from_everywhere(
    zuoxi: Zuoxi, folder: DataFolder, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_gguf.parent)
    assert zuoxi("model", "use", "tiny.gguf").code == 0
    assert Path(settings.load(folder).model) == tiny_gguf.absolute()
    config = settings.engine_config(folder, settings.load(folder))
    assert Path(config.model) == tiny_gguf.absolute()


def test_a_data_folder_without_room_for_models_is_told(
    zuoxi: Zuoxi, folder: DataFolder, tiny_gguf: Path
) -> None:
    folder.root.mkdir()
    folder.models.write_text("a file", "utf-8")
    zuoxi("model", "add", tiny_gguf, "--json").refused("unreadable")


def test_settings_that_cannot_be_written_are_told(zuoxi: Zuoxi, tiny_gguf: Path) -> None:
    said = zuoxi("model", "use", tiny_gguf, "--json", data=Path("/proc/nowhere"))
    said.refused("settings_not_written")


def test_the_card_that_was_measured_on_the_file_comes_with_it(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path, tiny_gguf: Path
) -> None:
    stick = tmp_path / "own model.gguf"
    stick.write_bytes(tiny_gguf.read_bytes())
    write_card(stick, measured_on(stick))
    added = zuoxi("model", "add", stick, "--json").one
    target = folder.models / "own model.gguf"
    assert added["card"] == str(card_path(target))
    assert read_card(target) == measured_on(stick)
    assert "逐字" in zuoxi("model", "add", stick).out
    assert [one.name for one in folder.models.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize(
    "what", ["another file's", "no figures", "no JSON", "deep", "a pipe", "too long"]
)
def test_a_card_that_tells_of_something_else_stays_behind(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path, tiny_gguf: Path, what: str
) -> None:
    stick, other = tmp_path / "own.gguf", tmp_path / "other.gguf"
    stick.write_bytes(tiny_gguf.read_bytes())
    other.write_bytes(b"GGUF other")
    if what == "another file's":
        write_card(stick, measured_on(other))
    elif what == "no figures":
        write_card(stick, ModelCard(trust=9.0))
    elif what == "no JSON":
        card_path(stick).write_bytes(b"\xff{")
    elif what == "deep":
        card_path(stick).write_bytes(b'{"x": ' + b"[" * 50_000)
    elif what == "too long":
        write_card(stick, measured_on(stick))
        with card_path(stick).open("ab") as file:
            file.write(b" " * (1 << 20))
    else:
        os.mkfifo(card_path(stick))
    added = zuoxi("model", "add", stick, "--json")
    assert added.code == 0
    assert "card" not in added.one
    assert [one.name for one in folder.models.iterdir()] == ["own.gguf"]


def test_a_model_in_parts_is_one_model_as_large_as_all_of_them(
    zuoxi: Zuoxi, folder: DataFolder, tmp_path: Path
) -> None:
    folder.models.mkdir(parents=True)
    for number, size in enumerate((10, 200, 3000), start=1):
        for place in (folder.models, tmp_path):
            (place / f"big[7b]-{number:05d}-of-00003.gguf").write_bytes(b"x" * size)
    (folder.models / "big[7b]-00001-of-00002.gguf").write_bytes(b"x")
    (folder.models / "big[7b].gguf").write_bytes(b"xx")
    elsewhere = tmp_path / "big[7b]-00001-of-00003.gguf"
    settings.save(folder, settings.Settings(model=str(elsewhere)))
    listed = {one["name"]: one for one in zuoxi("model", "list", "--json").one["models"]}
    del listed["starter"]
    assert {name: one["bytes"] for name, one in listed.items()} == {
        "big[7b]-00001-of-00003.gguf": 3210,
        "big[7b]-00001-of-00002.gguf": 1,
        "big[7b].gguf": 2,
        str(elsewhere): 3210,
    }
    assert [name for name, one in listed.items() if one["in_use"]] == [str(elsewhere)]
