"""A workbench over what ships."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.bench.workbench import Workbench
from engine.paths import data_folder
from engine.settings import Settings, engine_config


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("bench")
    bench = Workbench(engine_config(data_folder(folder), Settings()), folder, "zh")
    yield bench
    bench.close()
