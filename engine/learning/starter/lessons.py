"""Questions asked of made-up companies, as the search measures them: what a reranker learns from.

Each trade's knowledge is imported and searched as the app does it, with an embedder and a memory
that never saw the trade; what the search measures of every sentence is one row to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.knowledge.answer_features import Features, is_english, whole
from engine.knowledge.embedding import Embedder
from engine.knowledge.index import import_documents
from engine.knowledge.memory import AnswerMemory
from engine.knowledge.reranking import best_of, plain
from engine.knowledge.search import Searcher
from engine.knowledge.wording import Wording
from engine.learning.starter.corpus import Policy, Question, Trade, draw_values, fill
from engine.learning.starter.network_recipe import Sample
from engine.records import Turn

UNANSWERED: Final = ("abstain", "attack")
"""Kinds of question that a company's knowledge does not answer."""
_NEIGHBOURS: Final = (0, 1, 3)
_SMALL: Final = (1, 1, 2, 3, 5)
_ASKED_OF_SMALL: Final = 6
_NONE_OF_SMALL: Final = 3


class Lesson(Struct, frozen=True):
    """One question asked of a company of a `trade` written in a `lot`, `small` or of its usual
    size, `english` or not: what the network learns from (`sample`), which of its sentences answer
    (`right`) and which best (`best`), the passage each stands in (`owners`) and whether that one is
    right, and how the plain sum ranks them."""

    trade: str
    lot: str
    small: bool
    kind: str
    english: bool
    sample: Sample
    right: Features
    best: Features
    owners: list[int]
    right_passages: frozenset[int]
    plain: Features


class _Company(Struct, frozen=True):
    """A `trade` with the documents of its `neighbours`, `small` or not, and its customers'
    `questions`."""

    trade: Trade
    neighbours: list[Trade]
    small: bool
    questions: list[Question]


def drawn(trade: Trade, seed: int) -> dict[str, dict[str, str]]:
    """A value for every slot, by policy."""
    random = Random(seed)
    return {policy.id: draw_values(policy, random) for policy in trade.policies.values()}


def lessons(
    trades: Sequence[Trade],
    embedder: Embedder,
    memory: AnswerMemory,
    wording: Wording,
    seed: int,
    *,
    neighbours: Sequence[Trade] = (),
) -> Iterator[Lesson]:
    """Every question of `trades` that has an answer or is known to have none, and some of them once
    more, asked of companies with a few policies only."""
    for number, trade in enumerate(trades):
        values = drawn(trade, seed)
        for company in _companies(trade, neighbours, number, seed):
            with TemporaryDirectory() as folder:
                documents = Path(folder, "documents")
                _write(company.trade, values, documents)
                for other in company.neighbours:
                    _write(other, drawn(other, seed), documents / other.name)
                import_documents(Path(folder, "knowledge"), [documents], embedder)
                searcher = Searcher.open(Path(folder, "knowledge"), embedder)
                for question in company.questions:
                    yield _lesson(company, question, values, searcher, embedder, memory, wording)
                searcher.close()


def _companies(
    trade: Trade, neighbours: Sequence[Trade], number: int, seed: int
) -> Iterator[_Company]:
    """The trade's company, and smaller ones.

    A real company knows more than one trade's policies: two companies of three also have the
    documents of one or three of the `neighbours` in their language. Another has just begun, and
    knows a few policies; what it is asked rests on these, or on nothing that any company knows.
    """
    random = Random(f"{seed} {trade.name}")
    others = [one for one in neighbours if one.name != trade.name and one.english == trade.english]
    more = min(_NEIGHBOURS[number % len(_NEIGHBOURS)], len(others))
    asked = [one for one in trade.questions if one.policies or one.kind in UNANSWERED]
    yield _Company(trade, random.sample(others, more), False, asked)
    none = [one for one in asked if one.kind in UNANSWERED]
    for size in _SMALL:
        kept = set(random.sample(sorted(trade.policies), min(size, len(trade.policies))))
        few = replace(trade, policies={name: trade.policies[name] for name in sorted(kept)})
        known = [one for one in asked if one.policies and kept.issuperset(one.policies)]
        questions = random.sample(known, min(_ASKED_OF_SMALL, len(known)))
        questions += random.sample(none, min(_NONE_OF_SMALL, len(none)))
        yield _Company(few, [], True, questions)


def _lesson(
    company: _Company,
    question: Question,
    values: dict[str, dict[str, str]],
    searcher: Searcher,
    embedder: Embedder,
    memory: AnswerMemory,
    wording: Wording,
) -> Lesson:
    trade = company.trade
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
        question.kind not in UNANSWERED,
    )
    return Lesson(
        trade=trade.name,
        lot=trade.lot,
        small=company.small,
        kind=question.kind,
        english=is_english(wish),
        sample=sample,
        right=right,
        best=best,
        owners=candidates.owners,
        right_passages=right_passages if question.policies else frozenset(),
        plain=np.array([rated[text] for text in candidates.texts], dtype=np.float32),
    )


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
