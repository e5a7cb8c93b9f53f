"""A model's card: what was measured on this very file counts, all else does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import paths
from engine.model_card import (
    ModeEvidence,
    ModelCard,
    card_path,
    fingerprint,
    read_card,
    write_card,
)


def evidence(model: Path, mode: str = "verbatim") -> ModeEvidence:
    return ModeEvidence(mode, fingerprint(model), "2026-11-22", 40, 0.5, 0.25, -0.3, -0.2)  # type: ignore[arg-type]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "big.v2.gguf"
    path.write_bytes(b"GGUF" * 1000)
    return path


def test_a_model_without_a_card_writes_freely(model: Path) -> None:
    assert read_card(model) == ModelCard()
    assert read_card(model).mode == "free"
    assert read_card(model.with_name("missing.gguf")).mode == "free"


def test_what_was_measured_on_this_file_decides(model: Path) -> None:
    card = ModelCard(trust=8.0, measured=evidence(model))
    assert write_card(model, card) == card_path(model)
    assert card_path(model).name == "big.v2.card.json"
    assert read_card(model) == card
    assert read_card(model).mode == "verbatim"
    assert sorted(path.name for path in model.parent.iterdir()) == ["big.v2.card.json", model.name]


def test_figures_of_another_file_of_that_name_do_not_count(model: Path) -> None:
    write_card(model, ModelCard(trust=8.0, measured=evidence(model)))
    model.write_bytes(b"GGUF" * 1001)
    assert read_card(model) == ModelCard(trust=8.0)


@given(st.binary(max_size=60))
def test_a_broken_card_is_no_card(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    model = tmp_path_factory.mktemp("card") / "m.gguf"
    model.write_bytes(b"GGUF")
    card_path(model).write_bytes(data)
    assert read_card(model).mode == "free"
    for broken in (b'{"trust": -1}', b'{"trust": 1e999}', b'{"measured": {"mode": "auto"}}', b"[]"):
        card_path(model).write_bytes(broken)
        assert read_card(model) == ModelCard()


def test_the_starter_model_was_measured_as_it_ships() -> None:
    card = read_card(paths.STARTER_MODEL)
    assert card.measured, "measure it: zuoxi evaluate --mode both --remember"
    assert card.measured.cases >= 300
    # Free only where it solves more and the interval leaves out nought.
    assert card.mode == ("free" if card.measured.low > 0 else "verbatim")
