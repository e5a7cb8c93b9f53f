"""Many documents are read in a process beside the import's own: same result, and no trace."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from engine.errors import Cancelled, KnowledgeError
from engine.knowledge import reading
from engine.knowledge.catalogue import Layout, current
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents, rebuild
from engine.knowledge.job import ImportJob
from engine.knowledge.reading import Answer, Given, Left, Ready, Same, Task
from engine.knowledge.reports import ImportProgress

MANY = 300


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MANY):
        text = f"# 第{number}号規定\n\n退货要在{number}天内提出。\n\nKeep receipt {number}."
        (folder / f"{number:03}.md").write_text(text, "utf-8")
    return folder


def answers(task: Task) -> list[Answer]:
    with reading.reading(task) as found:
        return [
            replace(one, document=replace(one.document, imported=0.0))
            if isinstance(one, Given)
            else one
            for one in found
        ]


def readers() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "engine.knowledge.reading" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_process_answers_as_this_one_would(
    tmp_path: Path, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (many / "坏.md").write_text("---\nvalid_from: 某天\n---\n正文", "utf-8")
    (tmp_path / "001.md").write_text("同名的另一份。", "utf-8")
    files = (*sorted(many.iterdir()), tmp_path / "001.md", tmp_path / "none.md")
    known = {"002.md": reading.parse_document(files[2], files[2].read_bytes()).digest}
    task = Task(str(tmp_path / "beside"), 1, tuple(map(os.fsencode, files)), known)
    beside = answers(task)
    monkeypatch.setattr(reading, "_FOR_A_PROCESS", 10_000)
    here = answers(replace(task, folder=str(tmp_path / "here")))
    assert beside == here
    assert [type(one) for one in beside[:3]] == [Given, Given, Same]
    codes = [one.skipped.code for one in beside if isinstance(one, Left)]
    assert codes == ["document_value", "document_twice", "document_missing"]
    assert isinstance(beside[-1], Ready)
    assert beside[-1].frequency["货要"] == MANY - 1
    copies = sorted(path.name for path in Layout(tmp_path / "beside").documents.glob("*/*"))
    assert copies == [f"{number:03}.md" for number in range(MANY) if number != 2]


def test_an_import_called_off_ends_the_process(tmp_path: Path, many: Path) -> None:
    seen: list[int] = []

    def progress(step: ImportProgress) -> None:
        seen.append(len(readers()))

    with pytest.raises(Cancelled):
        import_documents(
            tmp_path / "k",
            [many],
            HashedEmbedder(64),
            progress=progress,
            cancelled=lambda: len(seen) > 20,
        )
    assert max(seen) == 1
    assert not readers()
    assert current(tmp_path / "k") is None
    assert not Layout(tmp_path / "k").numbers()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_that_dies_leaves_the_former_version(tmp_path: Path, many: Path) -> None:
    embedder = HashedEmbedder(64)
    folder = tmp_path / "k"
    import_documents(folder, [many / "000.md"], embedder)
    before = current(folder)

    def progress(step: ImportProgress) -> None:
        for reader in readers():
            reader.kill()

    for path in many.iterdir():
        # More than a pipe holds, so that it cannot have said everything before it dies.
        path.write_text(path.read_text("utf-8") * 20, "utf-8")
    with pytest.raises(KnowledgeError) as caught:
        import_documents(folder, [many], embedder, progress=progress)
    assert caught.value.code == "knowledge_crashed"
    assert current(folder) == before
    assert import_documents(folder, [many], embedder).total_documents == MANY


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_process_does_not_outlive_a_killed_job(tmp_path: Path, many: Path) -> None:
    HashedEmbedder(64).save(tmp_path / "embedder")
    folder = tmp_path / "k"
    job = ImportJob(folder, [many], tmp_path / "embedder")
    job.start()
    while not (beside := readers()):
        assert not job.finished, "it was quicker than one can look"
        job.poll(0.001)
    assert job.pid is not None
    os.kill(job.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(beside, timeout=20)
    assert gone and not alive
    with pytest.raises(KnowledgeError):
        job.result()
    assert current(folder) is None
    report = import_documents(folder, [many], HashedEmbedder(64))
    assert (report.documents, len(list(Layout(folder).documents.glob("*/*")))) == (MANY, MANY)


def test_copies_of_many_are_read_beside_too(tmp_path: Path, many: Path) -> None:
    folder = tmp_path / "k"
    first = import_documents(folder, [many], HashedEmbedder(64))
    time.sleep(0.01)
    again = rebuild(folder, HashedEmbedder(32))
    assert (again.documents, again.passages, again.version) == (MANY, first.passages, "2")
