"""Engines that die, hang, babble and refuse, each behind a client and a listener."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from listening import Listener

from engine.client import EngineClient
from engine.protocol import EngineConfig


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # The spawned process gets this process's path, so it finds the module as well.
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "odd_engines")
    return importlib.import_module("odd_engines")


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    notes = tmp_path / "notes"
    notes.mkdir()
    return EngineConfig(str(notes), "", "", "", "", language="en")


@pytest.fixture
def heard() -> Listener:
    return Listener()


@pytest.fixture
def start(
    odd: ModuleType, config: EngineConfig, heard: Listener
) -> Iterator[Callable[..., EngineClient]]:
    clients: list[EngineClient] = []

    def begin(target: str, **options: Any) -> EngineClient:
        client = EngineClient(config, heard, target=getattr(odd, target), **options)
        clients.append(client)
        client.start()
        return client

    yield begin
    for client in clients:
        client.close()
