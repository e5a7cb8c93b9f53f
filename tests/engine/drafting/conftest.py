"""A drafter over the trial company's index and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.drafting.pipeline import Drafter
from engine.drafting.scripted import ScriptedGenerator
from engine.drafting.style import StyleProfile, load_style
from engine.knowledge.embedding import load_embedder
from engine.knowledge.search import Searcher
from engine.redline.gate import Gate


@pytest.fixture(scope="module")
def searcher(knowledge_folder: Path, hashed_folder: Path) -> Iterator[Searcher]:
    opened = Searcher.open(knowledge_folder, load_embedder(hashed_folder))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def style(style_file: Path) -> StyleProfile:
    return load_style(style_file)


@pytest.fixture
def make_drafter(
    searcher: Searcher, trial_gate: Gate, style: StyleProfile
) -> Callable[..., Drafter]:
    def drafter(generator: ScriptedGenerator | None, **options: Any) -> Drafter:
        gate = options.pop("gate", trial_gate)
        knowledge = options.pop("knowledge", searcher)
        return Drafter(knowledge, generator, gate, style, **options)

    return drafter
