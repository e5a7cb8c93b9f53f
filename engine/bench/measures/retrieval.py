"""How fast knowledge is found, and taken in."""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from engine.bench.figures import Figure, measured
from engine.bench.peers import FlatSearch
from engine.bench.synthetic import SECTIONS, questions, write_documents
from engine.bench.timing import interleaved, medians, over, timed
from engine.bench.workbench import BenchError, Workbench
from engine.knowledge.catalogue import Layout
from engine.knowledge.documents import read_document
from engine.knowledge.index import import_documents
from engine.knowledge.passages import passages
from engine.knowledge.search import Searcher
from engine.knowledge.table import searched_text

_LARGE = 5_000
_QUERIES = 40


def search_sample(bench: Workbench) -> list[Figure]:
    """The median search over the sample company's knowledge."""
    day = bench.cases[0].as_of
    asked = [case.question for case in bench.cases[:_QUERIES]]
    return [_search(bench, "search.sample", bench.searcher, asked, day)]


def search_large(bench: Workbench) -> list[Figure]:
    """The median search over about 5,000 passages, fewer where the embedder is slow."""
    number = _affordable(bench, _LARGE, seconds=20)
    sources = bench.folder / "large-documents"
    write_documents(sources, number // SECTIONS)
    folder = bench.folder / "large-knowledge"
    import_documents(folder, [sources], bench.embedder)
    searcher = Searcher.open(folder, bench.embedder)
    return [_search(bench, "search.large", searcher, questions(_QUERIES), None)]


def importing(bench: Workbench) -> list[Figure]:
    """Passages per second of a whole import, beside the bare embedder on the same texts."""
    number = _affordable(bench, 1_000, seconds=4)
    files = write_documents(bench.folder / "import-documents", number // SECTIONS)
    found = [searched_text(one) for path in files for one in passages(read_document(path))]
    folders = (bench.folder / f"import-{place}" for place in itertools.count())
    ours, theirs = medians(
        timed(lambda: import_documents(next(folders), files, bench.embedder)),
        timed(lambda: bench.embedder.passages(found)),
        rounds=5,
        seconds=15,
    )
    return [
        measured(
            "import",
            len(found) / ours,
            bench.say("unit.passages"),
            peer=bench.say("peer.import"),
            peer_value=len(found) / theirs,
            note=bench.say("note.import", documents=len(files), passages=len(found)),
        )
    ]


def _search(
    bench: Workbench, name: str, searcher: Searcher, asked: Sequence[str], day: str | None
) -> Figure:
    note = bench.say("note.search", passages=searcher.passage_count)
    ours = over(asked, lambda query: searcher.search(query, k=5, as_of=day))
    if importlib.util.find_spec("rank_bm25") is None:
        (values,) = interleaved(ours, rounds=3 * len(asked), seconds=10)
        note = f"{note} {bench.say('note.no_rank_bm25')}"
        return measured(name, median(values) * 1000, "ms", note=note)
    if searcher.current is None:
        raise BenchError("Nothing was imported.", "bench_nothing_imported")
    version = Layout(_folder(bench, name)).version(searcher.current.version)
    flat = FlatSearch(version, bench.embedder)
    value, peer = medians(ours, over(asked, flat.search), rounds=3 * len(asked), seconds=12)
    return measured(
        name,
        value * 1000,
        "ms",
        peer=bench.say("peer.search"),
        peer_value=peer * 1000,
        note=note,
    )


def _folder(bench: Workbench, name: str) -> Path:
    return bench.sample_knowledge if name == "search.sample" else bench.folder / "large-knowledge"


def _affordable(bench: Workbench, wanted: int, *, seconds: float) -> int:
    """How many passages, of `wanted`, the embedder does in `seconds`; at least a hundred."""
    trial = questions(64)
    bench.embedder.passages(trial)
    began = time.perf_counter()
    bench.embedder.passages(trial)
    # A passage is some five times as long as a question.
    each = 5 * (time.perf_counter() - began) / len(trial)
    return max(100, min(wanted, int(seconds / max(each, 1e-9))))
