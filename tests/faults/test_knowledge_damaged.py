"""A damaged knowledge folder is recognised, said, and made anew from the stored documents."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import KnowledgeError
from engine.knowledge.catalogue import MENDABLE, Layout, current
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents, rebuild
from engine.knowledge.job import RebuildJob
from engine.knowledge.search import Searcher
from engine.texts import explain

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

HERE = Path(__file__).parent
DOCUMENTS = 80
EMBEDDER = HashedEmbedder(64, vector_weight=0.3)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge folder with every kind of index in it. Not to be written to."""
    sources = tmp_path_factory.mktemp("sources")
    for number in range(DOCUMENTS):
        lines = [
            f"## 条款{part}\n编号{number}-{part}：第{part}条说明保管办法。" for part in range(30)
        ]
        head = "---\ninternal: true\n---\n" if number % 9 == 8 else ""
        (sources / f"规定{number:02}.md").write_text(head + "\n".join(lines), "utf-8")
    (sources / "退货.md").write_text("退货运费由我们承担。", "utf-8")
    folder = tmp_path_factory.mktemp("sound") / "knowledge"
    with pytest.MonkeyPatch.context() as patch:
        # The limits are lowered instead of writing thousands of passages.
        patch.setattr("engine.knowledge.table._ROWS_FOR_VECTOR_INDEX", 2000)
        import_documents(folder, [sources], EMBEDDER)
    assert {path.name for path in folder.rglob("*.idx")} == {"index.idx", "auxiliary.idx"}
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "knowledge"))


def first(folder: Path, query: str = "退货运费谁出") -> str:
    found = Searcher.open(folder, EMBEDDER).search(query, as_of="2026-11-22").found
    return found[0].passage.text


def test_no_damage_to_any_file_crashes_hangs_or_answers_wrong(
    sound: Path, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    number = rounds(150)
    seed = Random().randrange(2**31)
    done = subprocess.run(
        [sys.executable, HERE / "wrecking.py", sound, tmp_path / "wreck", str(number), str(seed)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60 + 10 * number,
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(HERE.parents[1])},
    )
    assert done.returncode == 0, (seed, done.stderr[-2000:])
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == number
    for line in lines:
        what = (seed, line)
        if line["code"]:
            assert line["code"] in MENDABLE, what
            assert "保留" in line["told"] and "重建" in line["told"], what
        else:
            assert line["right"], what
        if line["file"].startswith("documents"):
            # What the index holds is sound; only its source was damaged, and that is told.
            assert not line["code"], what
            assert line["skipped"] in ([], ["document_damaged"], ["document_missing"]), what
            assert line["mended"] or line["skipped"], what
        else:
            # Two flips may meet in one bit, and two files may be alike.
            assert line["code"] or line["way"] in ("_flip", "_swap"), what
            assert (line["skipped"], line["mended"]) == ([], True), what


def test_each_file_that_is_lost_is_missed(sound: Path, folder: Path) -> None:
    version = Layout(folder).version(1)
    files = [path for path in version.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in [*files, folder / "current.json"]:
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(KnowledgeError) as damage:
            Searcher.open(folder, EMBEDDER)
        assert damage.value.code == "knowledge_corrupt", path
        path.write_bytes(kept)
    assert first(folder) == "退货运费由我们承担。"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
@pytest.mark.parametrize(
    "name", ["current.json", "versions/1/files.json", "versions/1/weights.json"]
)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(KnowledgeError) as damage:
        Searcher.open(folder, EMBEDDER)
    assert damage.value.code == "knowledge_corrupt"
    rebuild(folder, EMBEDDER)
    assert first(folder) == "退货运费由我们承担。"


def test_a_pointer_that_was_changed_points_nowhere(sound: Path, folder: Path) -> None:
    pointer = folder / "current.json"
    import_documents(folder, [_file(folder.parent, "退货.md", "退货运费由您承担。")], EMBEDDER)
    assert current(folder) is not None and first(folder) == "退货运费由您承担。"
    # The former version still lies there, whole; to answer from it would be wrong.
    pointer.write_bytes(pointer.read_bytes().replace(b'"version":2', b'"version":1'))
    with pytest.raises(KnowledgeError) as damage:
        Searcher.open(folder, EMBEDDER)
    assert damage.value.code == "knowledge_corrupt"
    rebuild(folder, EMBEDDER)
    assert first(folder) == "退货运费由您承担。"


def test_foreign_files_change_nothing_and_foreign_versions_are_seen(folder: Path) -> None:
    lance = Layout(folder).version(1) / "lance" / "passages.lance"
    for place in (folder, folder / "versions", lance, lance / "data", folder / "documents"):
        (place / "Thumbs.db").write_bytes(b"\x00" * 512)
        (place / "neu").mkdir()
    assert first(folder) == "退货运费由我们承担。"
    manifest = max((lance / "_versions").glob("*.manifest"))
    shutil.copy(manifest, manifest.with_name("1.manifest"))
    with pytest.raises(KnowledgeError) as damage:
        Searcher.open(folder, EMBEDDER)
    assert damage.value.code == "knowledge_corrupt"


def test_files_lost_while_the_knowledge_is_open_are_an_error_or_do_no_harm(folder: Path) -> None:
    searcher = Searcher.open(folder, EMBEDDER)
    shutil.rmtree(Layout(folder).version(1))
    for query in ("退货运费谁出", "编号7-3说了什么", "internal"):
        try:
            found = searcher.search(query, as_of="2026-11-22").found
        except KnowledgeError as damage:
            assert damage.code == "knowledge_corrupt"
            assert "都保留着" in explain(damage, "zh") and "kept" in explain(damage, "en")
        else:
            assert all(not one.passage.internal for one in found)
    assert rebuild(folder, EMBEDDER).total_documents == DOCUMENTS + 1


def test_a_damaged_copy_is_named_and_the_others_are_indexed(folder: Path) -> None:
    (copy,) = (folder / "documents").glob("*/退货.md")
    copy.write_bytes(copy.read_bytes().replace("我们".encode(), "您家".encode()))
    shutil.rmtree(Layout(folder).version(1) / "lance")
    report = rebuild(folder, EMBEDDER)
    assert report.total_documents == DOCUMENTS
    (skipped,) = report.skipped
    assert explain(skipped.error(), "zh") == "保存的副本已损坏，请重新导入这个文件。"
    # What was changed behind our back is never quoted.
    found = Searcher.open(folder, EMBEDDER).search("退货运费谁出", as_of="2026-11-22").found
    assert all("您家" not in one.passage.text for one in found)


def test_a_killed_rebuild_leaves_the_documents_and_the_next_one_works(
    folder: Path, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    EMBEDDER.save(tmp_path / "embedder")
    random = Random()
    for _ in range(rounds(20)):
        with contextlib.suppress(FileNotFoundError):
            next((folder / "versions").rglob("*.manifest")).write_bytes(b"")
        job = RebuildJob(folder, tmp_path / "embedder")
        job.start()
        until = time.monotonic() + random.uniform(0.5, 6)
        while time.monotonic() < until and not job.finished:
            job.poll(0.01)
        if not job.finished and job.pid is not None:
            os.kill(job.pid, signal.SIGKILL)
        try:
            job.result()
        except KnowledgeError as error:
            assert error.code == "knowledge_crashed"
            assert "原来的版本" in explain(error, "zh")
    assert rebuild(folder, EMBEDDER).total_documents == DOCUMENTS + 1
    assert first(folder) == "退货运费由我们承担。"


def test_the_desk_mends_it_by_itself_and_only_once(
    folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    from desktop.background import Background
    from desktop.session.importing import Importing

    EMBEDDER.save(tmp_path / "embedder")
    (Layout(folder).version(1) / "files.json").write_bytes(b"[]")
    with pytest.raises(KnowledgeError) as damage:
        Searcher.open(folder, EMBEDDER)
    background = Background()
    importing = Importing(background, folder, tmp_path / "embedder")
    said: list[bool] = []
    importing.mending.connect(lambda: said.append(True))
    importing.mend("model")
    assert not importing.running
    with qtbot.waitSignal(importing.finished, timeout=60_000) as finished:
        importing.mend(damage.value.code)
    assert finished.args[0].total_documents == DOCUMENTS + 1
    assert first(folder) == "退货运费由我们承担。"
    importing.mend(damage.value.code)
    assert not importing.running and said == [True]
    background.close()


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path
