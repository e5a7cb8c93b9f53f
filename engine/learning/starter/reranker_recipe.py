"""Learns which sentence answers a question, and whether any does, from trades that are left out.

Each trade's knowledge is imported and searched as the app does it, with an embedder and a memory
that never saw the trade; what the search measures of every sentence is one row to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec import Struct

from engine.knowledge.answer_features import Features, is_english, whole
from engine.knowledge.embedding import Embedder
from engine.knowledge.grams import grams
from engine.knowledge.index import import_documents
from engine.knowledge.memory import AnswerMemory, AnswerWords, turned
from engine.knowledge.questions import searchable
from engine.knowledge.reranking import Reranker, best_of, plain
from engine.knowledge.search import Searcher
from engine.knowledge.sentences import split_sentences
from engine.knowledge.wording import Wording, telling_grams
from engine.learning.starter.corpus import Policy, Question, Trade, draw_values, fill
from engine.learning.starter.network_recipe import Sample, learn_network
from engine.learning.starter.pairs import query_of
from engine.records import Turn

FOLDS = 4
WRONGLY_REFUSED = 0.08
"""The share of plain questions that may be refused. The hard ones share fewer words with what
answers them than most customers' do, so they would make the app answer what nothing answers."""
_WORDING_PENALTY = 3.0
_FIRST = 3
_UNANSWERED = ("abstain", "attack")
_ENGLISH = "en_"
_NEIGHBOURS = (0, 1, 3)


class Lesson(Struct, frozen=True):
    """One question of a left-out trade, `english` or not: what the network learns from (`sample`),
    which of its sentences answer (`right`) and which best (`best`), the passage each stands in
    (`owners`) and whether that one is right, and how the plain sum ranks them."""

    trade: str
    kind: str
    english: bool
    sample: Sample
    right: Features
    best: Features
    owners: list[int]
    right_passages: frozenset[int]
    plain: Features


class RerankerFigures(Struct, frozen=True):
    """Of so many `trades` the shares of left-out questions, by kind with their number: the first
    sentence is right, the best one is among the first three, and a right passage is; by the plain
    sum and as learnt.

    `apart` is how well answerable and unanswerable questions are told apart (area under the ROC
    curve); `refused` are the unanswerable questions refused where `wrongly_refused` others are.
    """

    trades: int
    questions: int
    kinds: dict[str, tuple[int, tuple[float, float, float], tuple[float, float, float]]]
    apart: float
    unanswerable: int
    refused: float
    wrongly_refused: float


def remember(trades: Sequence[Trade], embedder: Embedder, seed: int) -> AnswerMemory:
    """The questions of `trades`, what answers them, and those that nothing answers, as vectors of
    `embedder`."""
    questions, answers, unanswered = [], [], []
    words: list[list[str]] = []
    sentences: list[list[str]] = []
    for trade in trades:
        values = _values(trade, Random(seed))
        everything = {slot: value for own in values.values() for slot, value in own.items()}
        none = [question for question in trade.questions if question.kind in _UNANSWERED]
        unanswered.append(embedder.queries([fill(query_of(one), everything) for one in none]))
        asked = [question for question in trade.questions if question.sentences]
        if not asked:
            continue
        said = [
            span.text
            for policy in trade.policies.values()
            for span in split_sentences(fill(policy.text, values[policy.id]))
        ]
        mean = embedder.passages(said).mean(axis=0)
        replies = [fill(one.sentences[0], everything) for one in asked]
        questions.append(embedder.queries([fill(query_of(one), everything) for one in asked]))
        answers.append(embedder.passages(replies) - mean)
        words += map(grams, replies)
        sentences += map(grams, said)
    asking, answering = np.concatenate(questions), np.concatenate(answers)
    return AnswerMemory(
        asking,
        answering,
        np.concatenate(unanswered),
        AnswerWords.of(words, sentences),
        turned(asking, answering),
    )


def learn_wording(trades: Sequence[Trade], seed: int) -> Wording:
    """How the questions of `trades` are worded that have an answer, and those that have none."""
    asked: list[list[str]] = []
    answered: list[bool] = []
    for trade in trades:
        values = _values(trade, Random(seed))
        everything = {slot: value for own in values.values() for slot, value in own.items()}
        for question in trade.questions:
            if question.policies or question.kind in _UNANSWERED:
                asked.append(grams(searchable(fill(question.turns[-1].text, everything))))
                answered.append(question.kind not in _UNANSWERED)
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    known, rarity = telling_grams(asked)
    places = {gram: place for place, gram in enumerate(known)}
    rows = [
        np.array(sorted({places[gram] for gram in found if gram in places}), dtype=np.int64)
        for found in asked
    ]
    shares = [rarity[row] / max(float(np.linalg.norm(rarity[row])), 1e-9) for row in rows]
    ends = np.cumsum([0, *map(len, rows)])
    told = csr_matrix(
        (np.concatenate(shares), np.concatenate(rows), ends), shape=(len(rows), len(known))
    )
    model = LogisticRegression(C=_WORDING_PENALTY, class_weight="balanced", max_iter=300)
    model.fit(told, answered)
    weights = model.coef_[0].astype(np.float32)
    return Wording(known, rarity, weights, float(model.intercept_[0]))


def lessons(
    trades: Sequence[Trade],
    embedder: Embedder,
    memory: AnswerMemory,
    wording: Wording,
    seed: int,
    *,
    neighbours: Sequence[Trade] = (),
) -> Iterator[Lesson]:
    """Every question of `trades` that has an answer or is known to have none.

    A real company knows more than one trade's policies: two companies of three also have the
    documents of one or three of the `neighbours` in its language.
    """
    for number, trade in enumerate(trades):
        values = _values(trade, Random(seed))
        with TemporaryDirectory() as folder:
            documents = Path(folder, "documents")
            _write(trade, values, documents)
            others = [
                one
                for one in neighbours
                if one.name != trade.name
                and one.name.startswith(_ENGLISH) == trade.name.startswith(_ENGLISH)
            ]
            more = _NEIGHBOURS[number % len(_NEIGHBOURS)]
            for other in Random(f"{seed} {trade.name}").sample(others, min(more, len(others))):
                _write(other, _values(other, Random(seed)), documents / other.name)
            import_documents(Path(folder, "knowledge"), [documents], embedder)
            searcher = Searcher.open(Path(folder, "knowledge"), embedder)
            for question in trade.questions:
                if question.policies or question.kind in _UNANSWERED:
                    yield _lesson(trade, question, values, searcher, embedder, memory, wording)
            searcher.close()


def learn(
    taught: Sequence[Lesson], memory: AnswerMemory, wording: Wording
) -> tuple[Reranker, RerankerFigures]:
    """The reranker, and what it does on trades that it has not seen."""
    at = _folds(taught)
    chances: list[Features] = [np.zeros(0, dtype=np.float32)] * len(taught)
    sure = np.zeros(len(taught))
    for fold in range(FOLDS):
        network = learn_network(
            [one.sample for one, its in zip(taught, at, strict=True) if its != fold]
        )
        for place, (one, its) in enumerate(zip(taught, at, strict=True)):
            if its == fold:
                seen = network.chances(one.sample.features, one.sample.whole)
                chances[place], sure[place] = seen
    answerable = np.array([one.kind not in _UNANSWERED for one in taught])
    easy = np.array([one.kind == "plain" for one in taught])
    english = np.array([one.english for one in taught])
    # A language that is learnt from less is rated lower, and must not be refused more for it.
    least, least_english = (
        float(np.quantile(sure[easy & group], WRONGLY_REFUSED)) if (easy & group).any() else 0.0
        for group in (~english, english)
    )
    refused = sure < np.where(english, least_english, least)
    network = learn_network([one.sample for one in taught])
    reranker = Reranker(network, least, least_english, memory, wording)
    return reranker, _figures(taught, chances, sure, answerable, refused)


def _lesson(
    trade: Trade,
    question: Question,
    values: dict[str, dict[str, str]],
    searcher: Searcher,
    embedder: Embedder,
    memory: AnswerMemory,
    wording: Wording,
) -> Lesson:
    own = {slot: value for name in question.policies for slot, value in values[name].items()}
    turns = [Turn(turn.role, fill(turn.text, own)) for turn in question.turns]
    wish, found, candidates = searcher.measured(
        turns[-1].text, as_of=None, turns=turns, memory=memory
    )
    gold = [fill(sentence, own).strip() for sentence in question.sentences]
    policies = [fill(trade.policies[name].text, own) for name in question.policies]
    right_passages = frozenset(
        place
        for place, item in enumerate(found)
        if any(item.passage.text in text or text in item.passage.text for text in policies)
    )
    rated = best_of(candidates.texts, plain(candidates, embedder.vector_weight))
    right = np.array([text in gold for text in candidates.texts], dtype=np.float32)
    best = np.array([text in gold[:1] for text in candidates.texts], dtype=np.float32)
    # What answers best counts twice what else answers.
    wanted = right + best
    sample = Sample(
        candidates.features,
        whole(wish, found, candidates, memory.recall(wish.vector, wish.newest), wording),
        wanted / max(1.0, float(wanted.sum())),
        question.kind not in _UNANSWERED,
    )
    return Lesson(
        trade=trade.name,
        kind=question.kind,
        english=is_english(wish),
        sample=sample,
        right=right,
        best=best,
        owners=candidates.owners,
        right_passages=right_passages if question.policies else frozenset(),
        plain=np.array([rated[text] for text in candidates.texts], dtype=np.float32),
    )


def _folds(taught: Sequence[Lesson]) -> list[int]:
    names = sorted({one.trade for one in taught})
    Random(5).shuffle(names)
    return [names.index(one.trade) % FOLDS for one in taught]


def _figures(
    taught: Sequence[Lesson],
    chances: Sequence[Features],
    sure: Any,
    answerable: Any,
    refused: Any,
) -> RerankerFigures:
    asked = [place for place, one in enumerate(taught) if one.kind not in _UNANSWERED]
    kinds = {}
    for kind in ("all", *sorted({taught[place].kind for place in asked})):
        some = [place for place in asked if kind in ("all", taught[place].kind)]
        plain = [_hits(taught[place], taught[place].plain) for place in some]
        learnt = [_hits(taught[place], chances[place]) for place in some]
        kinds[kind] = (len(some), _means(plain), _means(learnt))
    none = np.array([one.kind in _UNANSWERED for one in taught])
    apart = np.mean(sure[answerable][:, None] > sure[none][None, :]) if none.any() else 0.0
    return RerankerFigures(
        trades=len({one.trade for one in taught}),
        questions=len(asked),
        kinds=kinds,
        apart=round(float(apart), 4),
        unanswerable=int(none.sum()),
        refused=round(float(refused[none].mean()), 4) if none.any() else 0.0,
        wrongly_refused=round(float(refused[answerable].mean()), 4),
    )


def _hits(one: Lesson, rating: Features) -> tuple[float, float, float]:
    if not len(rating):
        return 0.0, 0.0, 0.0
    order = np.argsort(-rating, kind="stable")
    passages = list(dict.fromkeys(one.owners[place] for place in order))[:_FIRST]
    return (
        float(one.right[order[0]]),
        float(one.best[order[:_FIRST]].max()),
        float(bool(one.right_passages.intersection(passages))),
    )


def _means(hits: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    first, among, passage = (round(float(np.mean(column)), 4) for column in zip(*hits, strict=True))
    return first, among, passage


def _values(trade: Trade, random: Random) -> dict[str, dict[str, str]]:
    return {policy.id: draw_values(policy, random) for policy in trade.policies.values()}


def _write(trade: Trade, values: dict[str, dict[str, str]], folder: Path) -> None:
    """The trade's policies as the documents of a company."""
    folder.mkdir(parents=True)
    documents: dict[str, list[Policy]] = {}
    for policy in trade.policies.values():
        documents.setdefault(policy.doc, []).append(policy)
    for number, policies in enumerate(documents.values()):
        sections = "\n\n".join(
            f"## {policy.section}\n{fill(policy.text, values[policy.id])}" for policy in policies
        )
        text = f"---\ntitle: {policies[0].title}\n---\n{sections}\n"
        (folder / f"{number:02}.md").write_text(text, encoding="utf-8")
