from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import Cancelled, EmbedderError, InputError, KnowledgeError
from engine.knowledge.catalogue import Layout, current
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents
from engine.knowledge.job import ImportJob, RebuildJob, RemoveJob
from engine.knowledge.reports import ImportProgress
from engine.knowledge.search import Searcher


def until_embedding(job: ImportJob) -> None:
    job.start()
    for event in job.events():
        if event.step == "embedding":
            return
    pytest.fail("the job ended before it embedded anything")


def test_jobs_import_remove_and_rebuild(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder, embedder_folder: Path
) -> None:
    folder = tmp_path / "knowledge"
    job = ImportJob(folder, [sources, tmp_path / "missing.md"], embedder_folder)
    assert not job.finished
    job.start()
    steps = [event.step for event in job.events()]
    report = job.result()
    assert job.finished and steps[0] == "reading" and steps[-1] == "indexing"
    assert (report.documents, report.version) == (5, "1")
    assert [s.code for s in report.skipped] == ["document_missing"]
    removal = RemoveJob(folder, "shipping.txt")
    removal.start()
    assert removal.result().total_documents == 4
    again = RebuildJob(folder, embedder_folder)
    again.start()
    assert again.result().documents == 4
    assert Searcher.open(folder, embedder).version == "3"


def test_errors_of_the_job_are_raised_here(tmp_path: Path, embedder_folder: Path) -> None:
    removal = RemoveJob(tmp_path / "knowledge", "没有.md")
    removal.start()
    with pytest.raises(InputError) as unknown:
        removal.result()
    assert unknown.value.code == "document_unknown"
    assert unknown.value.values == {"doc": "没有.md"}
    job = ImportJob(tmp_path / "knowledge", [tmp_path], tmp_path / "no-embedder")
    job.start()
    with pytest.raises(EmbedderError) as missing:
        job.result()
    assert missing.value.code == "embedder_missing"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_import_leaves_the_former_version_and_no_litter(
    tmp_path: Path,
    sources: Path,
    embedder: HashedEmbedder,
    embedder_folder: Path,
    many_sources: Callable[[int], Path],
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    more = many_sources(120)
    job = ImportJob(folder, [more], embedder_folder)
    until_embedding(job)
    assert job.pid is not None
    os.kill(job.pid, signal.SIGKILL)
    with pytest.raises(KnowledgeError) as crash:
        job.result()
    assert crash.value.code == "knowledge_crashed"
    assert Layout(folder).numbers() == [1, 2]
    searcher = Searcher.open(folder, embedder)
    assert (searcher.version, searcher.passage_count) == ("1", 6)
    assert searcher.search("上门费多少").found[0].passage.doc == "上门维修.md"
    (sources / "新.md").write_text("新到的规定。", "utf-8")
    report = import_documents(folder, [sources], embedder)
    now = current(folder)
    assert now is not None and str(now.version) == report.version
    assert (now.documents, Layout(folder).numbers()) == (6, [1, now.version])
    assert len(list((folder / "documents").glob("*/*"))) == 6


@pytest.mark.parametrize("others", [0, 220])
def test_an_import_is_called_off_while_it_reads_one_large_file(
    tmp_path: Path, embedder: HashedEmbedder, others: int
) -> None:
    """Here, and in the process beside that reads of many files all but the first."""
    for number in range(others):
        (tmp_path / f"{number:03}.md").write_text(f"第{number}条规定。", "utf-8")
    (tmp_path / "价目.csv").write_bytes("商品,价格\n".encode() + b"1,2\n" * 199_000)
    read: list[str] = []

    def progress(step: ImportProgress) -> None:
        read.append(step.doc)

    folder = tmp_path / "knowledge"
    with pytest.raises(Cancelled):
        import_documents(
            folder,
            [tmp_path],
            embedder,
            progress=progress,
            cancelled=lambda: len(read) == others,
        )
    assert len(read) == others
    assert current(folder) is None


def test_a_cancelled_import_ends_and_changes_nothing(
    tmp_path: Path, embedder_folder: Path, many_sources: Callable[[int], Path]
) -> None:
    folder = tmp_path / "knowledge"
    job = ImportJob(folder, [many_sources(120)], embedder_folder)
    until_embedding(job)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    assert current(folder) is None
    assert Layout(folder).numbers() == []
