"""Searching: vectors and full text, fused by rank, within the dates and the access asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from engine.errors import EmbedderMismatch, InputError, KnowledgeError
from engine.knowledge import catalogue
from engine.knowledge.catalogue import LAYOUT, Current, DocumentRow, Layout
from engine.knowledge.embedding import Embedder, Vectors
from engine.knowledge.grams import Weights, clean, grams
from engine.knowledge.queries import standalone_query
from engine.knowledge.table import Asked, PassageTable, Row, searched_text
from engine.records import Found, Passage, Turn

MAX_QUERY = 512
_CANDIDATES = 50
_MARKUP = re.compile(r"<[|/]?[a-zA-Z][^<>]{0,60}>")
# How slowly later ranks lose weight in reciprocal rank fusion. The customary 60 lets a passage
# that is tenth in both rankings pass one that is first in one: too much for a weak embedder.
_SMOOTHING = 10


class SearchResult(Struct, frozen=True):
    """What a search found. `query` is what was searched, `ms` how long it took in milliseconds.

    `expired`: passages that would stand among the best, were they valid on the day asked for.
    """

    query: str
    found: tuple[Found, ...] = ()
    expired: tuple[Found, ...] = ()
    ms: float = 0.0


class Searcher:
    """One version of the knowledge, open for searching. Make it with `Searcher.open`."""

    def __init__(self, folder: Path, embedder: Embedder, current: Current | None) -> None:
        self.current = current
        self._folder = folder
        self._embedder = embedder
        self._table: PassageTable | None = None
        self._weights = Weights(0, {})
        self._documents: list[DocumentRow] = []
        if current is None:
            return
        version = Layout(folder).version(current.version)
        self._documents = catalogue.read_catalogue(version)
        try:
            self._weights = msgspec.json.decode(
                (version / "weights.json").read_bytes(), type=Weights
            )
        except (OSError, msgspec.DecodeError) as error:
            raise catalogue.corrupt(error) from error
        if current.passages:
            self._table = PassageTable(version)
            if self._table.count != current.passages:
                raise catalogue.corrupt(LookupError(f"{self._table.count} of {current.passages}"))

    @classmethod
    def open(cls, folder: Path, embedder: Embedder) -> Searcher:
        """Open the version in use; empty when nothing was imported yet.

        Raises `EmbedderMismatch` when it was indexed with another embedder, `KnowledgeError`
        when it cannot be read.
        """
        current = catalogue.current(folder)
        if current is not None:
            if current.documents and current.embedder_digest != embedder.digest:
                raise EmbedderMismatch(
                    f"The knowledge was indexed with the embedder {current.embedder}, and "
                    f"{embedder.name} is in use now. Nothing is lost: import any document again "
                    "(zuoxi kb import) and everything is indexed anew.",
                    stored=current.embedder,
                    given=embedder.name,
                )
            if current.layout != LAYOUT:
                raise KnowledgeError(
                    "The knowledge was indexed by another version of the program. Nothing is "
                    "lost: import any document again (zuoxi kb import).",
                    "knowledge_layout",
                )
        return cls(folder, embedder, current)

    @property
    def version(self) -> str:
        """The version in use, "" when there is none."""
        return str(self.current.version) if self.current else ""

    @property
    def passage_count(self) -> int:
        """How many passages there are, expired and internal ones included."""
        return self.current.passages if self.current else 0

    @property
    def answerable(self) -> float:
        """From which coverage + cosine on a passage is likely to answer a question."""
        return self._embedder.answerable

    def close(self) -> None:
        """Let go of the table."""
        self._table = None

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        as_of: str | None = None,
        include_internal: bool = False,
        turns: Sequence[Turn] = (),
    ) -> SearchResult:
        """The `k` best passages for `query` that are valid on `as_of` (ISO date; today).

        With `turns`, the conversation so far, a query that refers back is completed from it.
        Raises `InputError` on an impossible date and `KnowledgeError` on a damaged index.
        """
        began = time.perf_counter()
        day = _day(as_of)
        if turns:
            newest = turns[-1].role == "customer" and turns[-1].text.strip() == query.strip()
            query = standalone_query([*turns] if newest else [*turns, Turn("customer", query)])
        query = searchable(query)
        words = grams(query)
        if self._table is None or not words or k < 1:
            return SearchResult(query, ms=_since(began))
        vector = self._embedder.queries([query])[0]
        found = self._fused(query, words, vector, Asked(day, include_internal), k)
        expired: list[Found] = []
        if any(_outside(document, day) for document in self._documents):
            outside = self._fused(
                query, words, vector, Asked(day, include_internal, valid=False), k
            )
            floor = min((self._relevance(one) for one in found[:k]), default=0.0)
            expired = [one for one in outside if self._relevance(one) >= max(floor, 0.05)]
        return SearchResult(query, tuple(found), tuple(expired), _since(began))

    def score_sentences(self, query: str, sentences: Sequence[str]) -> list[float]:
        """How much (0…1) each sentence has to do with `query`: shared weight and cosine."""
        query = searchable(query)
        if not sentences:
            return []
        words = grams(query)
        vectors = self._embedder.passages([clean(sentence) for sentence in sentences])
        cosines = vectors @ self._embedder.queries([query])[0]
        share = self._embedder.vector_weight
        scores = []
        for sentence, cosine in zip(sentences, cosines, strict=True):
            likeness = self._weights.likeness(words, grams(sentence))
            scores.append((1 - share) * likeness + share * min(1.0, max(0.0, float(cosine))))
        return scores

    def _relevance(self, found: Found) -> float:
        share = self._embedder.vector_weight
        return (1 - share) * found.coverage + share * max(0.0, found.cosine)

    def _fused(
        self, query: str, words: list[str], vector: Vectors, asked: Asked, k: int
    ) -> list[Found]:
        table = self._opened()
        limit = max(_CANDIDATES, k)
        share = self._embedder.vector_weight
        rows: dict[tuple[str, int], Row] = {}
        scores: dict[tuple[str, int], float] = {}
        for weight, ranking in (
            (1 - share, table.by_words(query, asked, limit)),
            (share, table.by_vector(vector, asked, limit) if share else []),
        ):
            for place, row in enumerate(ranking):
                key = (row.passage.doc, row.passage.ordinal)
                rows.setdefault(key, row)
                # Scaled so that the first of both rankings has 1.
                gain = weight * (_SMOOTHING + 1) / (_SMOOTHING + 1 + place)
                scores[key] = scores.get(key, 0.0) + gain
        best = sorted(scores, key=lambda key: (-scores[key], key))[:k]
        return [
            self._found(rank, rows[key], scores[key], words, vector)
            for rank, key in enumerate(best, start=1)
        ]

    def _found(self, rank: int, row: Row, score: float, words: list[str], vector: Vectors) -> Found:
        cosine = float(np.dot(np.asarray(row.vector, dtype=np.float32), vector))
        return Found(
            rank=rank,
            passage=row.passage,
            score=round(score, 6),
            cosine=round(min(1.0, max(-1.0, cosine)), 6),
            coverage=round(self._weights.coverage(words, _grams_of(row.passage)), 6),
        )

    def _opened(self) -> PassageTable:
        if self._table is None:
            raise KnowledgeError("The knowledge was closed.", "knowledge_empty")
        return self._table


def searchable(query: str) -> str:
    """`query` as it is searched: no control characters, no markup, the middle of a long one cut."""
    text = _MARKUP.sub(" ", clean(query[: 64 * MAX_QUERY]))
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) > MAX_QUERY:
        # What is wanted mostly stands at the beginning or at the end.
        half = MAX_QUERY // 2
        text = f"{text[:half]} {text[-half:]}"
    return text


def _grams_of(passage: Passage) -> list[str]:
    return grams(searched_text(passage))


def _day(as_of: str | None) -> str:
    if as_of is None:
        return date.today().isoformat()
    try:
        return date.fromisoformat(as_of).isoformat()
    except (ValueError, TypeError):
        raise InputError(
            f"{as_of!r} is no date; write it like 2026-11-22.",
            "knowledge_date",
            given=str(as_of)[:40],
        ) from None


def _outside(document: DocumentRow, day: str) -> bool:
    return bool(
        (document.valid_from and document.valid_from > day)
        or (document.valid_until and document.valid_until < day)
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
