"""Searching: vectors and full text, fused by rank, within the dates and the access asked for."""

from __future__ import annotations

import re
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
from engine.knowledge.answer_cues import WISHES, cues_in
from engine.knowledge.answer_features import Candidates, Wish, measure
from engine.knowledge.catalogue import LAYOUT, Current, DocumentRow, Layout
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import Weights, clean, grams, with_pairs
from engine.knowledge.memory import AnswerMemory
from engine.knowledge.queries import standalone_query
from engine.knowledge.reranking import RERANKED, judge
from engine.knowledge.seal import verify
from engine.knowledge.synonyms import CurrentSynonyms, Synonyms
from engine.knowledge.table import Asked, PassageTable, Row, searched_text
from engine.knowledge.vectors import Vectors
from engine.records import Found, Turn

MAX_QUERY = 512
_CANDIDATES = 50
# More of a long question's grams find no better passages, only later.
_GRAMS = 64
_SIDE_BY_SIDE = 4
# A conversation keeps to its subject more often than its newest turn names it: what the whole of it
# finds weighs this much beside what the question alone finds. So many turns are looked at.
_TALK = 1.5
_TURNS = 8
_MARKUP = re.compile(r"<[|/]?[a-zA-Z][^<>]{0,60}>")
# How slowly later ranks lose weight in reciprocal rank fusion. The customary 60 lets a passage
# that is tenth in both rankings pass one that is first in one: too much for a weak embedder.
_SMOOTHING = 10


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


class _Asking(Struct, frozen=True):
    """A text as it is searched: its `forms` in grams (as it stands, and as the policies would put
    it where that differs), and its vector."""

    forms: list[list[str]]
    vector: Vectors


class _Question(Struct, frozen=True):
    """A question: its `text` as it is searched, that and the whole `talk` as they are searched,
    and how sentences are compared with it."""

    text: str
    asking: _Asking
    talk: _Asking
    wish: Wish


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
        self._documents: list[DocumentRow] = []
        if current is None:
            return
        version = Layout(folder).version(current.version)
        verify(version, current.seal)
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

    @property
    def version(self) -> str:
        """The version in use, "" when there is none."""
        return str(self.current.version) if self.current else ""

    @property
    def passage_count(self) -> int:
        """How many passages there are, expired and internal ones included."""
        return self.current.passages if self.current else 0

    @property
    def weights(self) -> Weights:
        """What this knowledge finds remarkable."""
        return self._weights

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
        asked = [Asked(day, include_internal)]
        if any(_outside(document, day) for document in self._documents):
            asked.append(Asked(day, include_internal, valid=False))
        found, *others = self._fused(question, asked, max(k, RERANKED))
        expired: list[Found] = []
        for outside in others:
            floor = min((self._nearness(one) for one in found[:k]), default=0.0)
            expired = [one for one in outside[:k] if self._nearness(one) >= max(floor, 0.05)]
        judged = judge(question.wish, found, self._weights, self._embedder)
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
            [found] = self._fused(question, [Asked(_day(as_of))], RERANKED)
        candidates = measure(question.wish, found, self._weights, self._embedder, memory)
        return question.wish, found, candidates

    def _question(self, query: str, turns: Sequence[Turn]) -> _Question:
        newest = searchable(query)
        text = searchable(_completed(query, turns))
        talk = _said(turns, ("customer", "agent"), text)
        # What an agent has said tells the subject, but not which sentence to say next.
        told = _said(turns, ("customer",), text)
        asked = list(dict.fromkeys((text, talk, told, newest)))
        vectors = dict(zip(asked, self._embedder.queries(asked), strict=True))
        forms = {one: self._forms(one) for one in dict.fromkeys((text, talk, told))}
        wish = Wish(
            forms=forms[text],
            vector=vectors[text],
            newest=vectors[newest],
            told_forms=forms[told],
            told=vectors[told],
            talk=vectors[talk],
            asks=cues_in(newest, WISHES),
        )
        return _Question(
            text, _Asking(forms[text], vectors[text]), _Asking(forms[talk], vectors[talk]), wish
        )

    def _forms(self, query: str) -> list[list[str]]:
        """`query` in grams, and as the policies would put it where that differs."""
        put = self._synonyms().in_policy_words(query, self._weights.says)
        return [grams(query)] if put == query else [grams(query), grams(put)]

    def _nearness(self, found: Found) -> float:
        share = self._embedder.vector_weight
        return (1 - share) * found.coverage + share * max(0.0, found.cosine)

    def _fused(self, question: _Question, asked: Sequence[Asked], k: int) -> list[list[Found]]:
        """The `k` best for each of `asked`; what Lance has to do for them it does side by side."""
        table, _ = self._opened()
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
        rows = table.rows([number for ranking in best for number, _ in ranking])
        return [
            [
                self._found(rank, rows[number], score, asking)
                for rank, (number, score) in enumerate(ranking, start=1)
            ]
            for ranking in best
        ]

    def _begun(
        self, reading: _Asking, weight: float, asked: Asked, limit: int
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

    def _found(self, rank: int, row: Row, score: float, asking: _Asking) -> Found:
        cosine = float(np.dot(np.asarray(row.vector, dtype=np.float32), asking.vector))
        said = grams(searched_text(row.passage))
        coverage = max(self._weights.coverage(words, said) for words in asking.forms)
        return Found(
            rank=rank,
            passage=row.passage,
            score=round(score, 6),
            cosine=round(min(1.0, max(-1.0, cosine)), 6),
            coverage=round(coverage, 6),
        )

    def _opened(self) -> tuple[PassageTable, ThreadPoolExecutor]:
        if self._table is None or self._threads is None:
            raise KnowledgeError("The knowledge was closed.", "knowledge_empty")
        return self._table, self._threads


def _completed(query: str, turns: Sequence[Turn]) -> str:
    """`query` with what it refers back to in the conversation `turns`, which it may end."""
    if not turns:
        return query
    newest = turns[-1].role == "customer" and turns[-1].text.strip() == query.strip()
    return standalone_query([*turns] if newest else [*turns, Turn("customer", query)])


def _said(turns: Sequence[Turn], roles: Sequence[str], query: str) -> str:
    """What `roles` said in the newest turns, as one text; `query` where that is nothing."""
    said = " ".join(turn.text for turn in turns[-_TURNS:] if turn.role in roles)
    return searchable(said[-MAX_QUERY:]) or query


def searchable(query: str) -> str:
    """`query` as it is searched: no control characters, no markup, the middle of a long one cut."""
    text = _MARKUP.sub(" ", clean(query[: 64 * MAX_QUERY]))
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) > MAX_QUERY:
        # What is wanted mostly stands at the beginning or at the end.
        half = MAX_QUERY // 2
        text = f"{text[:half]} {text[-half:]}"
    return text


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
