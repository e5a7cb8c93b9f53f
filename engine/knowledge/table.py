"""The one place that talks to LanceDB: how passages lie in a table and how it is asked."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from engine.errors import KnowledgeError
from engine.knowledge.catalogue import corrupt
from engine.knowledge.passages import searched_text as searched_text
from engine.knowledge.vectors import Vectors
from engine.records import Passage

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.table import Table

NAME = "passages"
# Below these sizes a scan is nearly as fast as asking an index, which takes time to build.
_ROWS_FOR_SCALAR_INDEX = 2_000
_ROWS_FOR_VECTOR_INDEX = 20_000
_ROWS_IN_PARTITION = 1_000
_PROBES = 20
_COMPRESSION = "lance-encoding:compression"
_EARLIEST, _LATEST = 0, 99_999_999
_COLUMNS = (
    "doc",
    "title",
    "section",
    "text",
    "ordinal",
    "valid_from",
    "valid_until",
    "internal",
    "tags",
    "vector",
)


class Row(Struct, frozen=True):
    """A passage with its vector, and its grams where they were asked for, as in the table."""

    passage: Passage
    vector: Any
    words: str = ""


class Asked(Struct, frozen=True):
    """Which passages a search may return: valid or not valid on `day`, internal ones or not; or
    `every` one, because it is known that these are all."""

    day: str
    internal: bool = False
    valid: bool = True
    every: bool = False

    def condition(self) -> str:
        """The same as a filter over the table's columns; "" for every one, which is quicker."""
        if self.every:
            return ""
        day = as_number(self.day)
        dates = f"starts <= {day} AND ends >= {day}"
        if not self.valid:
            dates = f"(starts > {day} OR ends < {day})"
        return dates if self.internal else f"{dates} AND internal = false"


def as_number(day: str) -> int:
    """An ISO date as a number that sorts: 2026-11-22 is 20261122."""
    return int(date.fromisoformat(day).strftime("%Y%m%d"))


def create(version: Path, dimension: int, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a new table of `batches`, as they come, into the folder `version` and index it.

    Raises `OSError` when the disk refuses, and `KnowledgeError`.
    """
    try:
        _index(_written(version, dimension, batches))
    except OSError:
        raise
    except Exception as error:
        if "(os error 28)" in str(error):
            # LanceDB's way to say that the disk is full.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise KnowledgeError(
            f"The index could not be made ({why}). The former version stays in use.",
            "knowledge_failed",
            why=why,
        ) from error


def _written(version: Path, dimension: int, batches: Iterable[pa.RecordBatch]) -> Table:
    import lancedb
    import pyarrow as pa

    rows = pa.RecordBatchReader.from_batches(_schema(dimension), batches)
    return lancedb.connect(str(version / "lance")).create_table(NAME, rows)


def _index(table: Table) -> None:
    from lancedb.index import FTS, Bitmap, BTree, IvfFlat

    count = int(table.count_rows())
    # The grams are ours already, so that Lance cuts at spaces and changes nothing.
    words = FTS(
        base_tokenizer="whitespace",
        max_token_length=None,
        lower_case=False,
        ascii_folding=False,
        stem=False,
        remove_stop_words=False,
    )
    with ThreadPoolExecutor(1) as beside:
        indexing = beside.submit(table.create_index, "words", config=words)
        if count >= _ROWS_FOR_SCALAR_INDEX:
            table.create_index("starts", config=BTree())
            table.create_index("ends", config=BTree())
            table.create_index("internal", config=Bitmap())
        if count >= _ROWS_FOR_VECTOR_INDEX:
            # A graph (HNSW) answers no faster at these sizes and takes fifty times as long to make.
            table.create_index(
                "vector",
                config=IvfFlat(
                    distance_type="cosine",
                    num_partitions=max(_PROBES, count // _ROWS_IN_PARTITION),
                    max_iterations=10,
                    sample_rate=32,
                ),
            )
        indexing.result()


class PassageTable:
    """A written table, open for reading. Every failure of LanceDB is a `KnowledgeError`."""

    def __init__(self, version: Path) -> None:
        import lancedb

        try:
            self._table = lancedb.connect(str(version / "lance")).open_table(NAME)
            self.count = int(self._table.count_rows())
        except Exception as error:
            raise corrupt(error) from error

    def by_words(self, grams: Sequence[str], asked: Asked, limit: int) -> list[int]:
        """The row numbers of the best passages by BM25 over `grams`."""
        from lancedb.query import MatchQuery

        if not grams:
            return []
        # A MatchQuery has no syntax that a customer's text could fall into.
        search = self._table.search(MatchQuery(" ".join(grams), "words"), query_type="fts")
        return _numbers(search, asked, limit, "_score")

    def by_vector(self, vector: Vectors, asked: Asked, limit: int) -> list[int]:
        """The row numbers of the nearest passages by cosine."""
        search = self._table.search(vector, vector_column_name="vector").distance_type("cosine")
        # A quarter of the partitions: the filter costs more than looking into them.
        probes = max(_PROBES, self.count // _ROWS_IN_PARTITION // 4)
        return _numbers(search.nprobes(probes), asked, limit, "_distance")

    def rows(self, numbers: Sequence[int]) -> dict[int, Row]:
        """The rows of those numbers."""
        if not numbers:
            return {}
        try:
            found = self._table.take_row_ids(list(numbers)).select([*_COLUMNS, "_rowid"]).to_arrow()
            return dict(zip(found.column("_rowid").to_pylist(), _rows(found), strict=True))
        except Exception as error:
            raise corrupt(error) from error

    def all_rows(self) -> list[Row]:
        """Everything, in the order it was written."""
        try:
            return _rows(self._table.to_arrow())
        except Exception as error:
            raise corrupt(error) from error


def _numbers(search: Any, asked: Asked, limit: int, score: str) -> list[int]:
    try:
        if condition := asked.condition():
            search = search.where(condition, prefilter=True)
        # Lance writes a warning to stderr when its score column is not asked for by name.
        found = search.select(["_rowid", score]).limit(limit).to_arrow()
    except Exception as error:
        raise corrupt(error) from error
    return [int(number) for number in found.column("_rowid").to_pylist()]


def _schema(dimension: int) -> pa.Schema:
    import pyarrow as pa

    text, number = pa.string(), pa.int32()
    fields = pa.schema(
        {
            "doc": text,
            "title": text,
            "section": text,
            "text": text,
            "ordinal": number,
            "valid_from": text,
            "valid_until": text,
            "internal": pa.bool_(),
            "tags": pa.list_(text),
            "starts": number,
            "ends": number,
            "words": text,
            "vector": pa.list_(pa.float32(), dimension),
        }
    )
    # Compressing takes twice as long as writing, and saves a fifth.
    return pa.schema([field.with_metadata({_COMPRESSION: "none"}) for field in fields])


def batch(passages: Sequence[Passage], words: Sequence[str], vectors: Vectors) -> pa.RecordBatch:
    """The rows of `passages`, with each one's grams with a space between them, and its vector."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    dimension = vectors.shape[1]
    columns = {
        "doc": [p.doc for p in passages],
        "title": [p.title for p in passages],
        "section": [p.section for p in passages],
        "text": [p.text for p in passages],
        "ordinal": [p.ordinal for p in passages],
        "valid_from": [p.valid_from for p in passages],
        "valid_until": [p.valid_until for p in passages],
        "internal": [p.internal for p in passages],
        "tags": [p.tags for p in passages],
        "starts": [_bound(p.valid_from, _EARLIEST) for p in passages],
        "ends": [_bound(p.valid_until, _LATEST) for p in passages],
        "words": words,
        "vector": pa.FixedSizeListArray.from_arrays(flat, dimension),
    }
    return pa.RecordBatch.from_pydict(columns, schema=_schema(dimension))


def _bound(day: str | None, otherwise: int) -> int:
    return as_number(day) if day else otherwise


def _rows(table: pa.Table) -> list[Row]:
    if not table.num_rows:
        return []
    vectors = table.column("vector").combine_chunks()
    values = np.asarray(vectors.flatten(), dtype=np.float32).reshape(table.num_rows, -1)
    columns = {name: table.column(name).to_pylist() for name in _COLUMNS if name != "vector"}
    words = table.column("words").to_pylist() if "words" in table.column_names else None
    return [
        Row(
            Passage(
                doc=columns["doc"][row],
                title=columns["title"][row],
                section=columns["section"][row],
                text=columns["text"][row],
                ordinal=columns["ordinal"][row],
                valid_from=columns["valid_from"][row],
                valid_until=columns["valid_until"][row],
                internal=columns["internal"][row],
                tags=tuple(columns["tags"][row] or ()),
            ),
            values[row],
            words[row] if words else "",
        )
        for row in range(table.num_rows)
    ]
