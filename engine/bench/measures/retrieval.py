"""How fast knowledge is found, and taken in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from engine.bench.figures import Figure, Target, measured
from engine.bench.peers import FlatSearch
from engine.bench.synthetic import SECTIONS, questions, write_documents
from engine.bench.timing import medians, over, timed
from engine.bench.workbench import BenchError, Workbench
from engine.knowledge import catalogue
from engine.knowledge.catalogue import DocumentRow, Layout
from engine.knowledge.documents import read_document
from engine.knowledge.grams import Weights, indexed_grams
from engine.knowledge.index import import_documents
from engine.knowledge.passages import passages, searched_text
from engine.knowledge.search import Searcher
from engine.knowledge.table import PassageTable, batch, create
from engine.knowledge.version import finish_version

_DOCUMENTS = 1_000
_LARGE = 20_000
_HUGE = 200_000
_QUERIES = 40
# How far the vectors of a passage's copies lie apart: copies of one policy in other words.
_APART = 0.3


def search_sample(bench: Workbench) -> list[Figure]:
    """The median search over the sample company's knowledge."""
    asked = [case.question for case in bench.cases[:_QUERIES]]
    words, vectors = _written(bench.sample_knowledge)
    peer = FlatSearch(words, vectors, bench.embedder)
    return [_search(bench, "search.sample", bench.searcher, peer, asked, bench.cases[0].as_of)]


def search_large(bench: Workbench) -> list[Figure]:
    """The median search over about 20,000 passages, fewer where the embedder is slow."""
    number = _affordable(bench, _LARGE, seconds=20)
    sources = bench.folder / "large-documents"
    write_documents(sources, number // SECTIONS)
    folder = bench.folder / "large-knowledge"
    import_documents(folder, [sources], bench.embedder)
    words, vectors = _written(folder)
    with_peer = FlatSearch(words, vectors, bench.embedder)
    searcher = Searcher.open(folder, bench.embedder)
    target = Target("value", "≤", 25.0) if number == _LARGE else None
    return [_search(bench, "search.large", searcher, with_peer, questions(_QUERIES), None, target)]


def search_huge(bench: Workbench) -> list[Figure]:
    """The median search over 200,000 passages: some thousand made-up ones, each several times.

    Their vectors are moved a little, so that no two are alike.
    """
    number = _affordable(bench, _LARGE, seconds=15)
    copies = _HUGE // number
    sources = write_documents(bench.folder / "huge-documents", number // SECTIONS)
    found = [one for path in sources for one in passages(read_document(path))]
    texts = [searched_text(one) for one in found]
    words = [" ".join(indexed_grams(text)) for text in texts]
    once = bench.embedder.passages(texts)
    random = np.random.default_rng(5)
    vectors = np.tile(once, (copies, 1))
    vectors += random.standard_normal(vectors.shape, dtype=np.float32) * np.float32(
        _APART / once.shape[1] ** 0.5
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    layout = Layout(bench.folder / "huge-knowledge")
    version = layout.version(1)
    version.mkdir(parents=True)
    rows = (
        batch([replace(one, doc=f"{copy}.md") for one in found], words, part)
        for copy, part in enumerate(np.split(vectors, copies))
    )
    create(version, bench.embedder.dimension, rows)
    counted = Weights.counted(line.split() for line in words)
    now = finish_version(
        version,
        1,
        [DocumentRow(f"{copy}.md", f"{copy}") for copy in range(copies)],
        len(vectors),
        {gram: seen * copies for gram, seen in counted.frequency.items()},
        embedder=bench.embedder.name,
        digest=bench.embedder.digest,
        dimension=bench.embedder.dimension,
    )
    catalogue.switch(layout, now)
    searcher = Searcher.open(layout.folder, bench.embedder)
    peer = FlatSearch(words, vectors, bench.embedder, copies=copies)
    target = Target("value", "≤", 60.0)
    return [_search(bench, "search.huge", searcher, peer, questions(_QUERIES), None, target)]


def importing(bench: Workbench) -> list[Figure]:
    """Passages per second of a whole import, beside the bare embedder on the same texts.

    That is sentence-transformers with the same folder: what an import without index, dates and
    checks would take with the library as it comes.
    """
    from sentence_transformers import SentenceTransformer

    bare = SentenceTransformer(bench.config.embedder, device="cpu", local_files_only=True)
    number = _affordable(bench, _DOCUMENTS * SECTIONS, seconds=10)
    files = write_documents(bench.folder / "import-documents", number // SECTIONS)
    found = [searched_text(one) for path in files for one in passages(read_document(path))]
    folders = (bench.folder / f"import-{place}" for place in itertools.count())
    # The libraries are loaded by it.
    import_documents(next(folders), files[:1], bench.embedder)
    ours, theirs = medians(
        timed(lambda: import_documents(next(folders), files, bench.embedder)),
        timed(lambda: bare.encode(found, show_progress_bar=False)),
        rounds=5,
        seconds=25,
    )
    return [
        measured(
            "import",
            len(found) / ours,
            bench.say("unit.passages"),
            peer=bench.say("peer.import"),
            peer_value=len(found) / theirs,
            target=Target("ratio", "≥", 0.8),
            note=bench.say("note.import", documents=len(files), passages=len(found)),
        )
    ]


def _search(
    bench: Workbench,
    name: str,
    searcher: Searcher,
    peer: FlatSearch,
    asked: Sequence[str],
    day: str | None,
    target: Target | None = None,
) -> Figure:
    value, peer_value = medians(
        over(asked, lambda query: searcher.search(query, k=5, as_of=day)),
        over(asked, peer.search),
        rounds=3 * len(asked),
        seconds=12,
    )
    return measured(
        name,
        value * 1000,
        "ms",
        peer=bench.say("peer.search"),
        peer_value=peer_value * 1000,
        target=target,
        note=bench.say("note.search", passages=searcher.passage_count),
    )


def _written(folder: Path) -> tuple[list[str], np.ndarray]:
    """The words and the vectors of the version in use."""
    now = catalogue.current(folder)
    if now is None:
        raise BenchError("Nothing was imported.", "bench_nothing_imported")
    rows = PassageTable(Layout(folder).version(now.version)).all_rows()
    return [row.words for row in rows], np.stack([row.vector for row in rows])


def _affordable(bench: Workbench, wanted: int, *, seconds: float) -> int:
    """How many passages, of `wanted`, the embedder does in `seconds`; at least a hundred."""
    trial = questions(64)
    once = timed(lambda: bench.embedder.passages(trial))
    # The quickest of some, for other work on the machine may fall on any of them; and a passage is
    # some five times as long as a question.
    each = 5 * min(once() for _ in range(5)) / len(trial)
    return max(100, min(wanted, int(seconds / max(each, 1e-9))))
