"""Searching: vectors and full text, fused by rank, within the dates and the access asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from engine.errors import EmbedderMismatch, InputError, KnowledgeError
from engine.knowledge import catalogue
from engine.knowledge.answer_features import Candidates, Wish, measure
from engine.knowledge.catalogue import LAYOUT, Current, Layout, Reach
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import Weights, grams, with_pairs
from engine.knowledge.memory import AnswerMemory
from engine.knowledge.questions import Asking, Question, read_question
from engine.knowledge.recent import Recent
from engine.knowledge.reranking import RERANKED, judge
from engine.knowledge.seal import verify
from engine.knowledge.sentence_reader import SentenceReader
from engine.knowledge.synonyms import CurrentSynonyms, Synonyms
from engine.knowledge.table import Asked, PassageTable, Row, searched_text
from engine.knowledge.vectors import Vectors
from engine.knowledge.weighing import Weighed
from engine.records import Found, Turn

_CANDIDATES = 50
# More of a long question's grams find no better passages, only later.
_GRAMS = 64
_SIDE_BY_SIDE = 4
# A conversation keeps to its subject more often than its newest turn names it: what the whole of it
# finds weighs this much beside what the question alone finds.
_TALK = 1.5
# How slowly later ranks lose weight in reciprocal rank fusion. The customary 60 lets a passage
# that is tenth in both rankings pass one that is first in one: too much for a weak embedder.
_SMOOTHING = 10
# The passages that a few conversations come back to.
_KEPT = 256


class SearchResult(Struct, frozen=True):
    """What a search found. `query` is what was searched, `ms` how long it took in milliseconds.

    `expired`: passages that would stand among the best, were they valid on the day asked for.
    `relevance` is that of each sentence of the first passages (0…1), `answered` whether they are
    likely to answer the question at all.
    """

    query: str
    found: tuple[Found, ...] = ()
    expired: tuple[Found, ...] = ()
    relevance: dict[str, float] = {}
    answered: bool = False
    ms: float = 0.0


class _Read(Struct, frozen=True):
    """A row of the table, and what its passage says by its grams."""

    row: Row
    said: Weighed


class Searcher:
    """One version of the knowledge, open for searching. Make it with `Searcher.open`."""

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        current: Current | None,
        synonyms: Callable[[], Synonyms],
    ) -> None:
        self.current = current
        self._synonyms = synonyms
        self._folder = folder
        self._embedder = embedder
        self._table: PassageTable | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._weights = Weights(0, {})
        self._reader = SentenceReader(embedder, self._weights)
        self._recent: Recent[int, _Read] = Recent(_KEPT)
        self._reach = Reach()
        if current is None:
            return
        version = Layout(folder).version(current.version)
        verify(version, current.seal)
        self._reach = Reach.of(catalogue.read_catalogue(version))
        try:
            self._weights = msgspec.json.decode(
                (version / "weights.json").read_bytes(), type=Weights
            )
        except (OSError, msgspec.DecodeError) as error:
            raise catalogue.corrupt(error) from error
        self._reader = SentenceReader(embedder, self._weights)
        if current.passages:
            self._table = PassageTable(version)
            if self._table.count != current.passages:
                raise catalogue.corrupt(LookupError(f"{self._table.count} of {current.passages}"))
            self._threads = ThreadPoolExecutor(_SIDE_BY_SIDE, "knowledge")
            self.warm()

    @classmethod
    def open(
        cls, folder: Path, embedder: Embedder, *, synonyms: Synonyms | None = None
    ) -> Searcher:
        """Open the version in use; empty when nothing was imported yet.

        `synonyms`: everyday wordings, for which what the policies call them is searched as well;
        those that ship and the folder's own as they are at each search, unless others are given.

        Raises `EmbedderMismatch` when it was indexed with another embedder, `KnowledgeError`
        when it cannot be read.
        """
        current = catalogue.current(folder)
        if current is not None:
            if current.documents and current.embedder_digest != embedder.digest:
                raise EmbedderMismatch(
                    f"The knowledge was indexed with the embedder {current.embedder}, and "
                    f"{embedder.name} is in use now. The documents are kept, and the index is made "
                    "anew from them: the window does so by itself, or run zuoxi kb rebuild.",
                    stored=current.embedder,
                    given=embedder.name,
                )
            if current.layout != LAYOUT:
                raise KnowledgeError(
                    "The knowledge was indexed by another version of the program. The documents "
                    "are kept, and the index is made anew from them: the window does so by itself, "
                    "or run zuoxi kb rebuild.",
                    "knowledge_layout",
                )
        given = CurrentSynonyms(folder) if synonyms is None else lambda: synonyms
        return cls(folder, embedder, current, given)

    def warm(self) -> None:
        """Search once for what is frequent, so that the first question finds the index read."""
        if self._weights.frequency:
            common = max(self._weights.frequency, key=self._weights.frequency.__getitem__)
            self.search(common, k=1)
        if self._embedder.reranker is not None:
            # Of these, hundreds are looked for in what each search finds.
            self._reader.scale.weigh(self._embedder.reranker.memory.words.grams)

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
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

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

        With `turns`, the conversation so far, a query that refers back is completed from it, and
        what the conversation as a whole is about has its say.
        Raises `InputError` on an impossible date and `KnowledgeError` on a damaged index.
        """
        began = time.perf_counter()
        day = _day(as_of)
        question = self._question(query, turns)
        if self._table is None or not question.asking.forms[0] or k < 1:
            return SearchResult(question.text, ms=_since(began))
        asked = [self._valid(day, internal=include_internal)]
        if self._reach.leaves_out(day):
            asked.append(Asked(day, include_internal, valid=False))
        found, *others = self._fused(question, asked, max(k, RERANKED))
        expired: list[Found] = []
        for outside in others:
            floor = min((self._nearness(one) for one in found[:k]), default=0.0)
            expired = [one for one in outside[:k] if self._nearness(one) >= max(floor, 0.05)]
        judged = judge(question.wish, found, self._reader, self._embedder)
        return SearchResult(
            question.text,
            tuple(judged.found[:k]),
            tuple(expired),
            judged.relevance,
            judged.answered,
            _since(began),
        )

    def measured(
        self, query: str, *, as_of: str | None, turns: Sequence[Turn], memory: AnswerMemory | None
    ) -> tuple[Wish, list[Found], Candidates]:
        """What a search for `query` would judge: the question, its passages, their sentences
        measured with `memory`. Rerankers are learnt from it."""
        question = self._question(query, turns)
        found: list[Found] = []
        if self._table is not None and question.asking.forms[0]:
            [found] = self._fused(question, [self._valid(_day(as_of), internal=False)], RERANKED)
        wish = question.wish
        recalled = memory.recall(wish.vector, wish.newest) if memory is not None else None
        return wish, found, measure(wish, found, self._reader, recalled)

    def _valid(self, day: str, *, internal: bool) -> Asked:
        """What a search on `day` may return, without a filter where nothing is left out."""
        every = not self._reach.leaves_out(day) and (internal or not self._reach.internal)
        return Asked(day, internal, every=every)

    def _question(self, query: str, turns: Sequence[Turn]) -> Question:
        def in_policy_words(text: str) -> str:
            return self._synonyms().in_policy_words(text, self._weights.says)

        return read_question(query, turns, self._embedder, in_policy_words)

    def _nearness(self, found: Found) -> float:
        share = self._embedder.vector_weight
        return (1 - share) * found.coverage + share * max(0.0, found.cosine)

    def _fused(self, question: Question, asked: Sequence[Asked], k: int) -> list[list[Found]]:
        """The `k` best for each of `asked`; what Lance has to do for them it does side by side."""
        asking = question.asking
        readings = [(asking, 1.0)]
        if question.talk.forms != asking.forms:
            readings.append((question.talk, _TALK))
        whole = sum(weight for _, weight in readings)
        begun = [
            [
                ranking
                for reading, weight in readings
                for ranking in self._begun(reading, weight / whole, one, max(_CANDIDATES, k))
            ]
            for one in asked
        ]
        best: list[list[tuple[int, float]]] = []
        for rankings in begun:
            scores: dict[int, float] = {}
            for weight, ranking in rankings:
                for place, number in enumerate(ranking.result()):
                    # Scaled so that the first of all rankings has 1.
                    gain = weight * (_SMOOTHING + 1) / (_SMOOTHING + 1 + place)
                    scores[number] = scores.get(number, 0.0) + gain
            best.append(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k])
        read = self._read([number for ranking in best for number, _ in ranking])
        forms = [self._reader.scale.weigh(form) for form in asking.forms]
        return [
            [
                self._found(rank, read[number], score, asking.vector, forms)
                for rank, (number, score) in enumerate(ranking, start=1)
            ]
            for ranking in best
        ]

    def _begun(
        self, reading: Asking, weight: float, asked: Asked, limit: int
    ) -> list[tuple[float, Future[list[int]]]]:
        """The rankings by words and by vector that a reading of the question asks for."""
        table, threads = self._opened()
        share = self._embedder.vector_weight
        every = dict.fromkeys(gram for form in reading.forms for gram in form)
        telling = self._weights.telling(with_pairs(list(every)), _GRAMS)
        begun = [((1 - share) * weight, threads.submit(table.by_words, telling, asked, limit))]
        if share:
            ranking = threads.submit(table.by_vector, reading.vector, asked, limit)
            begun.append((share * weight, ranking))
        return begun

    def _read(self, numbers: Sequence[int]) -> dict[int, _Read]:
        """The rows of those numbers, read unless they were lately."""
        table, _ = self._opened()
        read = {number: kept for number in numbers if (kept := self._recent.get(number))}
        new = table.rows([number for number in numbers if number not in read])
        for number, row in new.items():
            said = self._reader.scale.weigh(grams(searched_text(row.passage)))
            read[number] = _Read(row, said)
            self._recent.keep(number, read[number])
        return read

    def _found(
        self, rank: int, read: _Read, score: float, vector: Vectors, forms: Sequence[Weighed]
    ) -> Found:
        cosine = float(np.dot(np.asarray(read.row.vector, dtype=np.float32), vector))
        return Found(
            rank=rank,
            passage=read.row.passage,
            score=round(score, 6),
            cosine=round(min(1.0, max(-1.0, cosine)), 6),
            coverage=round(self._reader.scale.coverage(forms, read.said), 6),
        )

    def _opened(self) -> tuple[PassageTable, ThreadPoolExecutor]:
        if self._table is None or self._threads is None:
            raise KnowledgeError("The knowledge was closed.", "knowledge_empty")
        return self._table, self._threads


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


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
