from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import Cancelled, EmbedderMismatch, InputError, KnowledgeError
from engine.knowledge import catalogue
from engine.knowledge.catalogue import Layout, current, list_documents
from engine.knowledge.embedding import HashedEmbedder, Vectors
from engine.knowledge.index import import_documents, rebuild, remove_document
from engine.knowledge.search import Searcher
from engine.texts import explain


class CountingEmbedder(HashedEmbedder):
    """Counts what it is asked to embed; fails once it has embedded `most` passages."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__(128, vector_weight=0.3)
        self.most = most
        self.embedded = 0

    def passages(self, texts: object) -> Vectors:
        self.embedded += len(texts)  # type: ignore[arg-type]
        if self.most is not None and self.embedded > self.most:
            raise RuntimeError("out of memory")
        return super().passages(texts)  # type: ignore[arg-type]


def answer(folder: Path, query: str, embedder: HashedEmbedder) -> str:
    found = Searcher.open(folder, embedder).search(query, as_of="2026-11-22").found
    return found[0].passage.text if found else ""


def test_the_first_import_makes_a_version(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    (sources / "坏.md").write_text("---\nvalid_from: 某天\n---\n正文", "utf-8")
    steps = []
    report = import_documents(folder, [sources], embedder, progress=steps.append)
    assert (report.documents, report.version) == (5, "1")
    assert report.passages == report.total_passages == 6
    assert [(Path(s.path).name, s.code) for s in report.skipped] == [("坏.md", "document_value")]
    assert explain(report.skipped[0].error(), "zh").startswith("文件开头「valid_from」")
    assert {step.step for step in steps} == {"reading", "embedding", "indexing"}
    assert all(0 <= step.done <= step.total for step in steps)
    rows = {row.doc: row for row in list_documents(folder)}
    assert rows["上门维修.md"].passages == 2
    assert rows["上门维修.md"].tags == ("维修", "家电")
    assert rows["赔付权限.md"].internal
    assert rows["旧促销.md"].valid_until == "2026-03-31"
    assert answer(folder, "上门费多少", embedder).startswith("保修期内")


def test_an_import_replaces_by_name_and_keeps_the_others(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    changed = tmp_path / "new" / "上门维修.md"
    changed.parent.mkdir()
    changed.write_text("上门费改为每次35元。", "utf-8")
    report = import_documents(folder, [changed], embedder)
    assert (report.documents, report.passages, report.version) == (1, 1, "2")
    assert (report.total_documents, report.total_passages) == (5, 5)
    assert answer(folder, "上门费多少", embedder) == "上门费改为每次35元。"
    assert "8 yuan" in answer(folder, "standard shipping costs", embedder)


def test_only_what_changed_is_embedded_and_nothing_changed_makes_no_version(
    tmp_path: Path, sources: Path
) -> None:
    folder = tmp_path / "knowledge"
    first = CountingEmbedder()
    import_documents(folder, [sources], first)
    assert first.embedded == 6
    second = CountingEmbedder()
    again = import_documents(folder, [sources], second)
    assert (again.documents, again.version, second.embedded) == (5, "1", 0)
    path = sources / "上门维修.md"
    path.write_text(path.read_text("utf-8").replace("30元", "35元"), "utf-8")
    third = CountingEmbedder()
    report = import_documents(folder, [sources], third)
    assert (report.version, third.embedded) == ("2", 1)
    assert "35元" in answer(folder, "过了保修期上门费", first)


def test_a_removed_document_and_its_copy_are_gone(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    report = remove_document(folder, "冬季促销.md")
    assert (report.version, report.total_documents) == ("2", 4)
    assert "冬季促销.md" not in [row.doc for row in list_documents(folder)]
    assert not list((folder / "documents").glob("*/冬季促销.md"))
    found = Searcher.open(folder, embedder).search("冬季促销", as_of="2026-11-22").found
    assert all(one.passage.doc != "冬季促销.md" for one in found)
    with pytest.raises(InputError) as unknown:
        remove_document(folder, "冬季促销.md")
    assert unknown.value.code == "document_unknown"


def test_the_last_document_can_be_removed_and_others_come_after(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources / "shipping.txt"], embedder)
    assert remove_document(folder, "shipping.txt").total_passages == 0
    searcher = Searcher.open(folder, embedder)
    assert (searcher.passage_count, searcher.version) == (0, "2")
    assert searcher.search("shipping").found == ()
    assert list_documents(folder) == []
    assert import_documents(folder, [sources], embedder).documents == 5


def test_the_same_name_twice_in_one_go_is_not_lost_silently(
    tmp_path: Path, embedder: HashedEmbedder
) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "运费.md").write_text(f"{place}处运费8元。", "utf-8")
    report = import_documents(tmp_path / "k", [tmp_path / "a", tmp_path / "b"], embedder)
    assert report.documents == 1
    assert [s.code for s in report.skipped] == ["document_twice"]


def test_an_import_of_nothing_usable_changes_nothing(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    report = import_documents(folder, [tmp_path / "missing"], embedder)
    assert (report.documents, report.version, current(folder)) == (0, "", None)
    import_documents(folder, [sources], embedder)
    assert import_documents(folder, [tmp_path / "missing"], embedder).version == "1"


def test_a_failing_or_cancelled_import_leaves_the_former_version(
    tmp_path: Path, sources: Path, many_sources: Callable[[int], Path]
) -> None:
    folder = tmp_path / "knowledge"
    embedder = CountingEmbedder()
    import_documents(folder, [sources], embedder)
    more = many_sources(5)
    with pytest.raises(RuntimeError):
        import_documents(folder, [more], CountingEmbedder(most=70))
    asked = []

    def enough() -> bool:
        asked.append(1)
        return len(asked) > 6

    with pytest.raises(Cancelled):
        import_documents(folder, [more], embedder, cancelled=enough)
    now = current(folder)
    assert now is not None and (now.version, now.documents) == (1, 5)
    assert Layout(folder).numbers() == [1]
    assert answer(folder, "上门费多少", embedder).startswith("保修期内")
    assert import_documents(folder, [more], embedder).total_documents == 10


def test_the_former_version_stays_open_until_the_next_import(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    reader = Searcher.open(folder, embedder)
    remove_document(folder, "上门维修.md")
    assert reader.search("上门费多少").found[0].passage.doc == "上门维修.md"
    assert Layout(folder).numbers() == [1, 2]
    remove_document(folder, "旧促销.md")
    assert Layout(folder).numbers() == [2, 3]


def test_another_embedder_is_refused_until_everything_is_indexed_anew(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    other = HashedEmbedder(64)
    with pytest.raises(EmbedderMismatch) as mismatch:
        Searcher.open(folder, other)
    assert "zuoxi kb rebuild" in explain(mismatch.value, "zh")
    assert "hashed-128" in mismatch.value.message and "hashed-64" in mismatch.value.message
    report = import_documents(folder, [sources / "shipping.txt"], other)
    assert (report.documents, report.total_documents, report.total_passages) == (1, 5, 6)
    assert answer(folder, "上门费多少", other).startswith("保修期内")
    with pytest.raises(EmbedderMismatch):
        Searcher.open(folder, embedder)


def wreck_lance(version: Path) -> None:
    shutil.rmtree(version / "lance")


def wreck_manifests(version: Path) -> None:
    for path in (version / "lance").rglob("*.manifest"):
        path.write_bytes(b"broken")


def wreck_catalogue(version: Path) -> None:
    (version / "catalogue.jsonl").write_text('{"doc": ', "utf-8")


def wreck_weights(version: Path) -> None:
    (version / "weights.json").unlink()


def wreck_pointer(version: Path) -> None:
    (version.parent.parent / "current.json").write_text("{", "utf-8")


@pytest.mark.parametrize(
    "wreck", [wreck_lance, wreck_manifests, wreck_catalogue, wreck_weights, wreck_pointer]
)
@pytest.mark.parametrize("mend", ["import", "rebuild"])
def test_a_damaged_index_is_named_and_mended_from_the_copies(
    tmp_path: Path,
    sources: Path,
    embedder: HashedEmbedder,
    wreck: Callable[[Path], None],
    mend: str,
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    wreck(folder / "versions" / "1")
    with pytest.raises(KnowledgeError) as damage:
        Searcher.open(folder, embedder).search("上门费多少")
    assert damage.value.code == "knowledge_corrupt"
    assert "都保留着" in explain(damage.value, "zh")
    kept = sources / "shipping.txt"
    if mend == "rebuild":
        assert rebuild(folder, embedder).documents == 5
    elif wreck is not wreck_weights:
        assert import_documents(folder, [kept], embedder).total_documents == 5
    else:
        kept.write_text("Shipping costs 9 yuan.", "utf-8")
        assert import_documents(folder, [kept], embedder).total_documents == 5
    assert answer(folder, "上门费多少", embedder).startswith("保修期内")
    assert len(list_documents(folder)) == 5


def test_only_one_writes_and_a_dead_writers_lock_does_not_count(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "import.lock").write_text("999999999 1\n", "ascii")
    import_documents(folder, [sources], embedder)
    with catalogue.writing(Layout(folder)), pytest.raises(KnowledgeError) as busy:
        remove_document(folder, "shipping.txt")
    assert busy.value.code == "knowledge_busy"
    assert remove_document(folder, "shipping.txt").version == "2"


def test_a_folder_that_cannot_be_written_is_a_plain_refusal(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    (tmp_path / "file").write_text("x", "ascii")
    with pytest.raises(KnowledgeError) as refusal:
        import_documents(tmp_path / "file" / "knowledge", [sources], embedder)
    assert refusal.value.code == "knowledge_write"


def test_large_knowledge_gets_its_indexes(
    tmp_path: Path, embedder: HashedEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The limits are lowered instead of writing tens of thousands of passages.
    monkeypatch.setattr("engine.knowledge.table._ROWS_FOR_SCALAR_INDEX", 200)
    monkeypatch.setattr("engine.knowledge.table._ROWS_FOR_VECTOR_INDEX", 200)
    source = tmp_path / "a.md"
    source.write_text(
        "\n".join(f"## 条款{n}\n编号{n}：第{n}类物品保管{n}天。" for n in range(400)), "utf-8"
    )
    folder = tmp_path / "knowledge"
    import_documents(folder, [source], embedder)
    found = Searcher.open(folder, embedder).search("第377类物品保管几天").found
    assert "保管377天" in found[0].passage.text
    assert np.isclose(found[0].cosine, found[0].cosine) and found[0].cosine > 0.3


def test_catalogue_and_job_load_neither_lancedb_nor_torch(
    tmp_path: Path, sources: Path, embedder: HashedEmbedder
) -> None:
    folder = tmp_path / "knowledge"
    import_documents(folder, [sources], embedder)
    code = (
        "import sys, json, pathlib\n"
        "import engine.knowledge.job\n"
        "from engine.knowledge.catalogue import list_documents\n"
        "rows = list_documents(pathlib.Path(sys.argv[1]))\n"
        "heavy = [m for m in ('lancedb', 'torch', 'numpy', 'pyarrow') if m in sys.modules]\n"
        "print(json.dumps([len(rows), heavy]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [5, []]


def test_a_file_name_as_long_as_names_can_be_is_imported(
    tmp_path: Path, embedder: HashedEmbedder
) -> None:
    name = "退" * 84 + ".md"
    (tmp_path / name).write_text("七天内可以退。", "utf-8")
    report = import_documents(tmp_path / "knowledge", [tmp_path / name], embedder)
    assert (report.documents, report.skipped) == (1, ())
    assert list(Layout(tmp_path / "knowledge").documents.rglob(name))
