from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from written_rules import PACK

from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.store import Store, open_store
from engine.workshop.workshop import Workshop


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what ships."""
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "test.yaml").write_text(PACK, "utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "zuoxi.db") as opened:
        yield opened


@pytest.fixture
def workshop(store: Store, packs: Path) -> Workshop:
    return Workshop(store, packs)


@pytest.fixture
def gate(packs: Path) -> Gate:
    """A gate that stands, over what ships."""
    return Gate(load_rules(packs))
