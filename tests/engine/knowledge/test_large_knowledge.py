"""Knowledge large enough for an index over its vectors: it finds what a scan finds, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from engine.knowledge.embedding import Vectors
from engine.knowledge.table import _ROWS_FOR_VECTOR_INDEX, Asked, PassageTable, batch, create
from engine.records import Passage

ROWS = 30_000
DIMENSION = 64
FIRST = 10


def unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def policies(random: np.random.Generator, number: int) -> Vectors:
    """Vectors as a company's policies have them: subjects, matters within them, wordings."""
    subjects = random.standard_normal((40, DIMENSION))
    matters = subjects.repeat(25, 0) + 0.8 * random.standard_normal((1000, DIMENSION))
    chosen = matters[random.integers(0, len(matters), number)]
    return unit(chosen + 0.5 * random.standard_normal((number, DIMENSION)))


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return policies(np.random.default_rng(3), ROWS)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, vectors: Vectors) -> PassageTable:
    """Every third passage is internal, every fifth has expired."""
    found = [
        Passage(
            doc=f"{row}.md",
            title="",
            section="",
            text=str(row),
            ordinal=0,
            valid_until="2026-01-31" if row % 5 == 0 else None,
            internal=row % 3 == 0,
        )
        for row in range(ROWS)
    ]
    folder = tmp_path_factory.mktemp("version")
    words = [f"第 条 {row % 97}" for row in range(ROWS)]
    create(folder, DIMENSION, [batch(found, words, vectors)])
    assert list(folder.rglob("*.idx")), "there is an index over the vectors"
    return PassageTable(folder)


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (Asked("2026-11-22", internal=True), lambda row: row % 5 != 0),
        (Asked("2026-11-22"), lambda row: row % 5 != 0 and row % 3 != 0),
        (Asked("2026-11-22", valid=False), lambda row: row % 5 == 0 and row % 3 != 0),
    ],
    ids=["valid", "valid and not internal", "expired and not internal"],
)
def test_the_index_finds_what_a_scan_finds_among_what_may_be_found(
    table: PassageTable, vectors: Vectors, asked: Asked, allowed
) -> None:
    assert ROWS > _ROWS_FOR_VECTOR_INDEX
    may = np.array([row for row in range(ROWS) if allowed(row)])
    recalls = []
    for question in policies(np.random.default_rng(4), 60):
        cosines = vectors[may] @ question
        right = set(may[np.argsort(-cosines)[:FIRST]].tolist())
        numbers = table.by_vector(question, asked, 50)
        rows = table.rows(numbers)
        places = [int(rows[number].passage.text) for number in numbers]
        assert len(places) == 50 and all(allowed(place) for place in places)
        recalls.append(len(right & set(places[:FIRST])) / FIRST)
    assert np.mean(recalls) >= 0.95


def test_words_are_found_among_what_may_be_found(table: PassageTable) -> None:
    numbers = table.by_words(["41", "条"], Asked("2026-11-22"), 50)
    rows = table.rows(numbers)
    places = [int(rows[number].passage.text) for number in numbers]
    assert len(places) == 50
    assert all(place % 97 == 41 and place % 5 and place % 3 for place in places)
