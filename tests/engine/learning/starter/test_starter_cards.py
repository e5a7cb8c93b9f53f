from __future__ import annotations

from pathlib import Path

from engine.learning.starter.embedder_recipe import EmbedderFigures
from engine.learning.starter.figures import machine, note_figures, read_figures
from engine.learning.starter.generator import Progress, choose_setup
from engine.learning.starter.measure import GeneratorFigures
from engine.learning.starter.recipes import Workplace, write_cards
from engine.learning.starter.reranker_recipe import RerankerFigures

EMBEDDER = EmbedderFigures(
    trades=3,
    questions=40,
    pairs=200,
    words=0.7,
    vectors=0.5,
    vector_weight=0.3,
    by_rank={"0": 0.7, "0.3": 0.755, "1": 0.5},
    by_score={"0": 0.7, "0.3": 0.74, "1": 0.5},
    kinds={"hard": (20, 0.4, 0.3, 0.45)},
    gain=(0.055, -0.01, 0.12),
    gain_hard=(0.05, -0.1, 0.2),
    answerable=0.4,
    reranker=RerankerFigures(
        5, 40, {"hard": (20, (0.3, 0.5, 0.7), (0.4, 0.6, 0.75))}, 0.81, 8, 0.375, 0.08, 0.125
    ),
    machine="a machine",
)


def generator(right: float) -> dict[str, object]:
    shape = choose_setup(8192).shape
    return {
        "shape": shape,
        "parameters": shape.parameters(),
        "progress": Progress("tune", 12, 60.0, 34_567, 0.987, 45_678, 120.0),
        "machine": machine(),
        "left_out": GeneratorFigures(30, 0.5, right, 0.6, 0.1, 0.31, 0.22, 1.0, 0.03),
        "bytes": 8_800_000,
    }


def test_cards_say_what_was_measured(tmp_path: Path) -> None:
    place = Workplace(public=tmp_path, out=tmp_path)
    write_cards(place)
    assert not list(tmp_path.glob("*.md"))
    note_figures(tmp_path, "generator", generator(0.2))
    note_figures(tmp_path, "embedder", EMBEDDER)
    write_cards(place)
    embedder = (tmp_path / "STARTER-EMBEDDER.md").read_text(encoding="utf-8")
    card = (tmp_path / "STARTER-GENERATOR.md").read_text(encoding="utf-8")
    assert "{" not in card + embedder
    assert "+5.5 points (-1.0 to +12.0)" in embedder
    assert "learnt from 3 of these trades, the reranker from 5" in embedder
    assert "| hard | 20 | 40.0% | 30.0% | 45.0% |" in embedder
    assert "| hard | 20 | 30.0% → 40.0% | 50.0% → 60.0% | 70.0% → 75.0% |" in embedder
    assert "refuses 37.5% of 8 unanswerable questions and 8.0%" in embedder
    assert "one to five policies it refuses 12.5%" in embedder
    for wanted in ("34,567", "45,678", "0.99", "worse than BM25", "31%", "CC0-1.0"):
        assert wanted in card, wanted


def test_the_verdict_follows_the_figures_and_notes_replace_one_another(tmp_path: Path) -> None:
    note_figures(tmp_path, "embedder", EMBEDDER)
    note_figures(tmp_path, "generator", generator(0.2))
    note_figures(tmp_path, "generator", generator(0.8))
    assert set(read_figures(tmp_path)) == {"embedder", "generator", "date"}
    write_cards(Workplace(public=tmp_path, out=tmp_path))
    card = (tmp_path / "STARTER-GENERATOR.md").read_text(encoding="utf-8")
    assert "better than BM25" in card
    note_figures(tmp_path, "generator", generator(0.11))
    write_cards(Workplace(public=tmp_path, out=tmp_path))
    assert "no better than a blind one" in (tmp_path / "STARTER-GENERATOR.md").read_text("utf-8")
